"""The queue of claims and locks: who held what and who waited at a moment, and whom each of them waited for."""

import apsw
from msgspec.structs import replace

from arclog.deciders.positions import positions_of
from arclog.deciders.standing import Standing
from arclog.events.leases import Noun
from projections import claims, locks, places, sessions
from projections.intervals import AsOf
from projections.places import QueuePlace


def read_standing(connection: apsw.Connection, at: AsOf) -> Standing:
    """Who held what and who waited at a moment, from the tables."""
    standing = Standing()
    for agent_id, parent in sessions.list_sub_agents(connection, at):
        standing.families.join(agent_id, parent)
    held = [*locks.list_standing(connection, at), *claims.list_standing(connection, at)]
    for one in sorted(held, key=lambda one: (one.token, one.key)):
        standing.grant(
            one.noun, (one.key,), one.agent_id, one.mode, one.token, one.expires_at, is_automatic=one.is_automatic
        )
    for place in places.list_standing(connection, at):
        standing.queue(place)
    return standing


def list_queue(connection: apsw.Connection, at: AsOf, noun: Noun, agent_id: str | None = None) -> list[QueuePlace]:
    """Who waited at a moment, in their order, each with its position and those it waited for.

    Args:
        connection: in a transaction, so that all of it is of one moment.
        at: the moment.
        noun: what is waited for.
        agent_id: whose places, all unless given.
    """
    waiting = places.list_waiting(connection, at, noun, agent_id)
    if not waiting:
        return []
    standing = read_standing(connection, at)
    found = positions_of(standing, (standing.waiting[one.place] for one in waiting), at.now)
    return [
        replace(one, position=position, ahead=tuple(ahead))
        for one, (position, ahead) in zip(waiting, found, strict=True)
    ]
