"""The seam between the tools and a hub: a call of a route. Over HTTP from `arc mcp`, inside the process at `/mcp`."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

from msgspec import Struct

from arclog.events import JsonObject

Value = str | int | float | bool
"""What an id of a path or a parameter of a query can be."""

NO_IDS: Final[Mapping[str, Value]] = {}


class HubRefused(Exception):
    """The hub refused a call, or could not be asked; `str(error)` says why and what to do.

    Args:
        error: what went wrong.
        status: the status of the hub's answer, 5xx also where there was none.
        code: the error's short name, where the hub gave one.
    """

    def __init__(self, error: str, status: int, code: str | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.code = code


@contextmanager
def reading_at_least() -> Iterator[None]:
    """Do without what a hub refuses that is too old for the log's rules: its agents may still read."""
    try:
        yield
    except HubRefused as refused:
        if refused.code != "newer_rules":
            raise


class Rows(Struct, frozen=True):
    """Rows of a list.

    Attributes:
        rows: as the hub gives them.
        more: whether others follow, which did not fit into the hub's answer.
    """

    rows: list[JsonObject]
    more: bool


class Port(Protocol):
    """Carries calls to one hub."""

    @property
    def instance_id(self) -> str | None:
        """The id of the storage that gave the last answer; None before the first."""

    def is_here(self, agent_id: str) -> bool:
        """Whether the agent has a live session, as far as that can be told without a call; True when it cannot."""

    async def read(self, path: str, parameters: Mapping[str, Value], *, wait_sec: float = 0.0) -> Any:  # noqa: ANN401 - the result of any route
        """The result of a route that reads.

        Args:
            path: the route's path, with the names of ids in braces.
            parameters: the ids, and the parameters of the query.
            wait_sec: how long the hub is asked to wait, at most.

        Raises:
            HubRefused: there is none.
        """

    async def read_list(self, path: str, parameters: Mapping[str, Value]) -> "Rows":
        """The rows of a route that lists, as many as one answer of the hub holds.

        Args:
            path: the route's path.
            parameters: the parameters of the query.

        Raises:
            HubRefused: there are none.
        """

    async def change(
        self, method: str, path: str, ids: Mapping[str, Value], body: JsonObject, *, key: str | None = None
    ) -> JsonObject:
        """Call a route that changes something, and do what is safe to have it answered.

        Args:
            method: the HTTP method.
            path: the route's path, with the names of ids in braces.
            ids: the ids.
            body: the fields of the request.
            key: an idempotency key that the host gave.

        Returns:
            The hub's envelope, with `ok: true`.

        Raises:
            HubRefused: it was not done.
        """


async def read_all(
    port: Port, path: str, name_row: Callable[[JsonObject], str], **parameters: Value
) -> list[JsonObject]:
    """All rows of a list, however many answers they take.

    Args:
        port: the way to the hub.
        path: the route's path.
        name_row: names a row, so that the list goes on after it.
        parameters: the parameters of the query.

    Raises:
        HubRefused: the hub would not.
    """
    page = await port.read_list(path, parameters)
    rows = page.rows
    while page.more and page.rows:
        page = await port.read_list(path, {**parameters, "after": name_row(page.rows[-1])})
        rows += page.rows
    return rows
