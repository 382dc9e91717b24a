"""A transaction is kept whole or not at all, and nobody sees it before, in every engine."""

import pytest

from arclog.codec import Metadata
from arclog.digest import GENESIS
from arclog.engine import Head
from arclog.errors import StorageError
from arclog.sqlite.log import Log
from tests.contract.engines import BY_HTTP, append_all, events_of, post
from tests.support.chains import find_break


def test_a_rollback_leaves_nothing(log: Log, other: Log) -> None:
    append_all(log, post("a"))
    log.begin()
    log.append(post("b"), log.now(), Metadata("http", "key", b"hash"))
    log.rollback()
    assert [event.actor for event in events_of(log)] == [event.actor for event in events_of(other)] == ["a"]
    assert log.find_key("b", "key") is None
    append_all(log, post("c"))
    assert [(event.event_id, event.actor) for event in events_of(other)] == [(1, "a"), (2, "c")]
    assert find_break(GENESIS, events_of(log)) is None


def test_a_rollback_without_a_transaction_changes_nothing(log: Log) -> None:
    append_all(log, post("a"))
    log.rollback()
    append_all(log, post("b"))
    assert [event.event_id for event in events_of(log)] == [1, 2]


def test_nobody_sees_an_event_before_its_commit(log: Log, other: Log) -> None:
    log.begin()
    log.append(post("a"), log.now(), BY_HTTP)
    assert events_of(other) == []
    assert other.head() == Head()
    log.commit()
    assert [event.event_id for event in events_of(other)] == [1]


def test_a_transaction_that_is_begun_already_goes_on(log: Log) -> None:
    log.begin()
    log.append(post("a"), log.now(), BY_HTTP)
    log.begin()
    log.append(post("b"), log.now(), BY_HTTP)
    log.commit()
    assert [event.event_id for event in events_of(log)] == [1, 2]


def test_what_another_process_appended_is_seen_at_begin(log: Log, other: Log) -> None:
    append_all(log, post("a"))
    append_all(other, post("b"))
    assert log.begin()
    assert log.head().event_id == 2
    log.append(post("c"), log.now(), BY_HTTP)
    log.commit()
    assert not log.begin()
    log.commit()
    assert other.begin()
    other.commit()
    assert [event.actor for event in events_of(other)] == ["a", "b", "c"]
    assert find_break(GENESIS, events_of(other)) is None


def test_two_processes_that_append_in_turns_form_one_chain(log: Log, other: Log) -> None:
    for number in range(10):
        append_all((log, other)[number % 2], post(f"agent-{number}"))
    assert [event.event_id for event in events_of(log)] == list(range(1, 11))
    assert find_break(GENESIS, events_of(log)) is None


def test_while_one_writes_another_is_told_that_the_log_is_busy(log: Log, other: Log) -> None:
    log.begin()
    with pytest.raises(StorageError, match="try again in a moment") as caught:
        other.begin(wait=False)
    assert caught.value.code == "storage_busy"
    log.commit()
    append_all(other, post("b"))
    assert [event.actor for event in events_of(log)] == ["b"]
