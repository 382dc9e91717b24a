"""What setup does to one file: a function of its text, and how that is taken back.

An edit marks what is its own and finds it again, so that doing it twice is doing it once, and what others wrote beside
it stays. The end of lines that a file has is kept.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

BEGIN: Final = "arc:begin"
END: Final = "arc:end"


class CannotEditError(Exception):
    """A file cannot be edited without harm; `str(error)` says why, and what to do by hand."""


class Edit(Struct, frozen=True):
    """What is done to one file.

    Attributes:
        path: the file.
        put: its text with our entries in it, from its text without; an empty text stands for no file.
        take: its text without our entries.
        does: what for, in a few words.
        is_program: whether a file that is new is to be executable.
    """

    path: Path
    put: Callable[[str], str]
    take: Callable[[str], str]
    does: str
    is_program: bool = False


def block(lines: str, comment: str, closing: str = "") -> tuple[Callable[[str], str], Callable[[str], str]]:
    """Lines between two markers at the end of a file.

    Args:
        lines: the lines.
        comment: what begins a comment there, as in `# `.
        closing: what ends one, as in ` -->`.

    Returns:
        How they are put there, and taken away.
    """
    first, last = f"{comment}{BEGIN}{closing}\n", f"{comment}{END}{closing}\n"

    def take(text: str) -> str:
        start, end = text.find(first), text.find(last)
        if start < 0 or end < start:
            return text
        before, after = text[:start], text[end + len(last) :]
        return (before.removesuffix("\n") if before.endswith("\n\n") else before) + after

    def put(text: str) -> str:
        text = take(text)
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}{first}{lines.rstrip()}\n{last}"

    return put, take


def whole(text: str) -> tuple[Callable[[str], str], Callable[[str], str]]:
    """A file that is all ours; one that is somebody else's is left alone."""

    def put(former: str) -> str:
        if former and BEGIN not in former:
            raise CannotEditError("it is somebody else's file: move it away, or set this harness up by hand")
        return text

    def take(former: str) -> str:
        return "" if BEGIN in former else former

    return put, take


def read(path: Path) -> bytes | None:
    """The bytes of a file, None when there is none.

    Raises:
        CannotEditError: it is no file, or cannot be read.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CannotEditError(f"it cannot be read: {error.strerror}") from None


def apply(edit: Callable[[str], str], content: bytes | None) -> bytes | None:
    """An edit of bytes: UTF-8, with the mark and the ends of lines that they have.

    Raises:
        CannotEditError: they are not UTF-8, or the edit says so.
    """
    content = content or b""
    mark = b"\xef\xbb\xbf" if content.startswith(b"\xef\xbb\xbf") else b""
    try:
        text = content[len(mark) :].decode()
    except UnicodeDecodeError:
        raise CannotEditError("it is not UTF-8") from None
    crlf = "\r\n" in text
    edited = edit(text.replace("\r\n", "\n") if crlf else text)
    if not edited:
        return None
    return mark + (edited.replace("\n", "\r\n") if crlf else edited).encode()
