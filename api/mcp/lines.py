"""The lines that a descriptor gives, read on a thread that nobody waits for at the end."""

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
    room = threading.Semaphore(MAX_WAITING_CHUNKS)

    def pump() -> None:
        while True:
            try:
                chunk = os.read(source, CHUNK_BYTES)
            except OSError:  # the other end is gone
                chunk = b""
            room.acquire()
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody reads on
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            if not chunk:
                return

    async def end() -> None:
        await stop.wait()
        chunks.put_nowait(b"")

    threading.Thread(target=pump, name="arc-mcp-input", daemon=True).start()
    ending = asyncio.create_task(end())
    try:
        while chunk := await chunks.get():
            room.release()
            yield chunk
    finally:
        ending.cancel()
