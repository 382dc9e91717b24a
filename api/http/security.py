"""Who may call: programs on this machine, the hub's own page, and nobody else unless the hub is opened.

A browser runs what any web page brings, on the user's machine and so inside every firewall. Three things keep such
pages out. A request with an `Origin` that is not the address it was sent to comes from a page of another site. So does
one that the browser itself marks `Sec-Fetch-Site: cross-site` or `same-site` (another port of this machine is the same
site), and that covers those without an `Origin`. And a page whose own name was pointed at this machine after it was
loaded (DNS rebinding) sends that name as `Host`, which is not one of ours. The names by which a container reaches its
machine are taken too: `.internal` is reserved for private use, so that no web page can have come from one of them.

A call is from this machine when it comes over loopback, under a name of loopback or of the hub, and nothing on its way
has left a trace: a proxy or a tunnel brings the calls of others, and says so in `Forwarded`, `X-Forwarded-…` or `Via`.
Every other call is from elsewhere: it is refused unless other machines may call, and then it needs the hub's token.
"""

import ipaddress
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final, TypeVar

from starlette.types import Scope

from api.http.connection import CONNECTION, Connection
from api.http.crowds import Crowd
from api.http.errors import TooManyConnections, TooManyOpenCalls
from api.http.gate import Gate
from api.http.rates import Rates
from arclog.errors import Forbidden
from arclog.limits import LOOPBACK_NAMES
from arclog.sender import Principal
from projections.hub.hub import Hub
from projections.tokens import find_holder, read_holders

T = TypeVar("T")

CROSS_SITE: Final = frozenset({b"cross-site", b"same-site"})
CONTAINER_NAMES: Final = frozenset(
    {
        "gateway.docker.internal",
        "host.containers.internal",
        "host.docker.internal",
        "host.lima.internal",
        "host.orb.internal",
    }
)
"""What a container calls the machine that it runs on: Docker, Podman, Lima, OrbStack."""
MAX_KNOWN: Final = 64
UNKNOWN_ADDRESS: Final = "?"
SENDER: Final = "arc.remote_sender"
"""In the scope of a call from another machine that was let in: who is counted for it."""
_TELLING: Final = frozenset({b"origin", b"sec-fetch-site", b"authorization", b"cookie"})
"""Headers that say from which page a call comes, or who makes it."""
OPEN_PATHS: Final = frozenset({"/healthz", "/sign-in"})
"""What is answered without a token: whether the hub lives, and the page that takes the token."""


class Guard:
    """Refuses who may not call, before anything else is done with the call.

    Args:
        hub: tells where it listens and whether other machines may call.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._names = LOOPBACK_NAMES | CONTAINER_NAMES | {hub.settings.host.lower()}
        self._proxies = hub.settings.proxies
        self._known_hosts: set[bytes] = set()
        self._known_peers: set[str] = set()
        self._plain_names: set[tuple[bytes, ...]] = set()
        """Names of headers that came together, and of which none says where a call comes from, or who makes it."""
        self._rates = Rates(hub.settings.rate)
        self._connections = Crowd(hub.settings.max_connections, TooManyConnections)
        self._open_calls = Crowd(hub.settings.max_open_calls, TooManyOpenCalls)
        hub.measures.gauges = {
            **hub.measures.gauges,
            "remote_connections": lambda: self._connections.count,
            "remote_open_calls": lambda: self._open_calls.count,
        }
        self.gate = Gate(
            hub.settings.network_token,
            lambda digest: hub.read(find_holder, digest),
            lambda: bool(hub.read(read_holders).bound),
        )
        """Knows who holds tokens."""

    def check(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Principal | None:
        """Let a call that came over HTTP pass, or refuse it.

        Args:
            scope: the call.
            headers: its headers by name.

        Returns:
            Whom it is proved to be from; None when it proved nothing and need not.

        Raises:
            Forbidden: it comes from where no call may come from.
            Unauthenticated: it comes from another machine without the hub's token.
            TooManyAttempts: too many wrong tokens came from there.
            TooManyConnections: an address on another machine has too many connections.
            TooManyRequests: a sender on another machine makes too many calls.
        """
        client, host = scope["client"], headers.get(b"host")
        if (
            ((names := tuple(headers)) in self._plain_names or self._are_plain(names))
            and (client is None or client[0] in self._known_peers)
            and (host is None or host in self._known_hosts)
        ):
            return None
        if b"origin" in headers or b"sec-fetch-site" in headers:
            self._check_origin(scope, headers)
        return self._check_place(scope, headers)

    def counted(self, scope: Scope) -> AbstractContextManager[None]:
        """While this lasts, a call that was let in counts as open, if it is of another machine.

        Raises:
            TooManyOpenCalls: its sender has as many as it may.
        """
        return self._open_calls.inside(scope[SENDER]) if SENDER in scope else nullcontext()

    def address_of(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Where a call comes from, as far as can be told: what the proxy says, if it came by one that is trusted."""
        client = scope["client"]
        if client is None:
            return UNKNOWN_ADDRESS
        if client[0] in self._proxies:
            told = headers.get(b"x-forwarded-for", b"").rpartition(b",")[2].strip().decode("latin-1")
            return told or str(client[0])
        return str(client[0])

    def _are_plain(self, names: tuple[bytes, ...]) -> bool:
        """Whether no header says where a call comes from, or who makes it; most calls come with the same few."""
        if any(name in _TELLING or _is_trace(name) for name in names):
            return False
        _remember(self._plain_names, names)
        return True

    def _check_place(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Principal | None:
        """The same for a call that is not seen at a glance to be from this machine."""
        elsewhere = self._find_elsewhere(scope, headers)
        if elsewhere:
            if not self._hub.state.allow_remote:
                raise Forbidden(elsewhere)
            self._count_connection(scope.get(CONNECTION), self.address_of(scope, headers))
        if scope["path"] in OPEN_PATHS:
            return None
        address = self.address_of(scope, headers)
        principal = self.gate.identify(address, headers, remote=bool(elsewhere))
        if elsewhere:
            sender = scope[SENDER] = (principal and principal.agent_id) or address
            self._rates.count(sender)
        return principal

    def _count_connection(self, connection: Connection | None, address: str) -> None:
        if connection is None or connection.is_remote:
            return
        self._connections.enter(address)
        connection.is_remote = True
        connection.on_end = lambda: self._connections.leave(address)
        if connection.has_ended:
            connection.end()

    def _find_elsewhere(self, scope: Scope, headers: Mapping[bytes, bytes]) -> str:
        """Why a call does not count as one of this machine, for whom no others may call; empty when it does."""
        client, host = scope["client"], headers.get(b"host")
        by_proxy = client is not None and client[0] in self._proxies
        address = self.address_of(scope, headers)
        if client is not None and not _is_loopback(address):
            return (
                f"calls from other machines and from containers ({address}) are off: "
                "start the hub with --allow-remote, or use the file relay, which needs a shared folder only"
            )
        if not by_proxy and any(_is_trace(name) for name in headers):
            return (
                "this call came through a proxy or a tunnel, and so perhaps from another machine, whose calls are off: "
                "start the hub with --allow-remote, and name the proxy's address with --proxy-headers"
            )
        if host is not None and not self._is_own(host):
            name = host_name(host.decode("latin-1"))
            return (
                f"this call was sent to {name!r}, which is not a name of this hub. Use 127.0.0.1, localhost, the hub's "
                "--host address or, in a container, host.docker.internal. To reach it by any name, start the hub with "
                "--allow-remote"
            )
        if client is not None and not by_proxy:
            _remember(self._known_peers, client[0])
        if host is not None:
            _remember(self._known_hosts, host)
        return ""

    def _is_own(self, host: bytes) -> bool:
        name = host_name(host.decode("latin-1"))
        return name in self._names or _is_loopback(name)

    def _check_origin(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if origin is not None:
            _, separator, address = origin.partition(b"://")
            if not separator or address.lower() != headers.get(b"host", b"").lower():
                raise Forbidden(
                    "this call came from a web page of another site, and the hub takes none from there; "
                    "call it from a program, or from its own page"
                )
        if site in CROSS_SITE and not _is_visit(scope, headers):
            raise Forbidden(
                "the browser says that this call came from a page of another site, and the hub takes none from there"
            )


def host_name(host: str) -> str:
    """The name or address in a `Host` header, without its port and without the brackets of IPv6, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()


def _is_visit(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a user follows a link to the hub's page: the page opens by itself, and the other site sees nothing."""
    return (
        scope["method"] == "GET"
        and scope["path"] == "/"
        and headers.get(b"sec-fetch-mode") == b"navigate"
        and headers.get(b"sec-fetch-dest") == b"document"
    )


def _is_trace(name: bytes) -> bool:
    """Whether a header is one that proxies leave."""
    return name in {b"forwarded", b"via"} or name.startswith(b"x-forwarded-")


def _is_loopback(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def _remember(known: set[T], value: T) -> None:
    """Keep a value that was found good, so that the next call with it costs one look into a set."""
    if len(known) < MAX_KNOWN:
        known.add(value)
