"""How SQLite means to carry out a query."""

import re
from collections.abc import Mapping
from typing import Any

import apsw
from apsw.ext import query_info

from arclog.sqlite.queries import Queries
from arclog.sqlite.schema import EVENTS
from projections import channels, claims, event_streams, inbox, locks, messages, sessions, task_rows, threads, vouches
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
