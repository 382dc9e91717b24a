"""A database as Arc 0.1.1 leaves it, made row by row, so that a test can put anything into it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE channels(name TEXT PRIMARY KEY, created_at TEXT NOT NULL, created_by TEXT,
    metadata_json TEXT NOT NULL DEFAULT '{}');
CREATE TABLE messages(id INTEGER PRIMARY KEY AUTOINCREMENT, ts TEXT NOT NULL, from_agent TEXT NOT NULL, to_agent TEXT,
    channel TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, attachments_json TEXT NOT NULL DEFAULT '[]',
    reply_to INTEGER, thread_id TEXT, metadata_json TEXT NOT NULL DEFAULT '{}');
CREATE TABLE sessions(session_id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, display_name TEXT NOT NULL,
    capabilities_json TEXT NOT NULL DEFAULT '[]', metadata_json TEXT NOT NULL DEFAULT '{}', created_at TEXT NOT NULL,
    last_seen TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 1);
CREATE TABLE claims(claim_key TEXT PRIMARY KEY, thread_id TEXT, task_message_id INTEGER, owner_agent_id TEXT NOT NULL,
    claimed_at TEXT NOT NULL, expires_at TEXT NOT NULL, released_at TEXT, metadata_json TEXT NOT NULL DEFAULT '{}');
CREATE TABLE locks(file_path TEXT PRIMARY KEY, agent_id TEXT NOT NULL, locked_at TEXT NOT NULL,
    expires_at TEXT NOT NULL, released_at TEXT, metadata_json TEXT NOT NULL DEFAULT '{}');
CREATE TABLE tasks(task_id INTEGER PRIMARY KEY, parent_task_id INTEGER, channel TEXT NOT NULL, thread_id TEXT,
    status TEXT NOT NULL DEFAULT 'open', created_at TEXT NOT NULL, completed_at TEXT);
INSERT INTO channels(name, created_at, created_by) VALUES
    ('general', '2026-01-01T00:00:00Z', 'system'), ('direct', '2026-01-01T00:00:00Z', 'system');
"""


class Rows:
    """Puts rows into the tables of one database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, table: str, **values: object) -> None:
        """Add a row; dicts and lists are kept as JSON."""
        bindings = [json.dumps(value) if isinstance(value, dict | list) else value for value in values.values()]
        places = ", ".join("?" * len(values))
        self._connection.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", bindings)  # noqa: S608

    def say(self, message_id: int, at: str, body: str = "x", **values: object) -> None:
        """Add a message of `ada`; times are given as `10:00:00` of one day."""
        row = {
            "id": message_id,
            "ts": time(at),
            "from_agent": "ada",
            "channel": "general",
            "kind": "chat",
            "body": body,
        }
        self.add("messages", **row | values)


def time(at: str) -> str:
    """A time of the day on which everything here happened."""
    return f"2026-01-02T{at}Z"


@contextmanager
def database_011(path: Path) -> Iterator[Rows]:
    """Make a database at `path` and fill it."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(SCHEMA)
        yield Rows(connection)
