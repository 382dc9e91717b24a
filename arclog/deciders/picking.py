"""Picking: which task an agent does next, and the lease that it gets on it.

Priority goes first, and within it age; but what has been ready for two days goes before everything else, the longest
first, so that nothing waits for ever.
"""

from typing import ClassVar, Final

from msgspec import Struct

from arclog.deciders import fields
from arclog.errors import InvalidInput
from arclog.events import ClaimAcquired
from arclog.events.claims import claim_key_of
from arclog.limits import MAX_WAIT_SEC, MICROSECONDS, TTL_SEC

LONG_READY: Final = 2 * 86_400 * MICROSECONDS
"""How long a task may be ready before it goes first."""


class TakeNextTask(Struct, frozen=True, kw_only=True):
    """Ask for the next task that is ready, and for the lease on it; wait for one, if there is none."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    wait_sec: float = 0.0
    ttl_sec: float = TTL_SEC
    capabilities: list[str] | None = None
    thread_id: str | None = None


class ReadyTask(Struct, frozen=True):
    """A task that is ready.

    Attributes:
        task_id: its id.
        thread_id: the thread that it belongs to.
        priority: its priority.
        ready_since: since when it has been ready, in microseconds.
    """

    task_id: int
    thread_id: str | None
    priority: int
    ready_since: int


def decide_next(task: ReadyTask | None, command: TakeNextTask, now: int) -> ClaimAcquired | None:
    """Lease the task that goes first to the asker; None when none is ready."""
    agent_id = fields.agent("agent_id", command.agent_id)
    expires_at = now + fields.ttl(command.ttl_sec)
    if not 0 <= command.wait_sec <= MAX_WAIT_SEC:
        raise InvalidInput("wait_sec", f"must be from 0 to {MAX_WAIT_SEC:g} seconds, not {command.wait_sec}")
    if task is None:
        return None
    return ClaimAcquired(
        claim_key=claim_key_of(task.task_id),
        owner_agent_id=agent_id,
        expires_at=expires_at,
        thread_id=task.thread_id,
        task_message_id=task.task_id,
        pick="waited" if task.ready_since <= now - LONG_READY else "priority",
    )
