"""A disk that remembers what was written and what was flushed, and what may be left of it when the power fails.

It stands in front of the real one as a VFS of SQLite. What is left at a moment is what was flushed until then, and of
the rest any part: each write whole, not at all, or some of its sectors, in whatever order; what lies between may be
anything. A name that was made or removed counts for certain when its file, or its folder, was flushed. The `-shm` is
memory, and gone.

https://sqlite.org/atomiccommit.html says what SQLite takes for granted of a disk; nothing else is given here.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import apsw

NAME: Final = "recording-disk"
SECTOR_BYTES: Final = 512

Left = Literal["none", "all", "some"]
"""How much of what was not flushed is left."""


@dataclass(eq=False)
class StoredFile:
    """A file, whatever it is called: what is surely there of it, and what was done to it since the last flush."""

    flushed: bytes = b""
    since: list["Write | Truncation"] = field(default_factory=list)

    def flush(self) -> None:
        """From here on all of it is surely there."""
        self.flushed = self.left("all", random.Random(0))  # noqa: S311 - chance for tests, not for secrets
        self.since.clear()

    def left(self, how_much: Left, chance: random.Random) -> bytes:
        """What may be left of it."""
        content = bytearray(self.flushed)
        for step in self.since if how_much != "none" else ():
            fate = "kept" if how_much == "all" else chance.choice(("kept", "lost", "torn"))
            if isinstance(step, Truncation):
                if fate == "kept":
                    del content[step.size :]
                continue
            for begin in range(0, len(step.data), SECTOR_BYTES):
                if fate == "kept" or (fate == "torn" and chance.random() < 0.5):
                    place = step.offset + begin
                    if place > len(content):
                        gap = place - len(content)
                        content += bytes(gap) if chance.random() < 0.5 else chance.randbytes(gap)
                    piece = step.data[begin : begin + SECTOR_BYTES]
                    content[place : place + len(piece)] = piece
        return bytes(content)


@dataclass(frozen=True)
class Write:
    """Bytes that were written to a file."""

    file: StoredFile
    offset: int
    data: bytes


@dataclass(frozen=True)
class Truncation:
    """A file that was cut to a size."""

    file: StoredFile
    size: int


@dataclass(frozen=True)
class Flush:
    """A file whose content, and whose name, were brought to the disk."""

    file: StoredFile
    name: str


@dataclass(frozen=True)
class Naming:
    """A name that leads to another file from here on, or to none."""

    name: str
    file: StoredFile | None
    is_flushed: bool = False


@dataclass(frozen=True)
class Mark:
    """Something that the test wants to know the moment of."""

    what: int


Step = Write | Truncation | Flush | Naming | Mark


class RecordingDisk(apsw.VFS):
    """Keeps all that SQLite does to files in one folder; used by one thread at a time.

    Attributes:
        steps: what was done, in order.
    """

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.files: dict[str, StoredFile] = {}
        self.base = apsw.vfs_names()[0]
        super().__init__(NAME, self.base, makedefault=True)

    def mark(self, what: int) -> None:
        """Note that something has happened by now."""
        self.steps.append(Mark(what))

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        if path is None:
            return apsw.VFSFile(self.base, name, flags)
        opened = self.open_file(Path(path).name, name, flags)
        if opened.name not in self.files:
            self.files[opened.name] = StoredFile()
            self.steps.append(Naming(opened.name, self.files[opened.name]))
        return opened

    def open_file(self, name: str, given: str | apsw.URIFilename | None, flags: list[int]) -> "RecordingFile":
        """What stands in front of one file."""
        return RecordingFile(self, name, given, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802 - SQLite's
        super().xDelete(filename, syncdir)
        name = Path(filename).name
        if self.files.pop(name, None) is not None:
            self.steps.append(Naming(name, None, syncdir))


class RecordingFile(apsw.VFSFile):
    """A file on such a disk."""

    def __init__(self, disk: RecordingDisk, name: str, given: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._disk = disk
        self.name = name
        super().__init__(disk.base, given, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - SQLite's name
        super().xWrite(data, offset)
        self._disk.steps.append(Write(self._disk.files[self.name], offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - SQLite's name
        super().xTruncate(newsize)
        self._disk.steps.append(Truncation(self._disk.files[self.name], newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        super().xSync(flags)
        self._disk.steps.append(Flush(self._disk.files[self.name], self.name))


class Wreck:
    """What the power left of a folder: the names and the files, as far as the steps have come."""

    def __init__(self) -> None:
        self.marked = 0
        """What the last mark said."""
        self.marks = 0
        """How many there were."""
        self._sure: dict[str, StoredFile] = {}
        self._named: dict[str, StoredFile] = {}

    def follow(self, step: Step) -> None:
        """Take the next step."""
        match step:
            case Write() | Truncation():
                step.file.since.append(step)
            case Flush():
                step.file.flush()
                if self._sure.get(step.name) is not step.file:  # SQLite flushes the folder with a journal that is new
                    self._sure = dict(self._named)
            case Naming(name, None, is_flushed):
                self._named.pop(name, None)
                if is_flushed:
                    self._sure.pop(name, None)
            case Naming(name, StoredFile() as file, _):
                self._named[name] = file
            case Mark():
                self.marked, self.marks = step.what, self.marks + 1

    def lay(self, folder: Path, how_much: Left, chance: random.Random, storage: str = "") -> dict[str, StoredFile]:
        """Put what may be left into a folder that has nothing of it.

        Args:
            folder: where.
            how_much: how much of what was not flushed.
            chance: decides the rest.
            storage: what the names of the files begin with; of all of them unless given.

        Returns:
            What is on the disk from then on.
        """
        left: dict[str, StoredFile] = {}
        for name in sorted(one for one in self._sure.keys() | self._named.keys() if one.startswith(storage)):
            names = {"none": self._sure, "all": self._named, "some": chance.choice((self._sure, self._named))}[how_much]
            if name in names:
                left[name] = StoredFile(names[name].left(how_much, chance))
                (folder / name).write_bytes(left[name].flushed)
        return left

    def begin_again(self, storage: str, left: dict[str, StoredFile]) -> None:
        """The power is back: of one storage there is what `lay` left, for certain."""
        for names in (self._sure, self._named):
            for name in [name for name in names if name.startswith(storage)]:
                del names[name]
            names.update(left)


@contextmanager
def recording_disk() -> Iterator[RecordingDisk]:
    """All connections that are opened meanwhile are on such a disk."""
    disk = RecordingDisk()
    try:
        yield disk
    finally:
        apsw.set_default_vfs(disk.base)
        disk.unregister()
