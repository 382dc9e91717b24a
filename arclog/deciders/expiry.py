"""Expiry: an agent is gone, and one event takes back what it held."""

from typing import Final

from msgspec import Struct

from arclog.deciders.claims import HeldClaim
from arclog.deciders.locks import HeldLock
from arclog.events import GENERAL_CHANNEL, FreedClaim, FreedLock, JsonObject, Notice, SessionExpired

MAX_NAMED_CHARS: Final = 8_000
"""How long the text of a notice may grow; what it leaves out is counted there, and named in its metadata."""


class Expiring(Struct, frozen=True):
    """A session that is over, and what its agent holds at that time: what has lapsed already is left alone.

    Attributes:
        agent_id: whose session it is.
        session_id: the session.
        last_seen_at: when the agent was last there, in microseconds.
        claims: its active claims, the oldest grant first.
        locks: its active locks, the oldest grant first.
        more: whether it holds more than one event can name, which then follows.
    """

    agent_id: str
    session_id: str
    last_seen_at: int
    claims: tuple[HeldClaim, ...] = ()
    locks: tuple[HeldLock, ...] = ()
    more: bool = False


def decide_expiry(state: Expiring, now: int) -> SessionExpired:
    """End the session, take back what its agent holds, and tell so once in each thread that it held something in.

    What was held outside threads shares one notice.
    """
    everything: list[HeldClaim | HeldLock] = [*state.claims, *state.locks]
    threads: dict[str | None, list[HeldClaim | HeldLock]] = {}
    for held in sorted(everything, key=lambda held: held.fencing_token):
        threads.setdefault(held.thread_id, []).append(held)
    return SessionExpired(
        agent_id=state.agent_id,
        session_id=state.session_id,
        last_seen_at=state.last_seen_at,
        claims=tuple(FreedClaim(claim.claim_key, claim.fencing_token) for claim in state.claims),
        locks=tuple(FreedLock(lock.file_path, lock.fencing_token) for lock in state.locks),
        notices=tuple(_notice(state.agent_id, thread_id, held) for thread_id, held in threads.items()),
        more=state.more,
    )


def _notice(agent_id: str, thread_id: str | None, held: list[HeldClaim | HeldLock]) -> Notice:
    if len(held) == 1:
        return _notice_of_one(agent_id, held[0])
    channels = {one.notice_channel for one in held}
    claims = [one for one in held if isinstance(one, HeldClaim)]
    locks = [one for one in held if isinstance(one, HeldLock)]
    counts = [_count(len(claims), "claim"), _count(len(locks), "lock")]
    names = [f"claim {claim.claim_key}" for claim in claims] + [f"lock {lock.file_path}" for lock in locks]
    metadata: JsonObject = {"recovery": True, "stale_agent_id": agent_id}
    if claims:
        metadata["claims"] = [
            {"claim_key": claim.claim_key, "task_message_id": claim.task_message_id} for claim in claims
        ]
    if locks:
        metadata["locks"] = [lock.file_path for lock in locks]
    return Notice(
        body=f"Released {' and '.join(filter(None, counts))}: their owner {agent_id} is gone.\n{_list(names)}",
        channel=(channels.pop() if len(channels) == 1 else None) or GENERAL_CHANNEL,
        thread_id=thread_id,
        metadata=metadata,
    )


def _notice_of_one(agent_id: str, held: HeldClaim | HeldLock) -> Notice:
    metadata: JsonObject = {"recovery": True, "stale_agent_id": agent_id}
    if isinstance(held, HeldClaim):
        name, reply_to = f"claim {held.claim_key}", held.task_message_id
        metadata |= {"claim_key": held.claim_key, "task_message_id": held.task_message_id}
    else:
        name, reply_to = f"the lock on {held.file_path}", None
        metadata["file_path"] = held.file_path
    return Notice(
        body=f"Released {name}: its owner {agent_id} is gone.",
        channel=held.notice_channel or GENERAL_CHANNEL,
        thread_id=held.thread_id,
        reply_to=reply_to,
        metadata=metadata,
    )


def _count(number: int, noun: str) -> str:
    if not number:
        return ""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _list(names: list[str]) -> str:
    """The names, a line each, as many as a text may hold."""
    shown, left = [], MAX_NAMED_CHARS
    for name in names:
        left -= len(name) + 1
        if left < 0:
            break
        shown.append(name)
    if len(shown) < len(names):
        shown.append(f"and {len(names) - len(shown)} more")
    return "\n".join(shown)
