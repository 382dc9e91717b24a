"""Claims: who does which piece of work.

Who holds a claim is decided against the log's head inside the transaction that appends the grant, so two askers never
both get it, on one hub or on several. A lease ends at `expires_at` by the log's clock, to the microsecond; the event id
of the grant is the fencing token.
"""

from typing import ClassVar

from msgspec import Struct

from arclog.deciders import fields
from arclog.errors import InvalidInput, NotFound
from arclog.events import ClaimAcquired, ClaimRefreshed, ClaimRefused, ClaimReleased, JsonObject
from arclog.limits import TTL_SEC


class AcquireClaim(Struct, frozen=True, kw_only=True):
    """Ask for a claim; without a key it is named after the task's message."""

    sender_field: ClassVar[str | None] = "owner_agent_id"

    owner_agent_id: str
    claim_key: str | None = None
    task_message_id: int | None = None
    thread_id: str | None = None
    ttl_sec: float = TTL_SEC
    metadata: JsonObject | None = None

    @property
    def key(self) -> str:
        """The claim's key, given or derived; empty when there is neither."""
        key = (self.claim_key or "").strip()
        if not key and self.task_message_id is not None:
            return f"task-{self.task_message_id}"
        return key


class RefreshClaim(Struct, frozen=True, kw_only=True):
    """Prolong a claim that one holds."""

    sender_field: ClassVar[str | None] = "owner_agent_id"

    claim_key: str
    owner_agent_id: str
    ttl_sec: float = TTL_SEC


class ReleaseClaim(Struct, frozen=True, kw_only=True):
    """Give a claim back."""

    sender_field: ClassVar[str | None] = "agent_id"

    claim_key: str
    agent_id: str


class HeldClaim(Struct, frozen=True):
    """A claim that was granted and not released, as the rules see it; whether it is still active depends on the time.

    `notice_channel` is where its recovery is told, None for the default channel.
    """

    claim_key: str
    owner_agent_id: str
    fencing_token: int
    expires_at: int
    thread_id: str | None = None
    task_message_id: int | None = None
    notice_channel: str | None = None

    def is_active(self, now: int) -> bool:
        """A lease holds up to and including the microsecond at which it expires."""
        return self.expires_at >= now


class Acquiring(Struct, frozen=True):
    """What is known when a claim is asked for: its holder, and whether this asker's refusal is in the log already."""

    held: HeldClaim | None
    already_refused: bool = False


def decide_acquire(
    state: Acquiring, command: AcquireClaim, now: int
) -> ClaimAcquired | ClaimRefreshed | ClaimRefused | None:
    """Grant what is free, prolong what the asker holds, refuse what another holds.

    A refusal is written once for each pair of grant and asker: None when it is in the log already.
    """
    if not command.key:
        raise InvalidInput("claim_key", "or task_message_id is required")
    claim_key = fields.required_id("claim_key", command.key)
    agent_id = fields.agent("owner_agent_id", command.owner_agent_id)
    expires_at = now + fields.ttl(command.ttl_sec)
    metadata = fields.metadata(command.metadata)
    thread_id = fields.optional_id("thread_id", command.thread_id)
    task_message_id = fields.integer("task_message_id", command.task_message_id)
    held = state.held
    if held is None or not held.is_active(now):
        return ClaimAcquired(
            claim_key=claim_key,
            owner_agent_id=agent_id,
            expires_at=expires_at,
            thread_id=thread_id,
            task_message_id=task_message_id,
            metadata=metadata,
        )
    if held.owner_agent_id == agent_id:
        return ClaimRefreshed(
            claim_key=claim_key,
            owner_agent_id=agent_id,
            expires_at=max(expires_at, held.expires_at),
            fencing_token=held.fencing_token,
        )
    if state.already_refused:
        return None
    return ClaimRefused(
        claim_key=claim_key,
        asker_agent_id=agent_id,
        owner_agent_id=held.owner_agent_id,
        fencing_token=held.fencing_token,
    )


def decide_refresh(held: HeldClaim | None, command: RefreshClaim, now: int) -> ClaimRefreshed:
    """Let the holder keep its claim until `ttl_sec` from now."""
    claim_key = fields.required_id("claim_key", command.claim_key)
    agent_id = fields.agent("owner_agent_id", command.owner_agent_id)
    expires_at = now + fields.ttl(command.ttl_sec)
    held = _get_held(held, claim_key, agent_id, now)
    return ClaimRefreshed(
        claim_key=claim_key, owner_agent_id=agent_id, expires_at=expires_at, fencing_token=held.fencing_token
    )


def decide_release(held: HeldClaim | None, command: ReleaseClaim, now: int) -> ClaimReleased:
    """Let the holder give its claim back."""
    claim_key = fields.required_id("claim_key", command.claim_key)
    agent_id = fields.agent("agent_id", command.agent_id)
    held = _get_held(held, claim_key, agent_id, now)
    return ClaimReleased(claim_key=claim_key, owner_agent_id=agent_id, fencing_token=held.fencing_token)


def _get_held(held: HeldClaim | None, claim_key: str, agent_id: str, now: int) -> HeldClaim:
    if held is None or held.owner_agent_id != agent_id or not held.is_active(now):
        raise NotFound("claim", claim_key, f"is not held by {agent_id}")
    return held
