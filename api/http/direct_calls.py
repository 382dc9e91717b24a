"""Calls of routes from inside the hub's own process that need no bytes between: what goes in is decoded JSON.

The rules are the same: a route's own readers take the values, its own command is judged, its own query is answered.
What is left out is what a connection needs: a scope, headers, and JSON that is encoded only to be decoded.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from api.http.as_of import moment_of
from api.http.bodies import BodyReader, take_preconditions
from api.http.connection import Connection
from api.http.errors import UnknownRoute
from api.http.idempotency import hash_request
from api.http.queries import QueryReader, Value
from api.http.routes import ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route, check_reader
from projections.hub.hub import Hub
from projections.hub.outcomes import Outcome

NO_IDS: Final[Mapping[str, Value]] = {}


class DirectCalls:
    """The routes of a hub, for callers in its own process.

    Args:
        hub: it must have been started.
        routes: those that may be called; one that writes its answer itself cannot be.
    """

    def __init__(self, hub: Hub, routes: Iterable[Route]) -> None:
        self.hub = hub
        self._changes: dict[tuple[str, str], _Change] = {}
        self._reads: dict[str, _Read] = {}
        for route in routes:
            if isinstance(route, ChangeRoute):
                self._changes[route.method, route.path] = _Change(route)
            elif isinstance(route, ReadRoute):
                self._reads[route.path] = _Read(route)

    async def change(
        self,
        method: str,
        path: str,
        ids: Mapping[str, Value],
        body: Mapping[str, object],
        *,
        transport: str,
        key: str | None = None,
    ) -> Outcome:
        """Have the command of a route judged and recorded.

        Args:
            method: the route's method.
            path: its path as it is listed, with the names of ids in braces.
            ids: the ids.
            body: the fields of the request, decoded.
            transport: the way that the call came, kept with the event.
            key: the caller's idempotency key.

        Raises:
            ArcError: it was refused, or there is no such route.
        """
        found = self._changes.get((method, path))
        if found is None:
            raise UnknownRoute(path)
        command = found.command(found.read_ids(ids), found.read_body(body))
        relies_on = take_preconditions(body)
        if key is None:
            return await self.hub.execute(command, transport=transport, relies_on=relies_on)
        known_by = hash_request(method.encode(), _fill_in(path, ids), msgspec.json.encode(body))
        return await self.hub.execute(
            command, transport=transport, key=key, request=known_by.asked, relies_on=relies_on
        )

    async def read(self, path: str, parameters: Mapping[str, Value]) -> ReadResult:
        """What a route reads. To give up waiting, cancel the call.

        Args:
            path: the route's path as it is listed.
            parameters: its parameters and the ids of its path.

        Raises:
            ArcError: it was refused, or there is no such route.
        """
        found = self._reads.get(path)
        if found is None:
            raise UnknownRoute(path)
        query = found.read_query(parameters)
        if found.personal:
            check_reader(self.hub, str(parameters["agent_id"]))
        return await found.answer(self.hub, query, ReadCaller(Connection(), moment_of(self.hub, query)))


class _Change:
    def __init__(self, route: ChangeRoute[Any, Any]) -> None:
        self.read_ids = QueryReader(route.ids).take
        self.read_body = BodyReader(route.body).take
        self.command = route.command


class _Read:
    def __init__(self, route: ReadRoute[Any]) -> None:
        self.read_query = QueryReader(route.query).take
        self.answer = route.answer
        self.personal = route.personal


def _fill_in(path: str, ids: Mapping[str, Value]) -> bytes:
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", str(value))
    return path.encode()
