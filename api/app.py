"""The application: all routes of the hub behind the guard."""

from typing import Final

from starlette.applications import Starlette
from starlette.routing import Route as Path
from starlette.types import ASGIApp, Receive, Scope, Send

from api import channels, claims, hub, inbox, locks, messages, openapi, page, sessions, sse, tasks, threads
from api.errors import Envelopes, UnknownRoute
from api.responses import Responder
from api.routes import Methods, Route, Site
from api.security import Guard
from projections.hub import Hub

_NOUNS: Final[tuple[Route, ...]] = (
    *messages.ROUTES,
    *claims.ROUTES,
    *locks.ROUTES,
    *sse.ROUTES,
    *inbox.ROUTES,
    *sessions.ROUTES,
    *tasks.ROUTES,
    *threads.ROUTES,
    *channels.ROUTES,
    *hub.ROUTES,
    *page.ROUTES,
)
ROUTES: Final[tuple[Route, ...]] = (*_NOUNS, openapi.route(_NOUNS))
"""Every route there is; a path is looked for in this order, so the busiest come first."""


class HubApplication(Starlette):
    """Starlette's routing without its own middleware: here every failure is an envelope."""

    def __init__(self, site: Site) -> None:
        paths = dict.fromkeys(route.path for route in ROUTES)
        super().__init__(
            routes=[
                Path(path, Methods(site, {r.method: r.endpoint(site) for r in ROUTES if r.path == path}), name=path)
                for path in paths
            ]
        )
        self._site = site
        self.router.redirect_slashes = False
        self.router.default = _unknown

    def build_middleware_stack(self) -> ASGIApp:
        """What a request passes on its way to its route."""
        return Envelopes(Guard(self.router, self._site.hub), self._site.responder)


def create_app(hub: Hub) -> Starlette:
    """The hub as an ASGI application.

    Args:
        hub: it must have been started.
    """
    return HubApplication(Site(hub, Responder(hub.instance_id)))


async def _unknown(scope: Scope, receive: Receive, send: Send) -> None:
    raise UnknownRoute(scope["path"])
