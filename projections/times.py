"""Times as they go over the wire: UTC with microseconds and a trailing `Z` (RFC 3339, section 5.6)."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from arclog.limits import MICROSECONDS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=256)
def timestamp(moment: int) -> str:
    """`moment` in microseconds since 1970, as text; the events of one batch share it."""
    second, fraction = divmod(moment, MICROSECONDS)
    return f"{_second(second)}.{fraction:06d}Z"


@lru_cache(maxsize=64)
def _second(moment: int) -> str:
    """The date and time of a whole second."""
    return (_EPOCH + timedelta(seconds=moment)).isoformat(timespec="seconds")[:19]


def optional_timestamp(moment: int | None) -> str | None:
    """Like `timestamp`, None for None."""
    return None if moment is None else timestamp(moment)


def parse_timestamp(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 time.

    Raises:
        ValueError: it is not one, or has no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone: end it with Z")
    return (moment - _EPOCH) // timedelta(microseconds=1)
