"""Projecting apart: what events mean is worked out in a second process, while this one reads the log and writes rows.

About half of a rebuild is SQLite's work and half is Python's, so two processes have it done much sooner than one. Only
this process touches the storage: SQLite forbids carrying a connection into a copy of a process, and what is written
stands in a transaction that nobody else can see. The second process is therefore a new one that knows no file. It is
told pieces of the log and tells rows:

    this process                            the second process
    Begin: which projections        ->
    Chunk: rows of the log          ->
                                    <-      Rows: a statement, and what to run it with
                                    <-      Find: a query and its key, when memory has forgotten the answer
    Found: the row                  ->
                                    <-      Reached: the last event of a chunk
    End                             ->
                                    <-      End, after the last rows

A few chunks are on their way at any time, so that nobody waits. A thread of the second process takes in all that it is
sent, whatever it is doing: so neither side can be stuck in writing to the other for ever.

The second process is a help and no more. It says nothing of what goes wrong with it, it ends: and whatever the reason,
an event that cannot be read or a lack of memory, this process does the work anew alone, and meets the reason itself.
"""

import fcntl
import gc
import itertools
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from queue import SimpleQueue
from sys import getsizeof
from typing import IO, Any, Final

import msgspec
from msgspec import Struct

from arclog.codec import FactRow
from projections.all_projectors import PROJECTORS
from projections.projector import Bindings, Projector, Row
from projections.rebuilding.projecting import project_chunks
from projections.rebuilding.rebuild_writer import Bounds, Tables
from projections.versions import Key

AHEAD: Final = 3
"""Chunks that are sent before the rows of the first are awaited."""
CHUNK_BYTES: Final = 2**20
"""How much the data of a chunk's events may come to, but for one event that is larger alone."""
ROOMY: Final = Bounds(versions=100_000)
"""The second process ends with the rebuild, so it may remember more, and ask less."""
PIPE_BYTES: Final = 2**20
"""How much a pipe should hold: a chunk or its rows, so that both sides flow."""
SWITCH_SEC: Final = 0.0005
"""How long the second process works on before its receiving thread gets a turn."""
LENGTH_BYTES: Final = 8
"""Before each message stands its length."""

_START: Final = "import sys; sys.path[:] = sys.argv[1:]; from projections.rebuilding.apart import main; main()"


class SecondProcessEnded(Exception):
    """The second process ended, or was not to be had, before all rows were told: some may be written, some not."""


class Begin(Struct, frozen=True, tag=True, array_like=True):
    """Which projections, by name, and how much to keep in memory."""

    names: tuple[str, ...]
    bounds: Bounds


class Chunk(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """Events of the log."""

    rows: list[FactRow]


class Found(Struct, frozen=True, tag=True, array_like=True):
    """What a query found."""

    row: Row | None


class End(Struct, frozen=True, tag=True, array_like=True):
    """There are no more chunks; there are no more rows."""


class Rows(Struct, frozen=True, tag=True, array_like=True, gc=False):
    """A statement, and the bindings to run it with, one after the other."""

    sql: str
    rows: Sequence[Any]


class Find(Struct, frozen=True, tag=True, array_like=True):
    """A query, and the key to ask it with; the answer is awaited."""

    sql: str
    key: Key


class Reached(Struct, frozen=True, tag=True, array_like=True):
    """All rows of the events up to this one were told, but for those that the writer still gathers."""

    event_id: int


Told = Begin | Chunk | Found | End
Answer = Rows | Find | Reached | End

_encode: Final = msgspec.msgpack.Encoder().encode
_decode_told: Final = msgspec.msgpack.Decoder(Told).decode
_decode_answer: Final = msgspec.msgpack.Decoder(Answer).decode


def send(pipe: IO[bytes], message: Told | Answer) -> None:
    """Write a message, after its length."""
    encoded = _encode(message)
    pipe.write(len(encoded).to_bytes(LENGTH_BYTES))
    pipe.write(encoded)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes:
    """The next message.

    Raises:
        EOFError: the other process has closed its end.
    """
    length = pipe.read(LENGTH_BYTES)
    message = pipe.read(int.from_bytes(length))
    if len(length) < LENGTH_BYTES or len(message) < int.from_bytes(length):
        raise EOFError
    return message


# In this process ------------------------------------------------------------------------------------------------------


def project_apart(
    tables: Tables, chunks: Iterable[list[FactRow]], projectors: Iterable[Projector], bounds: Bounds = ROOMY
) -> Generator[int]:
    """Like `projections.all_projectors.project_chunks`, with the help of a second process.

    Raises:
        SecondProcessEnded: there is none, or it ended early; the tables hold a part.
    """
    process = _start()
    assert process.stdin is not None
    assert process.stdout is not None
    for pipe in (process.stdin, process.stdout):
        _widen(pipe)
    begin = Begin(tuple(projector.name for projector in projectors), bounds)
    try:
        yield from _write_rows(process.stdin, process.stdout, begin, chunks, tables)
    except (BrokenPipeError, EOFError) as error:
        raise SecondProcessEnded from error
    finally:
        # What it still does when this one gives up is of no use to anybody.
        process.kill()
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        process.wait()


def _start() -> subprocess.Popen[bytes]:
    """A second Python that finds its modules where this one does, and whom no Ctrl-C reaches but by this one's end."""
    try:
        return subprocess.Popen(
            [sys.executable or "", "-P", "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
    except OSError as error:
        raise SecondProcessEnded from error


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold more than usual, on Linux; without it both sides wait more often, and that is all."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _write_rows(
    telling: IO[bytes], hearing: IO[bytes], begin: Begin, chunks: Iterable[list[FactRow]], tables: Tables
) -> Iterator[int]:
    """Tell the second process what to project, and write what it answers."""
    messages: Iterator[Told] = itertools.chain([begin], map(Chunk, _bounded(chunks)), [End()])
    for message in itertools.islice(messages, 1 + AHEAD):
        send(telling, message)
    while True:
        match _decode_answer(receive(hearing)):
            case Rows(sql, rows):
                tables.insert(sql, rows)
            case Reached(event_id):
                for message in itertools.islice(messages, 1):
                    send(telling, message)
                yield event_id
            case Find(sql, key):
                send(telling, Found(tables.find(sql, key)))
            case End():
                return


def _bounded(chunks: Iterable[list[FactRow]]) -> Iterator[list[FactRow]]:
    """The same rows, in pieces of no more than `CHUNK_BYTES` of data."""
    for chunk in chunks:
        piece, size = list[FactRow](), 0
        for row in chunk:
            size += getsizeof(row[3])  # of any kind, as after damage
            if piece and size > CHUNK_BYTES:
                yield piece
                piece, size = [], getsizeof(row[3])
            piece.append(row)
        yield piece


# In the second process ------------------------------------------------------------------------------------------------


class _Hearing:
    """What the first process says, in its order; but what was found comes to who asked for it.

    Raises:
        EOFError: from all methods, when the first process says no more though it has not come to its end.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._heard: SimpleQueue[bytes | None] = SimpleQueue()
        self._put_off: deque[Told] = deque()
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()

    def next(self) -> Told:
        """The next message that nobody has asked for."""
        return self._put_off.popleft() if self._put_off else self._take()

    def chunks(self) -> Iterator[list[FactRow]]:
        """The log."""
        while isinstance(message := self.next(), Chunk):
            yield message.rows
        assert isinstance(message, End)

    def found(self) -> Row | None:
        """The answer to a question; chunks that were sent before it are put off."""
        while not isinstance(message := self._take(), Found):
            self._put_off.append(message)
        return message.row

    def wait_for_the_end(self) -> None:
        """Take in whatever else is sent, until the first process closes its end."""
        self._thread.join()

    def _take(self) -> Told:
        message = self._heard.get()
        if message is None:
            raise EOFError
        told: Told = _decode_told(message)
        return told

    def _hear(self) -> None:
        with suppress(EOFError):
            while True:
                self._heard.put(receive(self._pipe))
        self._heard.put(None)


class _ToldTables:
    """The tables that the first process fills."""

    def __init__(self, telling: IO[bytes], hearing: _Hearing) -> None:
        self._telling = telling
        self._hearing = hearing

    def insert(self, sql: str, rows: Sequence[Bindings]) -> None:
        send(self._telling, Rows(sql, rows))

    def find(self, sql: str, key: Key) -> Row | None:
        send(self._telling, Find(sql, key))
        return self._hearing.found()


def serve(hearing: IO[bytes], telling: IO[bytes]) -> None:
    """Project what is heard, and tell the rows.

    Raises:
        EOFError, BrokenPipeError: the first process has given up.
        msgspec.DecodeError: an event cannot be read.
    """
    heard = _Hearing(hearing)
    begin = heard.next()
    assert isinstance(begin, Begin)
    projectors = [projector for projector in PROJECTORS if projector.name in begin.names]
    for reached in project_chunks(_ToldTables(telling, heard), heard.chunks(), projectors, begin.bounds):
        send(telling, Reached(reached))
    send(telling, End())
    heard.wait_for_the_end()


def main() -> None:
    """Serve the process that started this one."""
    sys.setswitchinterval(SWITCH_SEC)
    gc.disable()  # millions of short-lived rows, without cycles
    serve(sys.stdin.buffer, sys.stdout.buffer)
