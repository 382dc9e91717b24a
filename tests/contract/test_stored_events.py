"""Bytes that were written once are read for ever.

`stored_events/version_1.json` holds, for every event type, what the first version of Arc wrote, in hex: frozen, so that
a change of an event class that could no longer read it fails here. What came later, and types that say more since,
stand in the files after it; the examples before them stay, and mean what they meant. The meanings are in
`tests/support/stored_meanings.py` and `former_meanings.py`.
"""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arclog.codec import Metadata, decode_data, decode_metadata, encode_data, encode_metadata
from arclog.erasure import erased_bytes
from arclog.events import (
    EVENT_TYPES,
)
from tests.support.former_meanings import FORMER
from tests.support.stored_meanings import EVENTS, METADATA

FIRST, SECOND, THIRD, FOURTH = (
    json.loads((Path(__file__).parent / "stored_events" / f"version_{number}.json").read_text())
    for number in (1, 2, 3, 4)
)
EXAMPLES = FIRST | SECOND | THIRD | FOURTH


def type_of_example(name: str) -> str:
    return name.partition(", ")[0]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_there_is_an_example_of_every_event_type(event_type: str) -> None:
    assert event_type in EVENTS
    assert event_type in EXAMPLES


def test_every_example_has_its_meaning_here() -> None:
    assert set(EXAMPLES) == {*EVENTS, *METADATA}


@pytest.mark.parametrize("name", EVENTS)
def test_the_bytes_of_an_event_that_were_stored_once_mean_what_they_meant(name: str) -> None:
    assert decode_data(type_of_example(name), bytes.fromhex(EXAMPLES[name])) == EVENTS[name]


@pytest.mark.parametrize("name", FORMER)
def test_the_bytes_of_an_event_that_says_more_by_now_mean_what_they_meant(name: str) -> None:
    assert decode_data(type_of_example(name), bytes.fromhex(FIRST[name])) == FORMER[name]


def test_every_example_that_was_replaced_has_its_former_meaning() -> None:
    assert set(FORMER) == {name for name in SECOND | THIRD | FOURTH if name in FIRST} - set(METADATA)


@pytest.mark.parametrize("name", METADATA)
def test_the_bytes_around_an_event_that_were_stored_once_mean_what_they_meant(name: str) -> None:
    assert decode_metadata(bytes.fromhex(EXAMPLES[name])) == METADATA[name]


def test_the_bytes_around_an_event_before_tokens_mean_what_they_meant() -> None:
    assert decode_metadata(bytes.fromhex(SECOND["metadata"])) == Metadata("relay", "key", bytes(range(32)), "b")


def test_what_was_stored_around_an_event_and_means_nothing_any_more_is_passed_over() -> None:
    assert decode_metadata(bytes.fromhex(FIRST["metadata"])) == Metadata("relay", "key", bytes(range(32)))


@pytest.mark.parametrize("name", [*EVENTS, *METADATA])
def test_what_is_written_today_is_what_the_examples_say(name: str) -> None:
    written = encode_metadata(METADATA[name]) if name in METADATA else encode_data(EVENTS[name])
    if name.endswith(", erased"):
        written = erased_bytes(b"what stood there", EVENTS[name])
    assert written.hex() == EXAMPLES[name]


@pytest.mark.parametrize("name", [name for name in EVENTS if not name.endswith(("least", "erased"))])
def test_an_example_has_every_field_of_its_type_filled_in(name: str) -> None:
    stored: dict[str, Any] = msgspec.msgpack.decode(bytes.fromhex(EXAMPLES[name]))
    assert tuple(stored) == type(EVENTS[name]).__struct_encode_fields__


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_says_more_than_is_known_today_is_still_read(name: str) -> None:
    stored: dict[str, Any] = msgspec.msgpack.decode(bytes.fromhex(EXAMPLES[name]))
    assert decode_data(type_of_example(name), msgspec.msgpack.encode({**stored, "added_later": 1})) == EVENTS[name]
