"""What the tables of claims and of locks have in common: queries of the same names over each noun's SQL."""

from collections.abc import Iterator
from typing import Any

import apsw

from arclog.events import JsonObject
from arclog.sqlite.queries import Queries


class LeaseTables:
    """The tables of one kind of lease.

    Args:
        sql: the noun's queries.
    """

    def __init__(self, sql: Queries) -> None:
        self._sql = sql

    def find_refusal(self, connection: apsw.Connection, fencing_token: int, asker_agent_id: str) -> int | None:
        """The event that refused this grant to this asker."""
        found = connection.execute(self._sql["find_refusal"], (fencing_token, asker_agent_id)).get
        return None if found is None else int(found)

    def count_held(self, connection: apsw.Connection, agent_id: str, now: int, before: int) -> int:
        """How much an agent holds at present that was granted before an event."""
        return int(
            connection.execute(self._sql["count_held"], {"agent_id": agent_id, "now": now, "before": before}).get
        )

    def read_held(
        self, connection: apsw.Connection, agent_id: str, now: int, before: int, limit: int, most_bytes: int
    ) -> Iterator[tuple[Any, ...]]:
        """What an agent holds at present, oldest grant first.

        Args:
            connection: any connection on the storage.
            agent_id: the agent.
            now: the log's time.
            before: only what was granted before this event.
            limit: at most this many.
            most_bytes: only until their metadata are so long together.
        """
        bindings = {"agent_id": agent_id, "now": now, "before": before, "limit": limit, "most_bytes": most_bytes}
        return connection.execute(self._sql["list_held"], bindings)


def notice_channel(metadata: JsonObject) -> str | None:
    """The channel in which its holder would have its recovery told."""
    channel = metadata.get("channel")
    return channel if isinstance(channel, str) else None
