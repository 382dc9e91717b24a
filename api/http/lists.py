"""Lists of everything there is of a kind: given whole, and in parts where they would be too long for one answer."""

from collections.abc import Callable, Iterator
from typing import Annotated, ParamSpec, TypeVar

from msgspec import Meta, Struct

from api.http.as_of import Dated
from api.http.parameters import MaxBytes, clamp_bytes
from api.http.routes import ReadResult
from arclog.errors import InvalidInput
from arclog.limits import ANSWER_BYTES
from arclog.sqlite.snapshot import Query, Snapshot, together
from projections.budget import Budget
from projections.encoding import encode_json, json_array
from projections.hub.hub import Hub

P = ParamSpec("P")
R = TypeVar("R", bound=Struct)

After = Annotated[str, Meta(max_length=4096, description="only what follows the row with this key, as the list is now")]


class Listed(Dated, frozen=True, kw_only=True):
    """The parameters of a list: of which moment, from where on, and how much of it."""

    after: After | None = None
    max_bytes: MaxBytes = ANSWER_BYTES


async def read_list(
    hub: Hub,
    query: Listed,
    each: Query[P, Iterator[R]],
    key: Callable[[R], str],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> ReadResult:
    """The rows of a list that fit into an answer, read on another thread, so that a long list holds nobody up.

    Args:
        hub: where to read.
        query: from where on, and how much.
        each: gives all rows, one by one.
        key: names a row.
        args: of `each`.
        kwargs: of `each`.

    Raises:
        InvalidInput: there is no row with the key after which to begin.
    """

    @together
    def read(snapshot: Snapshot) -> ReadResult:
        rows = snapshot.read(each, *args, **kwargs)
        if query.after is not None:
            _skip(rows, key, query.after)
        budget = Budget(clamp_bytes(query.max_bytes))
        return ReadResult(json_array(budget.fill(rows, encode_json)), budget.spent)

    return await hub.read_on_thread(read)


def _skip(rows: Iterator[R], key: Callable[[R], str], after: str) -> None:
    """Leave out the rows up to the one with the key `after`."""
    if not any(key(row) == after for row in rows):
        raise InvalidInput("after", f"does not name a row of this list any more: {after!r}; begin again without it")
