"""What a request says around its path and its body: its headers, and the way it came."""

import re
from typing import Final

from starlette.types import Scope

from api.http.errors import MalformedRequest
from arclog.deciders import fields
from arclog.errors import InvalidInput

HEADERS: Final = "arc.headers"
"""In the scope: the request's headers by name."""
TRANSPORT: Final = "arc.transport"
"""In the scope of a call that came by another road than HTTP: its name."""
AGENT_HEADER: Final = "X-Arc-Agent"
AGENT: Final = AGENT_HEADER.lower().encode()
"""The header that says who asks where nothing else in a request does."""
ONLY_ONCE: Final = frozenset({b"host", b"idempotency-key", b"last-event-id", b"origin", AGENT})
"""Headers that may not come twice, for the hub would have to choose whom to believe."""
MAX_KNOWN: Final = 64

_is_host = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%-]*(:[0-9]*)?|\[[0-9A-Fa-fvV.:%a-z-]+\](:[0-9]*)?").fullmatch


class HeaderReader:
    """Gives the headers of requests by name, and refuses what HTTP itself does (RFC 9112, section 3.2)."""

    def __init__(self) -> None:
        self._known_hosts: set[bytes] = set()

    def read(self, scope: Scope) -> dict[bytes, bytes]:
        """The headers of a request; of one that came more than once, the last.

        Raises:
            MalformedRequest: there is no `Host`, it is not the name of a host, or a header came twice that may not.
        """
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if TRANSPORT in scope:
            return headers
        if len(headers) != len(scope["headers"]):
            _refuse_repeated(scope["headers"])
        host = headers.get(b"host")
        if host not in self._known_hosts:
            self._check_host(host, scope["http_version"])
        return headers

    def _check_host(self, host: bytes | None, version: str) -> None:
        if host is None:
            if version != "1.0":
                raise MalformedRequest("a request needs a Host header: what it was sent to, for example 127.0.0.1:6969")
            return
        if not _is_host(host):
            raise MalformedRequest("the Host header must be one name or address, with a port or without")
        if len(self._known_hosts) < MAX_KNOWN:
            self._known_hosts.add(host)


def _refuse_repeated(headers: list[tuple[bytes, bytes]]) -> None:
    seen: set[bytes] = set()
    for name, _value in headers:
        if name in seen and name in ONLY_ONCE:
            raise MalformedRequest(f"the header {name.decode()} came more than once")
        seen.add(name)


def find_sender(scope: Scope) -> str:
    """The agent that a header of the request says it is from; empty when none does.

    Raises:
        InvalidInput: it is not UTF-8, or cannot be an agent's id.
    """
    header: bytes | None = scope[HEADERS].get(AGENT)
    if header is None:
        return ""
    try:
        return fields.agent(AGENT_HEADER, header.decode())
    except UnicodeDecodeError:
        raise InvalidInput(AGENT_HEADER, "must be UTF-8") from None


def transport_of(scope: Scope) -> str:
    """The road that the call took."""
    transport: str = scope.get(TRANSPORT, "http")
    return transport
