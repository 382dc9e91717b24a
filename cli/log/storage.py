"""The storage that an `arc log` command is about, and the files that it is given."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from cli.errors import CommandFailed
from cli.hubs import which_storage
from cli.hubs.filesystems import check_access
from cli.options import StorageOptions
from cli.paths import path_of

if TYPE_CHECKING:
    from arclog.sqlite.snapshot import Snapshot

START_BYTES: Final = 64
"""How many bytes at a file's beginning are read to tell what it is."""


def storage_of(options: StorageOptions) -> Path:
    """The storage that is asked for.

    Raises:
        CommandFailed: there is none.
    """
    return get_storage(options.storage, "--storage")


def get_storage(named: str | None, option: str) -> Path:
    """The storage that `named`, given with `option`, means; without it, that of the folder.

    Raises:
        CommandFailed: there is none.
    """
    path = which_storage.storage_of(named)
    if path.is_dir():
        raise CommandFailed(f"{path} is a folder: name a file in it with {option}")
    if not path.exists():
        raise CommandFailed(f"there is no storage at {path}: name it with {option}")
    check_access(path, writing=False)
    return path


def target_of(options: StorageOptions) -> Path:
    """The path of a storage that is to be made."""
    return which_storage.storage_of(None) if options.storage is None else path_of(options.storage)


def kind_of_file(path: Path) -> Literal["export", "database", "other"]:
    """What a file that was named is, by its beginning.

    To be asked before the file is opened as a storage: closing it drops the locks that SQLite holds in this process.

    Raises:
        CommandFailed: there is no such file.
        OSError: it cannot be read.
    """
    from arclog.proof.export import is_export

    if path.is_dir():
        raise CommandFailed(f"{path} is a folder: name a file in it")
    if not path.exists():
        raise CommandFailed(f"there is no file {path}")
    with path.open("rb") as file:
        start = file.read(START_BYTES)
    if is_export(start):
        return "export"
    return "database" if start.startswith(b"SQLite format 3\0") or not start else "other"


@contextmanager
def reading(options: StorageOptions) -> Iterator["Snapshot"]:
    """Read the storage, each query as things are by then.

    Raises:
        CommandFailed: it is not there.
        StorageError: it is no storage of Arc, or cannot be read.
    """
    from arclog.sqlite import snapshot

    with snapshot.reading(storage_of(options)) as found:
        yield found


def find_named(snapshot: "Snapshot", text: str, name: str) -> int:
    """The event that `text`, given as `name`, means: an event id, or a time.

    Raises:
        InvalidInput: it means none, or none that is there.
    """
    from projections.moments import find_event_of, find_moment

    event_id = snapshot.read(find_event_of, text, name)
    snapshot.read(find_moment, event_id, name)
    return event_id


@contextmanager
def reading_one_moment(options: StorageOptions) -> Iterator["Snapshot"]:
    """The same, but everything that is read is of one moment, tables included.

    Raises:
        CommandFailed: it is not there; or no hub has served it yet, or one of another version has, so that there are no
            tables to read.
        StorageError: it is no storage of Arc, or cannot be read.
    """
    from arclog.sqlite import snapshot
    from projections.rebuilding.rebuild import find_stale

    path = storage_of(options)
    with snapshot.reading_one_moment(path) as found:
        if found.read(find_stale):
            raise CommandFailed(f"the tables of {path} are not made yet: start a hub on it once")
        yield found
