"""Lists of everything there is of a kind: given whole, and in parts where they would be too long for one answer."""

from collections.abc import Callable, Sequence
from typing import Annotated, ParamSpec, TypeVar

from msgspec import Meta, Struct

from api.http.routes import Found
from arclog.errors import InvalidInput
from arclog.sqlite.snapshot import Query, Snapshot, together
from projections.encoding import encode_json, json_array
from projections.hub.hub import Hub
from projections.messages import MAX_PAGE_BYTES

P = ParamSpec("P")
R = TypeVar("R", bound=Struct)

After = Annotated[str, Meta(max_length=4096, description="only what follows the row with this key, as the list is now")]


async def read_list(
    hub: Hub,
    query: Query[P, Sequence[R]],
    key: Callable[[R], str],
    after: str | None,
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Found:
    """The rows that a query gives, as JSON; both are made on another thread, so that a long list holds nobody up.

    Args:
        hub: where to read.
        query: gives all rows.
        key: names a row.
        after: the key of the row after which to begin; None for the first.
        args: of the query.
        kwargs: of the query.

    Raises:
        InvalidInput: there is no row with that key.
    """

    @together
    def read(snapshot: Snapshot) -> Found:
        rows = snapshot.read(query, *args, **kwargs)
        return encode_rows(rows if after is None else rows[_find(rows, key, after) + 1 :], MAX_PAGE_BYTES)

    return await hub.read_apart(read)


def encode_rows(rows: Sequence[Struct], most: int) -> Found:
    """Rows as a JSON array of about `most` bytes; the rest is left for the next call."""
    whole = encode_json(rows)
    if len(whole) <= most:
        return Found(whole)
    parts: list[bytes] = []
    size = 0
    for row in rows:
        part = encode_json(row)
        size += len(part)
        if parts and size > most:
            return Found(json_array(parts), more=True)
        parts.append(part)
    return Found(whole)


def _find(rows: Sequence[R], key: Callable[[R], str], after: str) -> int:
    for place, row in enumerate(rows):
        if key(row) == after:
            return place
    raise InvalidInput("after", f"names no row of this list any more: {after!r}; begin anew without it")
