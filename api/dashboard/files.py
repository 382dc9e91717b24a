"""The page's files, read once and served from memory.

They are part of the package and nothing is fetched from elsewhere. The policy lets the page run its own modules and
talk to its own hub, and nothing else: no inline script or style, no frame around it.
"""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from api.http.headers import HEADERS
from api.http.queries import QueryReader
from api.http.routes import NoQuery, Route, Site, SpecialRoute
from arclog.errors import NotFound

FOLDER: Final = Path(__file__).parent / "www"
TYPES: Final = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: Final = (
    (b"content-security-policy", POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
_FOR_PROGRAMS: Final = """\
Arc {version}: a coordination hub for AI agents, on the storage {storage}

  GET /v1/hub-info    what this hub is
  GET /openapi.json   every route
  GET /               in a browser: the dashboard
"""


class File(Struct, frozen=True):
    """One file of the page."""

    body: bytes
    media_type: bytes
    tag: bytes


class FileName(Struct, frozen=True):
    """Which file."""

    file: Annotated[str, Meta(max_length=64)]


def read_files() -> dict[str, File]:
    """Every file of the page, by name."""
    found = {}
    for path in sorted(FOLDER.iterdir()):
        body = path.read_bytes()
        found[path.name] = File(body, TYPES[path.suffix], b'"' + sha256(body).hexdigest()[:20].encode() + b'"')
    return found


def page(site: Site) -> ASGIApp:
    """The endpoint of `GET /`: the dashboard for a browser, a few lines of text for a program."""
    settings = site.hub.settings
    told = _FOR_PROGRAMS.format(version=settings.version, storage=settings.storage.absolute()).encode()
    text = File(told, b"text/plain; charset=utf-8", b"")
    serve_page = _server(site, read_files()["index.html"])
    serve_text = _server(site, text)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        is_browser = b"text/html" in scope[HEADERS].get(b"accept", b"")
        await (serve_page if is_browser else serve_text)(scope, receive, send)

    return serve


def files(site: Site) -> ASGIApp:
    """The endpoint of the page's files."""
    servers = {name: _server(site, file) for name, file in read_files().items()}
    read = QueryReader(FileName).read

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        name = read(scope).file
        if name not in servers:
            raise NotFound("file", name)
        await servers[name](scope, receive, send)

    return serve


def _server(site: Site, file: File) -> ASGIApp:
    headers = [
        (b"content-type", file.media_type),
        (b"cache-control", b"no-cache"),
        (b"vary", b"accept"),
        *PAGE_HEADERS,
    ]
    if file.tag:
        headers.append((b"etag", file.tag))

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        is_known = bool(file.tag) and scope[HEADERS].get(b"if-none-match") == file.tag
        body = b"" if is_known else file.body
        length = [] if is_known else [(b"content-length", b"%d" % len(body))]
        await send(
            {
                "type": "http.response.start",
                "status": 304 if is_known else 200,
                "headers": [*headers, *length, *site.responder.common],
            }
        )
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return serve


ROUTES: tuple[Route, ...] = (
    SpecialRoute(
        does="The dashboard; for a program, a few lines about what answers here.",
        path="/",
        query=NoQuery,
        media_type="text/html",
        start=page,
    ),
    SpecialRoute(
        does="A file of the dashboard.",
        path="/dashboard/{file}",
        query=FileName,
        media_type="text/javascript",
        start=files,
    ),
)
