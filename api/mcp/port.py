"""The seam between the tools and a hub: a call of a route. Over HTTP from `arc mcp`, inside the process at `/mcp`."""

from typing import Protocol

from arclog.events import JsonObject


class Refused(Exception):
    """The hub refused a call, or could not be asked; `str(error)` says why and what to do.

    Args:
        error: what went wrong.
        status: the status of the hub's answer, 5xx also where there was none.
    """

    def __init__(self, error: str, status: int) -> None:
        super().__init__(error)
        self.status = status


class Port(Protocol):
    """Carries calls to one hub."""

    @property
    def instance_id(self) -> str | None:
        """The id of the storage behind the last answer; None before the first."""

    async def call(
        self, method: str, path: str, body: JsonObject | None = None, *, wait_sec: float = 0.0
    ) -> JsonObject:
        """Call a route, and do what is safe to have it answered.

        Args:
            method: the HTTP method.
            path: path and query, encoded.
            body: the fields of a change.
            wait_sec: how long the hub was asked to wait, at most.

        Returns:
            The hub's envelope, with `ok: true`.

        Raises:
            Refused: anything else.
        """
