"""Events as they lie on disk."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arclog.codec import (
    Metadata,
    RecordedEvent,
    StoredEvent,
    decode_data,
    decode_metadata,
    encode_data,
    encode_metadata,
)
from arclog.events import AgentSeen, LockAcquired, MessagePosted
from arclog.events.messages import JsonAttachment, TextAttachment

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@settings(max_examples=50, deadline=None, database=None)
@given(st.text(), json_values, st.dictionaries(st.text(), json_values))
def test_whatever_a_message_says_comes_back(body: str, content: Any, metadata: dict[str, Any]) -> None:
    message = MessagePosted(
        from_agent="a",
        channel="general",
        body=body,
        attachments=(JsonAttachment(content), TextAttachment(body)),
        metadata=metadata,
    )
    assert decode_data("message.posted", encode_data(message)) == message


@given(
    st.builds(
        Metadata,
        st.text(),
        st.none() | st.text(),
        st.none() | st.binary(),
        st.none() | st.text(),
    )
)
def test_whatever_is_known_of_an_events_origin_comes_back(metadata: Metadata) -> None:
    assert decode_metadata(encode_metadata(metadata)) == metadata


def test_a_stored_event_is_decoded_in_its_place() -> None:
    event, metadata = LockAcquired(file_path="p", agent_id="a", expires_at=9), Metadata("http", "k", b"h")
    stored = StoredEvent(3, 7, "lock.acquired", "lock/p", "a", encode_data(event), encode_metadata(metadata), bytes(32))
    decoded = stored.decode()
    assert decoded == RecordedEvent(3, 7, event, "lock/p", "a", metadata)
    assert decoded.type == "lock.acquired"


def test_what_is_not_said_takes_no_room() -> None:
    assert encode_metadata(Metadata()) == b"\x80"
    assert msgspec.msgpack.decode(encode_data(AgentSeen(agent_id="a"))) == {"agent_id": "a"}


@pytest.mark.parametrize("data", [b"", b"\xc0", b"\x80", b"\x81\xa8agent_id\xc0", b"\x81\xa8agent_id\xa1\xff"])
def test_bytes_that_are_no_event_are_told_apart(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_data("agent.seen", data)


def test_bytes_that_still_carry_their_type_are_read() -> None:
    assert decode_data("agent.seen", b"\x82\xa4type\xaaagent.seen\xa8agent_id\xa1a") == AgentSeen(agent_id="a")


@pytest.mark.parametrize("metadata", [b"", b"\xc0", b"\x81\xa3key\x01", b"\x81\xa3key\xa1\xff"])
def test_bytes_that_do_not_tell_where_an_event_came_from_are_told_apart(metadata: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_metadata(metadata)


def test_a_type_that_is_not_known_is_told_apart() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"no type of event 'agent\.heard'"):
        decode_data("agent.heard", encode_data(AgentSeen(agent_id="a")))
