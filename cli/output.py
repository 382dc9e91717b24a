"""What the command prints: JSON, and one line of error."""

from __future__ import annotations

import os
import sys

from arc.light_json import dumps


def print_json(value: object) -> None:
    """Print the one JSON value that a command gives, indented, as Arc 0.1.1 does."""
    print(to_json(value, indented=True), flush=True)


def to_json(value: object, *, indented: bool = False) -> str:
    """A value as JSON, in the characters that the terminal can show."""
    return dumps(value, ascii_only=_is_narrow(sys.stdout.encoding), indented=indented)


def print_error(text: str) -> None:
    """Print one line that says what went wrong."""
    print_note(f"arc error: {text}")


def print_note(text: str) -> None:
    """Print one line beside what the command gives, which may be read by a program."""
    line = " ".join(text.split())
    print(line.encode(errors="backslashreplace").decode(), file=sys.stderr)


def end_quietly() -> None:
    """Let the process end without a complaint after the reader of its output has left."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_narrow(encoding: str | None) -> bool:
    return (encoding or "").lower().replace("-", "") != "utf8"
