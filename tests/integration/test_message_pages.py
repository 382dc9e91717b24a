"""A page of messages ends before it grows too large, no more is read than it holds, and the next goes on from there."""

from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from arclog.codec import Fact
from projections import message_pages, messages
from projections.hub.recorder import Recorder
from projections.intervals import live
from projections.message_pages import MessageQuery
from projections.messages import Message
from projections.recent import recent_of
from tests.support.fake_time import BEGINNING
from tests.support.recorders import execute_all, post, reading
from tests.support.tampering import tampering


def test_a_page_of_messages_ends_before_it_grows_too_large(recorder: Recorder, storage: Path) -> None:
    query = MessageQuery(channel="general", max_bytes=5000)
    execute_all(recorder, [post(body="x" * 2000) for _ in range(6)])
    with reading(storage) as connection:
        first = message_pages.read_messages(connection, query, live(BEGINNING))
        rest = message_pages.read_messages(connection, replace(query, since_id=first.ids[-1]), live(BEGINNING))
        tail = message_pages.read_messages(connection, replace(query, tail=True), live(BEGINNING))
        last = message_pages.read_messages(connection, replace(query, since_id=6), live(BEGINNING))
    assert (first.ids, rest.ids, tail.ids, last.ids) == ([3, 4], [5, 6], [7, 8], [7, 8])
    assert (first.more, rest.more, tail.more, last.more) == (True, True, True, False)
    assert len(msgspec.json.decode(first.json())) == 2


def test_a_message_that_is_larger_than_a_page_is_a_page(recorder: Recorder, storage: Path) -> None:
    execute_all(recorder, [post(body="x" * 2000) for _ in range(2)])
    with reading(storage) as connection:
        query = MessageQuery(channel="general", max_bytes=100)
        assert message_pages.read_messages(connection, query, live(BEGINNING)).ids == [3]


def test_no_more_long_messages_are_read_than_a_page_has_room_for(
    recorder: Recorder, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    find = messages.messages_of

    def count(event: Fact) -> list[Message]:
        encoded.append(event.event_id)
        return find(event)

    execute_all(recorder, [post(body="x" * 2_000) for _ in range(100)])
    monkeypatch.setattr(message_pages, "messages_of", count)
    monkeypatch.setattr(message_pages, "PART", 8)
    with reading(storage) as connection:
        query = MessageQuery(channel="general", max_bytes=5_000)
        page = message_pages.read_messages(connection, query, live(BEGINNING))
    assert len(page.rows) == 2
    assert len(encoded) == 3


def test_what_is_remembered_may_be_forgotten_while_a_page_is_read(recorder: Recorder, storage: Path) -> None:
    """Each message stays under its own id, even when remembering one makes the connection forget the others."""
    execute_all(recorder, [post(body=f"{number}") for number in range(20)])
    everything = MessageQuery(channel="general")
    with reading(storage) as connection:
        expected = message_pages.read_messages(connection, everything, live(BEGINNING)).rows
    with reading(storage) as connection:
        recent_of(connection, room=3 * len(expected[0]))
        for since in (0, 10, 3, 15, 0):
            page = message_pages.read_messages(
                connection, MessageQuery(channel="general", since_id=since), live(BEGINNING)
            )
            assert [msgspec.json.decode(row)["id"] for row in page.rows] == page.ids
            assert page.rows == [row for row in expected if msgspec.json.decode(row)["id"] > since]


@pytest.mark.parametrize("max_bytes", [1, 700, 1_000, 2_500, 1_000_000])
def test_a_page_of_what_is_remembered_is_the_page_that_was_read(
    recorder: Recorder, storage: Path, monkeypatch: pytest.MonkeyPatch, max_bytes: int
) -> None:
    monkeypatch.setattr(message_pages, "PART", 4)
    execute_all(recorder, [post(body="x" * (1 + 7 * number % 50)) for number in range(10)])
    query = MessageQuery(channel="general", max_bytes=max_bytes)
    with reading(storage) as connection:
        first = message_pages.read_messages(connection, query, live(BEGINNING))
    with reading(storage) as connection:
        message_pages.read_messages(connection, MessageQuery(channel="general"), live(BEGINNING))
        assert len(recent_of(connection)) == 10
        assert message_pages.read_messages(connection, query, live(BEGINNING)) == first


def test_a_message_whose_event_is_damaged_is_told_of_and_keeps_nobody_from_the_others(
    recorder: Recorder, storage: Path
) -> None:
    ids = [msgspec.json.decode(outcome.result)["id"] for outcome in execute_all(recorder, [post()] * 5)]  # type: ignore[union-attr]
    with tampering(storage) as connection:
        connection.execute("UPDATE events SET data = x'c1' WHERE event_id IN (?, ?)", (ids[1], ids[2]))
        connection.execute("DELETE FROM events WHERE event_id = ?", (ids[3],))
    with reading(storage) as connection:
        page = message_pages.read_messages(connection, MessageQuery(channel="general"), live(BEGINNING))
    said = {message["id"]: message for message in map(msgspec.json.decode, page.rows)}
    assert list(said) == [ids[0], ids[1], ids[2], ids[4]]
    assert said[ids[1]]["body"] == f"message {ids[1]} cannot be read: the log is damaged"
    assert (said[ids[2]]["from_agent"], said[ids[2]]["kind"]) == ("system", "notice")
    assert said[ids[0]]["body"] == said[ids[4]]["body"] == "hi"
