"""What the command prints: JSON, one line of error, and how far a long task has come."""

import json
import os
import sys
import time
from typing import Final, Self

BAR_CHARS: Final = 24
REDRAW_SEC: Final = 0.1


def print_json(value: object) -> None:
    """Print the one JSON value that a command gives, indented, as Arc 0.1.1 does."""
    print(to_json(value, indent=2), flush=True)


def to_json(value: object, indent: int | None = None) -> str:
    """A value as JSON, in the characters that the terminal can show."""
    return json.dumps(value, ensure_ascii=_is_narrow(sys.stdout.encoding), indent=indent)


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


class ProgressBar:
    """How far a long task has come, drawn on a terminal; nothing anywhere else.

    Call it with the number reached and the last number. Use it as a context manager, so that its line is removed.

    Args:
        doing: what is done, such as `rebuilding`.
        things: what is counted.
    """

    def __init__(self, doing: str, things: str = "events") -> None:
        self._doing = doing
        self._things = things
        self._shown = sys.stderr.isatty()
        self._began = time.monotonic()
        self._drawn = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def __call__(self, reached: int, last: int) -> None:
        now = time.monotonic()
        if not self._shown or now - self._drawn < REDRAW_SEC:
            return
        self._drawn = now
        share = reached / last if last else 1.0
        done = round(share * BAR_CHARS)
        bar = "#" * done + "." * (BAR_CHARS - done)
        rate = reached / max(now - self._began, 0.001)
        print(
            f"\r\x1b[K{self._doing} [{bar}] {share:4.0%}  {reached:,} of {last:,} {self._things}, {rate:,.0f}/s",
            end="",
            file=sys.stderr,
            flush=True,
        )
