"""The URLs of hubs: taken apart, and made of text, without the standard modules for it, which take long to load."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 6969
DEFAULT_URL: Final = f"http://{DEFAULT_HOST}:{DEFAULT_PORT}"
HIGHEST_PORT: Final = 65_535
LOOPBACK_NAMES: Final = ("localhost", "localhost.localdomain", "ip6-localhost")
WILDCARDS: Final = ("", "0.0.0.0", "::")  # noqa: S104 - they are recognised here, not bound

_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_USUAL_PORTS: Final = {"http": 80, "https": 443}


class Address:
    """The parts of a hub's URL.

    Attributes:
        secure: whether it is `https`.
        host: a name or an address, without brackets.
        port: the port.
        prefix: the path in front of the hub's own, where a server forwards to it; without a slash at its end.
    """

    __slots__ = ("host", "port", "prefix", "secure")

    def __init__(self, host: str, port: int, *, secure: bool = False, prefix: str = "") -> None:
        self.host = host
        self.port = port
        self.secure = secure
        self.prefix = prefix

    @property
    def loopback(self) -> bool:
        """Whether only this machine can be meant."""
        return is_loopback(self.host)

    def is_same(self, other: Address) -> bool:
        """Whether both lead to the same place, as far as their text tells."""
        both_here = self.loopback and other.loopback
        return self.port == other.port and (both_here or self.host == other.host) and self.prefix == other.prefix


def split_url(url: str) -> Address:
    """Take the URL of a hub apart.

    Args:
        url: `http://HOST[:PORT][/PREFIX]`, or `https`.

    Raises:
        ValueError: it is not a URL.
    """
    refused = f"{url!r} is not the URL of a hub: it must be http://HOST:PORT"
    scheme, there, rest = url.partition("://")
    scheme = scheme.lower()
    place, _slash, path = rest.partition("/")
    if not there or scheme not in _USUAL_PORTS or set("?#@\\ \t\r\n") & set(rest) or not rest.isascii():
        raise ValueError(refused)
    if place.startswith("["):
        host, closed, port = place[1:].partition("]")
        if not closed or (port and not port.startswith(":")):
            raise ValueError(refused)
        port = port[1:]
    else:
        host, _colon, port = place.partition(":")
    if not host or (port and not (port.isdigit() and 0 < int(port) <= HIGHEST_PORT)):
        raise ValueError(refused)
    prefix = f"/{path}".rstrip("/")
    return Address(host, int(port or _USUAL_PORTS[scheme]), secure=scheme == "https", prefix=prefix)


def url_of(host: str, port: int, *, secure: bool = False) -> str:
    """Where programs on this machine reach a hub that listens on `host`; `secure` if its connections are encrypted."""
    if host in WILDCARDS:
        host = DEFAULT_HOST
    scheme = "https" if secure else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host.lower() in LOOPBACK_NAMES or host in {"::1", "0:0:0:0:0:0:0:1"}:
        return True
    return is_ipv4(host) and host.startswith("127.")


def is_ipv4(host: str) -> bool:
    """Whether `host` is an address of four numbers."""
    numbers = host.split(".")
    return len(numbers) == 4 and all(one.isdigit() and int(one) < 256 for one in numbers)  # noqa: PLR2004 - bytes


def segment(text: str) -> str:
    """Text as one segment of a path, or one value of a query."""
    return "".join([chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode()])


def query(given: dict[str, object]) -> str:
    """Parameters as the query of a URL."""
    return "&".join([f"{segment(name)}={segment(str(value))}" for name, value in given.items()])
