"""The files that belong to a storage, for tests that take some away."""

from contextlib import closing
from pathlib import Path

import pytest

from arclog.errors import StorageGone
from arclog.sqlite.log import Log
from arclog.sqlite.reads import read
from arclog.sqlite.rescue import rescue
from arclog.sqlite.schema import open_existing

COMPANIONS = ("", "-wal", "-shm")


def beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def found_again(path: Path) -> list[str]:
    """The messages that a hub which starts now finds, by the agents that posted them."""
    with closing(open_existing(path)) as connection:
        return [event.actor for event in read(connection)]


def remove(path: Path, *ends: str) -> None:
    for end in ends:
        beside(path, end).unlink()


def save(log: Log) -> StorageGone:
    """Have a log notice that its storage was taken away, and save what it had."""
    with pytest.raises(StorageGone) as noticed:
        log.begin()
    log.rollback()
    return rescue(log, noticed.value)
