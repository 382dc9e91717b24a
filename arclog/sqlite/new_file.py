"""A new file that is there as a whole or not at all, whatever happens while it is written."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

from arclog.errors import InvalidInput, StorageError
from arclog.sqlite.connection import FOLDER_ADVICE
from arclog.sqlite.removal import COMPANIONS


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """An empty file to write to, which gets the name `path` when the block ends well, and is gone when it does not.

    Connections on it must be closed inside the block.

    Raises:
        InvalidInput: there is a file at `path` already; nothing is ever overwritten.
        StorageError: it cannot be made.
    """
    refuse_existing(path)
    # A name that no leftover has: a process that was killed may have had the same id.
    draft = path.with_name(f".{path.name}.{token_hex(8)}.part")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileNotFoundError:
        raise StorageError(f"there is no folder {path.parent} for {path.name}: make it first") from None
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}; {FOLDER_ADVICE}") from error
    try:
        yield draft
        _name(draft, path)
        flush_folder(path.parent)
    except BaseException:
        for end in ("", *COMPANIONS):
            draft.with_name(draft.name + end).unlink(missing_ok=True)
        raise


def refuse_existing(path: Path) -> None:
    """Make sure that nothing is at `path`.

    Raises:
        InvalidInput: something is.
    """
    if path.exists():
        raise _taken(path)


def _taken(path: Path) -> InvalidInput:
    return InvalidInput(str(path), "is there already: choose another name, or move it away first")


def _name(draft: Path, path: Path) -> None:
    """Give the draft its name, unless something has that by now: a link, unlike a rename, replaces nothing."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise _taken(path) from None
    except OSError:  # a filesystem without hard links: look, then rename
        refuse_existing(path)
        draft.rename(path)
    else:
        draft.unlink()


def flush_folder(folder: Path) -> None:
    """Have the names in a folder on disk, where the system knows how."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
