"""Recorders whose log is on a server, and what the server has of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from arclog.codec import StoredEvent
from arclog.deciders.hub import HubState
from arclog.postgresql.address import read_address
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.recorders import recording

if TYPE_CHECKING:
    from arclog.postgresql.engine import PostgresqlEngine


def engine_at(url: str, at: FakeTime | None = None, *, lock_sec: float = 5, stall_sec: float = 2) -> "PostgresqlEngine":
    from arclog.postgresql.engine import PostgresqlEngine

    return PostgresqlEngine(read_address(url), at, lock_sec=lock_sec, stall_sec=stall_sec)


def database_of(url: str) -> str:
    return url.rpartition("/")[2]


@contextmanager
def recorder_on(url: str, storage: Path, *, lock_sec: float = 5, stall_sec: float = 2) -> Iterator[Recorder]:
    engine = engine_at(url, lock_sec=lock_sec, stall_sec=stall_sec)
    with recording(storage, hub=HubState(hub_id=storage.stem), remote=engine) as recorder:
        yield recorder


def log_at(url: str) -> list[StoredEvent]:
    """All events, as the server has them."""
    engine = engine_at(url)
    try:
        return list(engine.read(0, 1_000_000))
    finally:
        engine.close()


def said(url: str) -> list[str]:
    return [getattr(event.decode().data, "body", "") for event in log_at(url)[2:]]
