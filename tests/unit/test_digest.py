"""The hash chain: whatever is done to a log, its first wrong event is named."""

from hashlib import sha256

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arclog.codec import Metadata, StoredEvent, encode_data, encode_metadata
from arclog.digest import (
    GENESIS,
    MAX_SHARED_BYTES,
    MAX_SHARED_TEXT_BYTES,
    RawEvent,
    chain,
    digest_of,
    find_breaks,
)
from arclog.events import AgentSeen, ChannelCreated, Event, LockAcquired, MessagePosted
from tests.support.chains import find_break

STORY: tuple[Event, ...] = (
    ChannelCreated(name="general"),
    MessagePosted(from_agent="ä", channel="general", body="hi"),
    LockAcquired(file_path="p", agent_id="a", expires_at=2**40),
    AgentSeen(agent_id="a"),
)


def build(*events: Event) -> list[StoredEvent]:
    log: list[StoredEvent] = []
    previous = GENESIS
    for event_id, event in enumerate(events, 1):
        stored = StoredEvent(
            event_id,
            1_800_000_000_000_000 + event_id,
            event.type,
            event.stream(event_id),
            event.actor,
            encode_data(event),
            encode_metadata(Metadata("http", f"key-{event_id}", bytes(4))),
            b"",
        )
        previous = digest_of(previous, stored)
        log.append(msgspec.structs.replace(stored, digest=previous))
    return log


LOG = build(*STORY)


def flip_text(text: str, bit: int) -> str | None:
    """The text with one bit of its UTF-8 turned, None where that is no text."""
    data = bytearray(text.encode())
    data[bit // 8] ^= 1 << bit % 8
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def flip_bytes(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def one_bit_changes(event: StoredEvent) -> list[StoredEvent]:
    """The event in every way in which one bit of it can be wrong."""
    replace = msgspec.structs.replace
    changed = [replace(event, event_id=event.event_id ^ 1 << bit) for bit in range(63)]
    changed += [replace(event, recorded_at=event.recorded_at ^ 1 << bit) for bit in range(63)]
    for field in ("type", "stream", "actor"):
        text = getattr(event, field)
        flipped = [flip_text(text, bit) for bit in range(8 * len(text.encode()))]
        changed += [replace(event, **{field: value}) for value in flipped if value is not None]
    for field in ("data", "metadata", "digest"):
        value = getattr(event, field)
        changed += [replace(event, **{field: flip_bytes(value, bit)}) for bit in range(8 * len(value))]
    return changed


def test_a_whole_log_has_no_break() -> None:
    assert find_break(GENESIS, LOG) is None
    assert find_break(GENESIS, []) is None


def test_a_part_of_a_log_has_no_break_behind_the_digest_before_it() -> None:
    assert find_break(LOG[1].digest, LOG[2:]) is None


@pytest.mark.parametrize("place", range(len(LOG)))
def test_every_change_of_a_single_bit_is_found_in_its_event(place: int) -> None:
    changes = one_bit_changes(LOG[place])
    assert len(changes) > 500
    for changed in changes:
        assert find_break(GENESIS, [*LOG[:place], changed, *LOG[place + 1 :]]) == changed.event_id


@pytest.mark.parametrize("place", range(len(LOG) - 1))
def test_a_removed_event_is_found_in_the_next(place: int) -> None:
    assert find_break(GENESIS, LOG[:place] + LOG[place + 1 :]) == LOG[place + 1].event_id


@pytest.mark.parametrize("place", range(len(LOG)))
def test_an_inserted_event_is_found(place: int) -> None:
    stranger = msgspec.structs.replace(LOG[place], actor="mallory")
    assert find_break(GENESIS, [*LOG[:place], stranger, *LOG[place:]]) == stranger.event_id


def test_an_event_inserted_with_a_digest_of_its_own_is_found_in_the_next() -> None:
    stranger = msgspec.structs.replace(LOG[1], actor="mallory")
    stranger = msgspec.structs.replace(stranger, digest=digest_of(LOG[0].digest, stranger))
    assert find_break(GENESIS, [LOG[0], stranger, *LOG[1:]]) == LOG[1].event_id


@pytest.mark.parametrize("place", range(len(LOG) - 1))
def test_two_events_that_changed_places_are_found_in_the_first(place: int) -> None:
    swapped = list(LOG)
    swapped[place : place + 2] = LOG[place + 1], LOG[place]
    assert find_break(GENESIS, swapped) == LOG[place + 1].event_id


def test_text_cannot_move_from_one_field_to_the_next() -> None:
    assert chain(GENESIS, 1, 1, "ab", "c", "d", b"", b"") != chain(GENESIS, 1, 1, "a", "bc", "d", b"", b"")
    assert chain(GENESIS, 1, 1, "a", "b", "cd", b"", b"") != chain(GENESIS, 1, 1, "a", "bc", "d", b"", b"")
    assert chain(GENESIS, 1, 1, "a", "b", "c", b"x", b"") != chain(GENESIS, 1, 1, "a", "b", "c", b"", b"x")


def test_the_digest_is_what_the_documentation_says_byte_for_byte() -> None:
    by_hand = sha256(
        bytes(32)
        + (7).to_bytes(8, "big")
        + (-3).to_bytes(8, "big", signed=True)
        + b"\0\0\0\x0aagent.seen"
        + "\0\0\0\x0asession/ä".encode()
        + "\0\0\0\x02ä".encode()
        + sha256(b"data").digest()
        + sha256(b"metadata").digest()
    ).digest()
    assert chain(GENESIS, 7, -3, "agent.seen", "session/ä", "ä", b"data", b"metadata") == by_hand


def text_of(letter: str, size: int) -> str:
    """A text of exactly so many bytes, in one letter as far as that goes."""
    count, rest = divmod(size, len(letter.encode()))
    return letter * count + "-" * rest


def sizes_around(edge: int) -> st.SearchStrategy[int]:
    return st.sampled_from((edge - 1, edge, edge + 1))


numbers = st.integers(-(2**63), 2**63 - 1)
letters = st.characters(exclude_categories=["Cs"])
texts = st.text(letters, max_size=10) | st.builds(text_of, letters, sizes_around(MAX_SHARED_TEXT_BYTES))
events = st.builds(
    StoredEvent,
    event_id=numbers,
    recorded_at=numbers,
    type=texts,
    stream=texts,
    actor=texts,
    data=st.binary(max_size=10),
    metadata=st.binary(max_size=10) | sizes_around(MAX_SHARED_BYTES).map(bytes),
    digest=st.just(b"") | st.binary(min_size=32, max_size=32),  # b"" stands for the one that follows
)


@given(st.lists(events, max_size=4))
@settings(deadline=None, database=None)
def test_all_that_compute_digests_agree_whether_a_part_is_remembered_or_not(drawn: list[StoredEvent]) -> None:
    log, raw, breaks = list[StoredEvent](), list[RawEvent](), list[int]()
    previous = GENESIS
    for e in drawn + drawn:  # what is remembered of the first half is used for the second
        follows = chain(previous, e.event_id, e.recorded_at, e.type, e.stream, e.actor, e.data, e.metadata)
        digest = e.digest or follows
        as_bytes = e.type.encode(), e.stream.encode(), e.actor.encode()
        log.append(msgspec.structs.replace(e, digest=digest))
        raw.append(RawEvent(e.event_id, e.recorded_at, *as_bytes, e.data, e.metadata, digest))
        assert digest_of(previous, raw[-1]) == digest_of(previous, log[-1]) == follows
        if digest != follows:
            breaks.append(e.event_id)
        previous = digest
    assert find_breaks(GENESIS, raw) == breaks
    assert find_break(GENESIS, log) == (breaks[0] if breaks else None)
