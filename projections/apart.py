"""Projecting apart: what events mean is worked out in a second process, while this one reads the log and writes rows.

About half of a rebuild is SQLite's work and half is Python's, so two processes have it done much sooner than one. Only
this process touches the storage: SQLite forbids carrying a connection into a copy of a process, and what is written
stands in a transaction that nobody else can see. The second process is therefore a new one that knows no file. It is
told chunks of the log and tells rows:

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
"""

import fcntl
import gc
import itertools
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Final

import msgspec
from msgspec import Struct

from arclog.codec import FactRow
from arclog.errors import StorageError
from projections.bulk_writer import Bounds, Tables
from projections.catalog import PROJECTORS, project_chunks
from projections.projector import Bindings, Projector, Row
from projections.versions import Key

AHEAD: Final = 3
"""Chunks that are sent before the rows of the first are awaited."""
ROOMY: Final = Bounds(versions=100_000)
"""The second process ends with the rebuild, so it may remember more, and ask less."""
PIPE_BYTES: Final = 2**20
"""How much a pipe should hold: a chunk or its rows, so that both sides flow."""
SWITCH_SEC: Final = 0.0005
"""How long the second process works on before its receiving thread gets a turn."""
LENGTH_BYTES: Final = 8
"""Before each message stands its length."""

_START: Final = "import sys; sys.path.insert(0, sys.argv[1]); from projections.apart import main; main()"


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


class Fault(Struct, frozen=True, tag=True, array_like=True):
    """What ended the second process early: a pickled exception."""

    error: bytes


Told = Begin | Chunk | Found | End
Answer = Rows | Find | Reached | End | Fault

_encode: Final = msgspec.msgpack.Encoder().encode
_decode_told: Final = msgspec.msgpack.Decoder(Told).decode
_decode_answer: Final = msgspec.msgpack.Decoder(Answer).decode


def send(pipe: IO[bytes], message: Told | Answer) -> None:
    """Write a message, behind its length."""
    encoded = _encode(message)
    pipe.write(len(encoded).to_bytes(LENGTH_BYTES) + encoded)
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


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold more than usual, on Linux; without it both sides wait more often, and that is all."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def project_apart(
    tables: Tables, chunks: Iterable[list[FactRow]], projectors: Iterable[Projector], bounds: Bounds = ROOMY
) -> Generator[int]:
    """Like `projections.catalog.project_chunks`, with the help of a second process where one can be started.

    Raises:
        StorageError: the second process was ended from outside.
    """
    command = [sys.executable, "-P", "-c", _START, str(Path(__file__).resolve().parents[1])]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError:  # the system has no room for one more
        yield from project_chunks(tables, chunks, projectors, bounds)
        return
    assert process.stdin is not None
    assert process.stdout is not None
    for pipe in (process.stdin, process.stdout):
        _widen(pipe)
    begin = Begin(tuple(projector.name for projector in projectors), bounds)
    try:
        yield from _write_rows(process.stdin, process.stdout, begin, chunks, tables)
    except (BrokenPipeError, EOFError) as error:
        code = process.wait()
        raise StorageError(f"the process that helps to make tables ended (exit code {code}); try again") from error
    finally:
        # What it still does when this one gives up is of no use to anybody.
        process.kill()
        with suppress(BrokenPipeError):
            process.stdin.close()
        process.stdout.close()
        process.wait()


def _write_rows(
    telling: IO[bytes], hearing: IO[bytes], begin: Begin, chunks: Iterable[list[FactRow]], tables: Tables
) -> Iterator[int]:
    """Tell the second process what to project, and write what it answers."""
    messages: Iterator[Told] = itertools.chain([begin], map(Chunk, chunks), [End()])
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
            case Fault(error):
                raise pickle.loads(error)  # noqa: S301 - the process is ours
            case End():
                return


# In the second process -----------------------------------------------------------------------------------------------


class _ToldTables:
    """The tables that the first process fills."""

    def __init__(self, telling: IO[bytes], found: SimpleQueue[Found | None]) -> None:
        self._telling = telling
        self._found = found

    def insert(self, sql: str, rows: Sequence[Bindings]) -> None:
        send(self._telling, Rows(sql, rows))

    def find(self, sql: str, key: Key) -> Row | None:
        send(self._telling, Find(sql, key))
        found = self._found.get()
        if found is None:
            raise EOFError
        return found.row


def serve(hearing: IO[bytes], telling: IO[bytes]) -> None:
    """Project what is heard, and tell the rows, until there are no more chunks or nobody listens."""
    told: SimpleQueue[Chunk | None] = SimpleQueue()
    found: SimpleQueue[Found | None] = SimpleQueue()
    begin = _decode_told(receive(hearing))
    assert isinstance(begin, Begin)
    threading.Thread(target=_hear, args=(hearing, told, found)).start()
    projectors = [projector for projector in PROJECTORS if projector.name in begin.names]
    chunks = (chunk.rows for chunk in iter(told.get, None))
    try:
        for reached in project_chunks(_ToldTables(telling, found), chunks, projectors, begin.bounds):
            send(telling, Reached(reached))
        send(telling, End())
    except (BrokenPipeError, EOFError):  # the first process has given up
        return
    except Exception as error:  # noqa: BLE001 - it is raised again where somebody can tell what it means
        send(telling, Fault(pickle.dumps(error)))


def main() -> None:
    """Serve the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that one decides what Ctrl-C means
    sys.setswitchinterval(SWITCH_SEC)
    gc.disable()  # millions of short-lived rows, without cycles
    serve(sys.stdin.buffer, sys.stdout.buffer)


def _hear(hearing: IO[bytes], told: SimpleQueue[Chunk | None], found: SimpleQueue[Found | None]) -> None:
    """Take in everything that the first process sends, until it has nothing more to say."""
    with suppress(EOFError):
        while True:
            match _decode_told(receive(hearing)):
                case Chunk() as chunk:
                    told.put(chunk)
                case Found() as row:
                    found.put(row)
                case _:
                    told.put(None)
    told.put(None)
    found.put(None)
