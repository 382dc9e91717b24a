"""The disk: it takes its time, fails when it is told to, and forgets what was not flushed when the power fails.

It stands in front of files in memory as a VFS of SQLite. Every write and every flush is a moment at which others move.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Literal

import apsw

from arclog.sqlite.connection import close_after_fault
from tests.simulation.world import Odd, Owner, World
from tests.support.faulty_disk import io_error
from tests.support.power_cut import Left, RecordingDisk, RecordingFile, Wreck

Fault = Literal["read", "write", "sync", "full", "odd", "odd read"]
_CODES = {"read": apsw.SQLITE_IOERR_READ, "write": apsw.SQLITE_IOERR_WRITE, "sync": apsw.SQLITE_IOERR_FSYNC}


class Disk(RecordingDisk):
    """All files of a world.

    Args:
        world: whose disk it is.

    Attributes:
        faults: what goes wrong next, each once; `full` lasts until it is taken out, and what is `odd` nobody expects.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.faults: list[Fault] = []
        self._wreck = Wreck()
        self._connections: list[tuple[Owner, apsw.Connection]] = []

    def open_file(self, name: str, given: str | apsw.URIFilename | None, flags: list[int]) -> RecordingFile:
        return SimulatedFile(self, name, given, flags)

    def keep(self, connection: apsw.Connection) -> None:
        """A process has opened a connection."""
        self._connections.append((self.world.running, connection))

    def close(self, owner: Owner) -> None:
        """A process is gone: its connections end without another word."""
        for one, connection in self._connections:
            if one is owner:
                close_after_fault(connection)
        self._connections = [kept for kept in self._connections if kept[0] is not owner]

    def cut_power(self, storage: Path, how_much: Left) -> None:
        """What is left of one storage's files is there when its machine starts again; nobody has them open."""
        for step in self.steps:
            self._wreck.follow(step)
        self.steps.clear()
        for path in storage.parent.glob(f"{storage.name}*"):
            path.unlink()
        chance = Random(self.world.random.random())  # noqa: S311 - a run is to be played again
        left = self._wreck.lay(storage.parent, how_much, chance, storage.name)
        self._wreck.begin_again(storage.name, left)
        self.files = {name: file for name, file in self.files.items() if not name.startswith(storage.name)} | left

    def strikes(self, operation: Fault) -> None:
        """Let others move, then fail if that is due."""
        world = self.world
        if operation == "sync" or world.chance(0.05):
            world.pause(world.draw_sec(usual=0.0002, longest=0.03))
        if operation in self.faults:
            self.faults.remove(operation)
            world.tell(f"disk: {operation} fails")
            raise io_error(_CODES[operation])
        odd: Fault = "odd read" if operation == "read" else "odd"
        if odd in self.faults:
            self.faults.remove(odd)
            world.is_odd = True
            raise Odd("what nobody expects")
        if operation == "write" and "full" in self.faults:
            raise apsw.FullError


class SimulatedFile(RecordingFile):
    """A file on such a disk."""

    _disk: Disk

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        if self.name.endswith("-wal"):
            self._disk.strikes("write")
        super().xWrite(data, offset)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802 - SQLite's name
        if self._disk.faults:
            self._disk.strikes("read")
        return super().xRead(amount, offset)

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.strikes("sync")
        super().xSync(flags)


@contextmanager
def simulated_disk(world: World) -> Iterator[Disk]:
    """All connections that are opened meanwhile are on such a disk."""
    disk = Disk(world)
    hooks = apsw.connection_hooks
    hooks.append(disk.keep)
    try:
        yield disk
    finally:
        hooks.remove(disk.keep)
        apsw.set_default_vfs(disk.base)
        disk.unregister()
