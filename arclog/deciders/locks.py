"""Locks: who edits which file.

Who holds a lock is decided against the log's head inside the transaction that appends the grant, so two askers never
both get it, on one hub or on several. A lease ends at `expires_at` by the log's clock, to the microsecond; the event id
of the grant is the fencing token.
"""

from typing import ClassVar

from msgspec import Struct

from arclog.deciders import fields
from arclog.errors import NotFound
from arclog.events import JsonObject, LockAcquired, LockRefreshed, LockRefused, LockReleased
from arclog.limits import TTL_SEC


class AcquireLock(Struct, frozen=True, kw_only=True):
    """Ask for the lock on a file. `metadata.thread_id` names the thread that it belongs to."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    file_path: str
    ttl_sec: float = TTL_SEC
    metadata: JsonObject | None = None


class RefreshLock(Struct, frozen=True, kw_only=True):
    """Prolong a lock that one holds."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    file_path: str
    ttl_sec: float = TTL_SEC


class ReleaseLock(Struct, frozen=True, kw_only=True):
    """Give a lock back."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    file_path: str


class HeldLock(Struct, frozen=True):
    """A lock that was granted and not released, as the rules see it; whether it is still active depends on the time.

    `notice_channel` is where its recovery is told, None for the default channel.
    """

    file_path: str
    agent_id: str
    fencing_token: int
    expires_at: int
    thread_id: str | None = None
    notice_channel: str | None = None

    def is_active(self, now: int) -> bool:
        """A lease holds up to and including the microsecond at which it expires."""
        return self.expires_at >= now


class Acquiring(Struct, frozen=True):
    """What is known when a lock is asked for: its holder, and whether this asker's refusal is in the log already."""

    held: HeldLock | None
    already_refused: bool = False


def decide_acquire(
    state: Acquiring, command: AcquireLock, now: int
) -> LockAcquired | LockRefreshed | LockRefused | None:
    """Grant what is free, prolong what the asker holds, refuse what another holds.

    A refusal is written once for each pair of grant and asker: None when it is in the log already.
    """
    file_path = fields.file_path("file_path", command.file_path)
    agent_id = fields.agent("agent_id", command.agent_id)
    expires_at = now + fields.ttl(command.ttl_sec)
    metadata = fields.metadata(command.metadata)
    held = state.held
    if held is None or not held.is_active(now):
        return LockAcquired(
            file_path=file_path,
            agent_id=agent_id,
            expires_at=expires_at,
            metadata=metadata,
        )
    if held.agent_id == agent_id:
        return LockRefreshed(
            file_path=file_path,
            agent_id=agent_id,
            expires_at=max(expires_at, held.expires_at),
            fencing_token=held.fencing_token,
        )
    if state.already_refused:
        return None
    return LockRefused(
        file_path=file_path,
        asker_agent_id=agent_id,
        agent_id=held.agent_id,
        fencing_token=held.fencing_token,
    )


def decide_refresh(held: HeldLock | None, command: RefreshLock, now: int) -> LockRefreshed:
    """Let the holder keep its lock until `ttl_sec` from now."""
    file_path = fields.file_path("file_path", command.file_path)
    agent_id = fields.agent("agent_id", command.agent_id)
    expires_at = now + fields.ttl(command.ttl_sec)
    held = _get_held(held, file_path, agent_id, now)
    return LockRefreshed(
        file_path=file_path, agent_id=agent_id, expires_at=expires_at, fencing_token=held.fencing_token
    )


def decide_release(held: HeldLock | None, command: ReleaseLock, now: int) -> LockReleased:
    """Let the holder give its lock back."""
    file_path = fields.file_path("file_path", command.file_path)
    agent_id = fields.agent("agent_id", command.agent_id)
    held = _get_held(held, file_path, agent_id, now)
    return LockReleased(file_path=file_path, agent_id=agent_id, fencing_token=held.fencing_token)


def _get_held(held: HeldLock | None, file_path: str, agent_id: str, now: int) -> HeldLock:
    if held is None or held.agent_id != agent_id or not held.is_active(now):
        raise NotFound("lock", file_path, f"is not held by {agent_id}")
    return held
