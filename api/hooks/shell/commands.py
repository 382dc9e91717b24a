"""The words of a shell command, as far as they can be read without running it.

A guard must know what `cd sub && env X=1 git -C .. stash` would do. So a command is cut as a POSIX shell cuts it
(Shell Command Language, sections 2.2 to 2.10): quotes, operators, redirections, here-documents, subshells and
substitutions. Nothing is run. A word that depends on something only the shell knows has no text (`Word.text` is None),
and the rules must assume the worst.

Keywords (`if`, `while`, `{`) only group commands, and all branches count as taken. The commands of a substitution and
the body of a function count as run where they stand.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from api.hooks.shell.words import Unreadable, Word, WordReader, scripts_in

MAX_CHARS: Final = 100_000
"""A longer command is not read; what is judged must be judged in milliseconds."""
MAX_DEPTH: Final = 20
"""Substitutions inside substitutions; a person stops at three."""

_OPERATORS: Final = (
    "&&", "||", ";;&", ";;", ";&", "|&", "&>>", "&>", "<<<", "<<-", "<<", ">>", ">&", "<&", ">|", "<>",
    ";", "&", "|", "(", ")", "<", ">", "\n",
)  # fmt: skip
_REDIRECTIONS: Final = frozenset({"&>>", "&>", "<<<", "<<-", "<<", ">>", ">&", "<&", ">|", "<>", "<", ">"})
_WRITING: Final = frozenset({"&>>", "&>", ">>", ">&", ">|", "<>", ">"})
_KEYWORDS: Final = frozenset(
    {"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "select", "in",
     "function", "time", "coproc", "{", "}", "!", "[[", "]]"}
)  # fmt: skip


class Simple(Struct, frozen=True):
    """One simple command.

    Attributes:
        assignments: the `NAME=value` words before it.
        words: the command and its arguments.
        writes: the files that its redirections write.
        reads: the text that a here-document or here-string gives it; None where there is none or only the shell knows.
        piped: whether its standard input is the output of the command before it.
        depth: how many subshells it stands in; what a subshell changes ends with it.
    """

    assignments: tuple[tuple[str, Word], ...] = ()
    words: tuple[Word, ...] = ()
    writes: tuple[Word, ...] = ()
    reads: str | None = None
    piped: bool = False
    depth: int = 0


def parse(text: str) -> list[Simple]:
    """The simple commands of a script, in the order in which they are written.

    Args:
        text: the script, as it would be given to `sh -c`.

    Returns:
        Its commands. Those of a substitution come before the command that the substitution stands in.

    Raises:
        Unreadable: a quote or substitution is not closed, or the text is too long or too deep.
    """
    try:
        return list(_Reader(text, 0, 0).commands())
    except RecursionError:  # quotes in quotes
        raise Unreadable("the command is too deep to be read") from None


class _Reader:
    """Reads one script from its beginning.

    Args:
        text: the script.
        level: how many substitutions it stands in.
        depth: how many subshells it stands in.
    """

    def __init__(self, text: str, level: int, depth: int) -> None:
        if len(text) > MAX_CHARS or level > MAX_DEPTH:
            raise Unreadable("the command is too long or too deep to be read")
        self._reader = WordReader(text)
        self._level = level
        self._depth = depth
        self._documents: list[tuple[str, bool, bool, int]] = []
        """Here-documents that begin at the next line: end, strip tabs, quoted, index of the command's part."""
        self._fed: list[str | None] = []

    def commands(self) -> Iterator[Simple]:
        """All simple commands."""
        words: list[Word] = []
        writes: list[Word] = []
        piped = False
        while True:
            self._skip_blanks()
            operator = self._operator()
            if operator is None and self._reader.at < len(self._reader.text):
                word = self._reader.read()
                if not (
                    word.raw.isdigit() and self._reader.text[self._reader.at : self._reader.at + 1] in {"<", ">"}
                ):  # 2>file
                    words.append(word)
                continue
            if operator in _REDIRECTIONS:
                self._redirect(str(operator), writes)
                continue
            if operator == "(" and len(words) == 1 and self._reader.text.startswith(")", self._reader.at):
                self._reader.at += 1  # the head of a function: its body counts as run here
                words.clear()
                continue
            if operator == "\n":
                self._read_documents()
            depth = self._depth
            if operator == "(":
                self._depth += 1
            elif operator == ")":
                self._depth = max(0, self._depth - 1)
            command = self._simple(words, writes, piped, depth)
            for script in self._reader.scripts:
                yield from _Reader(script, self._level + 1, depth + 1).commands()
            self._reader.scripts = []
            if command is not None:
                yield command
            if operator is None:
                return
            words, writes, self._fed = [], [], []
            piped = operator in {"|", "|&"} or (piped and operator in {"(", "\n"} and command is None)

    def _simple(self, words: list[Word], writes: list[Word], piped: bool, depth: int) -> Simple | None:
        """What a list of words is, without keywords and assignments before the command."""
        rest = list(words)
        assignments: list[tuple[str, Word]] = []
        while rest:
            first = rest[0]
            if not first.quoted and first.raw in _KEYWORDS:
                if first.raw in {"for", "select", "case", "function"}:
                    return None  # its words name things; the commands come after `do`, `)` and `{`
                rest.pop(0)
                continue
            name, equals, _value = first.raw.partition("=")
            name = name.removesuffix("+")
            if not equals or not name.isidentifier() or not name.isascii():
                break
            text = None if first.text is None else first.text.partition("=")[2]
            assignments.append((name, Word(text, first.raw)))
            rest.pop(0)
        if not rest and not assignments and not writes:
            return None
        fed = self._fed[-1] if self._fed else None
        return Simple(tuple(assignments), tuple(rest), tuple(writes), fed, piped, depth)

    def _skip_blanks(self) -> None:
        text = self._reader.text
        while self._reader.at < len(text):
            char = text[self._reader.at]
            if char in " \t\r":
                self._reader.at += 1
            elif text.startswith("\\\n", self._reader.at):
                self._reader.at += 2
            elif char == "#" and (self._reader.at == 0 or text[self._reader.at - 1] in " \t\n;&|("):
                end = text.find("\n", self._reader.at)
                self._reader.at = len(text) if end < 0 else end
            else:
                return

    def _operator(self) -> str | None:
        if self._reader.text.startswith(("<(", ">("), self._reader.at):
            return None  # a process substitution is a word
        for operator in _OPERATORS:
            if self._reader.text.startswith(operator, self._reader.at):
                self._reader.at += len(operator)
                return operator
        return None

    def _redirect(self, operator: str, writes: list[Word]) -> None:
        self._skip_blanks()
        if self._reader.at >= len(self._reader.text) or self._reader.text[self._reader.at] == "\n":
            raise Unreadable(f"nothing follows {operator}")
        target = self._reader.read()
        if operator in {"<<", "<<-"}:
            end = target.text if target.text is not None else target.raw
            self._fed.append(None)
            self._documents.append((end, operator == "<<-", target.quoted, len(self._fed) - 1))
            if "\n" in self._reader.text[self._reader.at :]:
                self._look_ahead_for_document()
        elif operator == "<<<":
            self._fed.append(target.text)
        elif operator in _WRITING and not (operator == ">&" and (target.raw.isdigit() or target.raw == "-")):
            writes.append(target)

    def _look_ahead_for_document(self) -> None:
        """Read the body that begins after this line now, so that its command has it, and cut it out of the text."""
        line_end = self._reader.text.index("\n", self._reader.at)
        end, strip, quoted, place = self._documents.pop()
        lines: list[str] = []
        at = line_end + 1
        while at < len(self._reader.text):
            stop = self._reader.text.find("\n", at)
            stop = len(self._reader.text) if stop < 0 else stop
            line = self._reader.text[at:stop]
            at = min(stop + 1, len(self._reader.text))
            line = line.lstrip("\t") if strip else line
            if line == end:
                break
            lines.append(line)
        body = "\n".join(lines)
        self._reader.text = self._reader.text[:line_end] + "\n" + self._reader.text[at:]
        if quoted or not any(char in body for char in "$`"):
            self._fed[place] = body
        else:
            self._reader.scripts.extend(scripts_in(body))
            self._fed[place] = None

    def _read_documents(self) -> None:
        """A here-document without a body: the shell takes it for an empty one."""
        self._documents.clear()
