"""How the endpoint of a request is found: by its path, with an id or without, and by its method."""

import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from api.http.asgi import ASGIApp, Receive, Scope, Send
from api.http.errors import STATUS_OF, MethodNotAllowed, UnknownRoute
from api.http.routes import Route, Site
from arclog.errors import ArcError

NO_IDS: Final[Mapping[str, str]] = MappingProxyType({})


class Paths:
    """Finds the endpoints of paths.

    Args:
        endpoints: by path; one that has an id has a name in braces in its place, as in `/v1/tasks/{task_id}/fail`.
    """

    def __init__(self, endpoints: Mapping[str, ASGIApp]) -> None:
        self._plain: dict[str, ASGIApp] = {}
        self._with_id: dict[tuple[str, str], tuple[str, ASGIApp]] = {}
        """What has an id, by what stands before it and after it: the id's name and the endpoint."""
        for path, endpoint in endpoints.items():
            before, _brace, rest = path.partition("{")
            name, brace, after = rest.partition("}")
            if brace:
                self._with_id[before, after] = name, endpoint
            else:
                self._plain[path] = endpoint

    def find(self, path: str) -> tuple[ASGIApp, Mapping[str, str]]:
        """The endpoint of a path, and the id in it by its name, as it came.

        Raises:
            UnknownRoute: no path is like this one.
        """
        plain = self._plain.get(path)
        if plain is not None:
            return plain, NO_IDS
        begin = path.find("/") + 1
        while begin:
            next_slash = path.find("/", begin)
            end = len(path) if next_slash < 0 else next_slash
            found = self._with_id.get((path[:begin], path[end:]))
            if found is not None and begin < end:
                name, endpoint = found
                return endpoint, {name: path[begin:end]}
            begin = next_slash + 1
        raise UnknownRoute(path)


class Methods:
    """The endpoints of one path by method: `HEAD` is a `GET` without its body, `OPTIONS` names the methods."""

    def __init__(self, site: Site, path: str, routes: Iterable[Route]) -> None:
        self._site = site
        self._endpoints = {route.method: route.endpoint(site) for route in routes}
        if "GET" in self._endpoints:
            self._endpoints["HEAD"] = self._endpoints["GET"]
        self._endpoints["OPTIONS"] = self._name_methods
        self._allowed = ", ".join(sorted(self._endpoints))
        self._path = path
        self._requests = site.hub.measures.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        endpoint = self._endpoints.get(method)
        if endpoint is None:
            raise MethodNotAllowed(method, scope["path"], self._allowed)
        began_at, code = time.perf_counter(), "2xx"
        try:
            await endpoint(scope, receive, send)
        except ArcError as error:
            code = f"{STATUS_OF[error.code] // 100}xx"
            raise
        except Exception:
            code = "5xx"
            raise
        finally:
            self._requests[self._path, method, code].add(time.perf_counter() - began_at)

    async def _name_methods(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._site.responder.send(send, 200, b'{"ok":true,"result":null}', ((b"allow", self._allowed.encode()),))
