"""The hub of a storage among all that may be running, and its process.

`arc.finding` tells where to ask. A command that starts, stops or deletes has to be surer than one that calls: here the
hub at that address must say that it serves the storage, and its process must be the one that listens.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from arc.finding.listeners import listens
from arc.finding.notes import Note, read_notes
from arc.finding.probe import NoAnswerError, NotAHubError, RunningHub, find_hub_at
from arc.finding.processes import how_to_go_on, is_another_network, is_stopped, read_network
from arc.finding.which_hub import serves
from arc.urls import split_url
from cli.errors import CommandFailed

ASK_SEC: Final = 2.0
"""How long the hub that a note names may take to answer; it is up, or the note is old."""


class SilentHub(CommandFailed):
    """The hub of a storage is there, but gives no answer: a user who started another beside it would have two.

    Args:
        storage: its database.
        pid: its process.
        url: where it listens.
        is_beyond: whether it is known to be in another network.

    Attributes:
        may_answer: whether it is worth waiting for: its process does not stand still, nor is it beyond this network.
    """

    def __init__(self, storage: Path, pid: int, url: str, *, is_beyond: bool = False) -> None:
        is_beyond = is_beyond or is_another_network(read_network(pid))
        self.may_answer = not is_beyond and not is_stopped(pid)
        said = f"runs, but gives no answer: wait for it, or end it with kill {pid}"
        if is_beyond:
            said = "runs where the network of this sandbox does not reach: see arc help use-from-a-sandbox"
        elif not self.may_answer:
            said = how_to_go_on(pid)
        super().__init__(f"the hub of {storage} (process {pid}, {url}) {said}")


class FoundHub(NamedTuple):
    """The hub of a storage.

    Attributes:
        hub: the hub.
        pid: its process, as far as it can be told.
        options: how it was run, as far as its note tells.
    """

    hub: RunningHub
    pid: int | None
    options: dict[str, object]


def find_all_by_note(storage: Path) -> list[FoundHub]:
    """The hubs of `storage` that left a note beside it and answer, the one that was first there first."""
    return [found for found in _follow_notes(storage) if isinstance(found, FoundHub)]


def find_by_note(storage: Path) -> FoundHub | None:
    """The first hub of `storage` that left a note beside it and answers.

    Raises:
        SilentHub: there is one, but none answers.
    """
    silent: SilentHub | None = None
    for found in _follow_notes(storage):
        if isinstance(found, FoundHub):
            return found
        silent = silent or found
    if silent is not None:
        raise silent
    return None


def find_at_address(storage: Path, url: str, timeout_sec: float) -> FoundHub | None:
    """The hub of `storage` at `url`, None when nothing listens there.

    Raises:
        NotAHubError: something else does, such as the hub of another storage.
        SilentHub: it is this storage's, and gives no answer.
    """
    try:
        hub = find_hub_at(url, timeout_sec, str(storage))
    except NoAnswerError:
        pid = _find_user_at(storage, split_url(url).port)
        if pid is None:
            raise
        raise SilentHub(storage, pid, url) from None
    if hub is None:
        return None
    notes = read_notes(str(storage.parent))
    if not serves(hub, str(storage), notes):
        raise NotAHubError(f"{url} is the hub of another storage, {hub.storage}, not of {storage}")
    at_port = [note for note in notes if note.address.port == split_url(url).port]
    own = next(iter(at_port), None)
    return FoundHub(hub, hub.pid or (own.pid if own else None), own.options if own else {})


def _follow_notes(storage: Path) -> Iterator[FoundHub | SilentHub]:
    notes = read_notes(str(storage.parent))
    for note in notes:
        found = _follow(note, storage, notes) if note.is_about(str(storage)) else None
        if found is not None:
            yield found


def _follow(note: Note, storage: Path, notes: list[Note]) -> FoundHub | SilentHub | None:
    is_there, is_beyond = note.is_true(), note.is_beyond
    silent = SilentHub(storage, note.pid, note.url, is_beyond=is_beyond)
    if is_there is not False and not is_beyond and is_stopped(note.pid):
        return silent
    try:
        hub = find_hub_at(note.url, ASK_SEC, str(storage))
    except NoAnswerError:
        return silent if is_there or is_beyond else None
    except NotAHubError:
        return silent if is_beyond else None
    if hub is None or not serves(hub, str(storage), notes):
        return silent if is_beyond else None
    pid = hub.pid or note.pid
    return None if not is_beyond and listens(pid, note.address.port) is False else FoundHub(hub, pid, note.options)


def _find_user_at(storage: Path, port: int) -> int | None:
    """The process that has `storage` open and listens on the port, where the system tells."""
    from arclog.sqlite.holders import find_holders

    return next((pid for pid in find_holders(storage) if listens(pid, port)), None)
