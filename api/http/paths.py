"""The endpoints of one path: by method, and with ids that are known beforehand."""

import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.errors import STATUS_OF, ClientGone, MethodNotAllowed
from api.http.routes import Route, Site
from arclog.errors import ArcError


class FixedIds:
    """The endpoint of a path whose ids are known beforehand.

    Args:
        endpoint: that of the path with ids in braces.
        ids: the ids.
    """

    def __init__(self, endpoint: ASGIApp, ids: dict[str, str]) -> None:
        self._endpoint = endpoint
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path_params"] = self._ids
        await self._endpoint(scope, receive, send)


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
        except ClientGone:
            code = "4xx"  # 499, where servers count who did not wait for an answer
            raise
        except Exception:
            code = "5xx"
            raise
        finally:
            self._requests[self._path, method, code].add(time.perf_counter() - began_at)

    async def _name_methods(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._site.responder.send(send, 200, b'{"ok":true,"result":null}', ((b"allow", self._allowed.encode()),))
