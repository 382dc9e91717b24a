"""Histories of clients that ask for claims and locks at once, over HTTP, the relay and MCP, and what they may be told.

Each history has keys of its own, in groups that do not overlap, and each of its agents keeps to one group: so who waits
for whom is decided within it, and it can be judged by itself. What may be told is said by the plain model of the
protocol.
"""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Literal

from tests.support.lease_model import Model, Waiting, meet
from tests.support.linearizability import MOST_TRIED, Step, components, find_violation

Road = Literal["http", "relay", "mcp"]
GROUPS = ("lock", "lock", "claim")
AGENTS_IN_A_GROUP = 3
KEYS = ("src/a.py", "src/*.py", "src", "src/**", "src/b.py", "docs/x.md", "**")
LONG_SEC = 600
FAR = 10**18
MCP_HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}


@dataclass
class Told:
    """One call and its answer.

    Attributes:
        agent: who called.
        base: what all keys of its group begin with.
        act: what was asked for.
        noun: `lock` or `claim`.
        keys: by their short names, without what is the history's own.
        mode: for a request, how.
        waits: whether it waited.
        to: for a handover, the receiver.
        begun_at: when it was sent.
        ended_at: when it was answered; infinite when it was not.
        got: what came of it: `acquired`, `refused`, `waiting`, `deadlock`, `done`, `missing`, `conflict`, or `lost`.
        token: of the grant, where one is named.
        holder: for a refusal, who is in the way.
        seen: for a look, what was seen.
    """

    agent: str
    base: str
    act: Literal["ask", "release", "hand_over", "leave", "held", "queue"]
    noun: str
    keys: tuple[str, ...] = ()
    mode: str = "exclusive"
    waits: bool = False
    to: str = ""
    begun_at: float = 0.0
    ended_at: float = inf
    got: str = "lost"
    token: int | None = None
    holder: str = ""
    seen: tuple[Any, ...] = ()


# What may be told ---------------------------------------------------------------------------------------------------


@dataclass
class State:
    """What one group of keys has come to.

    Attributes:
        model: who holds what, and who waits.
        number: of the last step; far above all tokens, since a grant is known by it until its token is.
        token: the last grant's.
        at_once: calls that were answered in their first step, though they would have waited.
        served: the handovers that ended somebody's wait, by the calls that are still to be told of it.
    """

    model: Model = field(default_factory=Model)
    number: int = FAR
    token: int = 0
    at_once: frozenset[int] = frozenset()
    served: tuple[tuple[tuple[str, tuple[str, ...], str], int], ...] = ()

    def next(self) -> "State":
        model = Model([copy(row) for row in self.model.rows], [copy(one) for one in self.model.queue])
        return replace(self, model=model, number=self.number + 1)

    def granted(self, token: int | None) -> "State | None":
        """After a grant; tokens only grow."""
        if token is not None and token <= self.token:
            return None
        self.token = token or self.token
        return self


def key_of(state: State) -> Any:
    """What decides what can follow: places count by their order alone."""
    rank = {one.number: place for place, one in enumerate(state.model.queue)}
    rows = sorted((r.noun, r.key, r.agent, r.mode, r.token) for r in state.model.rows)
    queue = [
        (one.agent, one.keys, one.mode, one.is_open, tuple(sorted(rank[n] for n in one.passes if n in rank)))
        for one in state.model.queue
    ]
    return tuple(rows), tuple(queue), state.token, state.at_once, state.served


def steps_of(told: list[Told], *, places_end: bool = False) -> list[Step[State]]:
    """A history as steps: a call that waits asks, and is granted, given up or forgotten later.

    Args:
        told: the history.
        places_end: whether hubs die, so that a place is over when its hub is, or when its time is.
    """
    steps: list[Step[State]] = []
    for number, one in enumerate(told):
        text = f"{one.agent} {one.act} {one.noun} {' '.join(one.keys)} {one.mode} -> {one.got} {one.token} {one.seen}"
        is_sure = one.got != "lost"
        first = len(steps)
        steps.append(Step(one.begun_at, one.ended_at, _first(number, one), (), is_sure, text))
        if one.act == "ask" and one.waits and one.got in {"acquired", "waiting"}:
            then = _grant(number, one) if one.got == "acquired" else _close(one)
            steps.append(Step(one.begun_at, one.ended_at, then, (first,), True, f"{text} (after its wait)"))
        elif one.act == "ask" and one.waits and one.got == "lost":
            steps.append(Step(one.begun_at, inf, _grant(number, one), (first,), False, f"{text} (granted)"))
            steps.append(Step(one.begun_at, inf, _give_back(one), (first + 1,), False, f"{text} (given back)"))
            steps.append(Step(one.begun_at, inf, _close(one), (first,), False, f"{text} (its end is seen)"))
        if places_end and one.act == "ask" and one.waits and one.got in {"waiting", "lost"}:
            steps.append(Step(one.begun_at, inf, _forget(one), (first,), False, f"{text} (its place is over)"))
    return steps


class NotLinearizable(AssertionError):
    """What was told cannot have come about one call after the other."""

    def __init__(self, violation: list[str], told: list[Told]) -> None:
        lines = [
            f"{one.begun_at:.4f} {one.ended_at:.4f} {one.agent} {one.act} {one.keys} {one.mode} waits={one.waits} "
            f"to={one.to} -> {one.got} {one.token} {one.holder} {one.seen}"
            for one in sorted(told, key=lambda one: one.begun_at)
        ]
        super().__init__("\n".join(["cannot be placed:", *violation, "history:", *lines]))


def judge(told: list[Told], *, places_end: bool = False, most_tried: int = MOST_TRIED) -> None:
    """See that all of it can have come about one call after the other.

    What has to do with each other is judged together: keys that overlap, and, since agents wait for agents whatever it
    is about, all keys of an agent.

    Raises:
        NotLinearizable: it cannot.
    """
    named = [(one.agent, *(f"{one.base}:{key}" for key in one.keys)) for one in told]
    for group in components(named, _meet):
        mine = [_seen_of(one, group) for one in told if one.agent in group]
        violation = find_violation(steps_of(mine, places_end=places_end), State(), key_of, most_tried)
        if violation is not None:
            raise NotLinearizable(violation, mine)


def _meet(one: str, other: str) -> bool:
    (base, colon, key), (other_base, _, other_key) = one.partition(":"), other.partition(":")
    return base == other_base and (not colon or key == other_key or meet("lock", key, other_key))


def _seen_of(one: Told, group: set[str]) -> Told:
    """What was seen of some agents alone."""
    return replace(one, seen=tuple(row for row in one.seen if row[0] in group))


def _first(number: int, one: Told) -> Callable[[State], State | None]:
    return {
        "ask": lambda state: _ask(state.next(), number, one),
        "release": lambda state: _release(state.next(), one),
        "hand_over": lambda state: _hand_over(state.next(), number, one),
        "leave": lambda state: _leave(state.next(), one),
        "held": lambda state: state if one.seen == _held(state) else None,
        "queue": lambda state: state if one.seen == _queue(state) else None,
    }[one.act]


def _ask(state: State, number: int, one: Told) -> State | None:
    model, token = state.model, one.token if one.token is not None else -number - 1
    before = {(row.agent, row.noun, row.key): row.token for row in model.rows}
    until = FAR if one.waits else None
    asked = Waiting(state.number, one.noun, one.keys, one.agent, one.mode, 0, 0, FAR, frozenset())
    ahead = model.ahead(asked, [*model.queue, asked])
    came = model.ask(one.noun, one.agent, one.keys, one.mode, FAR, until, state.number, 0)
    match came:
        case "refused":
            return state if one.got == "lost" or (one.got == "refused" and one.holder in ahead) else None
        case "deadlock":
            return state if one.got in {"lost", "deadlock"} else None
        case "queued":
            return state if one.waits and one.got in {"lost", "acquired", "waiting"} else None
        case "prolonged":
            kept = {before.get((one.agent, one.noun, key)) for key in one.keys} - {None}
            own = {row.token for row in model.rows if row.agent == one.agent}
            if one.token is not None and one.token not in kept | own:
                # A grant whose answer was lost has a token that is heard of only now.
                unheard = min((token for token in kept | own if token is not None), default=0)
                if unheard < 0:
                    _mark(state, one, unheard, one.token)
                    own.add(one.token)
            if one.got not in {"lost", "acquired"} or (one.token is not None and one.token not in kept | own):
                return None
            return replace(state, at_once=state.at_once | {number})
        case "granted":
            if one.got not in {"lost", "acquired"}:
                return None
            _mark(state, one, state.number, token)
            return replace(state, at_once=state.at_once | {number}).granted(one.token)


def _mark(state: State, one: Told, by: int, token: int) -> None:
    """The rows of a grant carry the token that was told."""
    for row in state.model.rows:
        if row.agent == one.agent and row.token == by:
            row.token = token


def _place(state: State, one: Told) -> Waiting | None:
    found = (w for w in state.model.queue if (w.agent, set(w.keys), w.mode) == (one.agent, set(one.keys), one.mode))
    return next(found, None)


def _grant(number: int, one: Told) -> Callable[[State], State | None]:
    def apply(before: State) -> State | None:
        state = before.next()
        if number in state.at_once:
            return state
        for waited, token in state.served:
            is_its = waited == (one.agent, tuple(sorted(one.keys)), one.mode)
            if is_its and (one.token in {None, token} or token < 0):
                if one.token is not None:
                    _mark(state, one, token, one.token)
                return replace(state, served=tuple(s for s in state.served if s != (waited, token)))
        place = _place(state, one)
        if place is None or not place.is_open or state.model.ahead(place, state.model.queue):
            return None
        state.model.grant(state.number, place, FAR)
        _mark(state, one, state.number, one.token if one.token is not None else -number - 1)
        return state.granted(one.token)

    return apply


def _give_back(one: Told) -> Callable[[State], State | None]:
    def apply(before: State) -> State | None:
        state = before.next()
        state.model.rows = [r for r in state.model.rows if not (r.agent == one.agent and r.key in one.keys)]
        return state

    return apply


def _close(one: Told) -> Callable[[State], State | None]:
    def apply(before: State) -> State | None:
        state = before.next()
        place = _place(state, one)
        if place is None:
            return None if one.got == "waiting" else state
        place.is_open = False
        return state

    return apply


def _forget(one: Told) -> Callable[[State], State | None]:
    def apply(before: State) -> State | None:
        state = before.next()
        place = _place(state, one)
        if place is None:
            return None
        state.model.queue.remove(place)
        return state

    return apply


def _release(state: State, one: Told) -> State | None:
    held = [row for row in state.model.rows if row.agent == one.agent and row.key in one.keys]
    if one.token is not None and any(row.token != one.token for row in held):
        held = []
    if one.got == "missing" or not held:
        return state if (one.got == "missing" and not held) or one.got == "lost" else None
    state.model.rows = [row for row in state.model.rows if row not in held]
    return state


def _hand_over(state: State, number: int, one: Told) -> State | None:
    held = [row for row in state.model.rows if row.agent == one.agent and row.key in one.keys]
    if len(held) != len(one.keys) or len({row.token for row in held}) != 1:
        return state if one.got in {"missing", "lost", "conflict"} else None
    waiting = {w.number: (w.agent, tuple(sorted(w.keys)), w.mode) for w in state.model.queue if w.is_open}
    served = state.model.hand_over(held, one.to, state.number)
    if served is None:
        return state if one.got in {"conflict", "lost"} else None
    if one.got not in {"done", "lost"}:
        return None
    token = one.token if one.token is not None else -number - 1
    _mark(state, replace(one, agent=one.to), state.number, token)
    told = tuple((waiting[place], token) for place in served if place in waiting)
    return replace(state, served=state.served + told).granted(one.token)


def _leave(state: State, one: Told) -> State | None:
    place = _place(state, one)
    if place is None:
        return state if one.got in {"missing", "lost"} else None
    if one.got not in {"done", "lost"}:
        return None
    state.model.queue.remove(place)
    return state


def _held(state: State) -> tuple[Any, ...]:
    return tuple(sorted((row.agent, row.key, row.mode) for row in state.model.rows))


def _queue(state: State) -> tuple[Any, ...]:
    return tuple((one.agent, tuple(sorted(one.keys)), one.mode) for one in state.model.queue)
