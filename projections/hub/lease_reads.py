"""Questions about claims and locks that change nothing: what would refuse me, and is this token present?"""

from itertools import islice
from typing import Final

from msgspec import Struct

from arclog.deciders.standing import Standing
from arclog.deciders.waits import Request, find_obstacles
from arclog.events.leases import Mode, Noun
from projections.encoding import encode_json
from projections.hub.lease_answers import Rows, show_obstacle
from projections.times import timestamp

MAX_CONFLICTS: Final = 20
"""Conflicts that are shown at most."""


class TokenCheck(Struct, frozen=True):
    """Whether a fencing token is present, and of what.

    Attributes:
        token: the token.
        present: whether something is still held under it.
        noun: what that is: a lock or a claim.
        agent_id: who holds it.
        keys: all that is held under it.
        mode: whether others may hold it too.
        expires_at: until when all of it is held.
    """

    token: int
    present: bool
    noun: Noun | None = None
    agent_id: str | None = None
    keys: tuple[str, ...] = ()
    mode: Mode | None = None
    expires_at: str | None = None


class TokenChecks(Struct, frozen=True):
    """Whether all tokens of a question are present, and each of them."""

    present: bool
    tokens: tuple[TokenCheck, ...]


def list_conflicts(rows: Rows, standing: Standing, request: Request, now: int) -> bytes:
    """What would refuse a request, leases before places, as JSON."""
    found = find_obstacles(standing, request, now)
    return encode_json([show_obstacle(rows, obstacle) for obstacle in islice(found, MAX_CONFLICTS)])


def check_tokens(standing: Standing, tokens: list[int], now: int) -> bytes:
    """Whether fencing tokens are present, as JSON."""
    checked = tuple(_check(standing, token, now) for token in tokens)
    return encode_json(TokenChecks(all(one.present for one in checked), checked))


def _check(standing: Standing, token: int, now: int) -> TokenCheck:
    held = [one for one in standing.grant_of(token) if one.is_active(now)]
    if not held:
        return TokenCheck(token, present=False)
    mode: Mode = "shared" if any(one.mode == "shared" for one in held) else "exclusive"
    ends = min(one.expires_at for one in held)
    keys = tuple(one.key for one in held)
    return TokenCheck(token, True, held[0].noun, held[0].agent_id, keys, mode, timestamp(ends))
