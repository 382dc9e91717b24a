"""What needs a person: things that no agent will mend by itself, each with what to do about it."""

from collections.abc import Iterator
from itertools import islice
from typing import Final, Literal

import apsw
from msgspec import Struct

from arclog.events.messages import HUMAN
from arclog.sqlite.reads import find_last_at
from projections import marked, receipts, sessions, tasks, wakes
from projections.deadlocks import Deadlock
from projections.history.standstills import list_standstills
from projections.intervals import AsOf
from projections.task_rows import TaskRow
from projections.times import optional_timestamp, timestamp

MOST: Final = 50
"""What is listed of one kind, oldest first; who has fifty things to do needs no more."""

LOOKED_AT: Final = 1_000
"""Requests that are looked at for those to agents that are not here."""
TITLE_CHARS: Final = 120

Kind = Literal["damage", "disk", "hub", "secret", "question", "deadlock", "stuck", "failed", "overdue", "dark"]


class Item(Struct, frozen=True):
    """One thing that needs a person.

    Attributes:
        kind: what kind of thing.
        entity: what it is about, as the log's streams name it; empty for the hub itself.
        event_id: the event that it began with; 0 for what is no event.
        since: when that was.
        text: what is wrong, in a few words.
        advice: what to do.
    """

    kind: Kind
    entity: str
    event_id: int
    since: str | None
    text: str
    advice: str


def list_attention(connection: apsw.Connection, at: AsOf, operator: str, borne: int) -> list[Item]:
    """What needs a person at a moment, as far as the log says; what only a person can do first.

    Args:
        connection: in a transaction.
        at: the moment.
        operator: the agent name that questions to a person are sent to.
        borne: for how long an agent may do nothing while others wait for what it holds, in microseconds.
    """
    return [
        *_list_secrets(connection, at),
        *_list_asked(connection, at, operator),
        *_list_standstills(connection, at, borne),
        *_list_silent(connection, at),
        *_list_failed(connection, at),
        *_list_overdue(connection, at),
    ]


def _list_secrets(connection: apsw.Connection, at: AsOf) -> list[Item]:
    """Messages in which something looks like a key."""
    return [
        Item(
            "secret",
            f"message/{message_id}",
            message_id,
            timestamp(find_last_at(connection, message_id)[1]),
            f"a message of {from_agent} holds what looks like a key",
            "if it is one, make it worthless, then have the message erased",
        )
        for message_id, from_agent in marked.list_marked(connection, at, MOST)
    ]


def _list_asked(connection: apsw.Connection, at: AsOf, operator: str) -> list[Item]:
    """Open requests to the person, and to agents that are not here; the person's first."""
    asked = [] if operator != HUMAN else [_ask(row) for row in _some(connection, "list_open_questions", at, MOST)]
    dark: list[Item] = []
    for row in _some(connection, "list_open_requests", at, LOOKED_AT):
        if row.assignee == operator:
            if not row.is_question and len(asked) < MOST:
                asked.append(_ask(row))
        elif row.assignee is not None and sessions.find_live(connection, row.assignee, at) is None:
            text = f"{row.assignee} is not here, and {row.opener} waits for it: {row.title[:TITLE_CHARS]}"
            advice = "start it again, or ask another agent"
            dark.append(Item("dark", f"task/{row.task_id}", row.task_id, timestamp(row.created_at), text, advice))
    return [*asked, *dark[:MOST]]


def _list_standstills(connection: apsw.Connection, at: AsOf, borne: int) -> list[Item]:
    """Leases that others wait for while nobody will give them up by itself; circles first."""
    stuck, circles = list_standstills(connection, at, borne)
    told = [
        Item(
            "deadlock",
            f"{one.circle[0].noun}/{one.circle[0].key}",
            one.event_id,
            timestamp(find_last_at(connection, one.event_id)[1]),
            _tell_circle(one),
            "ask one of them to give it back, or free it",
        )
        for one in circles[:MOST]
    ]
    told += [
        Item(
            "stuck",
            f"{one.noun}/{one.key}",
            one.token,
            timestamp(max(one.since, one.moved_at)),
            f"{one.waiting} waits for {one.key}, and {one.holder}, which holds it, does nothing",
            f"ask {one.holder} for it, have it called, or free it",
        )
        for one in stuck[:MOST]
    ]
    return told


def _tell_circle(one: Deadlock) -> str:
    first, *others = one.circle
    told = ", and ".join(f"{link.agent_id} waits for {link.key}, which {link.holder} has" for link in others)
    return f"{first.agent_id} may not wait for {first.key}, which {first.holder} has: {told}"


def _list_silent(connection: apsw.Connection, at: AsOf) -> list[Item]:
    """Agents that were called, and did not answer."""
    return [
        Item(
            "dark",
            f"wake/{wake.agent_id}",
            wake.wake_id,
            wake.requested_at,
            f"{wake.agent_id} does not answer: {wake.from_agent} had it called, and nobody saw it",
            "look at its window; an operator may free what it holds",
        )
        for wake in wakes.list_dark(connection, at, MOST)
    ]


def _ask(row: TaskRow) -> Item:
    """What a person was asked."""
    text = f"{row.opener} asks: {row.title[:TITLE_CHARS]}"
    advice = "answer it; who asked is told at once" if row.is_question else "reply to it with a task_result"
    return Item("question", f"task/{row.task_id}", row.task_id, timestamp(row.created_at), text, advice)


def _some(connection: apsw.Connection, query: str, at: AsOf, most: int) -> Iterator[TaskRow]:
    """The first rows that a query finds."""
    return islice(tasks.read_rows(connection, query, at.bindings(opener=None, most=most)), most)


def _list_failed(connection: apsw.Connection, at: AsOf) -> list[Item]:
    """Tasks that nobody goes on with by itself."""
    return [
        Item(
            "failed",
            f"task/{row.task_id}",
            row.ended_by or row.task_id,
            optional_timestamp(row.completed_at),
            f"a task of {row.opener} failed: {row.title[:TITLE_CHARS]}",
            "reopen it, or cancel it",
        )
        for row in _some(connection, "list_failed" if at.is_live else "list_failed_at", at, MOST)
    ]


def _list_overdue(connection: apsw.Connection, at: AsOf) -> list[Item]:
    """Messages that were to be acknowledged by now."""
    return [
        Item(
            "overdue",
            f"message/{one.message_id}",
            one.message_id,
            one.ack_by,
            f"{one.to_agent} has not acknowledged a message of {one.from_agent} in time",
            f"see whether {one.to_agent} is at work, or tell another agent",
        )
        for one in receipts.list_overdue(connection, at, MOST)
    ]
