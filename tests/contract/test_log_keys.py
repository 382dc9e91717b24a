"""An idempotency key leads its sender to one event and the request behind it, in every engine."""

from arclog.codec import Metadata
from arclog.events import ChannelCreated, SessionClosed
from arclog.keys import KeptKey, owner_of
from arclog.sqlite.log import Log
from tests.contract.engines import append_all, post


def leads_to(kept: KeptKey | None, request: bytes) -> int | None:
    """The event that a key led to, if it came with this request and with no other."""
    return None if kept is None or not kept.is_of(request) or kept.is_of(b"another") else kept.event_id


def test_a_key_leads_to_its_event_and_its_request(log: Log, other: Log) -> None:
    append_all(log, post("a"), metadata=Metadata("http", "key-1", b"hash"))
    assert [leads_to(kept, b"hash") for kept in (log.find_key("a", "key-1"), other.find_key("a", "key-1"))] == [1, 1]


def test_a_key_belongs_to_its_sender_alone(log: Log) -> None:
    append_all(log, post("a"), post("b"), metadata=Metadata("http", "key", b"hash"))
    assert leads_to(log.find_key("a", "key"), b"hash") == 1
    assert leads_to(log.find_key("b", "key"), b"hash") == 2
    assert log.find_key("c", "key") is None


def test_a_key_belongs_to_the_principal_where_that_is_not_the_actor(log: Log) -> None:
    append_all(log, ChannelCreated(name="room"), metadata=Metadata("http", "key", b"hash", "somebody"))
    assert log.find_key("somebody", "key") == KeptKey(1, b"hash")


def test_a_key_that_is_nobodys_belongs_to_its_request(log: Log) -> None:
    for name, request in (("room", b"one"), ("hall", b"two")):
        append_all(log, ChannelCreated(name=name), metadata=Metadata("http", "key", request, "anonymous"))
    assert log.find_key(owner_of("anonymous", b"one"), "key") == KeptKey(1, b"one")
    assert log.find_key(owner_of("anonymous", b"two"), "key") == KeptKey(2, b"two")


def test_a_key_of_an_event_without_a_principal_is_where_it_was_kept_at_that_time(log: Log) -> None:
    append_all(log, ChannelCreated(name="room"), metadata=Metadata("http", "key", b"hash"))
    append_all(log, SessionClosed(agent_id="a", session_id="s"), metadata=Metadata("http", "other", b"hash"))
    assert log.find_key("anonymous", "key") == KeptKey(1, b"hash")
    assert log.find_key("anonymous", "other") == KeptKey(2, b"hash")
