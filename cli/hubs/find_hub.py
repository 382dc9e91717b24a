"""Finding the hub of a storage among all that may be running.

A `.arc.pid` may be left over, may have come with somebody's repository, or have been planted. So it is followed only if
its owner is this user and its address is this machine's, and counts only if a hub answers there, serves the storage
that is asked for, and is the process that listens.
"""

from pathlib import Path
from typing import Final, NamedTuple

from cli.hubs.addresses import is_own
from cli.hubs.pid_file import PidFile, find_pid_files
from cli.hubs.probe import NotAHub, RunningHub, find_hub_at, split_url
from cli.hubs.processes import listens
from cli.paths import is_same, working_directory

ASK_SEC: Final = 2.0
"""How long the hub that a note names may take to answer; it is up, or the note is old."""


class Found(NamedTuple):
    """The hub of a storage, and its process as far as it can be told."""

    hub: RunningHub
    pid: int | None


def find_by_note(storage: Path) -> Found | None:
    """The hub of `storage` that a `.arc.pid` leads to, from the storage's folder and the working directory upward.

    In a folder that has no storage of that name, the storage of a folder above is meant while its hub runs.
    """
    for note in find_pid_files(storage.parent, working_directory()):
        found = _follow(note)
        if found is not None and (is_same(found.hub.storage, storage) or _is_above(found.hub.storage, storage, note)):
            return found
    return None


def find_near() -> RunningHub | None:
    """The hub that a `.arc.pid` leads to, from the working directory upward, of whatever storage."""
    for note in find_pid_files(working_directory()):
        found = _follow(note)
        if found is not None:
            return found.hub
    return None


def find_at_address(storage: Path, url: str, timeout_sec: float) -> Found | None:
    """The hub of `storage` at `url`, None when nothing listens there.

    Raises:
        NotAHub: something else does, such as the hub of another storage.
    """
    hub = find_hub_at(url, timeout_sec)
    if hub is None:
        return None
    if not is_same(hub.storage, storage):
        raise NotAHub(f"{url} is the hub of another storage, {hub.storage}, not of {storage}")
    return Found(hub, hub.pid)


def _follow(note: PidFile) -> Found | None:
    try:
        host, port = split_url(note.url)
        if not is_own(host):
            return None
        hub = find_hub_at(note.url, ASK_SEC)
    except NotAHub:
        return None
    if hub is None:
        return None
    pid = hub.pid or note.pid
    return None if listens(pid, port) is False else Found(hub, pid)


def _is_above(served: Path, storage: Path, note: PidFile) -> bool:
    return (
        note.folder in storage.parent.parents
        and not storage.exists()
        and served.name == storage.name
        and is_same(served.parent, note.folder)
    )
