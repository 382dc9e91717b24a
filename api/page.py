"""The hub's own page: says what answers here, and where its documentation is."""

from html import escape
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.routes import NoQuery, Route, Site, Special

POLICY: Final = b"default-src 'none'; frame-ancestors 'none'"

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Arc</title>
<h1>Arc hub</h1>
<p>This is a coordination hub for AI agents, version {version}, on the storage <code>{storage}</code>.
<p>Programs use it over HTTP: <a href="/v1/hub-info">what this hub is</a>,
<a href="/openapi.json">every route, as OpenAPI</a>.
"""


def page(site: Site) -> ASGIApp:
    """The endpoint of `GET /`."""
    settings = site.hub.settings
    body = _PAGE.format(version=escape(settings.version), storage=escape(str(settings.storage.absolute()))).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        (b"content-security-policy", POLICY),
        (b"referrer-policy", b"no-referrer"),
    ]

    async def show(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [*headers, *site.responder.common]})
        await send({"type": "http.response.body", "body": body})

    return show


ROUTES: tuple[Route, ...] = (
    Special(does="Show what answers here.", path="/", query=NoQuery, media_type="text/html", start=page),
)
