"""`.arc.pid`: the note that a running hub leaves beside its storage.

    {"pid": 4711, "port": 6969, "url": "http://127.0.0.1:6969", "storage": "/x/arc.sqlite3", "instance_id": "…",
     "started_at": "2026-01-01T00:00:00Z"}

It is a hint where to ask, never a proof: it may be left over from a hub that was killed, or be planted. Whoever uses it
asks the hub at `url` what it is.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

NAME: Final = ".arc.pid"
MAX_BYTES: Final = 65_536


class PidFile(NamedTuple):
    """A note that was found.

    Attributes:
        folder: where it lies.
        pid: the process that it names.
        url: where that hub is said to answer.
    """

    folder: Path
    pid: int
    url: str


def write_pid_file(storage: Path, *, port: int, url: str, instance_id: str, started_at: str) -> None:
    """Leave a note about this process beside `storage`, readable by its owner only, whole or not at all."""
    note = {"pid": os.getpid(), "port": port, "url": url}
    note |= {"storage": str(storage), "instance_id": instance_id, "started_at": started_at}
    unfinished = storage.parent / f"{NAME}.{os.getpid()}"
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - the descriptor carries the mode
        file.write(json.dumps(note))
    unfinished.replace(storage.parent / NAME)


def remove_pid_file(storage: Path, pid: int) -> None:
    """Take the note beside `storage` away if it is about process `pid`."""
    found = _read(storage.parent)
    if found is not None and found.pid == pid:
        (storage.parent / NAME).unlink(missing_ok=True)


def find_pid_files(*folders: Path) -> Iterator[PidFile]:
    """The notes of this user in these folders and all above them, each once, the nearest first."""
    seen: set[Path] = set()
    for start in folders:
        for folder in (start, *start.parents):
            if folder not in seen:
                seen.add(folder)
                found = _read(folder)
                if found is not None:
                    yield found


def _read(folder: Path) -> PidFile | None:
    try:
        with (folder / NAME).open(encoding="utf-8") as file:
            if os.fstat(file.fileno()).st_uid != os.getuid():
                return None
            note = json.loads(file.read(MAX_BYTES))
    except (OSError, ValueError):
        return None
    if not isinstance(note, dict):
        return None
    pid, url = note.get("pid"), note.get("url")
    if isinstance(pid, int) and pid > 0 and isinstance(url, str):
        return PidFile(folder, pid, url)
    return None
