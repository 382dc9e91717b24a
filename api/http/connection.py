"""What became of a connection, for an answer that must not count as read when nobody can have read it.

HTTP has no receipt for an answer. But the connection tells: another request on it was sent by somebody who has read the
answer before; one that is closed in peace, with nothing left unacknowledged, was read to its end; and one that is
reset, or was closed already when the answer went out, was not.
"""

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from starlette.types import Scope

from api.http.errors import ClientGone

T = TypeVar("T")

CONNECTION: Final = "arc.connection"
"""In the scope of a request that came over a connection: its `Connection`."""


class Connection:
    """One connection, as those see it who wait for its client.

    Args:
        transport: what carries it; None for a call that came without.
    """

    __slots__ = ("_on_loss", "_transport", "_waiting", "has_ended", "is_remote", "on_end")

    def __init__(self, transport: asyncio.Transport | None = None) -> None:
        self.has_ended = False
        """Whether the client has closed it, or at least will send no more."""
        self.is_remote = False
        """Whether a call came over it that is from another machine."""
        self.on_end: Callable[[], None] = _ignore
        """Called once, when it has ended."""
        self._transport = transport
        self._on_loss: list[Callable[[], None]] = []
        self._waiting: set[asyncio.Task[Any]] = set()

    def watch(self, on_loss: Callable[[], None]) -> None:
        """Have `on_loss` called if it turns out that the answer which goes out now was not read."""
        self._on_loss.append(on_loss)

    async def unless_ended(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which is cancelled as soon as the client closes the connection.

        Raises:
            ClientGone: it did.
        """
        task = asyncio.ensure_future(work)
        self._waiting.add(task)
        if self.has_ended:
            task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            if task.cancelled() and self.has_ended:
                raise ClientGone from None
            task.cancel()
            raise
        finally:
            self._waiting.discard(task)

    # What the protocol tells -----------------------------------------------------------------------------------------

    def begin_request(self) -> None:
        """Another request came, so the answers to those before it were read."""
        self._on_loss.clear()

    def end(self, error: BaseException | None = None) -> None:
        """The client sends no more, or the connection is lost.

        Args:
            error: why it was lost, if it was.
        """
        self.has_ended = True
        on_end, self.on_end = self.on_end, _ignore
        on_end()
        for task in self._waiting:
            task.cancel()
        unsure, self._on_loss = self._on_loss, []
        if unsure and not (error is None and self._is_taken()):
            for on_loss in reversed(unsure):  # requests may be sent without waiting for answers
                on_loss()

    def _is_taken(self) -> bool:
        """Whether the client's machine has taken all that was sent, and did not refuse it."""
        transport = self._transport
        if transport is None:
            return True
        sock = transport.get_extra_info("socket")
        try:
            if transport.get_write_buffer_size() or sock is None:
                return False
            return not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) and not _count_unacknowledged(sock.fileno())
        except (OSError, ValueError):
            return False


def _ignore() -> None:
    """Nobody asked to be told."""


def connection_of(scope: Scope) -> Connection:
    """The connection that a request came over; one that never ends for a call from inside."""
    found: Connection | None = scope.get(CONNECTION)
    return Connection() if found is None else found


if sys.platform == "linux":
    import fcntl
    import struct
    import termios

    def _count_unacknowledged(descriptor: int) -> int:
        """The bytes that were sent and not acknowledged."""
        (count,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0" * 4))
        return int(count)

else:

    def _count_unacknowledged(descriptor: int) -> int:
        """0: the machine does not tell."""
        return 0
