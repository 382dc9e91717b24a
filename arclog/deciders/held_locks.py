"""Held locks: what a holder, an operator and the hub itself may do with what is held."""

from arclog.deciders import fields
from arclog.deciders.fencing import get_held
from arclog.deciders.handover import check_handover, check_presence, check_receiver
from arclog.deciders.holdings import Holding
from arclog.deciders.locks import ForceReleaseLock, HandOverLock, OnLocks, RefreshLock, ReleaseLock, on_paths
from arclog.deciders.taking_away import tell_holder
from arclog.errors import InvalidInput, NotFound
from arclog.events import LockHandedOver, LockRefreshed, LockReleased
from arclog.events.leases import ReleaseReason
from arclog.events.locks import OnPaths


def decide_refresh(state: OnLocks, command: RefreshLock, now: int) -> LockRefreshed:
    """Let the holder keep what it names until `ttl_sec` from now."""
    agent_id = fields.agent("agent_id", command.agent_id)
    expires_at = now + fields.ttl(command.ttl_sec)
    held = _get_held(state, agent_id, command.fencing_token, now)
    on = _on(state, held)
    return LockRefreshed(
        file_path=on.file_path,
        key=on.key,
        others=on.others,
        agent_id=agent_id,
        expires_at=expires_at,
        fencing_token=held[0].token,
    )


def decide_release(state: OnLocks, command: ReleaseLock, now: int) -> LockReleased:
    """Let the holder give back what it names."""
    agent_id = fields.agent("agent_id", command.agent_id)
    held = _get_held(state, agent_id, command.fencing_token, now)
    on = _on(state, held)
    return LockReleased(
        file_path=on.file_path,
        key=on.key,
        others=on.others,
        agent_id=agent_id,
        fencing_token=held[0].token,
        reason="undelivered" if command.undelivered else "released",
    )


def decide_handover(state: OnLocks, command: HandOverLock, now: int, *, receiver_is_live: bool) -> LockHandedOver:
    """Give what the holder names to another agent.

    Raises:
        Conflict: the giver would keep something that overlaps it.
        Deadlock: the receiver waits for somebody who waits for it.
        NotFound: the receiver has no live session, or the giver does not hold it.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    receiver = fields.agent("to_agent_id", command.to_agent_id)
    check_receiver(agent_id, receiver)
    held = _get_held(state, agent_id, command.fencing_token, now)
    check_presence(receiver, is_live=receiver_is_live)
    serves = check_handover(state.standing, held, receiver, now)
    on = _on(state, held)
    return LockHandedOver(
        file_path=on.file_path,
        key=on.key,
        others=on.others,
        agent_id=agent_id,
        to_agent_id=receiver,
        fencing_token=held[0].token,
        serves=serves,
        to_parent=state.standing.families.parent_of(receiver),
    )


def decide_force_release(state: OnLocks, command: ForceReleaseLock, now: int) -> LockReleased:
    """Free what another agent holds.

    Raises:
        NotFound: nobody holds it.
        InvalidInput: no reason is given, or several agents hold it and no token says whose is meant.
    """
    operator = fields.agent("agent_id", command.agent_id)
    why = fields.reason(command.reason)
    named = next(iter(state.sent), None)
    if named is not None:
        holders = [one for one in state.standing.holders("lock", named) if one.is_active(now)]
    else:
        holders = [one for one in state.standing.grant_of(command.fencing_token or 0) if one.is_active(now)][:1]
    if command.fencing_token is not None:
        holders = [one for one in holders if one.token == command.fencing_token]
    if not holders:
        raise NotFound("lock", named or command.fencing_token or 0, "is held by nobody")
    if len(holders) > 1:
        names = ", ".join(sorted(one.agent_id for one in holders))
        raise InvalidInput("fencing_token", f"must say whose lock is meant: {names} share it")
    (holder,) = holders
    on = _on(state, _get_held(state, holder.agent_id, holder.token, now))
    return LockReleased(
        file_path=on.file_path,
        key=on.key,
        others=on.others,
        agent_id=holder.agent_id,
        fencing_token=holder.token,
        reason="forced",
        notice=tell_holder("lock", [*on.paths], holder.agent_id, operator, why),
        forced_by=operator,
        why=why,
    )


def free(held: tuple[Holding, ...], reason: ReleaseReason) -> LockReleased:
    """What the hub itself takes back, all of one grant."""
    on = on_paths({one.key: one.key for one in held})
    return LockReleased(
        file_path=on.file_path,
        others=on.others,
        agent_id=held[0].agent_id,
        fencing_token=held[0].token,
        reason=reason,
    )


def _get_held(state: OnLocks, agent_id: str, token: int | None, now: int) -> tuple[Holding, ...]:
    held = get_held(state.standing, "lock", tuple(state.sent), agent_id, token, now)
    if len(held) != 1 and len({one.token for one in held}) != 1:
        raise InvalidInput("paths", "are of several grants; name those of one, or its fencing_token")
    return held


def _on(state: OnLocks, held: tuple[Holding, ...]) -> OnPaths:
    return on_paths(state.sent or {one.key: one.key for one in held})
