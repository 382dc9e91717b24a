"""A page of messages ends before it grows too large, no more is read than it holds, and the next goes on from there."""

from pathlib import Path

import msgspec
import pytest

from projections import messages
from projections.hub.recorder import Recorder
from projections.intervals import live
from projections.messages import MessageQuery, MessageRow
from tests.support.fake_time import BEGINNING
from tests.support.recorders import execute_all, post, reading


def test_a_page_of_messages_ends_before_it_grows_too_large(
    recorder: Recorder, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.messages.MAX_PAGE_BYTES", 5000)
    execute_all(recorder, [post(body="x" * 2000) for _ in range(6)])
    with reading(storage) as connection:
        first = messages.read_messages(connection, MessageQuery(channel="general"), live(BEGINNING))
        rest = messages.read_messages(
            connection, MessageQuery(channel="general", since_id=first.ids[-1]), live(BEGINNING)
        )
        tail = messages.read_messages(connection, MessageQuery(channel="general", tail=True), live(BEGINNING))
    assert (first.ids, rest.ids, tail.ids) == ([3, 4], [5, 6], [7, 8])
    assert len(msgspec.json.decode(first.json())) == 2


def test_a_message_that_is_larger_than_a_page_is_a_page(
    recorder: Recorder, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.messages.MAX_PAGE_BYTES", 100)
    execute_all(recorder, [post(body="x" * 2000) for _ in range(2)])
    with reading(storage) as connection:
        assert messages.read_messages(connection, MessageQuery(channel="general"), live(BEGINNING)).ids == [3]


def test_no_more_long_messages_are_read_than_a_page_has_room_for(
    recorder: Recorder, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "MAX_PAGE_BYTES", 5_000)
    encoded: list[int] = []
    encode = messages.encode_row

    def count(row: MessageRow) -> bytes:
        encoded.append(row[0])
        return encode(row)

    execute_all(recorder, [post(body="x" * 2_000) for _ in range(100)])
    monkeypatch.setattr(messages, "encode_row", count)
    with reading(storage) as connection:
        page = messages.read_messages(connection, MessageQuery(channel="general"), live(BEGINNING))
    assert len(page.rows) == 2
    assert len(encoded) == 3
