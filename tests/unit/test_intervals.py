"""Which version of a row held at event N, found without reading all of them."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.intervals import CURRENT, as_of, live, node_of

intervals = st.tuples(st.integers(1, 2000), st.integers(1, 2000)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


@settings(deadline=None, database=None)
@given(intervals)
def test_an_interval_is_filed_under_the_highest_number_in_it(interval: tuple[int, int]) -> None:
    begin, end = interval
    assert node_of(begin, end) == max(range(begin, end), key=trailing_zeros)


@pytest.mark.parametrize(
    ("begin", "end", "found"), [(1, 2, 1), (1, 3, 2), (5, 8, 6), (7, 9, 8), (2**52, 2**52 + 1, 2**52)]
)
def test_some_nodes(begin: int, end: int, found: int) -> None:
    assert node_of(begin, end) == found


@settings(deadline=None, database=None, max_examples=300)
@given(intervals, st.integers(1, 4000), st.integers(0, 4000))
def test_an_interval_is_found_at_every_event_that_it_holds_and_at_no_other(
    interval: tuple[int, int], event_id: int, more: int
) -> None:
    begin, end = interval
    head = max(event_id, end) + more
    at = as_of(event_id, head, 0)
    filed = node_of(begin, end)
    found = (filed in msgspec.json.decode(at.below) and end > event_id) or (
        filed in msgspec.json.decode(at.above) and begin <= event_id
    )
    assert found == (begin <= event_id < end)


@pytest.mark.parametrize("event_id", [0, 1, 7, 8, 500])
def test_no_interval_is_found_twice(event_id: int) -> None:
    at = as_of(event_id, 1000, 0)
    below, above = msgspec.json.decode(at.below), msgspec.json.decode(at.above)
    assert len(set(below + above)) == len(below + above)
    assert all(number <= event_id for number in below)
    assert all(number > event_id for number in above)


def test_the_look_ups_grow_with_the_logarithm_of_the_log() -> None:
    at = as_of(654_321, 1_000_000, 0)
    assert len(msgspec.json.decode(at.below)) + len(msgspec.json.decode(at.above)) <= 60


def test_the_past_stays_what_it_was_while_the_log_grows() -> None:
    """A reader learns the head, then the log grows before it reads: versions that ended since are still found."""
    at = as_of(3, head=4, now=0)
    above = msgspec.json.decode(at.above)
    for end in range(5, 1000):
        filed = node_of(2, end)
        assert filed in msgspec.json.decode(at.below) or filed in above


def test_the_present_searches_no_past() -> None:
    at = live(7)
    assert (at.now, at.below, at.above) == (7, "[]", "[]")
    assert at.at == CURRENT - 1
    assert at.bindings(key="k") == {"at": CURRENT - 1, "now": 7, "below": "[]", "above": "[]", "key": "k"}
