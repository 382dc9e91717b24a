"""A whole script: everything that it would do which others may care about.

Scripts in the tree, `sh -c`, `eval`, aliases, functions, `find -exec` and what is piped into a shell are followed as
far as their text can be read without running anything; variables that the script itself sets are put in.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import Final

from api.hooks.shell.commands import Simple, parse
from api.hooks.shell.deeds import Deed, Surroundings, Unclear, find_suspect, suspects
from api.hooks.shell.files import KILLERS, file_deeds, kill_deeds
from api.hooks.shell.git import git_deeds
from api.hooks.shell.patches import paths_of_patch
from api.hooks.shell.words import Unreadable, Word

_SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})
_INTERPRETERS: Final = re.compile(r"^(python[\d.]*|perl|ruby|node|php|osascript|pwsh|powershell)$")
_CODE_FLAGS: Final = frozenset({"-c", "-e", "-r", "--eval", "--command", "-Command"})
_PREFIXES: Final[dict[str, frozenset[str]]] = {
    name: frozenset(options.split())
    for name, options in {
        "builtin": "", "busybox": "", "caffeinate": "", "chrt": "-p", "command": "", "doas": "-u -C",
        "env": "-u --unset -C --chdir -S --split-string", "exec": "-a", "flock": "-w -E", "ionice": "-c -n -p",
        "nice": "-n", "nohup": "", "setsid": "", "stdbuf": "-i -o -e", "strace": "-e -o -p -s",
        "sudo": "-u -g -h -p -C -r -t -U -D", "time": "-f -o", "timeout": "-k -s --kill-after --signal",
        "unbuffer": "", "watch": "-n --interval", "xargs": "-I -n -P -L -d -a -s -E",
    }.items()
}  # fmt: skip
"""Commands that run the command after them, and their options that take a value."""
_DEPTH: Final = 12
_ASSIGNMENT: Final = re.compile(r"^[A-Za-z_]\w*=")
_VARIABLE: Final = re.compile(r'^(")?\$(?:\{(\w+)\}|(\w+))\1?$')


def find_deeds(script: str, around: Surroundings, folder: str = ".") -> list[Deed | Unclear]:
    """Everything that a script would do which others may care about.

    Args:
        script: the command as a harness gives it to a shell.
        around: the files and git's aliases.
        folder: where it runs.

    Returns:
        The deeds, in the order of the commands; `Unclear` where a destroying verb cannot be read.
    """
    return list(_Interpreter(around).run(script, folder, 0))


class _Interpreter:
    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._variables: dict[str, str] = {}
        self._aliases: dict[str, str] = {}

    def run(self, script: str, folder: str, level: int) -> Iterator[Deed | Unclear]:
        """What the commands of a script do, one after the other."""
        try:
            if level > _DEPTH:
                raise Unreadable("scripts call scripts too deep to be read")
            commands = parse(script)
        except Unreadable as error:
            verb = find_suspect(script)
            if verb is not None:
                yield Unclear(verb, str(error))
            return
        here = {0: folder}
        before: Simple | None = None
        for command in commands:
            depth = command.depth
            here.setdefault(depth, here[max(known for known in here if known <= depth)])
            for deeper in [known for known in here if known > depth]:
                del here[deeper]
            yield from self._simple(command, before if command.piped else None, here, level)
            before = command

    def _simple(
        self, command: Simple, source: Simple | None, here: dict[int, str], level: int
    ) -> Iterator[Deed | Unclear]:
        folder = here[command.depth]
        for name, value in command.assignments:
            if value.text is None:
                self._variables.pop(name, None)
            elif not command.words:
                self._variables[name] = value.text
        written = tuple(word.text for word in command.writes if word.text and not word.text.startswith("/dev/"))
        if written:
            yield Deed("redirection", "write", folder, written)
        words = [resolved for word in command.words for resolved in self._resolve(word)]
        yield from self._words(words, command, source, here, level)

    def _resolve(self, word: Word) -> list[Word]:
        """A word with a variable that the script itself has set."""
        match = _VARIABLE.match(word.raw) if word.text is None else None
        value = self._variables.get(match[2] or match[3]) if match else None
        if match is None or value is None:
            return [word]
        if match[1]:
            return [Word(value, word.raw, quoted=True)]
        return [Word(part, part) for part in value.split()]

    def _words(
        self, words: Sequence[Word], command: Simple, source: Simple | None, here: dict[int, str], level: int
    ) -> Iterator[Deed | Unclear]:
        folder = here[command.depth]
        words = _without_prefixes(words, here, command.depth)
        folder = here.get(-1, folder)
        here.pop(-1, None)
        if not words:
            return
        name = words[0].text
        if name is None:
            yield from suspects(words, "the name of the command is known to the shell alone", unnamed=True)
            return
        name = posixpath.basename(name.replace("\\", "/")).removesuffix(".exe")
        if name in self._aliases and not words[0].quoted:
            spelled = " ".join([self._aliases.pop(name), *(word.raw for word in words[1:])])
            yield from self.run(spelled, folder, level + 1)
        elif name == "alias":
            for word in words[1:]:
                alias, _, value = (word.text or "").partition("=")
                self._aliases[alias] = value
        elif name in {"cd", "pushd", "popd"}:
            self._change_folder(words[1:], here, command.depth)
        elif name == "find":
            yield from self._find(words[1:], command, here, level)
        elif name in _SHELLS:
            yield from self._shell(words[1:], command, source, folder, level)
        elif _INTERPRETERS.match(name):
            yield from _code(words, command, source)
        else:
            yield from self._program(name, words, folder, level, command.reads or "")

    def _program(self, name: str, words: Sequence[Word], folder: str, level: int, fed: str) -> Iterator[Deed | Unclear]:
        """A command that is neither a shell nor an interpreter; `fed` is what a here-document gives it."""
        arguments = words[1:]
        if name == "git" or name.startswith("git-"):
            arguments = arguments if name == "git" else [Word(name[4:], name[4:]), *arguments]
            yield from git_deeds(arguments, folder, self._around, lambda text: self.run(text, folder, level + 1))
        elif name == "eval":
            yield from self._text_of(arguments, folder, level, "eval")
        elif name in {"source", "."}:
            yield from self._script(arguments[:1], folder, level)
        elif name in KILLERS:
            yield from kill_deeds(name, arguments, folder)
        elif name in {"apply_patch", "applypatch"}:
            patch = "\n".join([fed, *(word.text or "" for word in arguments)])
            yield Deed(name, "patch", folder, paths_of_patch(patch))
        else:
            if "/" in (words[0].text or ""):
                yield from self._script(words[:1], folder, level)
            yield from file_deeds(name, arguments, folder)

    def _change_folder(self, arguments: Sequence[Word], here: dict[int, str], depth: int) -> None:
        targets = [word for word in arguments if not (word.text or "").startswith("-") or word.text == "-"]
        target = targets[0].text if targets else None
        here[depth] = posixpath.normpath(posixpath.join(here[depth], target)) if target and target != "-" else "?"

    def _shell(
        self, arguments: Sequence[Word], command: Simple, source: Simple | None, folder: str, level: int
    ) -> Iterator[Deed | Unclear]:
        rest = list(arguments)
        while rest and (text := rest[0].text or rest[0].raw).startswith(("-", "+")) and text != "-":
            rest.pop(0)
            if text.startswith("-") and not text.startswith("--") and "c" in text:
                yield from self._text_of(rest[:1], folder, level, "sh -c")
                return
            if text in {"-o", "+o", "-O", "--rcfile", "--init-file"} and rest:
                rest.pop(0)
        if rest and rest[0].text != "-":
            yield from self._script(rest[:1], folder, level)
        elif command.reads is not None:
            yield from self.run(command.reads, folder, level + 1)
        elif source is not None:
            yield from self._piped(source, folder, level)

    def _piped(self, source: Simple, folder: str, level: int) -> Iterator[Deed | Unclear]:
        """A shell that is told what to do by the command before it."""
        name = source.words[0].text if source.words else None
        texts = [word.text for word in source.words[1:] if not (word.text or "").startswith("-")]
        if name == "cat" and source.reads is not None:
            yield from self.run(source.reads, folder, level + 1)
        elif name in {"echo", "printf"} and all(text is not None for text in texts):
            said = " ".join(text for text in texts if text is not None)
            yield from self.run(said.replace("\\n", "\n").replace("%s", ""), folder, level + 1)
        elif name == "cat" and len(source.words) == 2:  # noqa: PLR2004 - cat and one file
            yield from self._script(source.words[1:], folder, level)
        else:
            yield from suspects(source.words, "a shell reads what another command writes")

    def _text_of(self, words: Sequence[Word], folder: str, level: int, what: str) -> Iterator[Deed | Unclear]:
        if any(word.text is None for word in words):
            yield from suspects(words, f"what {what} runs is known to the shell alone", unnamed=True)
        else:
            yield from self.run(" ".join(word.text or "" for word in words), folder, level + 1)

    def _script(self, words: Sequence[Word], folder: str, level: int) -> Iterator[Deed | Unclear]:
        """A script of the tree is read as if its text stood here."""
        path = words[0].text if words else None
        text = None if path is None else self._around.read_script(folder, path)
        if text is None:
            return
        head = text.partition("\n")[0]
        if head.startswith("#!") and not any(shell in head for shell in _SHELLS):
            verb = find_suspect(text)
            if verb is not None:
                yield Unclear(verb, f"{path} is a program, not a shell script")
            return
        yield from self.run(text, folder, level + 1)

    def _find(
        self, arguments: Sequence[Word], command: Simple, here: dict[int, str], level: int
    ) -> Iterator[Deed | Unclear]:
        texts = [word.text or word.raw for word in arguments]
        starts = []
        for text in texts:
            if text.startswith(("-", "(", "!")):
                break
            starts.append(text)
        if "-delete" in texts:
            yield Deed("find -delete", "discard", here[command.depth], tuple(starts) or (".",))
        for index, text in enumerate(texts):
            if text in {"-exec", "-execdir", "-ok", "-okdir"}:
                run = []
                for word in arguments[index + 1 :]:
                    if word.text in {";", "+"}:
                        break
                    run.append(word)
                for deed in self._words(run, command, None, here, level):
                    inside = isinstance(deed, Deed) and deed.paths is not None and deed.paths in {("{}",), ("--", "{}")}
                    yield Deed(deed.verb, deed.kind, deed.folder, tuple(starts) or (".",)) if inside else deed  # type: ignore[union-attr]


def _without_prefixes(words: Sequence[Word], here: dict[int, str], depth: int) -> list[Word]:
    """The command that `env`, `sudo`, `timeout 5` and their like run; a folder that they change to is `here[-1]`."""
    rest = list(words)
    while rest and (name := posixpath.basename(rest[0].text or "")) in _PREFIXES:
        rest.pop(0)
        _take_options(name, rest, here, depth)
        if name in {"timeout", "flock", "chrt"} and rest:
            rest.pop(0)  # the time, the lock's file, the priority
        if name == "xargs":
            rest.append(Word(None, "<what xargs reads>"))
    return rest


def _take_options(name: str, rest: list[Word], here: dict[int, str], depth: int) -> None:
    """Take the options of a prefix, and the variables that `env` sets, off the words that follow it."""
    while rest and _is_option(name, text := rest[0].text or rest[0].raw):
        rest.pop(0)
        if name == "env" and text.startswith(("-S", "--split-string")):
            rest[:0] = _split_string(text, rest)
            return
        if text in {"-C", "--chdir", "-D"} and name in {"env", "sudo"} and rest:
            here[-1] = posixpath.normpath(posixpath.join(here[depth], rest[0].text or "?"))
        if text in _PREFIXES[name] and rest:
            rest.pop(0)


def _is_option(name: str, text: str) -> bool:
    return text.startswith("-") or (name == "env" and _ASSIGNMENT.match(text) is not None)


def _split_string(text: str, rest: list[Word]) -> list[Word]:
    """The words that `env -S` makes of its value, which is in the option itself or follows it."""
    value = text[2:] if text.startswith("-S") else text.partition("=")[2]
    value = value or (rest.pop(0).text or "" if rest else "")
    return [Word(part, part) for part in value.split()]


def _code(words: Sequence[Word], command: Simple, source: Simple | None) -> Iterator[Unclear]:
    """A program in another language: it is not read, but a destroying verb in it is seen."""
    for index, word in enumerate(words):
        if (word.text or word.raw) in _CODE_FLAGS and index + 1 < len(words):
            yield from suspects(words[index + 1 :], "a program in another language runs it")
            return
    if command.reads is not None:
        yield from suspects([Word(command.reads, command.reads)], "a program in another language runs it")
    elif source is not None and len(words) == 1:
        yield from suspects(source.words, "a program in another language runs it")
