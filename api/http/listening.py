"""The socket that a hub listens on, and how many connections the system lets it have."""

import contextlib
import socket
import sys
from typing import Final

BACKLOG: Final = 2048
KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 18_000))
"""When the other end of a connection counts as dead: seconds, seconds, times, milliseconds."""

if sys.platform == "win32":

    def allow_many_connections() -> None:
        """Nothing: Windows has no limit to raise."""

    def _keep_to_one(sock: socket.socket) -> None:
        # There, SO_REUSEADDR would let a second process take over a port that is in use.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)

else:
    import resource

    def allow_many_connections() -> None:
        """Raise the number of files that this process may have open to what the system lets it."""
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        # Some systems name no limit but take none beyond this; a refusal here is no reason not to serve.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 65_536, hard))

    def _keep_to_one(sock: socket.socket) -> None:
        # Or connections of the last hub, which linger, would keep the port; one that is in use is refused all the same.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, with a queue long enough for a thousand agents that connect at once.

    Dead peers are noticed: a stream to a machine that vanished ends within half a minute.

    Args:
        host: an address or a name of this machine.
        port: a port, 0 for any that is free.

    Raises:
        OSError: the address cannot be used.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        _keep_to_one(sock)
        _notice_dead_peers(sock)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


def _notice_dead_peers(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEP_ALIVE:
        # Each system has some of them, and old ones of Windows refuse those that they do not know.
        with contextlib.suppress(AttributeError, OSError):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
