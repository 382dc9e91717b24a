"""A database of Arc 0.1.1 in a new log: what was is told as it was, and the tables follow from the log."""

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

from arclog.digest import GENESIS
from arclog.errors import NotAnArcStorage, StorageDamaged, StorageError
from arclog.progress import no_progress
from arclog.sqlite.reads import read
from arclog.sqlite.schema import open_storage
from projections import channels, claims, locks, message_pages, sessions, tasks, threads
from projections.intervals import live
from projections.message_pages import MessageQuery
from projections.moving.import_011 import Imported, import_011
from projections.rebuilding.differences import find_differences
from projections.rebuilding.rebuild import replay_into
from tests.support.chains import find_break
from tests.support.database_011 import Rows, database_011, time
from tests.support.recorders import events_in, reading

LATER = live(1_900_000_000_000_000)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return tmp_path / "new.sqlite3"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return tmp_path / "old.sqlite3"


def bring(old: Path, storage: Path) -> Imported:
    imported = import_011(old, storage, no_progress)
    with reading(storage) as connection, closing(apsw.Connection(":memory:")) as replayed:
        assert find_break(GENESIS, read(connection, limit=1_000_000)) is None
        replay_into(connection, replayed, imported.head)
        assert list(find_differences(connection, replayed)) == []
    return imported


def fill(rows: Rows) -> None:
    rows.add("channels", name="dev", created_at=time("09:00:00"), created_by="ada", metadata_json={"n": 1})
    rows.say(1, "10:00:00", "do", kind="task", channel="dev", thread_id="t", metadata_json={"m": "\ud800"})
    rows.say(4, "10:00:01", "?", kind="task_request", to_agent="bob", channel="direct", thread_id="t")
    rows.say(
        5,
        "10:00:02",
        "!",
        kind="task_result",
        reply_to=4,
        from_agent="bob",
        metadata_json={"task_completed": 4, "x": 1},
    )
    rows.say(6, "10:00:03", "again", kind="task_result", reply_to=4, metadata_json={"task_completed": 4})
    rows.say(7, "10:00:04", "", attachments_json=[{"type": "text", "content": "hi"}, {"odd": 1}])
    rows.add(
        "tasks",
        task_id=1,
        channel="dev",
        thread_id="t",
        status="done",
        created_at=time("10:00:00"),
        completed_at=time("11:00:00"),
    )
    rows.add(
        "tasks",
        task_id=4,
        channel="direct",
        thread_id="t",
        status="done",
        created_at=time("10:00:01"),
        completed_at=time("10:00:02"),
    )
    for name, agent, at, active in (
        ("s1", "ada", "08:00:00", 0),
        ("s2", "ada", "09:00:00", 1),
        ("s3", "bob", "09:00:00", 0),
    ):
        rows.add(
            "sessions",
            session_id=name,
            agent_id=agent,
            display_name=agent,
            created_at=time(at),
            last_seen=time("10:30:00"),
            active=active,
        )
    rows.add(
        "claims",
        claim_key="k",
        thread_id="t",
        task_message_id=1,
        owner_agent_id="ada",
        claimed_at=time("10:10:00"),
        expires_at=time("10:20:00"),
    )
    rows.add(
        "claims",
        claim_key="free",
        owner_agent_id="bob",
        claimed_at=time("10:10:00"),
        expires_at=time("10:20:00"),
        released_at=time("10:15:00"),
    )
    rows.add(
        "locks",
        file_path="a.py",
        agent_id="ada",
        locked_at=time("10:10:00"),
        expires_at=time("10:20:00"),
        metadata_json={"deep": [[[1]]], "big": 2**70},
    )
    rows.add(
        "locks",
        file_path="b.py",
        agent_id="ada",
        locked_at=time("10:10:00"),
        expires_at=time("10:20:00"),
        released_at=time("10:12:00"),
    )


def test_what_was_there_is_there(old: Path, storage: Path) -> None:
    with database_011(old) as rows:
        fill(rows)
    imported = bring(old, storage)
    assert imported.counts["message.posted"] == 5
    assert imported.head == len(events_in(storage)) + 2, "ids 2 and 3 were never given out"
    with reading(storage) as connection:
        assert [channel.name for channel in channels.each_channel(connection, LATER)] == ["dev", "direct", "general"]
        assert [session.session_id for session in sessions.list_sessions(connection, LATER)] == ["s2"]
        assert [(task.task_id, task.status) for task in tasks.list_tasks(connection, LATER)] == [
            (1, "done"),
            (4, "done"),
        ]
        assert {claim.claim_key: claim.released_at is None for claim in claims.list_claims(connection, LATER)} == {
            "k": True,
            "free": False,
        }
        assert {lock.file_path: lock.released_at is None for lock in locks.list_locks(connection, LATER)} == {
            "a.py": True,
            "b.py": False,
        }
        assert threads.get_thread(connection, "t", LATER).status == "completed"
        page = message_pages.read_messages(connection, MessageQuery(agent_id="bob"), LATER)
    assert page.ids == [1, 4, 5, 6, 7]
    said: list[dict[str, Any]] = [msgspec.json.decode(row) for row in page.rows]
    assert [row["metadata"] for row in said] == [
        {"m": "?"},
        {},
        {"x": 1, "task_completed": 4},
        {"task_completed": 4},
        {},
    ]
    assert said[4]["attachments"] == [{"type": "text", "content": "hi"}, {"type": "json", "content": {"odd": 1}}]


def test_an_empty_database_makes_a_log_with_the_first_channels(old: Path, storage: Path) -> None:
    with database_011(old) as rows:
        rows._connection.execute("DELETE FROM channels")
    assert bring(old, storage).head == 2
    assert [event.type for event in events_in(storage)] == ["channel.created"] * 2


def test_progress_is_told_now_and_then(old: Path, storage: Path) -> None:
    with database_011(old) as rows:
        for number in range(1, 6):
            rows.say(number, f"10:00:0{number}")
    told: list[tuple[int, int]] = []

    def progress(done: int, last: int) -> None:
        told.append((done, last))

    import_011(old, storage, progress, tell_every=2)
    assert told == [(2, 5), (4, 5)]


def test_a_log_with_events_takes_no_import_and_stays_as_it_was(old: Path, storage: Path) -> None:
    with database_011(old) as rows:
        fill(rows)
    bring(old, storage)
    before = events_in(storage)
    with pytest.raises(NotAnArcStorage, match="has events already"):
        import_011(old, storage, no_progress)
    assert events_in(storage) == before


def test_a_time_that_is_none_is_named_and_nothing_is_kept(old: Path, storage: Path) -> None:
    with database_011(old) as rows:
        rows.say(1, "10:00:00")
        rows.say(2, "10:00:00", ts="yesterday")
    with pytest.raises(StorageDamaged, match="message 2 has the time 'yesterday'"):
        import_011(old, storage, no_progress)
    assert not storage.exists()


def test_what_is_no_database_of_011_is_refused(tmp_path: Path, storage: Path) -> None:
    with pytest.raises(StorageError, match="there is no database"):
        import_011(tmp_path / "missing.sqlite3", storage, no_progress)
    open_storage(tmp_path / "other.sqlite3").close()
    with pytest.raises(NotAnArcStorage, match="is a storage of this Arc already"):
        import_011(tmp_path / "other.sqlite3", storage, no_progress)
    with closing(apsw.Connection(str(tmp_path / "foreign.sqlite3"))) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(NotAnArcStorage, match=r"is not a database of Arc 0\.1\.1"):
        import_011(tmp_path / "foreign.sqlite3", storage, no_progress)
    assert not storage.exists()


def test_a_fault_of_the_old_file_is_not_laid_to_the_new_one(old: Path, storage: Path) -> None:
    with database_011(old) as rows:
        rows.say(1, "10:00:00")
    with closing(apsw.Connection(str(old))) as connection:
        connection.execute("ALTER TABLE messages RENAME COLUMN body TO text")
    with pytest.raises(StorageError, match=re.escape(str(old))):
        import_011(old, storage, no_progress)
    assert not storage.exists()


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        ("not json", {}),
        ("[1]", {}),
        ('{"n": NaN, "i": Infinity}', {"n": None, "i": None}),
        ('{"big": 99999999999999999999}', {"big": "99999999999999999999"}),
        ('{"s": "\\ud800", "\\ud800": 1}', {"s": "?", "?": 1}),
        ('{"deep": ' * 70 + "1" + "}" * 70, None),
    ],
)
def test_json_that_no_reader_could_keep_is_made_readable(
    old: Path, storage: Path, stored: str, kept: dict[str, Any] | None
) -> None:
    with database_011(old) as rows:
        rows.say(1, "10:00:00", metadata_json=stored)
    bring(old, storage)
    with reading(storage) as connection:
        (row,) = message_pages.read_messages(connection, MessageQuery(channel="general"), LATER).rows
    metadata = msgspec.json.decode(row)["metadata"]
    assert metadata == kept if kept is not None else list(metadata) == ["deep"]
