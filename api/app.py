"""The application: all routes of the hub, and the guard before them."""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Final

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
from api.http.asgi import ASGIApp, Receive, Scope, Send
from api.http.direct_calls import DirectCalls
from api.http.errors import ClientGone, InternalError, Unauthenticated
from api.http.headers import HEADERS, TRANSPORT, HeaderReader, find_sender
from api.http.paths import Methods, Paths
from api.http.responses import Responder
from api.http.routes import Route, Site
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
"""Every route there is."""
MCP_PATHS: Final = ("/mcp", "/mcp/")
"""Where hosts speak MCP; some put a slash at the end of the URL that they are given."""


class HubApplication:
    """The hub as an ASGI application. Whatever goes wrong in it ends as an envelope: no exception drops a connection.

    Args:
        hub: it must have been started.
        heartbeat_sec: how long a stream is silent at most.
        left_after_sec: how long after its stream an MCP host counts as gone.
    """

    def __init__(self, hub: Hub, heartbeat_sec: float, left_after_sec: float) -> None:
        site = Site(hub, Responder(hub.instance_id, lambda: hub.log_state), heartbeat_sec, left_after_sec)
        self._guard = Guard(hub)
        paths = dict.fromkeys(route.path for route in ROUTES)
        endpoints: dict[str, ASGIApp] = {
            path: Methods(site, path, [route for route in ROUTES if route.path == path]) for path in paths
        }
        endpoints |= dict.fromkeys(MCP_PATHS, Late(partial(_open_mcp, site)))
        endpoints[sign_in.PATH] = sign_in.SignIn(self._guard)
        self._find = Paths(endpoints).find
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
            endpoint, scope["path_params"] = self._find(path)
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


def create_app(hub: Hub, *, heartbeat_sec: float = HEARTBEAT_SEC, left_after_sec: float = LEFT_AFTER_SEC) -> ASGIApp:
    """The hub as an ASGI application; the arguments are those of `HubApplication`."""
    return HubApplication(hub, heartbeat_sec, left_after_sec)


def _vouched_for(scope: Scope) -> Principal | None:
    """Whom a call that came by another road is from: the relay knows whose folder a request lay in."""
    agent_id = find_sender(scope) if scope[TRANSPORT] == "relay" else ""
    return Principal(agent_id) if agent_id else None
