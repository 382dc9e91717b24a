"""Pages of messages: how much is read for one."""

from pathlib import Path

import pytest

from arclog.deciders.messages import PostMessage
from projections import messages
from projections.intervals import live
from projections.messages import MessageQuery, MessageRow
from tests.support.recorders import execute_all, reading, recording


def test_no_more_long_messages_are_read_than_a_page_has_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "MAX_PAGE_BYTES", 5_000)
    encoded: list[int] = []
    encode = messages.encode_row

    def count(row: MessageRow) -> bytes:
        encoded.append(row[0])
        return encode(row)

    with recording(tmp_path / "arc.sqlite3") as recorder:
        execute_all(recorder, [PostMessage(from_agent="a", body="x" * 2_000) for _ in range(100)])
        monkeypatch.setattr(messages, "encode_row", count)
        with reading(tmp_path / "arc.sqlite3") as connection:
            page = messages.read_messages(connection, MessageQuery(channel="general"), live(0))
    assert len(page.rows) == 2
    assert len(encoded) == 3
