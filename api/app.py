"""The application: all routes of the hub, and the guard before them."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Final

from starlette.applications import Starlette
from starlette.routing import Route as Path
from starlette.types import ASGIApp, Receive, Scope, Send

from api import (
    batch,
    channels,
    claims,
    digest,
    inbox,
    locks,
    log,
    messages,
    metrics,
    questions,
    search,
    sessions,
    sse,
    tasks,
    threads,
    tokens,
    wakes,
)
from api import hub as hub_itself
from api.dashboard import attention, files, sign_in
from api.hooks import route as hooks
from api.http import openapi
from api.http.direct_calls import DirectCalls
from api.http.errors import ClientGone, InternalError, Unauthenticated, UnknownRoute
from api.http.headers import HEADERS, TRANSPORT, HeaderReader, find_sender
from api.http.paths import FixedIds, Methods
from api.http.responses import Responder
from api.http.routes import Route, Site, SpecialRoute
from api.http.security import SENDER, Guard
from arclog.errors import ArcError
from arclog.limits import HEARTBEAT_SEC, LEFT_AFTER_SEC
from arclog.sender import Principal, proved_to_be
from projections.hub.hub import Hub

logger = logging.getLogger("arc.api")

_NOUNS: Final[tuple[Route, ...]] = (
    *messages.ROUTES,
    *batch.ROUTES,
    *claims.ROUTES,
    *locks.ROUTES,
    *hooks.ROUTES,
    *sse.ROUTES,
    *log.ROUTES,
    *inbox.ROUTES,
    *sessions.ROUTES,
    *tasks.ROUTES,
    *questions.ROUTES,
    *search.ROUTES,
    *digest.ROUTES,
    *threads.ROUTES,
    *channels.ROUTES,
    *tokens.ROUTES,
    *wakes.ROUTES,
    *hub_itself.ROUTES,
    *metrics.ROUTES,
    *files.ROUTES,
    *attention.ROUTES,
)
ROUTES: Final[tuple[Route, ...]] = (*_NOUNS, openapi.route(_NOUNS))
"""Every route there is; a path is looked for in this order, so the busiest come first."""
MCP_PATHS: Final = ("/mcp", "/mcp/")
"""Where hosts speak MCP; some put a slash at the end of the URL that they are given."""


class HubApplication(Starlette):
    """Starlette with an entrance of its own.

    A path without ids, or with one of which it is known what it may be, is found in a table, any other by Starlette's
    router. Whatever goes wrong on the way ends here, as an envelope: no exception drops a connection.
    """

    def __init__(self, hub: Hub, heartbeat_sec: float, left_after_sec: float) -> None:
        site = Site(hub, Responder(hub.instance_id, lambda: hub.log_state), heartbeat_sec, left_after_sec)
        paths = dict.fromkeys(route.path for route in ROUTES)
        methods = {path: Methods(site, path, [route for route in ROUTES if route.path == path]) for path in paths}
        super().__init__(routes=[Path(path, endpoint, name=path) for path, endpoint in methods.items()])
        self.router.redirect_slashes = False
        self.router.default = _unknown
        mcp = Late(partial(_open_mcp, site))
        self._fixed: dict[str, ASGIApp] = {path: endpoint for path, endpoint in methods.items() if "{" not in path}
        self._fixed.update(_list_fixed(methods))
        self._fixed |= dict.fromkeys(MCP_PATHS, mcp)
        self._guard = Guard(hub)
        self._fixed[sign_in.PATH] = sign_in.SignIn(self._guard)
        self._read_headers = HeaderReader().read
        self._responder = site.responder
        self._rejects = hub.measures.rejects
        hub.alarms.on_damage.append(lambda _finding: site.responder.mark_damaged())
        if hub.integrity.findings:
            site.responder.mark_damaged()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            headers = scope[HEADERS] = self._read_headers(scope)
            # Calls by another road bring its name in the scope, which no client can set, and were let in elsewhere.
            principal = _vouched_for(scope) if TRANSPORT in scope else self._guard.check(scope, headers)
            # Ids may hold an encoded slash: a path is looked for as it came, and its ids are decoded afterwards.
            path = scope["path"] = scope["raw_path"].decode("ascii")
            scope["path_params"] = {}
            endpoint = self._fixed.get(path, self.router)
            if principal is None and SENDER not in scope:
                await endpoint(scope, receive, send)
            else:
                with self._guard.counted(scope), nullcontext() if principal is None else proved_to_be(principal):
                    await endpoint(scope, receive, send)
        except ClientGone:
            return
        except Unauthenticated as error:
            self._rejects[error.code] += 1
            if sign_in.wants_page(scope):
                await sign_in.send_page(send)
            else:
                await self._responder.refuse(send, error)
        except ArcError as error:
            self._rejects[error.code] += 1
            await self._responder.refuse(send, error)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            await self._responder.refuse(send, InternalError())


class Late:
    """An endpoint that is made when the first request comes for it.

    Args:
        make: makes it.
    """

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._make = make
        self._endpoint: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._endpoint is None:
            self._endpoint = self._make()
        await self._endpoint(scope, receive, send)


def _open_mcp(site: Site) -> ASGIApp:
    """What serves MCP is loaded when the first host comes, since many a hub never sees one."""
    from api.mcp.over_http import McpEndpoint

    return McpEndpoint(site, DirectCalls(site.hub, ROUTES))


def create_app(hub: Hub, *, heartbeat_sec: float = HEARTBEAT_SEC, left_after_sec: float = LEFT_AFTER_SEC) -> Starlette:
    """The hub as an ASGI application.

    Args:
        hub: it must have been started.
        heartbeat_sec: how long a stream is silent at most.
        left_after_sec: how long after its stream an MCP host counts as gone.
    """
    return HubApplication(hub, heartbeat_sec, left_after_sec)


def _list_fixed(methods: Mapping[str, ASGIApp]) -> Iterator[tuple[str, ASGIApp]]:
    """The paths with an id of which it is known what that may be."""
    for route in ROUTES:
        for value in route.values if isinstance(route, SpecialRoute) else ():
            before, _, rest = route.path.partition("{")
            name, _, after = rest.partition("}")
            yield f"{before}{value}{after}", FixedIds(methods[route.path], {name: value})


def _vouched_for(scope: Scope) -> Principal | None:
    """Whom a call that came by another road is from: the relay knows whose folder a request lay in."""
    agent_id = find_sender(scope) if scope[TRANSPORT] == "relay" else ""
    return Principal(agent_id) if agent_id else None


async def _unknown(scope: Scope, receive: Receive, send: Send) -> None:
    raise UnknownRoute(scope["path"])
