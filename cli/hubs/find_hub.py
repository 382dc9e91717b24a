"""The hub of a storage among all that may be running, and its process.

`arc.finding` tells where to ask. Whoever starts, stops or deletes has to be surer than whoever calls: here the hub at
that address must say that it serves the storage, and its process must be the one that listens.
"""

from pathlib import Path
from typing import Final, NamedTuple

from arc.finding.notes import Note, read_notes
from arc.finding.probe import NotAHubError, RunningHub, find_hub_at
from arc.finding.processes import listens
from arc.finding.which_hub import serves
from arc.urls import split_url

ASK_SEC: Final = 2.0
"""How long the hub that a note names may take to answer; it is up, or the note is old."""


class Found(NamedTuple):
    """The hub of a storage.

    Attributes:
        hub: the hub.
        pid: its process, as far as it can be told.
        options: how it was run, as far as its note tells.
    """

    hub: RunningHub
    pid: int | None
    options: dict[str, object]


def find_all_by_note(storage: Path) -> list[Found]:
    """The hubs of `storage` that left a note beside it, the one that was first there first."""
    notes = read_notes(str(storage.parent))
    followed = [_follow(note, storage, notes) for note in notes if note.is_about(str(storage))]
    return [found for found in followed if found is not None]


def find_by_note(storage: Path) -> Found | None:
    """The first hub of `storage` that left a note beside it."""
    return next(iter(find_all_by_note(storage)), None)


def find_at_address(storage: Path, url: str, timeout_sec: float) -> Found | None:
    """The hub of `storage` at `url`, None when nothing listens there.

    Raises:
        NotAHubError: something else does, such as the hub of another storage.
    """
    hub = find_hub_at(url, timeout_sec, str(storage))
    if hub is None:
        return None
    notes = read_notes(str(storage.parent))
    if not serves(hub, str(storage), notes):
        raise NotAHubError(f"{url} is the hub of another storage, {hub.storage}, not of {storage}")
    at_port = [note for note in notes if note.address.port == split_url(url).port]
    own = next(iter(at_port), None)
    return Found(hub, hub.pid or (own.pid if own else None), own.options if own else {})


def _follow(note: Note, storage: Path, notes: list[Note]) -> Found | None:
    try:
        hub = find_hub_at(note.url, ASK_SEC, str(storage))
    except NotAHubError:
        return None
    if hub is None or not serves(hub, str(storage), notes):
        return None
    pid = hub.pid or note.pid
    return None if listens(pid, note.address.port) is False else Found(hub, pid, note.options)
