"""Parameters that several routes share: cursors, limits, waiting."""

from typing import Annotated, Final

from msgspec import Meta

from arclog.deciders.fields import MAX_INTEGER

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 500
MAX_TIMEOUT_SEC: Final = 60.0

Cursor = Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="only rows with a greater id")]
Limit = Annotated[int, Meta(ge=1, description=f"at most so many rows; more than {MAX_LIMIT} counts as {MAX_LIMIT}")]
Timeout = Annotated[
    float,
    Meta(description=f"how many seconds to wait for a row, from 0 to {MAX_TIMEOUT_SEC:g}; what is beyond is clamped"),
]
Tail = Annotated[bool, Meta(description="without a cursor: the last rows instead of the first, still ascending")]


def clamp_limit(limit: int) -> int:
    """How many rows are given."""
    return min(limit, MAX_LIMIT)


def clamp_timeout(timeout: float) -> float:
    """How long is waited, in seconds."""
    return max(0.0, min(timeout, MAX_TIMEOUT_SEC))
