"""The lines that a descriptor gives.

A pipe or a socket is read when there is something to read; anything else, such as a file, on a thread that nobody waits
for at the end.
"""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator
from typing import Final

MAX_LINE_BYTES: Final = 16 * 2**20
CHUNK_BYTES: Final = 65_536
MAX_WAITING_CHUNKS: Final = 16


async def read_lines(source: int, stop: asyncio.Event) -> AsyncIterator[bytes | None]:
    """Each line without its end, blank ones left out; None for one that is longer than `MAX_LINE_BYTES`.

    The end of the stream ends its last line too.

    Args:
        source: the descriptor.
        stop: ends the lines, as the end of the stream would.
    """
    line = bytearray()
    passing_over = False
    async for chunk in _read_chunks(source, stop):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            line += end
            if not passing_over and line.strip():
                yield bytes(line) if len(line) <= MAX_LINE_BYTES else None
            line.clear()
            passing_over = False
        if passing_over:
            continue
        line += rest
        if len(line) > MAX_LINE_BYTES:
            yield None
            line.clear()
            passing_over = True
    if line.strip():
        yield bytes(line)


async def _read_chunks(source: int, stop: asyncio.Event) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    chunks: asyncio.Queue[bytes] = asyncio.Queue()
    reader = _Watching(source, chunks, loop) if _can_be_watched(source, loop) else _Pumping(source, chunks, loop)

    async def end() -> None:
        await stop.wait()
        chunks.put_nowait(b"")

    ending = asyncio.create_task(end())
    try:
        while chunk := await chunks.get():
            reader.go_on()
            yield chunk
    finally:
        reader.close()
        ending.cancel()


def _can_be_watched(source: int, loop: asyncio.AbstractEventLoop) -> bool:
    try:
        loop.add_reader(source, _ignore)
    except (OSError, ValueError, NotImplementedError):  # a file, nothing that is open, or any of them on Windows
        return False
    return True


class _Watching:
    """Reads whenever there is something, on the event loop, unless too much waits to be taken."""

    def __init__(self, source: int, chunks: "asyncio.Queue[bytes]", loop: asyncio.AbstractEventLoop) -> None:
        self._source = source
        self._chunks = chunks
        self._loop = loop
        self._reads = True
        loop.add_reader(source, self._read)

    def go_on(self) -> None:
        if not self._reads:
            self._reads = True
            self._loop.add_reader(self._source, self._read)

    def close(self) -> None:
        self._loop.remove_reader(self._source)

    def _read(self) -> None:
        chunk = _read_chunk(self._source)
        self._chunks.put_nowait(chunk)
        if not chunk or self._chunks.qsize() >= MAX_WAITING_CHUNKS:
            self._reads = False
            self._loop.remove_reader(self._source)


class _Pumping:
    """Reads on a thread, which stops while too much waits to be taken."""

    def __init__(self, source: int, chunks: "asyncio.Queue[bytes]", loop: asyncio.AbstractEventLoop) -> None:
        self._source = source
        self._chunks = chunks
        self._loop = loop
        self._room = threading.Semaphore(MAX_WAITING_CHUNKS)
        threading.Thread(target=self._pump, name="arc-mcp-input", daemon=True).start()

    def go_on(self) -> None:
        self._room.release()

    def close(self) -> None:
        """Nothing: the thread waits on, and nobody for it."""

    def _pump(self) -> None:
        chunk = b"-"
        while chunk:
            chunk = _read_chunk(self._source)
            self._room.acquire()
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody reads on
                self._loop.call_soon_threadsafe(self._chunks.put_nowait, chunk)


def _read_chunk(source: int) -> bytes:
    try:
        return os.read(source, CHUNK_BYTES)
    except OSError:  # the other end is gone
        return b""


def _ignore() -> None:
    """Nothing is read yet."""
