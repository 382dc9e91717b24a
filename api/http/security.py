"""Who may call: programs on this machine, the hub's own page, and nobody else unless the hub is opened.

A browser runs what any web page brings, on the user's machine and so behind every firewall. Three things keep such
pages out. A request with an `Origin` that is not the address it was sent to comes from a page of another site. So does
one that the browser itself marks `Sec-Fetch-Site: cross-site` or `same-site` (another port of this machine is the same
site), and that covers those without an `Origin`. And a page whose own name was pointed at this machine after it was
loaded (DNS rebinding) sends that name as `Host`, which is not one of ours. The names by which a container reaches its
machine are taken too: `.internal` is reserved for private use, so that no web page can have come from one of them.
"""

import ipaddress
from collections.abc import Mapping
from typing import Final, TypeVar

from starlette.types import Scope

from arclog.errors import Forbidden
from arclog.limits import LOOPBACK_NAMES
from projections.hub.hub import Hub

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


class Guard:
    """Refuses who may not call, before anything else is done with the call.

    Args:
        hub: tells where it listens and whether other machines may call.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._names = LOOPBACK_NAMES | CONTAINER_NAMES | {hub.settings.host.lower()}
        self._known_hosts: set[bytes] = set()
        self._known_peers: set[str] = set()

    def check(self, scope: Scope, headers: Mapping[bytes, bytes]) -> None:
        """Let a call that came over HTTP pass, or refuse it.

        Args:
            scope: the call.
            headers: its headers by name.

        Raises:
            Forbidden: it comes from where no call may come from.
        """
        if b"origin" in headers or b"sec-fetch-site" in headers:
            self._check_origin(scope, headers)
        if not self._hub.state.allow_remote:
            client = scope["client"]
            if client is not None and client[0] not in self._known_peers:
                self._check_peer(client[0])
            host = headers.get(b"host")
            if host is not None and host not in self._known_hosts:
                self._check_host(host)

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

    def _check_peer(self, address: str) -> None:
        if not _is_loopback(address):
            raise Forbidden(
                f"calls from other machines and from containers ({address}) are off: "
                "start the hub with --allow-remote, or use the file relay, which needs a shared folder only"
            )
        _remember(self._known_peers, address)

    def _check_host(self, host: bytes) -> None:
        name = host_name(host.decode("latin-1"))
        if name not in self._names and not _is_loopback(name):
            raise Forbidden(
                f"this call was sent to {name!r}, which is not a name of this hub. Use 127.0.0.1, localhost, the hub's "
                "--host address or, in a container, host.docker.internal. To reach it by any name, start the hub with "
                "--allow-remote"
            )
        _remember(self._known_hosts, host)


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
