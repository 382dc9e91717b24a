"""Calls from inside the hub's own process: the relay and MCP speak to the same routes, without a socket between."""

import asyncio
from collections.abc import Iterable
from urllib.parse import quote

from msgspec import Struct
from starlette.types import ASGIApp, Message, Scope

from api.http.headers import TRANSPORT
from api.http.heads import AS_TYPED


class InProcessAnswer(Struct, frozen=True):
    """The answer to a call: status, headers with names in lower case, and the whole body."""

    status: int
    headers: dict[str, str]
    body: bytes


async def call(
    app: ASGIApp, method: str, path: str, body: bytes, headers: Iterable[tuple[str, str]], transport: str
) -> InProcessAnswer:
    """Call a route as if over HTTP.

    Args:
        app: the application, from `api.app.create_app`.
        method: the HTTP method.
        path: path and query; what is not ASCII is encoded.
        body: the request's body, empty for none.
        headers: further headers; `Idempotency-Key` makes a repeated call safe.
        transport: the way that the call came (`relay`, `mcp`), kept with the event that it leads to.

    Returns:
        The answer; refusals are answers too. A route that streams refuses.
    """
    raw_path, _, query = quote(path, safe=AS_TYPED).partition("?")
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method.upper(),
        "scheme": "http",
        "path": raw_path,
        "raw_path": raw_path.encode("ascii"),
        "root_path": "",
        "query_string": query.encode("ascii"),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": None,
        "server": None,
        TRANSPORT: transport,
    }
    requests = [{"type": "http.request", "body": body, "more_body": False}]
    status, answered = 500, {}
    parts: list[bytes] = []

    async def receive() -> Message:
        if requests:
            return requests.pop()
        return await asyncio.Future()  # the caller never goes away; what waits here is cancelled

    async def send(message: Message) -> None:
        nonlocal status, answered
        if message["type"] == "http.response.start":
            status = message["status"]
            answered = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        else:
            parts.append(message["body"])

    await app(scope, receive, send)
    return InProcessAnswer(status, answered, b"".join(parts))
