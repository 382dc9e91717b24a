"""What is to be said of a table that does not follow from the log: which row, which column, and where they part."""

from typing import Final

from arclog.proof.findings import Finding
from projections.projector import Row
from projections.rebuilding.rebuild import Difference

BEFORE_CHARS: Final = 20
"""How much of a long value is shown before the place where it differs."""
SHOWN_CHARS: Final = 80


def tell_difference(difference: Difference) -> Finding:
    """The first row at which a table is not what the log says, in one line."""
    live, replayed, row = difference.live, difference.replayed, f"the row of event {difference.event_id}"
    if live is not None and replayed is not None and live[:2] == replayed[:2]:
        column = next(n for n, (one, other) in enumerate(zip(live, replayed, strict=True)) if one != other)
        is_, should_be = _side_by_side(live[column], replayed[column])
        problem = f"{difference.columns[column]} in {row} is {is_}, by the log {should_be}"
    elif replayed is None or (live is not None and live[:2] < replayed[:2]):
        assert live is not None
        problem = f"{row}, which does not follow from the log, is there: {_shown(difference.columns, live)}"
    else:
        problem = f"{row} is not there, by the log it is {_shown(difference.columns, replayed)}"
    return Finding("projection", "differs", difference.event_id, f"table {difference.table}: {problem}")


def _shown(columns: tuple[str, ...], row: Row) -> str:
    values = zip(columns, row, strict=True)
    return ", ".join(f"{name}={_cut(value, 0)}" for name, value in values if value is not None)


def _side_by_side(one: object, other: object) -> tuple[str, str]:
    """Two values, long ones from shortly before the place where they part."""
    if isinstance(one, str | bytes) and isinstance(other, str | bytes) and type(one) is type(other):
        pairs = zip(one, other, strict=False)
        same = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
        return _cut(one, same), _cut(other, same)
    return _cut(one, 0), _cut(other, 0)


def _cut(value: object, place: int) -> str:
    if not isinstance(value, str | bytes) or len(value) <= SHOWN_CHARS:
        return repr(value)
    start = max(0, place - BEFORE_CHARS)
    end = start + SHOWN_CHARS
    return f"{'…' if start else ''}{value[start:end]!r}{'…' if end < len(value) else ''}"
