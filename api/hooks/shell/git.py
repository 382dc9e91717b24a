"""What a `git` command would do to the work of others.

Each subcommand that can lose uncommitted work, move the branch under everybody, rewrite history or take other agents'
files into a commit has a reader here; git's own documentation of version 2.50 says what its options do. A subcommand
that has none changes nothing of that.
"""

import posixpath
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from api.hooks.shell.deeds import Deed, Kind, Surroundings, Unclear
from api.hooks.shell.words import Word

Run = Callable[[str], Iterator[Deed | Unclear]]

_GLOBAL_WITH_VALUE: Final = frozenset(
    {
        "-C",
        "-c",
        "--git-dir",
        "--work-tree",
        "--namespace",
        "--exec-path",
        "--super-prefix",
        "--config-env",
        "--attr-source",
    }
)


def git_deeds(words: Sequence[Word], folder: str, around: Surroundings, run: Run) -> Iterator[Deed | Unclear]:
    """What `git` with these arguments would do.

    Args:
        words: the words after `git`.
        folder: where it runs.
        around: git's aliases and the files.
        run: reads the script of an alias that begins with `!`.
    """
    rest, aliases = list(words), {}
    while rest and (text := rest[0].text or rest[0].raw).startswith("-"):
        rest.pop(0)
        name, equals, value = text.partition("=")
        if name in _GLOBAL_WITH_VALUE and not equals and rest:
            value = rest.pop(0).text or "?"
        if name in {"-C", "--work-tree"}:
            folder = posixpath.normpath(posixpath.join(folder, value))
        elif name == "-c" and value.lower().startswith("alias."):
            alias, _, spelled = value[6:].partition("=")
            aliases[alias] = spelled
    if not rest:
        return
    verb = rest[0].text
    if verb is None:
        yield Unclear(f"git {rest[0].raw}", "the subcommand is known to the shell alone")
        return
    arguments = rest[1:]
    if any(word.text == "--help" for word in arguments):
        return
    reader = _READERS.get(verb)
    if reader is not None:
        yield from reader(_Call(verb, arguments, folder, around))
        return
    alias_text = aliases.get(verb) or around.find_alias(folder, verb)
    if alias_text is None:
        return
    tail = " ".join(word.raw for word in arguments)
    if alias_text.startswith("!"):
        yield from run(f"{alias_text[1:]} {tail}")
    else:
        yield from run(f"git -C '{folder}' {alias_text} {tail}" if folder != "." else f"git {alias_text} {tail}")


class _Call:
    """One subcommand with its arguments, cut into options and operands."""

    def __init__(self, verb: str, words: Sequence[Word], folder: str, around: Surroundings) -> None:
        self.name = f"git {verb}"
        self.folder = folder
        self.around = around
        self.options: list[str] = []
        self.operands: list[str] = []
        self.paths: tuple[str, ...] | None = None
        """What stands after `--`; None without one."""
        self.unknown = any(word.text is None for word in words)
        self.words = texts = [word.text if word.text is not None else word.raw for word in words]
        for index, text in enumerate(texts):
            if text == "--":
                self.paths = tuple(texts[index + 1 :])
                break
            (self.options if text.startswith("-") and text != "-" else self.operands).append(text)

    def has(self, *names: str) -> bool:
        """Whether one of these options is given; a letter also in a bundle (`-fd`), a long one also with a value."""
        for option in self.options:
            long = option.partition("=")[0]
            if long in names:
                return True
            if not option.startswith("--") and any(len(name) == 2 and name[1] in option[1:] for name in names):  # noqa: PLR2004
                return True
        return False

    def without_values(self, *names: str) -> list[str]:
        """The operands, without the values of these options."""
        values = {self.words[place + 1] for place, text in enumerate(self.words[:-1]) if text in names}
        return [operand for operand in self.operands if operand not in values]

    def deed(self, kind: Kind, paths: tuple[str, ...] | None = None, said: str = "", *, staged: bool = False) -> Deed:
        """A deed of this call; one that throws away what only the shell can name may throw away everything."""
        if kind == "discard" and self.unknown:
            paths = None
        return Deed(f"{self.name} {said}".strip(), kind, self.folder, paths, staged)


def _stash(call: _Call) -> Iterator[Deed | Unclear]:
    action = call.operands[0] if call.operands else "push"
    if action in {"list", "show", "apply", "create", "store"}:
        return
    if action in {"drop", "clear", "pop"}:
        yield call.deed("discard", None, action)
    elif action == "branch":
        yield call.deed("switch", None, action)
    else:
        named = call.without_values("-m", "--message", "--pathspec-from-file")
        paths = call.paths or (tuple(named[1:]) if action == "push" else ())
        yield call.deed("discard", paths or None)


def _reset(call: _Call) -> Iterator[Deed | Unclear]:
    if call.unknown and not call.has("--soft", "--mixed"):
        yield Unclear(call.name, "its arguments are known to the shell alone")
    for mode in ("--hard", "--merge", "--keep"):
        if call.has(mode):
            yield call.deed("discard", None, mode)


def _checkout(call: _Call) -> Iterator[Deed | Unclear]:
    if call.unknown and not call.paths:
        yield Unclear(call.name, "its arguments are known to the shell alone")
    elif call.paths is not None:
        yield call.deed("discard", call.paths or None)
    elif call.has("-b", "-B", "--orphan"):
        if len(call.operands) > 1 or call.has("-B", "--orphan", "-f", "--force"):
            yield call.deed("switch")
    elif call.has("-f", "--force", "--ours", "--theirs", "-m", "--merge", "--pathspec-from-file"):
        yield call.deed("discard")
    else:
        files = tuple(text for text in call.operands if call.around.exists(call.folder, text))
        if files:
            yield call.deed("discard", files)
        elif len(call.operands) > 1:
            yield call.deed("discard", tuple(call.operands[1:]))
        elif call.operands or call.has("--detach", "-d"):
            yield call.deed("switch")
        elif call.has("-p", "--patch"):
            yield call.deed("discard")


def _restore(call: _Call) -> Iterator[Deed | Unclear]:
    if call.has("-S", "--staged") and not call.has("-W", "--worktree"):
        return
    if call.unknown:
        yield Unclear(call.name, "its arguments are known to the shell alone")
        return
    yield call.deed("discard", (*call.operands, *(call.paths or ())) or None)


def _switch(call: _Call) -> Iterator[Deed | Unclear]:
    if call.has("-f", "--force", "--discard-changes"):
        yield call.deed("discard")
    elif not call.has("-c", "--create") or len(call.operands) > 1:
        yield call.deed("switch")


def _clean(call: _Call) -> Iterator[Deed | Unclear]:
    if not call.has("-n", "--dry-run"):
        yield call.deed("discard", (*call.operands, *(call.paths or ())) or None)


def _rebase(call: _Call) -> Iterator[Deed | Unclear]:
    if not call.has("--show-current-patch", "--edit-todo", "--help", "-h"):
        yield call.deed("switch")


def _pull(call: _Call) -> Iterator[Deed | Unclear]:
    if (call.has("-r", "--rebase", "--autostash", "-f", "--force")) and "--rebase=false" not in call.options:
        yield call.deed("switch", None, "--rebase")


def _in_progress(call: _Call) -> Iterator[Deed | Unclear]:
    """`merge`, `cherry-pick`, `revert`, `am`: giving one up resets the files."""
    if call.has("--abort", "--skip"):
        yield call.deed("discard", None, "--abort")


def _commit(call: _Call) -> Iterator[Deed | Unclear]:
    if call.has("--dry-run", "--help", "-h"):
        return
    if call.has("--amend"):
        yield call.deed("rewrite", None, "--amend")
    takes_value = {"-m", "-F", "-c", "-C", "-t", "--message", "--file", "--author", "--date", "--fixup", "--squash"}
    bundled = any(option[-1:] in "mFcCt" and not option.startswith("--") for option in call.options)
    valued = sum(option in takes_value for option in call.options) or int(bundled)
    named = (*call.operands[valued:], *(call.paths or ()))
    if _is_all(call.options):
        yield call.deed("commit", None, "-a")
    elif named:
        yield call.deed("commit", named)
    else:
        yield call.deed("commit", (), staged=True)


def _is_all(options: Sequence[str]) -> bool:
    """Whether `-a` is given: in a bundle it stands before the letter that takes a value (`-am TEXT`)."""
    for option in options:
        if option == "--all":
            return True
        if not option.startswith("--"):
            for letter in option[1:]:
                if letter == "a":
                    return True
                if letter in "mFcCtSu":
                    break
    return False


def _add(call: _Call) -> Iterator[Deed | Unclear]:
    if call.has("-n", "--dry-run"):
        return
    named = (*call.operands, *(call.paths or ()))
    everything = call.has("-A", "--all", "-u", "--update") and not named
    yield call.deed("commit", None if everything or not named else named)


def _remove(call: _Call) -> Iterator[Deed | Unclear]:
    if not call.has("--cached", "-n", "--dry-run"):
        yield call.deed("discard", (*call.operands, *(call.paths or ())) or None)


def _move(call: _Call) -> Iterator[Deed | Unclear]:
    yield call.deed("write", (*call.operands, *(call.paths or ())))


def _apply(call: _Call) -> Iterator[Deed | Unclear]:
    if not call.has("--check", "--stat", "--numstat", "--summary", "--cached"):
        yield call.deed("write")


def _push(call: _Call) -> Iterator[Deed | Unclear]:
    forced = call.has(
        "-f", "--force", "--force-with-lease", "--force-if-includes", "--mirror", "--delete", "-d", "--prune"
    )
    if (forced or any(text.startswith(("+", ":")) for text in call.operands)) and not call.has("-n", "--dry-run"):
        yield call.deed("push", None, "--force")


def _branch(call: _Call) -> Iterator[Deed | Unclear]:
    forced = call.has("-f", "--force")
    if call.has("-D", "-M", "-C") or (forced and (call.operands or call.has("-d", "--delete", "-m", "--move"))):
        yield call.deed("rewrite", None, "-D")


def _always(kind: Kind, *harmless: str) -> Callable[[_Call], Iterator[Deed | Unclear]]:
    def read(call: _Call) -> Iterator[Deed | Unclear]:
        if not (harmless and call.has(*harmless)):
            yield call.deed(kind)

    return read


def _when(kind: Kind, actions: frozenset[str], *options: str) -> Callable[[_Call], Iterator[Deed | Unclear]]:
    """A subcommand that is dangerous with some first operand and, where some are named, one of these options."""

    def read(call: _Call) -> Iterator[Deed | Unclear]:
        action = call.operands[0] if call.operands else ""
        if action in actions and (not options or call.has(*options)):
            yield call.deed(kind, None, action)

    return read


_READERS: Final[dict[str, Callable[[_Call], Iterator[Deed | Unclear]]]] = {
    "stash": _stash,
    "reset": _reset,
    "checkout": _checkout,
    "restore": _restore,
    "switch": _switch,
    "clean": _clean,
    "rebase": _rebase,
    "pull": _pull,
    "merge": _in_progress,
    "cherry-pick": _in_progress,
    "revert": _in_progress,
    "am": _in_progress,
    "commit": _commit,
    "add": _add,
    "stage": _add,
    "rm": _remove,
    "mv": _move,
    "apply": _apply,
    "push": _push,
    "branch": _branch,
    "filter-branch": _always("rewrite"),
    "filter-repo": _always("rewrite"),
    "checkout-index": _always("discard"),
    "read-tree": _always("discard", "-n", "--dry-run"),
    "update-ref": _always("rewrite"),
    "symbolic-ref": _when("switch", frozenset({"HEAD"})),
    "worktree": _when("discard", frozenset({"remove"}), "-f", "--force"),
    "submodule": _when("discard", frozenset({"update", "deinit"}), "-f", "--force"),
    "reflog": _when("rewrite", frozenset({"expire", "delete"})),
    "bisect": _when("switch", frozenset({"start", "good", "bad", "reset", "run", "skip", "new", "old"})),
    "gc": _when("rewrite", frozenset(), "--prune"),
}
