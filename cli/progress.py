"""How far a long task has come."""

import sys
import time
from typing import Final, Self

BAR_CHARS: Final = 24
REDRAW_SEC: Final = 0.1


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
