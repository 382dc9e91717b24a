"""What an agent could see at a moment: what it had to go by when it did what it did."""

from typing import Final

import apsw
from msgspec import Raw, Struct
from msgspec.structs import replace

from arclog.errors import NotFound
from arclog.sqlite.reads import find_last_event_of, find_last_seen
from projections import claims, inbox, locks, message_pages, queue, sessions, tasks
from projections.claims import Claim
from projections.intervals import live
from projections.locks import Lock
from projections.message_pages import MessageQuery
from projections.moments import find_moment
from projections.places import QueuePlace
from projections.sessions import Session
from projections.tasks import Task
from projections.times import optional_timestamp, timestamp

DEFAULT_LIMIT: Final = 20


class Sight(Struct, frozen=True):
    """All that a read of one agent could show, at one moment.

    Attributes:
        agent_id: the agent.
        event_id: the event that the moment is right after.
        at: the time by which leases are judged: the event's, or the present.
        last_act_at: when the agent had last done anything; None when it had not yet.
        session: the agent's live session, None when it had none.
        live_agents: who else was there.
        latest_visible_id: the last message that it could see.
        inbox: the last messages to it alone, in order.
        messages: the last messages that it could see, its inbox included, in order.
        claims: the claims that were active.
        locks: the locks that were active.
        waiting: who waited for a claim or a lock, and for whom.
        open_tasks: the tasks that were open.
    """

    agent_id: str
    event_id: int
    at: str
    last_act_at: str | None
    session: Session | None
    live_agents: tuple[str, ...]
    latest_visible_id: int
    inbox: tuple[Raw, ...]
    messages: tuple[Raw, ...]
    claims: tuple[Claim, ...]
    locks: tuple[Lock, ...]
    waiting: tuple[QueuePlace, ...]
    open_tasks: tuple[Task, ...]


def read_sight(
    connection: apsw.Connection, agent_id: str, event_id: int, limit: int = DEFAULT_LIMIT, now: int | None = None
) -> Sight:
    """What an agent could see right after an event.

    Args:
        connection: in a transaction, so that all of it is of one moment.
        agent_id: the agent; before it came it could see the broadcasts all the same.
        event_id: the event.
        limit: how many messages to show, the last ones.
        now: the time by which leases are judged, in microseconds; the event's unless given.

    Raises:
        InvalidInput: the event is beyond the log's head.
        NotFound: nobody of that name ever did anything, or was written to.
    """
    at = find_moment(connection, event_id)
    if now is not None:
        at = replace(at, now=now)
    if find_last_event_of(connection, agent_id) is None and not inbox.find_latest(connection, agent_id, live(at.now)):
        raise NotFound("agent", agent_id, "never did anything in this log, and nobody wrote to it")
    own = inbox.read_inbox(connection, agent_id, at, limit=limit, tail=True)
    visible = message_pages.read_messages(connection, MessageQuery(agent_id=agent_id, limit=limit, tail=True), at)
    return Sight(
        agent_id,
        event_id,
        timestamp(at.now),
        optional_timestamp(find_last_seen(connection, agent_id, event_id)),
        sessions.find_session(connection, agent_id, at),
        tuple(session.agent_id for session in sessions.list_sessions(connection, at)),
        max(message_pages.find_latest_broadcast(connection, at), inbox.find_latest(connection, agent_id, at)),
        tuple(map(Raw, own.rows)),
        tuple(map(Raw, visible.rows)),
        tuple(claims.list_claims(connection, at, active_only=True)),
        tuple(locks.list_locks(connection, at, active_only=True)),
        (*queue.list_queue(connection, at, "claim"), *queue.list_queue(connection, at, "lock")),
        tuple(tasks.list_tasks(connection, at, status="open")),
    )
