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

    __slots__ = ("_on_loss", "_transport", "_until_end", "_until_loss", "has_ended", "is_lost", "is_remote", "on_end")

    def __init__(self, transport: asyncio.Transport | None = None) -> None:
        self.has_ended = False
        """Whether the client has closed it, or at least will send no more."""
        self.is_lost = False
        """Whether nothing can be sent over it any more."""
        self.is_remote = False
        """Whether a call came over it that is from another machine."""
        self.on_end: Callable[[], None] = _ignore
        """Called once, when it has ended."""
        self._transport = transport
        self._on_loss: list[Callable[[], None]] = []
        self._until_end: set[asyncio.Task[Any]] = set()
        self._until_loss: set[asyncio.Task[Any]] = set()

    def watch(self, on_loss: Callable[[], None]) -> None:
        """Have `on_loss` called if it turns out that the answer which goes out now was not read."""
        self._on_loss.append(on_loss)

    async def unless_ended(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`, which is given up as soon as the client closes the connection, or its side of it.

        Raises:
            ClientGone: it did.
        """
        return await _unless(self.has_ended, self._until_end, work)

    async def unless_lost(self, work: Coroutine[Any, Any, T]) -> T:
        """The same, but a client that only sends no more may still read the answer.

        Raises:
            ClientGone: the connection is lost.
        """
        return await _unless(self.is_lost, self._until_loss, work)

    # What the protocol tells -----------------------------------------------------------------------------------------

    def begin_request(self) -> None:
        """Another request came, so the answers to those before it were read."""
        self._on_loss.clear()

    def lose(self, error: BaseException | None) -> None:
        """The connection is lost.

        Args:
            error: why; None when it was closed in peace.
        """
        self.is_lost = True
        self.end(error)
        _give_up(self._until_loss)

    def end(self, error: BaseException | None = None) -> None:
        """The client sends no more, or the connection is lost.

        Args:
            error: why it was lost, if it was.
        """
        self.has_ended = True
        on_end, self.on_end = self.on_end, _ignore
        on_end()
        _give_up(self._until_end)
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


async def _unless(is_over: bool, waiting: set["asyncio.Task[Any]"], work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is not begun if the client has gone, and given up by `_give_up(waiting)`.

    It runs in the task of its request, for a task more would cost every poll two turns of the event loop.
    """
    if is_over:
        work.close()
        raise ClientGone
    task = asyncio.current_task()
    assert task is not None
    waiting.add(task)
    try:
        return await work
    except asyncio.CancelledError:
        if task in waiting or task.uncancel():  # others cancelled it, whether or not the client left too
            raise
        raise ClientGone from None
    finally:
        waiting.discard(task)


def _give_up(waiting: set["asyncio.Task[Any]"]) -> None:
    while waiting:
        waiting.pop().cancel()


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
