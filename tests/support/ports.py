"""Free ports for the servers that tests start."""

import secrets
import socket

# Below the range that kernels use for outgoing connections (32768 on Linux, 49152 elsewhere), so that
# no client takes the port between the look and the start of the server.
FIRST, LAST = 20_000, 29_999


def find_free_port() -> int:
    """A TCP port of 127.0.0.1 on which nothing listens now.

    The choice is random, and not from `random`, which is seeded alike in every run: test runs beside each
    other must not look at the same ports in the same order.

    Raises:
        RuntimeError: a hundred ports in a row were taken.
    """
    for _ in range(100):
        port = FIRST + secrets.randbelow(LAST - FIRST + 1)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    message = f"no free port found between {FIRST} and {LAST}"
    raise RuntimeError(message)
