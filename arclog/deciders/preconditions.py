"""Preconditions: what a caller relies on. A call is judged only while all of it holds; else nothing is done."""

from typing import Final

from msgspec import Struct

MAX_REQUIRED: Final = 100
"""Leases that one call relies on at most."""


class SeenUpTo(Struct, frozen=True):
    """How far a caller has seen what happened to something.

    Attributes:
        stream: what it is, as the log's streams name it, such as `task/42`; with a `/` at its end, all that is below.
        event_id: the last event that the caller knows of; 0 for none.
    """

    stream: str
    event_id: int


class Preconditions(Struct, frozen=True, kw_only=True):
    """What any change may rely on.

    Attributes:
        require: fencing tokens that must be present, by what they are of, such as `{"lock/src/a.py": 812}`.
        if_none_since: what must not have changed since the caller looked.
    """

    require: dict[str, int] | None = None
    if_none_since: SeenUpTo | None = None


FIELDS = Preconditions.__struct_fields__
"""The fields that the body of any change may have for it."""
