"""Storages with a past, and ways to damage them that no program of ours offers."""

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import apsw

from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock, RefreshLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.deciders.tasks import CompleteTask
from projections.hub.calls import Call
from projections.hub.command_handlers import Command
from tests.support.fake_time import FakeTime
from tests.support.recorders import recording

COLUMNS: Final = ("event_id", "recorded_at", "type", "stream", "actor", "data", "metadata", "digest")
NUMBERS: Final = frozenset({"event_id", "recorded_at"})
TEXTS: Final = frozenset({"type", "stream", "actor"})


def build_storage(path: Path, events: int, seed: int = 1) -> Path:
    """A storage with exactly so many events of many kinds, every third call under a key."""
    chance = random.Random(seed)  # noqa: S311 - the same storage for the same seed
    time = FakeTime()
    with recording(path, time, presence_ttl=10**15) as recorder:
        for number in range(10 * events):
            if recorder.last_event_id >= events:
                break
            time.pass_sec(0.5)
            key = f"key-{number}" if number % 3 == 0 else None
            call = Call(_command(chance), lambda _result: None, "http", key, b"request" if key else None)
            recorder.transact([call])
        assert recorder.last_event_id == events
    return path


def make_200_smaller(path: Path) -> None:
    """Turn one bit of the number of event 200 on disk, so that it is found in its place as event 72."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        digest = connection.execute("SELECT digest FROM events WHERE event_id = 200").get
    data = bytearray(path.read_bytes())
    number = data.rindex(b"\x81\x48", 0, data.index(digest))  # 200 as SQLite writes it
    data[number] ^= 1
    path.write_bytes(data)


def _command(chance: random.Random) -> Command:
    agent, number = f"agent-{chance.randrange(5)}", chance.randrange(8)
    thread = chance.choice((None, "t1", "t2"))
    commands: list[Command] = [
        PostMessage(from_agent=agent, body=f"message {number}", thread_id=thread),
        PostMessage(from_agent=agent, body="for you", to_agent=f"agent-{number % 5}", thread_id=thread),
        PostMessage(from_agent=agent, body="do it", kind="task", thread_id=thread),
        OpenSession(agent_id=agent, replace=True),
        AcquireLock(agent_id=agent, file_path=f"src/{number}.py", ttl_sec=20),
        RefreshLock(agent_id=agent, file_path=f"src/{number}.py"),
        ReleaseLock(agent_id=agent, file_path=f"src/{number}.py"),
        AcquireClaim(owner_agent_id=agent, claim_key=f"job-{number}", thread_id=thread, ttl_sec=20),
        ReleaseClaim(claim_key=f"job-{number}", agent_id=agent),
        CompleteTask(task_id=chance.randrange(1, 60), agent_id=agent),
    ]
    return chance.choice(commands)


@contextmanager
def tampering(path: Path) -> Iterator[apsw.Connection]:
    """A connection that may change what is never changed."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("DROP TRIGGER IF EXISTS events_are_never_changed")
        connection.execute("DROP TRIGGER IF EXISTS events_are_never_removed")
        yield connection


def bits_of(connection: apsw.Connection, event_id: int, column: str) -> int:
    """How many bits one field of an event has."""
    if column in NUMBERS:
        return 63 if column == "event_id" else 64
    query = f"SELECT length(CAST({column} AS BLOB)) FROM events WHERE event_id = ?"  # noqa: S608
    return 8 * int(connection.execute(query, (event_id,)).get)


def flip_bit(connection: apsw.Connection, event_id: int, column: str, bit: int) -> bool:
    """Turn one bit of one field of an event; false where the number is taken."""
    if column in NUMBERS:
        query = f"SELECT {column} FROM events WHERE event_id = ?"  # noqa: S608
        number = int(connection.execute(query, (event_id,)).get) & 2**64 - 1 ^ 1 << bit
        value: int | bytes = number - (1 << 64) if number >= 1 << 63 else number
        placeholder = "?"
    else:
        query = f"SELECT CAST({column} AS BLOB) FROM events WHERE event_id = ?"  # noqa: S608
        data = bytearray(connection.execute(query, (event_id,)).get)
        data[bit // 8] ^= 1 << bit % 8
        value = bytes(data)
        placeholder = "CAST(? AS TEXT)" if column in TEXTS else "?"
    try:
        connection.execute(f"UPDATE events SET {column} = {placeholder} WHERE event_id = ?", (value, event_id))  # noqa: S608
    except apsw.ConstraintError:
        return False
    return True


@contextmanager
def undone(connection: apsw.Connection) -> Iterator[None]:
    """What is changed in the block is as it was afterwards; meanwhile this connection alone sees it."""
    connection.execute("SAVEPOINT damage")
    try:
        yield
    finally:
        connection.execute("ROLLBACK TO damage; RELEASE damage")
