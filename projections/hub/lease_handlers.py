"""The shell around the rules of claims and locks: paths become keys, and each rule is asked with what stands.

A refusal is written once for each pair of grant and asker, and for each circle; the second time the answer alone is
given.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from arclog.deciders import claims as claim_rules
from arclog.deciders import fields
from arclog.deciders import held_locks as held_lock_rules
from arclog.deciders import locks as lock_rules
from arclog.deciders.leases import GiveBack, TellWaiting
from arclog.deciders.waits import Request
from arclog.errors import InvalidInput
from arclog.events import (
    ClaimQueued,
    ClaimRefused,
    LockQueued,
    LockRefreshed,
    LockRefused,
)
from arclog.sqlite.snapshot import Query
from projections import claims, deadlocks, locks, sessions
from projections.hub.context import Context
from projections.hub.lease_answers import answer_lease, answer_refused, still_waiting
from projections.hub.lease_memory import get_queued
from projections.hub.lease_reads import check_tokens, list_conflicts
from projections.hub.outcomes import Decision, Outcome
from projections.intervals import AsOf

LeaseCommand = (
    claim_rules.AcquireClaim
    | claim_rules.RefreshClaim
    | claim_rules.ReleaseClaim
    | claim_rules.HandOverClaim
    | claim_rules.ForceReleaseClaim
    | claim_rules.LeaveClaimQueue
    | lock_rules.AcquireLock
    | lock_rules.RefreshLock
    | lock_rules.ReleaseLock
    | lock_rules.HandOverLock
    | lock_rules.ForceReleaseLock
    | lock_rules.LeaveLockQueue
    | lock_rules.FindConflicts
    | lock_rules.CheckTokens
    | GiveBack
    | TellWaiting
)

MAX_TOKENS: Final = 1_000
"""Fencing tokens in one question at most."""


def _acquire_claim(context: Context, command: claim_rules.AcquireClaim, at: AsOf) -> Decision:
    if context.leases.standing.places_at:
        context.settle_orphans()
    leases = context.leases
    decision = claim_rules.decide_acquire(leases.standing, command, at.now, leases.hub_id)
    while type(decision) is ClaimRefused and context.settle_agent(decision.owner_agent_id):
        decision = claim_rules.decide_acquire(leases.standing, command, at.now, leases.hub_id)
    if type(decision) is ClaimRefused:
        known = _find_refusal(context, decision, claims.find_refusal)
        if known is not None:
            return answer_refused(context.rows, known, decision)
    return decision


def _refresh_claim(context: Context, command: claim_rules.RefreshClaim, at: AsOf) -> Decision:
    return claim_rules.decide_refresh(context.leases.standing, command, at.now)


def _release_claim(context: Context, command: claim_rules.ReleaseClaim, at: AsOf) -> Decision:
    return claim_rules.decide_release(context.leases.standing, command, at.now)


def _hand_over_claim(context: Context, command: claim_rules.HandOverClaim, at: AsOf) -> Decision:
    if context.leases.standing.places_at:
        context.settle_orphans()
    live = _is_live(context, command.to_agent_id, at)
    return claim_rules.decide_handover(context.leases.standing, command, at.now, receiver_is_live=live)


def _force_release_claim(context: Context, command: claim_rules.ForceReleaseClaim, at: AsOf) -> Decision:
    return claim_rules.decide_force_release(context.leases.standing, command, at.now)


def _leave_claim_queue(context: Context, command: claim_rules.LeaveClaimQueue, at: AsOf) -> Decision:
    queued = _find_queued(context, command.place)
    found = queued if isinstance(queued, ClaimQueued) else None
    return claim_rules.decide_leave(context.leases.standing, found, command, at.now)


def _acquire_lock(context: Context, command: lock_rules.AcquireLock, at: AsOf) -> Decision:
    state, hub_id = _on_locks(context, command, tree=command.is_automatic), context.leases.hub_id
    if state.standing.places_at:
        context.settle_orphans()
    decision = lock_rules.decide_acquire(state, command, at.now, hub_id)
    while type(decision) is LockRefused and context.settle_agent(decision.agent_id):
        decision = lock_rules.decide_acquire(state, command, at.now, hub_id)
    if type(decision) is LockRefused:
        known = _find_refusal(context, decision, locks.find_refusal)
        if known is not None:
            return answer_refused(context.rows, known, decision)
    if type(decision) is LockRefreshed and command.is_automatic and _lasts(context, decision, at.now):
        return answer_lease(context.rows, decision.fencing_token, decision)
    return decision


def _refresh_lock(context: Context, command: lock_rules.RefreshLock, at: AsOf) -> Decision:
    return held_lock_rules.decide_refresh(_on_locks(context, command), command, at.now)


def _release_lock(context: Context, command: lock_rules.ReleaseLock, at: AsOf) -> Decision:
    return held_lock_rules.decide_release(_on_locks(context, command), command, at.now)


def _hand_over_lock(context: Context, command: lock_rules.HandOverLock, at: AsOf) -> Decision:
    if context.leases.standing.places_at:
        context.settle_orphans()
    live = _is_live(context, command.to_agent_id, at)
    return held_lock_rules.decide_handover(_on_locks(context, command), command, at.now, receiver_is_live=live)


def _force_release_lock(context: Context, command: lock_rules.ForceReleaseLock, at: AsOf) -> Decision:
    return held_lock_rules.decide_force_release(_on_locks(context, command), command, at.now)


def _leave_lock_queue(context: Context, command: lock_rules.LeaveLockQueue, at: AsOf) -> Decision:
    queued = _find_queued(context, command.place)
    found = queued if isinstance(queued, LockQueued) else None
    return lock_rules.decide_leave(context.leases.standing, found, command, at.now)


def _find_conflicts(context: Context, command: lock_rules.FindConflicts, at: AsOf) -> Decision:
    asker = fields.agent("agent_id", command.agent_id)
    keys = {context.key_of("path", path, asker): path for path in lock_rules.several_paths(command.paths)}
    request = Request("lock", asker, tuple(keys), command.mode)
    return Outcome(list_conflicts(context.rows, context.leases.standing, request, at.now))


def _check_tokens(context: Context, command: lock_rules.CheckTokens, at: AsOf) -> Decision:
    if len(command.tokens) > MAX_TOKENS:
        raise InvalidInput("tokens", f"must be at most {MAX_TOKENS}, not {len(command.tokens)}")
    return Outcome(check_tokens(context.leases.standing, command.tokens, at.now))


def _give_back(context: Context, command: GiveBack, at: AsOf) -> Decision:
    held = tuple(one for one in context.leases.standing.grant_of(command.fencing_token) if one.is_active(at.now))
    if not held:
        return Outcome(b"null")
    if held[0].noun == "claim":
        return claim_rules.free(held[0], "undelivered")
    return held_lock_rules.free(held, "undelivered")


def _tell_waiting(context: Context, command: TellWaiting, at: AsOf) -> Decision:
    return still_waiting(context.rows, context.leases.standing, command.place, command.place, at.now)


def _on_locks(
    context: Context,
    command: lock_rules.AcquireLock
    | lock_rules.RefreshLock
    | lock_rules.ReleaseLock
    | lock_rules.HandOverLock
    | lock_rules.ForceReleaseLock,
    *,
    tree: bool = False,
) -> lock_rules.OnLocks:
    standing = context.leases.standing
    root = None if tree else context.root_of(command.agent_id.strip())
    sent: dict[str, str] = {}
    for path in lock_rules.named_paths(command):
        # What is held by just that name is a key, so the disk need not be asked what it comes to.
        if root is None and not tree and standing.is_held("lock", path):
            key = path
        else:
            field = "file_path" if command.paths is None else "paths"
            key = context.roots.key_of(field, path, root, tree=tree, modes=context.modes)
        sent.setdefault(key, path)
    return lock_rules.OnLocks(standing, sent)


def _lasts(context: Context, prolonged: LockRefreshed, now: int) -> bool:
    """Whether what is to be prolonged lasts for more than half of that time anyway, so that a hook writes nothing."""
    held = [one for one in context.leases.standing.grant_of(prolonged.fencing_token) if one.key in prolonged.keys]
    return bool(held) and min(one.expires_at for one in held) - now > (prolonged.expires_at - now) // 2


def _find_refusal(
    context: Context,
    refused: ClaimRefused | LockRefused,
    find: Query[[int, str], int | None],
) -> int | None:
    """The event that said the same already."""
    if refused.circle:
        return context.snapshot.read(deadlocks.find_same, refused)
    return context.snapshot.read(find, refused.fencing_token, refused.asker_agent_id)


def _find_queued(context: Context, place: int) -> LockQueued | ClaimQueued | None:
    return get_queued(context.snapshot, place) if place in context.leases.standing.waiting else None


def _is_live(context: Context, agent_id: str, at: AsOf) -> bool:
    return context.snapshot.read(sessions.find_live, agent_id.strip(), at) is not None


HANDLERS: Final[Mapping[type, Callable[[Context, Any, AsOf], Decision]]] = {
    claim_rules.AcquireClaim: _acquire_claim,
    claim_rules.RefreshClaim: _refresh_claim,
    claim_rules.ReleaseClaim: _release_claim,
    claim_rules.HandOverClaim: _hand_over_claim,
    claim_rules.ForceReleaseClaim: _force_release_claim,
    claim_rules.LeaveClaimQueue: _leave_claim_queue,
    lock_rules.AcquireLock: _acquire_lock,
    lock_rules.RefreshLock: _refresh_lock,
    lock_rules.ReleaseLock: _release_lock,
    lock_rules.HandOverLock: _hand_over_lock,
    lock_rules.ForceReleaseLock: _force_release_lock,
    lock_rules.LeaveLockQueue: _leave_lock_queue,
    lock_rules.FindConflicts: _find_conflicts,
    lock_rules.CheckTokens: _check_tokens,
    GiveBack: _give_back,
    TellWaiting: _tell_waiting,
}
