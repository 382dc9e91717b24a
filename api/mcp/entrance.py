"""The way in to MCP: what serves it is loaded when the first host comes, since many a hub never sees one."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.routes import Site

PATH: Final = "/mcp"


class McpEntrance:
    """The endpoint of `/mcp`.

    Args:
        site: the hub, and how it answers.
        app: the application with the routes that tools call.
    """

    def __init__(self, site: Site, app: ASGIApp) -> None:
        self._site = site
        self._app = app
        self._endpoint: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._endpoint is None:
            from api.mcp.over_http import McpEndpoint

            self._endpoint = McpEndpoint(self._site, self._app)
        await self._endpoint(scope, receive, send)
