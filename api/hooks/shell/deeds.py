"""Deeds: what a command can do that others care about.

Three questions are answered for each command that a script would run: does it throw away changes that are not
committed, does it change what all agents in this working tree stand on (branch, history, processes), and which files
does it write? Where a destroying verb stands in a command and the words around it cannot be read, the answer is
`Unclear`: better a refusal that names the accepted form than a lost day.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, Literal, Protocol

from msgspec import Struct

from api.hooks.shell.words import Word

Kind = Literal["discard", "switch", "rewrite", "commit", "push", "kill", "write", "patch", "read"]


class Deed(Struct, frozen=True):
    """Something that a command would do.

    Attributes:
        verb: the command in a few words, such as `git stash`.
        kind: `discard` throws away uncommitted changes or stashes, `switch` puts another commit under the working tree,
            `rewrite` changes or deletes history or branches, `push` overwrites a remote branch, `commit` takes files
            into the index or a commit, `kill` ends processes by name, `write` changes files, `patch` changes
            files on the ground of what they said, `read` shows them.
        folder: the folder in which it runs, absolute or relative to the script's.
        paths: the files concerned, relative to `folder` or absolute; None for all of the working tree.
        staged: for a commit, that it takes just what is in the index.
    """

    verb: str
    kind: Kind
    folder: str = "."
    paths: tuple[str, ...] | None = None
    staged: bool = False


class Unclear(Struct, frozen=True):
    """A destroying verb whose effect cannot be read.

    Attributes:
        verb: the verb that was seen.
        why: what cannot be read.
    """

    verb: str
    why: str


class Surroundings(Protocol):
    """What a reader may look at. All paths are as the script has them, relative to `folder`."""

    def read_script(self, folder: str, path: str) -> str | None:
        """The text of a script; None when it is none, or cannot be read."""
        ...

    def find_alias(self, folder: str, name: str) -> str | None:
        """What git's configuration there says for `alias.NAME`."""
        ...

    def exists(self, folder: str, path: str) -> bool:
        """Whether a file or folder is there."""
        ...


_GIT: Final = re.compile(r"\bgit\b")
_VERB: Final = re.compile(
    r"\b(stash|reset|checkout|restore|switch|clean|rebase|filter-branch|branch\s+-D|push\b.{0,120}?(?:-f\b|--force))"
)
_KILL: Final = re.compile(r"\b(?:pkill|killall)\b")
_UNNAMED: Final = re.compile(r"\b(stash|reset --hard|checkout|restore|switch|clean -\w*f|rebase|branch -D)\b")
"""Verbs that make a text a suspect where even the name of the program cannot be read."""


def find_suspect(text: str) -> str | None:
    """The first destroying verb in a text that cannot be read; each character is looked at once, however long it is."""
    git = _GIT.search(text)
    verb = None if git is None else _VERB.search(text, git.end())
    kill = _KILL.search(text)
    if verb is not None and (kill is None or git is None or git.start() < kill.start()):
        return f"git {verb[1]}"
    return None if kill is None else kill[0]


def suspects(words: Sequence[Word], why: str, *, unnamed: bool = False) -> Iterator[Unclear]:
    """`Unclear` if there is a destroying verb among words that cannot be read.

    Args:
        words: the words.
        why: what of them cannot be read.
        unnamed: whether the name of the program cannot be read either.
    """
    said = " ".join(word.text if word.text is not None else word.raw for word in words)
    verb = find_suspect(said)
    if verb is None and unnamed and (found := _UNNAMED.search(said)) is not None:
        verb = f"git {found[1]}"
    if verb is not None:
        yield Unclear(verb, why)
