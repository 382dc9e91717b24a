"""An idempotency key leads its sender to one event and the request behind it, in every engine."""

import apsw
import pytest

from arclog.codec import Metadata
from arclog.events import ChannelCreated
from arclog.sqlite.log import KeptKey, Log, hash_request
from tests.contract.engines import append_all, events_of, post


def test_a_key_leads_to_its_event_and_its_request(log: Log, other: Log) -> None:
    append_all(log, post("a"), metadata=Metadata("http", "key-1", b"hash"))
    assert log.find_key("a", "key-1") == other.find_key("a", "key-1") == KeptKey(1, b"hash")


def test_a_key_belongs_to_its_sender_alone(log: Log) -> None:
    append_all(log, post("a"), post("b"), metadata=Metadata("http", "key", b"hash"))
    assert log.find_key("a", "key") == KeptKey(1, b"hash")
    assert log.find_key("b", "key") == KeptKey(2, b"hash")
    assert log.find_key("c", "key") is None


def test_a_sender_may_be_another_than_the_actor(log: Log) -> None:
    log.begin()
    log.append(ChannelCreated(name="room"), log.now(), Metadata("http", "key"), "somebody")
    log.commit()
    assert log.find_key("somebody", "key") == KeptKey(1, b"")


def test_one_key_is_never_kept_for_two_events(log: Log) -> None:
    append_all(log, post("a"), metadata=Metadata("http", "key", b"hash"))
    log.begin()
    with pytest.raises(apsw.ConstraintError):
        log.append(post("a"), log.now(), Metadata("http", "key", b"hash"))
    log.rollback()
    assert [event.event_id for event in events_of(log)] == [1]


def test_a_request_is_recognised_by_all_its_parts() -> None:
    assert hash_request(b"POST", b"/v1/messages", b"{}") == hash_request(b"POST", b"/v1/messages", b"{}")
    assert (
        len({hash_request(b"a", b"b"), hash_request(b"ab"), hash_request(b"b", b"a"), hash_request(b"a", b"b", b"")})
        == 4
    )
