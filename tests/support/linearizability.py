"""Linearizability: could what concurrent callers were told have come about one call after the other?

The algorithm is that of Wing and Gong, with Lowe's memory: depth first, each step that could be the next one is tried
on the state, and no pair of steps done and state reached is tried twice. A call that waits is more than one step: it
asks, and later it is granted, both between its beginning and its answer (a dual data structure, as Scherer and Scott
have it). Steps that share no key cannot disturb each other, so each connected component of keys is checked by itself.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

S = TypeVar("S")

MOST_TRIED = 300_000
"""Steps that are tried at most before a history counts as too hard to judge."""


@dataclass(frozen=True)
class Step(Generic[S]):
    """Something that happened at one moment between two others.

    Attributes:
        begun_at: it was not before that.
        ended_at: nor after that; infinite where nobody was told.
        apply: the state after it; None where it cannot happen in that state, or would have been answered otherwise.
        after: steps that come first, by their places in the history.
        is_sure: whether it happened at all; one whose caller was never answered may not have.
        text: what it was, for whoever reads a violation.
    """

    begun_at: float
    ended_at: float
    apply: Callable[[S], S | None]
    after: tuple[int, ...] = ()
    is_sure: bool = True
    text: str = ""


class TooHard(Exception):
    """The history was not judged within the bound."""


def find_violation(
    steps: Sequence[Step[S]], first: S, key: Callable[[S], Hashable], most_tried: int = MOST_TRIED
) -> list[str] | None:
    """Look for an order in which all that is sure has happened, and every answer is right.

    Args:
        steps: the history.
        first: the state before it.
        key: what of a state decides what can follow.
        most_tried: steps that are tried at most.

    Returns:
        None when there is one; else what could not be placed after the longest order that was found.

    Raises:
        TooHard: there are too many to be tried.
    """
    sure = sum(1 << place for place, step in enumerate(steps) if step.is_sure)
    seen: set[tuple[int, Hashable]] = set()
    waiting: list[tuple[int, S, int]] = [(0, first, 0)]
    longest, tried = 0, 0
    while waiting:
        done, state, count = waiting.pop()
        if done & sure == sure:
            return None
        if count > longest.bit_count():
            longest = done
        bound = min(
            (step.ended_at for place, step in enumerate(steps) if not done >> place & 1 and step.is_sure), default=inf
        )
        # The one that began last is tried last, so the order of the beginnings is the first that is followed.
        for place in sorted(range(len(steps)), key=lambda at: steps[at].begun_at, reverse=True):
            step = steps[place]
            if done >> place & 1 or step.begun_at > bound or any(not done >> one & 1 for one in step.after):
                continue
            tried += 1
            if tried > most_tried:
                raise TooHard
            after = step.apply(state)
            if after is None:
                continue
            known = (done | 1 << place, key(after))
            if known not in seen:
                seen.add(known)
                waiting.append((done | 1 << place, after, count + 1))
    return [step.text for place, step in enumerate(steps) if step.is_sure and not longest >> place & 1]


def components(items: Iterable[tuple[str, ...]], meet: Callable[[str, str], bool]) -> list[set[str]]:
    """Group keys so that those of one request, and those that overlap, are together."""
    groups: list[set[str]] = []
    for keys in items:
        own = set(keys)
        apart = []
        for group in groups:
            if any(meet(one, other) for one in own for other in group):
                own |= group
            else:
                apart.append(group)
        groups = [*apart, own]
    return groups
