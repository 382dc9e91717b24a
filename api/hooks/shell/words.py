"""The words of a shell command: quotes and expansions as a POSIX shell reads them.

The rules are those of the Shell Command Language, sections 2.2 (quoting) and 2.6 (expansions).

A word that depends on something only the shell knows has no text. The scripts of substitutions that were passed on the
way are kept for what reads commands (`api.hooks.shell.commands`).
"""

from typing import Final

from msgspec import Struct

_SPECIAL: Final = "\\'\"$`"
_ENDS: Final = " \t\r\n;&|()<>"
_ESCAPES: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
    "E": "\x1b",
}
_PARAMETERS: Final = frozenset("@*#?$!-0123456789")


class Unreadable(Exception):
    """The text is no command that a shell would run to its end, or it is too long or too deep to be judged."""


class Word(Struct, frozen=True):
    """One word.

    Attributes:
        text: what the word says when the shell is done with it; None when only the shell knows.
        raw: how it was written.
        globs: whether an unquoted `*`, `?` or `[` may turn it into the names of files.
        quoted: whether any part of it was quoted, so that it is no keyword and no operator.
    """

    text: str | None
    raw: str
    globs: bool = False
    quoted: bool = False


class WordReader:
    """Reads words from a text.

    Attributes:
        text: what is read.
        at: the place of the next character.
        scripts: the scripts of command substitutions, in the order in which they were met.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.scripts: list[str] = []

    def read(self) -> Word:
        """The word that begins here."""
        text, start = self.text, self.at
        parts: list[str] = []
        known, globs, quoted = True, False, False
        while self.at < len(text):
            char = text[self.at]
            if char in _ENDS and not text.startswith(("<(", ">("), self.at):
                break
            if char in "<>":
                self.at += 1
                self.scripts.append(self._bracketed("(", ")"))
                known = False
            elif char in _SPECIAL:
                piece = self._special(char)
                quoted = quoted or char != "$" or text.startswith(("$'", '$"'), self.at)
                known = known and piece is not None
                parts.append(piece or "")
            else:
                globs = globs or char in "*?[{"
                parts.append(char)
                self.at += 1
        raw = text[start : self.at]
        if raw.startswith("~"):
            known = False  # somebody's home
        return Word("".join(parts) if known else None, raw, globs, quoted)

    def _special(self, char: str) -> str | None:
        """A quoted part or an expansion; None when only the shell knows what it says."""
        text = self.text
        if char == "\\":
            self.at += 2
            return text[self.at - 1 : self.at].replace("\n", "")
        if char == "'":
            return self._single(self.at + 1)
        if char == '"':
            return self._double()
        if text.startswith("$'", self.at):
            return self._ansi()
        if text.startswith('$"', self.at):
            self.at += 1
            return self._double()
        return self.expansion(char)

    def _single(self, start: int) -> str:
        end = self.text.find("'", start)
        if end < 0:
            raise Unreadable("a quote is not closed")
        self.at = end + 1
        return self.text[start:end]

    def _ansi(self) -> str | None:
        """`$'...'`, with the escapes of C; a number that stands for a character is for the shell to know."""
        at = self.at + 2
        parts: list[str] = []
        known = True
        while at < len(self.text):
            char = self.text[at]
            if char == "'":
                self.at = at + 1
                return "".join(parts) if known else None
            if char == "\\" and at + 1 < len(self.text):
                following = self.text[at + 1]
                known = known and following not in "xuUc01234567"
                parts.append(_ESCAPES.get(following, following))
                at += 2
                continue
            parts.append(char)
            at += 1
        raise Unreadable("a quote is not closed")

    def _double(self) -> str | None:
        self.at += 1
        parts: list[str] = []
        known = True
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                return "".join(parts) if known else None
            if char == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                parts.append(following if following in '$`"\\' else "" if following == "\n" else "\\" + following)
                self.at += 2
            elif char in "$`":
                piece = self.expansion(char)
                known = known and piece is not None
                parts.append(piece or "")
            else:
                parts.append(char)
                self.at += 1
        raise Unreadable("a quote is not closed")

    def expansion(self, char: str) -> str | None:
        """`$NAME`, `${...}`, `$(...)`, `$((...))` or backquotes; a `$` that begins none of these is itself."""
        text = self.text
        if char == "`":
            self.scripts.append(self._backquoted())
            return None
        self.at += 1
        if text.startswith("((", self.at):
            self._bracketed("(", ")")
        elif text.startswith("(", self.at):
            self.scripts.append(self._bracketed("(", ")"))
        elif text.startswith("{", self.at):
            self.scripts.extend(scripts_in(self._bracketed("{", "}")))
        else:
            end = self.at
            if text[end : end + 1] in _PARAMETERS:
                end += 1
            else:
                while end < len(text) and (text[end].isalnum() or text[end] == "_") and text[end].isascii():
                    end += 1
            if end == self.at:
                return "$"
            self.at = end
        return None

    def _bracketed(self, opening: str, closing: str) -> str:
        """What stands between an opening bracket, at which the reader stands, and its closing one."""
        start = self.at + 1
        self.at = start
        depth = 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == "\\":
                self.at += 2
                continue
            if char == "'" and opening == "(":
                self._single(self.at + 1)
                continue
            if char == '"':
                kept = list(self.scripts)
                self._double()
                self.scripts = kept  # they are met again when the script in the brackets is read
                continue
            depth += (char == opening) - (char == closing)
            self.at += 1
            if depth == 0:
                return self.text[start : self.at - 1]
        raise Unreadable(f"a {opening} is not closed")

    def _backquoted(self) -> str:
        parts: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char == "`":
                return "".join(parts)
            if char == "\\" and self.text[self.at : self.at + 1] in {"`", "\\", "$"}:
                char = self.text[self.at]
                self.at += 1
            parts.append(char)
        raise Unreadable("a ` is not closed")


def scripts_in(text: str) -> list[str]:
    """The scripts of the substitutions in a text that a shell expands, such as a here-document."""
    reader = WordReader(text)
    while reader.at < len(text):
        char = text[reader.at]
        if char == "\\":
            reader.at += 2
        elif char in "$`":
            reader.expansion(char)
        else:
            reader.at += 1
    return reader.scripts
