"""Positions: how far from the front requests wait, and for whom.

A thousand that wait for one file are a line, which is looked up once for all of them.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from arclog.deciders.holdings import Place
from arclog.deciders.standing import Standing
from arclog.deciders.waits import find_holders, opposed, request_at
from arclog.events.leases import Mode, Noun

MAX_AHEAD: Final = 20
"""Agents that are named at most of those that a request waits for."""

_NOBODY: Final = ""
"""No agent's name, so that nothing is left out for being the asker's own."""


def positions_of(standing: Standing, places: Iterable[Place], now: int) -> Iterator[tuple[int, list[str]]]:
    """Where some requests wait.

    Args:
        standing: who holds what, and who waits.
        places: those that are asked about.
        now: the log's time.

    Yields:
        For each how many places it waits for directly, itself counted, and the agents that it waits for: those that
        hold something first, then those that came before it; not all where there are many.
    """
    lines: dict[tuple[Noun, str, Mode], list[Place]] = {}
    for place in places:
        before: dict[int, Place] = {}
        for key in place.keys:
            kind = (place.noun, key, place.mode)
            line = lines.get(kind)
            if line is None:
                line = lines[kind] = _line(standing, kind, now)
            if len(place.keys) == 1:
                yield _position(standing, place, line, now)
                break
            before.update((one.place_id, one) for one in line)
        else:
            yield _position(standing, place, sorted(before.values(), key=_id_of), now)


def _line(standing: Standing, kind: tuple[Noun, str, Mode], now: int) -> list[Place]:
    """All that cannot go together with a key, no matter who waits, in their order."""
    noun, key, mode = kind
    found = {
        place.place_id: place
        for other in opposed(mode)
        for place, _key in standing.lines.places_meeting(noun, other, key, _NOBODY)
        if place.is_active(now)
    }
    return sorted(found.values(), key=_id_of)


def _position(standing: Standing, place: Place, line: list[Place], now: int) -> tuple[int, list[str]]:
    end = bisect_left(line, place.place_id, key=_id_of)
    own = [one.place_id for one in standing.places_of(place.agent_id) if one is not place]
    skipped = {one for one in (*own, *place.passes) if one < place.place_id and _is_in(line, one)}
    passers = [
        one for one in standing.passers.get(place.place_id, {}).values()
        if one.agent_id != place.agent_id and _is_in(line, one.place_id)
    ]  # fmt: skip
    names = dict.fromkeys(obstacle.agent_id for obstacle in find_holders(standing, request_at(place), now))
    for one in line[:end]:
        if len(names) >= MAX_AHEAD:
            break
        if one.place_id not in skipped:
            names.setdefault(one.agent_id)
    names.update(dict.fromkeys(one.agent_id for one in passers))
    return end - len(skipped) + len(passers) + 1, list(islice(names, MAX_AHEAD))


def _is_in(line: list[Place], place_id: int) -> bool:
    at = bisect_left(line, place_id, key=_id_of)
    return at < len(line) and line[at].place_id == place_id


def _id_of(place: Place) -> int:
    return place.place_id
