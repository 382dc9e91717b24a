"""The moment that a read asks about: the present, or how things stood right after an event."""

from typing import Annotated

from msgspec import Meta, Struct
from starlette.types import Scope

from arclog.errors import InvalidInput
from projections.hub.hub import Hub
from projections.intervals import AsOf
from projections.moments import find_moment_of

AsOfText = Annotated[
    str,
    Meta(
        max_length=64,
        description="how things stood right after this event (0 is the empty hub), or at this time (RFC 3339)",
    ),
]


class Dated(Struct, frozen=True, kw_only=True):
    """The parameters of a read that can be asked of any moment."""

    as_of: AsOfText | None = None


def moment_of(hub: Hub, query: Struct) -> AsOf:
    """The moment that a query asks about.

    Raises:
        InvalidInput: it names no event or time, an event beyond the head, or asks to wait for the past to change.
    """
    if not isinstance(query, Dated) or query.as_of is None:
        return hub.now()
    if getattr(query, "timeout", 0):
        raise InvalidInput("timeout", "cannot be combined with as_of: the past does not change, so leave it out")
    return hub.read(find_moment_of, query.as_of)


def refuse_past(scope: Scope) -> None:
    """Refuse to stream the past.

    Raises:
        InvalidInput: the query has an `as_of`.
    """
    if any(part.startswith(b"as_of=") for part in scope["query_string"].split(b"&")):
        raise InvalidInput("as_of", "is not for streams: the past does not change; read it without streaming")
