"""An engine gives its lock to one hub at a time, refuses a copy of another log, and tells of what others append."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from arclog.codec import StoredEvent
from arclog.digest import GENESIS
from arclog.engine import Head, Moved
from arclog.erasure import erased_bytes, without_texts
from arclog.errors import LogReplaced, StorageBusy
from arclog.events import ErasedEvent, PayloadErased
from tests.contract.engines import BY_HTTP, Copy, Kind, append_all, events_of, opened, post
from tests.support.fake_time import FakeTime
from tests.support.waiting import WITHIN_SEC


def may_append(log: Copy) -> bool:
    """Whether the lock is free."""
    append_all(log, post("somebody"))
    return True


def test_who_takes_the_lock_again_finds_the_log_as_it_was(log: Copy) -> None:
    append_all(log, post("a"))
    assert log.begin() is None
    log.rollback()


def test_who_takes_the_lock_is_told_of_the_head_that_another_left(log: Copy, other: Copy) -> None:
    append_all(log, post("a"))
    append_all(other, post("b"))
    moved = log.begin()
    assert moved is not None
    assert moved.head == log.head()
    assert moved.head.event_id == 2
    log.rollback()


def test_a_copy_of_another_log_is_refused_and_the_lock_stays_free(log: Copy, other: Copy) -> None:
    append_all(log, post("a"), post("b"))
    append_all(other, post("c"))
    head = other.head()
    for after, digest in ((1, bytes(32)), (1, head.digest), (0, head.digest), (9, head.digest), (9, GENESIS)):
        with pytest.raises(LogReplaced, match=f"event {after} of the log is not the one"):
            log.engine.hold(after, digest, wait=True)
        assert may_append(other)


def test_a_copy_that_lags_is_not_refused(log: Copy, other: Copy) -> None:
    append_all(log, post("a"))
    first = log.head()
    append_all(other, post("b"), post("c"))
    found = log.engine.hold(first.event_id, first.digest, wait=True)
    log.engine.release()
    assert isinstance(found, Moved)
    assert found.head.event_id == 3
    assert [event.event_id for event in found.missing] in ([], [2, 3])


def test_a_lock_that_is_released_is_free_however_often(log: Copy, other: Copy) -> None:
    log.engine.release()
    log.begin()
    log.rollback()
    log.engine.release()
    assert may_append(other)


def test_an_append_of_nothing_frees_the_lock(log: Copy, other: Copy) -> None:
    log.begin()
    log.commit()
    assert may_append(other)


def test_who_closes_its_engine_and_its_file_holds_no_lock(
    engine: Kind, tmp_path: Path, time: FakeTime, other: Copy
) -> None:
    with opened(engine, tmp_path, time) as ends:
        ends.begin()
        ends.append(post("lost"), ends.now(), BY_HTTP)
    append_all(other, post("kept"))
    assert [event.actor for event in events_of(other)] == ["kept"]


def test_who_does_not_wait_is_refused_at_once(log: Copy, other: Copy) -> None:
    log.begin()
    with pytest.raises(StorageBusy):
        other.begin(wait=False)
    log.rollback()


def test_what_is_read_from_the_engine_is_what_every_copy_has(log: Copy, other: Copy) -> None:
    append_all(log, post("a"), post("b"))
    append_all(other, post("c"))
    found: list[StoredEvent] = []
    while page := log.engine.read(len(found), 10):
        found += page
    assert found == events_of(log) == events_of(other)
    assert [event.event_id for event in other.engine.read(1, 1)] == [2]
    assert list(log.engine.read(3, 10)) == []


def test_an_empty_log_has_the_same_head_for_all(log: Copy, other: Copy) -> None:
    assert log.head() == other.head() == Head()
    assert list(log.engine.read(0, 10)) == []


def test_the_hub_is_told_when_another_has_appended(log: Copy, other: Copy) -> None:
    async def story() -> None:
        await asyncio.wait_for(log.engine.changed(), WITHIN_SEC)  # now and then without cause
        append_all(other, post("b"))
        while log.head().event_id == 0:
            await asyncio.wait_for(log.engine.changed(), WITHIN_SEC)
        assert [event.actor for event in events_of(log)] == ["b"]
        log.engine.close()

    asyncio.run(story())


def test_what_an_event_erases_is_erased_for_every_copy_and_for_those_that_come_later(
    engine: Kind, tmp_path: Path, time: FakeTime, log: Copy, other: Copy
) -> None:
    said = post("a", body="a key")
    append_all(log, said)
    (stored,) = events_of(other)
    left = erased_bytes(stored.data, without_texts(said, frozenset(), 1))
    append_all(other, PayloadErased(erased_by="ops", events=(ErasedEvent(1, left),), message_ids=(1,)))
    with opened(engine, tmp_path, time) as later:
        for copy in (log, other, later):
            assert events_of(copy)[0] == replace(stored, data=left)
        assert next(iter(later.engine.read(0, 1))).data == left
