"""Tests of hubs on one storage, played on a log on PostgreSQL: `ARC_TEST_LOG=postgresql pytest …`.

Each storage that a test names then stands for a log on a server. The first hub on it has its copy at that very path, so
that tests can look into it; each further hub has one of its own beside it.
"""

import os
from contextlib import ExitStack
from pathlib import Path

from arclog.engine import RemoteEngine
from tests.support.postgresql import Server, needs_postgresql, new_log, serving

IS_PLAYED = os.environ.get("ARC_TEST_LOG") == "postgresql"
_life = ExitStack()
_servers: list[Server] = []
_logs: dict[Path, tuple[str, list[Path]]] = {}


def url_for(storage: Path) -> tuple[str, Path]:
    """Where the log is that a storage stands for, and where one more hub on it has its copy."""
    if not _servers:
        _servers.append(_life.enter_context(serving(needs_postgresql())))
    url, copies = _logs.setdefault(storage, (new_log(_servers[0]), []))
    copy = storage if not copies else storage.with_name(f"{storage.stem}-{len(copies) + 1}.sqlite3")
    copies.append(copy)
    return url, copy


def join(storage: Path) -> tuple[Path, RemoteEngine | None]:
    """For one more hub on a storage: where its copy is, and what keeps the log."""
    if not IS_PLAYED:
        return storage, None
    from arclog.postgresql.opening import open_log

    url, copy = url_for(storage)
    return copy, open_log(url)


def stop() -> None:
    """End the servers."""
    _life.close()
