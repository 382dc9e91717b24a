"""Old events, read in today's shape: with a type that has been through three versions."""

from typing import Any

import msgspec
import pytest

from arclog.codec import decoder_of, encode_data
from arclog.events import EVENT_TYPES, AgentSeen
from arclog.upcasters import UPCASTERS, Fields, upcast


def name_the_path(fields: Fields) -> Fields:
    """Version 1 called it `path`."""
    path = fields.pop("path")
    return {**fields, "file_path": path}


def count_in_microseconds(fields: Fields) -> Fields:
    """Version 2 had whole seconds."""
    seconds = fields.pop("expires")
    return {**fields, "expires_at": seconds * 1_000_000}


STEPS = {"lock.acquired": (name_the_path, count_in_microseconds)}
TODAY = {"file_path": "src/a.py", "agent_id": "a", "expires_at": 7_000_000}


@pytest.mark.parametrize(
    "stored",
    [
        {"path": "src/a.py", "agent_id": "a", "expires": 7},
        {"file_path": "src/a.py", "agent_id": "a", "expires": 7, "v": 2},
        {**TODAY, "v": 3},
    ],
)
def test_every_version_is_brought_to_todays_shape(stored: dict[str, Any]) -> None:
    assert msgspec.msgpack.decode(upcast("lock.acquired", msgspec.msgpack.encode(stored), STEPS)) == TODAY


def test_the_codec_reads_an_old_event_through_its_upcasters() -> None:
    def call_it_agent(fields: Fields) -> Fields:
        return {"agent_id": fields["who"]}

    decode = decoder_of(AgentSeen, {"agent.seen": (call_it_agent,)})
    assert decode(msgspec.msgpack.encode({"who": "a"})) == AgentSeen(agent_id="a")


def test_a_type_that_never_changed_is_left_as_it_is() -> None:
    data = encode_data(AgentSeen(agent_id="a"))
    assert upcast("agent.seen", data, STEPS) is data


def test_only_known_types_have_upcasters() -> None:
    assert set(UPCASTERS) <= set(EVENT_TYPES)
