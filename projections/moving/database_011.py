"""A database of Arc 0.1.1, read only: its rows as events.

Arc 0.1.1 kept tables of what is so now, and let in what this hub refuses. So each row becomes the events that lead to
it, and what no JSON reader could keep is made readable: half a surrogate pair becomes a question mark, NaN and Infinity
become null, an integer beyond 64 bits and whatever is nested too deeply become text.
"""

import json
import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw
import msgspec
from msgspec import Struct

from arclog.deciders.fields import MAX_JSON_DEPTH
from arclog.errors import NotAnArcStorage, StorageDamaged, StorageError
from arclog.events import (
    AgentSeen,
    Attachment,
    ChannelCreated,
    ClaimAcquired,
    ClaimReleased,
    Event,
    JsonObject,
    LockAcquired,
    LockReleased,
    MessagePosted,
    SessionClosed,
    SessionOpened,
    TaskCompleted,
)
from arclog.events.messages import JsonAttachment
from arclog.sqlite.connection import storage_errors
from arclog.sqlite.queries import Queries
from arclog.sqlite.schema import kind_of, only_tables, open_to_read
from projections.times import parse_timestamp

SQL: Final = Queries("projections.moving", "database_011.sql")

Kind = TypeVar("Kind", dict[str, Any], list[Any])

TABLES: Final = frozenset({"channels", "messages", "sessions", "claims", "locks", "tasks"})


class Happening(Struct, frozen=True):
    """Something that a row tells of: when, in microseconds since 1970, and what."""

    at: int
    event: Event


class Database011:
    """The rows of one database, of one moment. Get it from `open_011`."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    @property
    def last_id(self) -> int:
        """The last message id that was given out."""
        (row,) = self._rows("find_last_id")
        return int(row[0] or 0)

    def count_messages(self) -> int:
        """How many messages there are."""
        (row,) = self._rows("count_messages")
        return int(row[0])

    def messages(self) -> Iterator[tuple[int, Happening]]:
        """The messages with their ids, in that order. Which task a message completes is not known here."""
        for row in self._rows("list_messages"):
            message_id, ts, sender, to_agent, channel, kind, body, attachments, reply_to, thread_id, *rest = row
            metadata, parent_task_id = rest
            posted = MessagePosted(
                from_agent=_text(sender),
                to_agent=_optional(to_agent),
                channel=_text(channel),
                kind=_text(kind),
                body=_text(body),
                attachments=tuple(_attachment(one) for one in _json(attachments, list)),
                reply_to=reply_to,
                thread_id=_optional(thread_id),
                metadata=_json(metadata, dict),
                parent_task_id=parent_task_id,
            )
            yield message_id, Happening(_time(f"message {message_id}", ts), posted)

    def done_tasks(self) -> Iterator[TaskCompleted]:
        """The completion of each task that is done."""
        for task_id, thread_id, completed_at in self._rows("list_done_tasks"):
            at = _time(f"task {task_id}", completed_at)
            yield TaskCompleted(task_id=task_id, thread_id=_optional(thread_id), occurred_at=at)

    def channels(self) -> Iterator[Happening]:
        """The making of each channel."""
        for name, created_at, created_by, metadata in self._rows("list_channels"):
            at = _time(f"channel {name}", created_at)
            yield Happening(
                at,
                ChannelCreated(
                    name=_text(name), created_by=_optional(created_by), metadata=_json(metadata, dict), occurred_at=at
                ),
            )

    def sessions(self) -> Iterator[Happening]:
        """The opening of each session, and its end, or the last sign of life of one that is still open."""
        for row in self._rows("list_sessions"):
            session_id, agent_id, display_name, capabilities, metadata, created_at, last_seen, active = row
            at = _time(f"session {session_id}", created_at)
            opened = SessionOpened(
                agent_id=_text(agent_id),
                session_id=_text(session_id),
                display_name=_text(display_name),
                capabilities=tuple(str(one) for one in _json(capabilities, list)),
                metadata=_json(metadata, dict),
                occurred_at=at,
            )
            yield Happening(at, opened)
            seen = AgentSeen(agent_id=opened.agent_id)
            closed = SessionClosed(agent_id=opened.agent_id, session_id=opened.session_id)
            yield Happening(max(at, _time(f"session {session_id}", last_seen)), seen if active else closed)

    def claims(self) -> Iterator[Happening]:
        """The last grant of each claim, and its release, whose fencing token is not known here."""
        for row in self._rows("list_claims"):
            key, thread_id, task_message_id, owner, claimed_at, expires_at, released_at, metadata = row
            what = f"claim {key}"
            at = _time(what, claimed_at)
            granted = ClaimAcquired(
                claim_key=_text(key),
                owner_agent_id=_text(owner),
                expires_at=_time(what, expires_at),
                thread_id=_optional(thread_id),
                task_message_id=task_message_id,
                metadata=_json(metadata, dict),
                occurred_at=at,
            )
            yield Happening(at, granted)
            if released_at is not None:
                at = max(at, _time(what, released_at))
                owner = granted.owner_agent_id
                released = ClaimReleased(
                    claim_key=granted.claim_key, owner_agent_id=owner, fencing_token=0, occurred_at=at
                )
                yield Happening(at, released)

    def locks(self) -> Iterator[Happening]:
        """The last grant of each lock, and its release, whose fencing token is not known here."""
        for path, agent_id, locked_at, expires_at, released_at, metadata in self._rows("list_locks"):
            what = f"lock {path}"
            at = _time(what, locked_at)
            granted = LockAcquired(
                file_path=_text(path),
                agent_id=_text(agent_id),
                expires_at=_time(what, expires_at),
                metadata=_json(metadata, dict),
                occurred_at=at,
            )
            yield Happening(at, granted)
            if released_at is not None:
                at = max(at, _time(what, released_at))
                released = LockReleased(
                    file_path=granted.file_path, agent_id=granted.agent_id, fencing_token=0, occurred_at=at
                )
                yield Happening(at, released)

    def _rows(self, name: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query; what is wrong with this file is not laid to the one that is written meanwhile."""
        with storage_errors(self._path):
            yield from self._connection.execute(SQL[name])


@contextmanager
def open_011(path: Path) -> Iterator[Database011]:
    """The database at `path`, which is only read; a hub of Arc 0.1.1 may go on using it.

    Raises:
        StorageError: there is no such file, or it cannot be read.
        NotAnArcStorage: it is no database of Arc 0.1.1.
    """
    if not path.is_file():
        raise StorageError(f"there is no database at {path}")
    with closing(open_to_read(path)) as connection, storage_errors(path):
        _recognise(connection, path)
        connection.execute("BEGIN")
        yield Database011(connection, path)
        connection.execute("COMMIT")


def _recognise(connection: apsw.Connection, path: Path) -> None:
    kind = kind_of(connection)
    if kind == "storage":
        raise NotAnArcStorage(f"{path} is a storage of this Arc already", advice="restore_or_fork")
    if kind == "tables":
        raise only_tables(path)
    if not {name for (name,) in connection.execute(SQL["list_tables"])} >= TABLES:
        raise NotAnArcStorage(f"{path} is not a database of Arc 0.1.1")


def _time(what: str, text: str) -> int:
    try:
        return parse_timestamp(text)
    except (TypeError, ValueError):
        raise StorageDamaged(f"{what} has the time {text!r}, which is not a time") from None


def _optional(text: str | None) -> str | None:
    return None if text is None else _text(text)


def _text(text: object) -> str:
    return str(text).encode(errors="replace").decode()


def _json(text: str, kind: type[Kind]) -> Kind:
    try:
        value = _clean(json.loads(text), MAX_JSON_DEPTH)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, kind) else kind()


def _clean(value: object, depth: int) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return str(value)
    if isinstance(value, dict | list) and depth == 1:
        return _text(json.dumps(value))
    if isinstance(value, list):
        return [_clean(one, depth - 1) for one in value]
    if isinstance(value, dict):
        return {_text(key): _clean(one, depth - 1) for key, one in value.items()}
    return value


def _attachment(value: JsonObject) -> Attachment:
    try:
        found: Attachment = msgspec.convert(value, Attachment)
    except msgspec.ValidationError:
        return JsonAttachment(value)
    return found
