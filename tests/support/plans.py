"""How SQLite carries out a query: its plan, and what it costs."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import apsw
from apsw.ext import query_info

from arclog.sqlite.queries import Queries
from arclog.sqlite.schema import EVENTS
from projections import (
    channels,
    claims,
    cursors,
    event_streams,
    files,
    inbox,
    locks,
    marked,
    messages,
    places,
    receipts,
    sessions,
    task_leases,
    task_rows,
    threads,
    tokens,
    vouches,
    wakes,
)
from projections.checkpoints import CHECKPOINTS

STATEMENTS: Mapping[str, Queries] = {
    "events": EVENTS,
    "checkpoints": CHECKPOINTS,
    "sessions": sessions.SQL,
    "channels": channels.SQL,
    "messages": messages.SQL,
    "inbox": inbox.SQL,
    "threads": threads.SQL,
    "claims": claims.SQL,
    "locks": locks.SQL,
    "tasks": task_rows.SQL,
    "event_streams": event_streams.SQL,
    "task_dependents": task_rows.DEPENDENTS_SQL,
    "task_claims": task_leases.SQL,
    "places": places.SQL,
    "files": files.SQL,
    "receipts": receipts.SQL,
    "cursors": cursors.SQL,
    "tokens": tokens.SQL,
    "marked": marked.SQL,
    "wakes": wakes.SQL,
    "vouches": vouches.SQL,
}
"""All our statements, by the table or noun that they are about."""


def reads_of(noun: str) -> dict[str, str]:
    """The statements about a noun that read tables, by name."""
    return {
        name: sql
        for name, sql in STATEMENTS[noun].items()
        if not name.startswith(("schema", "indexes")) and re.match(r"(--.*\n)*(SELECT|WITH)\b", sql)
    }


def plan_of(connection: apsw.Connection, sql: str, bindings: Mapping[str, Any] | None = None) -> list[str]:
    """The steps of the query's plan, as `EXPLAIN QUERY PLAN` tells them; values that are not given are NULL."""
    values = (None,) * query_info(connection, sql).bindings_count if bindings is None else bindings
    return [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]


def scanned_tables(plan: list[str]) -> set[str]:
    """What is read from end to end without an index: real tables, neither `json_each` nor subqueries."""
    found = set()
    for step in plan:
        match = re.match(r"SCAN (\w+)(?! USING (COVERING )?INDEX)", step)
        if match and "VIRTUAL TABLE" not in step and "CONSTANT ROW" not in step:
            found.add(match[1])
    return found


def steps_of(connection: apsw.Connection, read: Callable[[apsw.Connection], object]) -> int:
    """How many steps SQLite's machine takes for a read, to within ten."""
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 10
        return False

    read(connection)
    connection.set_progress_handler(count, 10)
    read(connection)
    connection.set_progress_handler(None)
    return steps
