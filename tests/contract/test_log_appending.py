"""Events are kept as they were appended, in one order and one chain, in every engine."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from arclog.codec import Metadata
from arclog.digest import GENESIS
from arclog.engine import Head
from arclog.errors import InvalidInput
from arclog.sqlite.log import Log
from arclog.sqlite.reads import find_event, read_facts, read_head, read_some_facts
from tests.contract.engines import BY_HTTP, Kind, append_all, decoded, events_of, opened, post
from tests.support.chains import find_break
from tests.support.fake_time import BEGINNING, FakeTime


def test_an_empty_log_has_no_events_and_event_0_for_a_head(log: Log) -> None:
    assert log.head() == log.read(read_head) == Head(0, 0, GENESIS)
    assert events_of(log) == []
    assert log.read(find_event, 1) is None


def test_an_event_is_read_as_it_was_appended(log: Log) -> None:
    event = post("ä", body="\x00😀" * 1000)
    metadata = Metadata("relay", "key", b"hash", "b")
    log.begin()
    recorded = log.append(event, log.now(), metadata)
    log.commit()
    assert (recorded.event_id, recorded.recorded_at, recorded.type) == (1, BEGINNING, "message.posted")
    assert (recorded.stream, recorded.actor) == ("channel/general", "ä")
    assert (recorded.data, replace(recorded.metadata, request=metadata.request)) == (event, metadata)
    assert decoded(log) == [recorded]
    stored = log.read(find_event, 1)
    assert stored is not None
    assert stored.decode() == recorded


def test_event_ids_grow_by_one_in_the_order_of_the_appends(log: Log) -> None:
    append_all(log, post("a"), post("b"))
    append_all(log, post("c"))
    assert [(event.event_id, event.actor) for event in events_of(log)] == [(1, "a"), (2, "b"), (3, "c")]


def test_the_head_is_the_last_event_also_inside_a_transaction(log: Log) -> None:
    append_all(log, post("a"))
    log.begin()
    log.append(post("b"), log.now(), BY_HTTP)
    assert log.head().event_id == 2
    log.commit()
    last = events_of(log)[-1]
    assert log.head() == Head(last.event_id, last.recorded_at, last.digest)


def test_the_digests_form_a_chain(log: Log) -> None:
    append_all(log, post("a"), post("b"))
    append_all(log, post("c"))
    assert find_break(GENESIS, events_of(log)) is None
    assert len({event.digest for event in events_of(log)}) == 3


def test_an_imported_log_may_leave_gaps_and_goes_on_behind_them(log: Log) -> None:
    log.begin()
    log.append_at(7, post("a"), 5, Metadata("import"))
    log.append_at(9, post("b"), 6, Metadata("import"))
    log.append(post("c"), log.now(), BY_HTTP)
    log.commit()
    assert [event.event_id for event in events_of(log)] == [7, 9, 10]
    assert find_break(GENESIS, events_of(log)) is None


def test_an_id_that_is_not_behind_the_head_is_refused(log: Log) -> None:
    append_all(log, post("a"))
    log.begin()
    with pytest.raises(InvalidInput, match="must be greater than 1"):
        log.append_at(1, post("b"), log.now(), BY_HTTP)
    log.rollback()


def test_what_projections_are_made_from_can_be_read_alone(log: Log) -> None:
    append_all(log, post("a"), post("b"), post("c"))
    facts = log.read(read_facts, 1, 1)
    assert [(fact.event_id, fact.recorded_at, fact.data) for fact in facts] == [(2, BEGINNING, post("b"))]
    assert [fact.event_id for fact in log.read(read_facts, 0, 9, until=2)] == [1, 2]
    assert [fact.event_id for fact in log.read(read_some_facts, [3, 99, 1])] == [3, 1]


def test_the_events_of_another_log_are_taken_over_byte_for_byte(
    engine: Kind, tmp_path: Path, time: FakeTime, log: Log
) -> None:
    append_all(log, post("a"), post("b"), metadata=Metadata("http", "key", b"hash"))
    append_all(log, post("c"))
    (tmp_path / "copy").mkdir()
    with opened(engine, tmp_path / "copy", time) as copy:
        copy.begin()
        for event in events_of(log):
            copy.append_stored(event)
        copy.commit()
        assert events_of(copy) == events_of(log)
        assert copy.head() == log.head()
        kept = copy.find_key("b", "key")
        assert kept is not None
        assert (kept.event_id, kept.is_of(b"hash"), kept.is_of(b"another")) == (2, True, False)
        append_all(copy, post("d"))
        assert find_break(GENESIS, events_of(copy)) is None


def test_an_event_that_does_not_follow_is_not_taken_over(
    engine: Kind, tmp_path: Path, time: FakeTime, log: Log
) -> None:
    append_all(log, post("a"), post("b"))
    first, second = events_of(log)
    (tmp_path / "copy").mkdir()
    with opened(engine, tmp_path / "copy", time) as copy:
        copy.begin()
        with pytest.raises(InvalidInput, match="event 2 does not follow event 0"):
            copy.append_stored(second)
        copy.append_stored(first)
        with pytest.raises(InvalidInput, match="event 1 does not follow event 1"):
            copy.append_stored(first)
        copy.rollback()
