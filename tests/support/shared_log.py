"""Tests of hubs on one storage, played on a log on PostgreSQL: `ARC_TEST_LOG=postgresql pytest …`.

Each storage that a test names then stands for a log on a server. The first hub on it has its copy at that very path, so
that tests can look into it; each further hub that runs at the same time has one of its own beside it, and a hub that
starts where another has ended takes over its copy. One server serves all tests of a process, from memory.

With `ARC_TEST_HUBS=3` too, what a test takes for one hub process are three, asked in turns (`tests.support.in_turn`).
"""

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from arclog.clock import LogClock, TimeSource
from arclog.engine import RemoteEngine
from arclog.errors import StorageError
from tests.support.postgresql import Server, drop_log, needs_postgresql, new_log, serving

if TYPE_CHECKING:
    from arclog.postgresql.engine import PostgresqlEngine

IS_PLAYED: Final = os.environ.get("ARC_TEST_LOG") == "postgresql"
HUBS: Final = int(os.environ.get("ARC_TEST_HUBS", "1"))
MOST_LOGS: Final = 50
"""How many logs are kept that nobody uses: a test may start a hub again on one."""


@dataclass
class _Played:
    """A log that a storage stands for, and the copies of it that are in use or free."""

    url: str
    used: list[Path] = field(default_factory=list)
    free: list[Path] = field(default_factory=list)


_life = ExitStack()
_servers: list[Server] = []
_logs: dict[Path, _Played] = {}


def server() -> Server:
    """The server of this process's tests."""
    if not _servers:
        _servers.append(_life.enter_context(serving(needs_postgresql(), in_memory=True)))
    return _servers[0]


def url_for(storage: Path) -> tuple[str, Path]:
    """Where the log is that a storage stands for, and where one more hub on it has its copy."""
    played = _logs.get(storage)
    if played is None:
        _drop_oldest()
        played = _logs[storage] = _Played(new_log(server()), free=[storage])
    if not played.free:
        played.free.append(storage.with_name(f"{storage.stem}-{len(played.used) + 1}.sqlite3"))
    copy = played.free.pop(0)
    played.used.append(copy)
    return played.url, copy


def new_url() -> str:
    """A log of its own, for one hub and a while."""
    storage = Path(os.urandom(8).hex())
    url, copy = url_for(storage)
    leave(copy)
    return url


def leave(copy: Path) -> None:
    """A hub has ended: its copy is for the next that starts on the storage."""
    for played in _logs.values():
        if copy in played.used:
            played.used.remove(copy)
            played.free.append(copy)
            played.free.sort(key=lambda path: (len(path.name), path.name))


def join(storage: Path, time: TimeSource | None = None) -> tuple[Path, RemoteEngine | None]:
    """For one more hub on a storage: where its copy is, and what keeps the log; `leave` must follow."""
    if not IS_PLAYED:
        return storage, None
    url, copy = url_for(storage)
    return copy, engine_on(url, time)


def engine_on(url: str, time: TimeSource | None = None) -> "PostgresqlEngine":
    """What writes to a log; where the test has a time, by that and not by the server's."""
    from arclog.postgresql.opening import open_log

    engine = open_log(url)
    if time is not None:
        engine.clock = TestsClock(time)
    return engine


class TestsClock(LogClock):
    """A clock that nobody but the test moves."""

    __test__ = False

    def correct(self, time: int, asked_at: int, told_at: int) -> None:
        pass


def stop() -> None:
    """End the servers."""
    _life.close()


def _drop_oldest() -> None:
    idle = [storage for storage, played in _logs.items() if not played.used]
    for storage in idle[: max(0, len(idle) - MOST_LOGS)]:
        with suppress(StorageError):
            drop_log(server(), _logs.pop(storage).url)
