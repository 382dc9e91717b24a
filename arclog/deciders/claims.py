"""Claims: who does which piece of work.

What a request means is judged by the one protocol of leases (`arclog.deciders.leases`); here are the commands about
pieces of work, and the events that follow. Everything is decided against the log's head inside the transaction that
appends the event, so two askers never both get it, on one hub or on several. A lease ends at `expires_at` by the log's
clock, to the microsecond; the event id of the grant is the fencing token.
"""

from typing import ClassVar

from msgspec import Struct

from arclog.deciders import fields
from arclog.deciders.fencing import get_held
from arclog.deciders.handover import check_handover, check_presence, check_receiver
from arclog.deciders.holdings import Holding, Place
from arclog.deciders.leases import Ask, Granted, Prolonged, Queued, judge
from arclog.deciders.standing import Standing
from arclog.deciders.taking_away import tell_holder
from arclog.errors import InvalidInput, NotFound
from arclog.events import (
    ClaimAcquired,
    ClaimHandedOver,
    ClaimLeft,
    ClaimQueued,
    ClaimRefreshed,
    ClaimRefused,
    ClaimReleased,
    JsonObject,
)
from arclog.events.leases import ReleaseReason
from arclog.limits import TTL_SEC


class AcquireClaim(Struct, frozen=True, kw_only=True):
    """Ask for a claim; without a key it is named after the task's message. `wait_sec` as for locks."""

    sender_field: ClassVar[str | None] = "owner_agent_id"

    owner_agent_id: str
    claim_key: str | None = None
    task_message_id: int | None = None
    thread_id: str | None = None
    ttl_sec: float = TTL_SEC
    metadata: JsonObject | None = None
    wait_sec: float = 0

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
    fencing_token: int | None = None


class ReleaseClaim(Struct, frozen=True, kw_only=True):
    """Give a claim back; `undelivered` says that its agent never learned of the grant."""

    sender_field: ClassVar[str | None] = "agent_id"

    claim_key: str
    agent_id: str
    fencing_token: int | None = None
    undelivered: bool = False


class HandOverClaim(Struct, frozen=True, kw_only=True):
    """Give a claim to another agent, with no moment in between at which it is free."""

    sender_field: ClassVar[str | None] = "agent_id"

    claim_key: str
    agent_id: str
    to_agent_id: str
    fencing_token: int | None = None


class ForceReleaseClaim(Struct, frozen=True, kw_only=True):
    """Free a claim that another agent holds; `agent_id` takes it away and says why."""

    sender_field: ClassVar[str | None] = "agent_id"

    claim_key: str
    agent_id: str
    reason: str


class LeaveClaimQueue(Struct, frozen=True, kw_only=True):
    """Give up a place in the queue."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    place: int


class HeldClaim(Struct, frozen=True):
    """A claim that was granted and not released, as the end of a session sees it.

    `notice_channel` is where its recovery is told, None for the default channel.
    """

    claim_key: str
    owner_agent_id: str
    fencing_token: int
    expires_at: int
    thread_id: str | None = None
    task_message_id: int | None = None
    notice_channel: str | None = None


Acquired = ClaimAcquired | ClaimRefreshed | ClaimRefused | ClaimQueued


def decide_acquire(standing: Standing, command: AcquireClaim, now: int, hub_id: str = "") -> Acquired:
    """Grant what nothing stands in the way of, prolong what the asker holds, queue who waits, refuse the others.

    Args:
        standing: who holds what, and who waits.
        command: what is asked for.
        now: the log's time.
        hub_id: this hub, which holds the call.

    Raises:
        InvalidInput: the command is not well-formed.
    """
    key = command.key
    if not key:
        raise InvalidInput("claim_key", "or task_message_id is required")
    claim_key = fields.required_id("claim_key", key)
    agent_id = fields.agent("owner_agent_id", command.owner_agent_id)
    ttl = fields.ttl(command.ttl_sec)
    wait = fields.wait(command.wait_sec) if command.wait_sec else 0
    metadata = fields.metadata(command.metadata) if command.metadata else {}
    thread_id = None if command.thread_id is None else fields.optional_id("thread_id", command.thread_id)
    task_message_id = fields.integer("task_message_id", command.task_message_id)
    answer = judge(standing, Ask("claim", agent_id, (claim_key,), "exclusive", ttl, wait > 0), now)
    if type(answer) is Granted:
        return ClaimAcquired(
            claim_key=claim_key,
            owner_agent_id=agent_id,
            expires_at=now + ttl,
            thread_id=thread_id,
            task_message_id=task_message_id,
            metadata=metadata,
            place=None if answer.place is None else answer.place.place_id,
        )
    if type(answer) is Prolonged:
        return ClaimRefreshed(
            claim_key=claim_key,
            owner_agent_id=answer.agent_id,
            expires_at=answer.expires_at,
            fencing_token=answer.token,
        )
    if type(answer) is Queued:
        return ClaimQueued(
            claim_key=claim_key,
            owner_agent_id=agent_id,
            wait_until=now + wait,
            ttl=ttl,
            hub_id=hub_id,
            thread_id=thread_id,
            task_message_id=task_message_id,
            metadata=metadata,
            passes=tuple(sorted(answer.passes)),
            place=None if answer.place is None else answer.place.place_id,
        )
    obstacle = answer.obstacle
    return ClaimRefused(
        claim_key=claim_key,
        asker_agent_id=agent_id,
        owner_agent_id=obstacle.agent_id,
        fencing_token=obstacle.event_id,
        is_waiting=isinstance(obstacle.by, Place),
        circle=answer.circle,
    )


def grant_place(place: Place, queued: ClaimQueued, now: int) -> ClaimAcquired:
    """The grant of a request that waited; its lease begins now."""
    return ClaimAcquired(
        claim_key=queued.claim_key,
        owner_agent_id=place.agent_id,
        expires_at=now + place.ttl,
        thread_id=queued.thread_id,
        task_message_id=queued.task_message_id,
        metadata=queued.metadata,
        place=place.place_id,
    )


def decide_refresh(standing: Standing, command: RefreshClaim, now: int) -> ClaimRefreshed:
    """Let the holder keep its claim until `ttl_sec` from now."""
    claim_key = fields.required_id("claim_key", command.claim_key)
    agent_id = fields.agent("owner_agent_id", command.owner_agent_id)
    expires_at = now + fields.ttl(command.ttl_sec)
    held = _get_held(standing, claim_key, agent_id, command.fencing_token, now)
    return ClaimRefreshed(claim_key=claim_key, owner_agent_id=agent_id, expires_at=expires_at, fencing_token=held.token)


def decide_release(standing: Standing, command: ReleaseClaim, now: int) -> ClaimReleased:
    """Let the holder give its claim back."""
    claim_key = fields.required_id("claim_key", command.claim_key)
    agent_id = fields.agent("agent_id", command.agent_id)
    held = _get_held(standing, claim_key, agent_id, command.fencing_token, now)
    reason: ReleaseReason = "undelivered" if command.undelivered else "released"
    return ClaimReleased(claim_key=claim_key, owner_agent_id=agent_id, fencing_token=held.token, reason=reason)


def decide_handover(standing: Standing, command: HandOverClaim, now: int, *, receiver_is_live: bool) -> ClaimHandedOver:
    """Give a claim to another agent.

    Raises:
        Deadlock: the receiver waits for somebody who waits for it.
        NotFound: the receiver has no live session, or the giver does not hold it.
    """
    claim_key = fields.required_id("claim_key", command.claim_key)
    agent_id = fields.agent("agent_id", command.agent_id)
    receiver = fields.agent("to_agent_id", command.to_agent_id)
    check_receiver(agent_id, receiver)
    held = _get_held(standing, claim_key, agent_id, command.fencing_token, now)
    check_presence(receiver, is_live=receiver_is_live)
    serves = check_handover(standing, [held], receiver, now)
    return ClaimHandedOver(
        claim_key=claim_key, owner_agent_id=agent_id, to_agent_id=receiver, fencing_token=held.token, serves=serves
    )


def decide_force_release(standing: Standing, command: ForceReleaseClaim, now: int) -> ClaimReleased:
    """Free a claim that another agent holds.

    Raises:
        NotFound: nobody holds it.
    """
    claim_key = fields.required_id("claim_key", command.claim_key)
    operator, why = fields.agent("agent_id", command.agent_id), fields.reason(command.reason)
    for holder in standing.holders("claim", claim_key):
        if holder.is_active(now):
            return ClaimReleased(
                claim_key=claim_key,
                owner_agent_id=holder.agent_id,
                fencing_token=holder.token,
                reason="forced",
                notice=tell_holder("claim", [claim_key], holder.agent_id, operator, why),
                forced_by=operator,
                why=why,
            )
    raise NotFound("claim", claim_key, "is held by nobody")


def decide_leave(standing: Standing, queued: ClaimQueued | None, command: LeaveClaimQueue, now: int) -> ClaimLeft:
    """Let an agent give up its place.

    Raises:
        NotFound: it is not waiting there.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    if queued is None or not standing.is_waiting(agent_id, command.place, now):
        raise NotFound("place", command.place, f"is not one at which {agent_id} waits")
    return ClaimLeft(claim_key=queued.claim_key, owner_agent_id=agent_id, place=command.place)


def free(held: Holding, reason: ReleaseReason) -> ClaimReleased:
    """What the hub itself takes back."""
    return ClaimReleased(claim_key=held.key, owner_agent_id=held.agent_id, fencing_token=held.token, reason=reason)


def _get_held(standing: Standing, claim_key: str, agent_id: str, token: int | None, now: int) -> Holding:
    (held,) = get_held(standing, "claim", (claim_key,), agent_id, token, now)
    return held
