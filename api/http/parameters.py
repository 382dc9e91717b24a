"""Parameters that several routes share: cursors, limits, waiting."""

from typing import Annotated

from msgspec import Meta

from arclog.deciders.fields import MAX_INTEGER
from arclog.limits import MAX_ANSWER_BYTES, MAX_PAGE_ROWS, MAX_WAIT_SEC

Cursor = Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="only rows with a greater id")]
Limit = Annotated[
    int, Meta(ge=1, description=f"at most this many rows; more than {MAX_PAGE_ROWS} counts as {MAX_PAGE_ROWS}")
]
MaxBytes = Annotated[
    int,
    Meta(
        ge=1,
        description="about how many bytes the answer may have; it says `more` where that cut it short, and goes on by "
        f"cursor. More than {MAX_ANSWER_BYTES} counts as {MAX_ANSWER_BYTES}; a row that is longer comes alone",
    ),
]
Timeout = Annotated[
    float,
    Meta(description=f"how many seconds to wait for a row, from 0 to {MAX_WAIT_SEC:g}; what is beyond is clamped"),
]
Tail = Annotated[bool, Meta(description="without a cursor: the last rows instead of the first, still ascending")]


def clamp_limit(limit: int) -> int:
    """How many rows are given."""
    return min(limit, MAX_PAGE_ROWS)


def clamp_bytes(max_bytes: int) -> int:
    """How many bytes an answer may have."""
    return min(max_bytes, MAX_ANSWER_BYTES)


def clamp_timeout(timeout: float) -> float:
    """How long is waited, in seconds."""
    return max(0.0, min(timeout, MAX_WAIT_SEC))
