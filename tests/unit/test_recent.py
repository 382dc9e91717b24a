"""What a connection remembers of messages."""

import gc
from weakref import ref

import apsw

from projections.recent import MAX_BYTES, MAX_MESSAGES, Recent, recent_of


def test_a_message_is_remembered_unless_it_is_long() -> None:
    recent = Recent()
    recent.keep(1, b"x" * MAX_BYTES)
    recent.keep(2, b"x" * (MAX_BYTES + 1))
    assert list(recent) == [1]


def test_it_never_remembers_more_than_so_many() -> None:
    recent = Recent()
    for event_id in range(3 * MAX_MESSAGES):
        recent.keep(event_id, b"{}")
        assert len(recent) <= MAX_MESSAGES
        assert event_id in recent


def test_every_connection_remembers_for_itself_and_is_forgotten_with_what_it_remembers() -> None:
    one, other = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    recent_of(one).keep(1, b"{}")
    assert recent_of(one) == {1: b"{}"}
    assert recent_of(other) == {}
    gone = ref(one)
    one.close()
    del one
    gc.collect()
    assert gone() is None
