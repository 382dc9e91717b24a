"""Vouches: which hub has an agent, and so when that agent was last there though it did nothing itself.

A hub that vouches says only whom it has taken up and given up; that it still has all others goes without saying, so no
row is written for them. When it did so last, the log knows.
"""

from typing import Final

import apsw
from msgspec import Struct

from arclog.codec import Fact
from arclog.events import HubVouched
from arclog.sqlite.queries import Queries
from arclog.sqlite.reads import find_last_of_type
from projections.projector import Projector, Writer
from projections.versions import Version, Versioned


class _Row(Struct, frozen=True, gc=False):
    """What a row says; `has` is 0 once the hub has given the agent up."""

    agent_id: str
    hub_id: str
    has: int


VERSIONS: Final = Versioned("vouches", _Row)
SQL: Final = Queries("projections", "vouches.sql", VERSIONS.parts)


def _on_vouched(writer: Writer, event: Fact, data: HubVouched) -> None:
    for agent_id in data.taken_up:
        writer.replace(VERSIONS, agent_id, Version(event.event_id, _Row(agent_id, data.hub_id, 1)))
    for agent_id in data.given_up:
        writer.replace(VERSIONS, agent_id, Version(event.event_id, _Row(agent_id, data.hub_id, 0)))


PROJECTOR: Final = Projector(
    name="vouches",
    version=1,
    tables=("vouches",),
    schema=SQL["schema"],
    indexes=SQL["indexes"],
    handlers={HubVouched: _on_vouched},
)


class LastVouches:
    """When hubs vouched last, for many agents at one moment: of each hub the log is asked once.

    Args:
        connection: any connection on the storage.
        at: the event that the moment is right after.
    """

    def __init__(self, connection: apsw.Connection, at: int) -> None:
        self._connection = connection
        self._at = at
        self._known: dict[tuple[str, int], int | None] = {}

    def find(self, agent_id: str) -> int | None:
        """When a hub last vouched for an agent, in microseconds."""
        row = self._connection.execute(SQL["find_of_agent"], (agent_id, self._at)).fetchone()
        if row is None:
            return None
        from_event, hub_id, has = row
        place = (hub_id, self._at if has else from_event - 1)
        if place not in self._known:
            self._known[place] = find_last_vouch(self._connection, *place)
        return self._known[place]


def find_last_vouch(connection: apsw.Connection, hub_id: str, at: int) -> int | None:
    """When a hub vouched last, up to and including event `at`; microseconds."""
    return find_last_of_type(connection, f"hub/{hub_id}", HubVouched.type, at)


def list_of_hub(connection: apsw.Connection, hub_id: str) -> list[str]:
    """The agents that a hub has at present."""
    return [agent_id for (agent_id,) in connection.execute(SQL["list_of_hub"], (hub_id,))]
