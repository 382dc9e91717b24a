"""A connection's two directions: what comes in can be held back, and what goes out waits for a client that is slow."""

import asyncio


class Flow:
    """The transport of a connection, and whether its directions are open.

    Args:
        transport: the connection's.
    """

    __slots__ = ("_drained", "read_paused", "transport", "write_paused")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.read_paused = False
        """Whether we do not read: the client may be sending, but nobody wants it yet."""
        self.write_paused = False
        """Whether the client does not take what was written."""
        self._drained: asyncio.Future[None] | None = None

    def pause_reading(self) -> None:
        """Read no more, until `resume_reading`."""
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def pause_writing(self) -> None:
        """The transport says that too much waits to go out."""
        self.write_paused = True

    def resume_writing(self) -> None:
        """The transport says that it went out, or the connection is gone."""
        self.write_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    async def drain(self) -> None:
        """Wait until what was written has gone out."""
        while self.write_paused:
            if self._drained is None:
                self._drained = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._drained)  # another that waits is not to be cancelled with this one


def address_of(transport: asyncio.BaseTransport, end: str) -> tuple[str, int] | None:
    """One end of a connection (`peername`, `sockname`), as ASGI has it."""
    address = transport.get_extra_info(end)
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None
