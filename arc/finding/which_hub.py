"""Which hub is meant, for the command, the client, MCP and hooks alike.

1. the one that was named (`--base-url`, or `base_url` of the client)
2. the one that `ARC_URL` in the environment names
3. the hub of the folder: of the storage that the folder means (see `arc.finding.storage`)
4. whatever listens on the usual port, 6969

Where a folder has a storage, its hub is meant or none: another project's that happens to listen where this one did, or
on the usual port, is an error, never an answer. And a caller of a hub that is not the folder's is told so.

A hub whose process is stopped answers nobody. Its callers are told so at once, instead of waiting until their patience
ends: a hook has four seconds for each tool, and a call fifteen.
"""

from __future__ import annotations

import os
import sys
import time

from arc.errors import ArcError
from arc.finding.kept_options import read_options
from arc.finding.notes import Note, read_notes
from arc.finding.probe import NotAHubError, RunningHub, find_hub_at
from arc.finding.processes import how_to_go_on, is_stopped
from arc.finding.storage import Project, is_same_file, working_directory
from arc.urls import DEFAULT_HOST, DEFAULT_PORT, DEFAULT_URL, split_url, url_of

VARIABLE = "ARC_URL"
ASK_SEC = 2.0
"""How long a hub may take to say what it is; it is up, or it is not the one."""
STOPPED_SEC = 0.5
"""How long a hub that is stopped may take to go on, as one that somebody looks at with a debugger does."""
LOOK_SEC = 0.02
NOT_HERE = 503
HUB_STOPPED = "hub_stopped"

_said: set[str] = set()


class Choice:
    """The hub that is meant.

    Attributes:
        url: where it listens, or would.
        remark: what to tell its callers; empty when there is nothing to tell.
        storage: the storage that it is the hub of, where it is meant for that.
    """

    __slots__ = ("remark", "storage", "url")

    def __init__(self, url: str, remark: str = "", storage: str | None = None) -> None:
        self.url = url
        self.remark = remark
        self.storage = storage

    def say(self) -> None:
        """Tell the remark on the standard error, once in a process."""
        if self.remark and self.remark not in _said and sys.stderr is not None:
            _said.add(self.remark)
            print(f"arc: {self.remark}", file=sys.stderr)  # noqa: T201 - a person or an agent reads it there


def choose_hub(named: str | None = None, folder: str | None = None) -> Choice:
    """The hub that is meant.

    Args:
        named: the URL that was given, if one was.
        folder: the folder that is asked from; by default the working directory.

    Raises:
        ArcError: `ARC_URL` is no URL; or the folder has a storage whose hub does not run, and another hub, or something
            else, listens in its place; or the folder's hub is meant, and its process is stopped (code `hub_stopped`).
    """
    project = Project(folder or working_directory())
    url, source = (named, "") if named is not None else (os.environ.get(VARIABLE) or None, f"{VARIABLE} names ")
    if url is not None:
        url = url.rstrip("/")
        try:
            split_url(url)
        except ValueError:
            what = VARIABLE if source else "the URL"
            message = f"{what} {url!r} cannot be used: give http://host:port, as in {DEFAULT_URL}"
            raise ArcError(message, code="bad_url") from None
        return Choice(url, _remark_on_other(project, url, source))
    storage = project.find_storage()
    note = find_note(project, storage)
    if note is not None:
        _refuse_stopped(note)
        return Choice(note.url, storage=note.storage or storage)
    return _unnoted(storage) if storage is not None else _usual()


def find_note(project: Project, storage: str | None) -> Note | None:
    """The note of the hub that a folder means: of its storage, else of another one that lies where that would."""
    return next(iter(_find_notes(project, storage)), None)


def _find_notes(project: Project, storage: str | None) -> list[Note]:
    """The notes of all hubs that a folder means, the first one's first: several may share its storage."""
    for folder in project.folders:
        notes = [note for note in read_notes(folder) if _holds(note)]
        meant = [note for note in notes if storage is not None and note.is_about(storage)]
        if meant or notes:
            return meant or notes
        if storage is not None and os.path.dirname(storage) == folder:
            break
    return []


def _holds(note: Note) -> bool:
    """Whether a note is true; a hub is asked only where the system does not tell its process."""
    told = note.is_true()
    if told is not None:
        return told
    try:
        hub = find_hub_at(note.url, ASK_SEC, note.storage)
    except NotAHubError:
        return False
    return hub is not None and (note.instance_id is None or hub.instance_id == note.instance_id)


def _remark_on_other(project: Project, url: str, source: str) -> str:
    """What to say of a hub that was named when the folder has another."""
    notes = _find_notes(project, project.find_storage())
    for note in notes:
        if split_url(url).is_same(note.address):
            _refuse_stopped(note)
            return ""
    if not notes:
        return ""
    where = notes[0].url
    return f"{source}{url}{', which' if source else ''} is not the hub of this folder: that one listens on {where}"


def _refuse_stopped(note: Note) -> None:
    """Tell of a hub whose process stands still, and does not go on soon."""
    give_up_at = time.monotonic() + STOPPED_SEC
    while is_stopped(note.pid):
        if time.monotonic() > give_up_at:
            message = f"the hub at {note.url} (process {note.pid}) {how_to_go_on(note.pid)}"
            raise ArcError(f"connection error: {message}", NOT_HERE, code=HUB_STOPPED)
        time.sleep(LOOK_SEC)


def _unnoted(storage: str) -> Choice:
    """The hub of a storage that has no note: where it was last, or on the usual port."""
    kept = read_options(storage)
    host, port = kept.get("host", DEFAULT_HOST), kept.get("port", DEFAULT_PORT)
    url = url_of(
        host if isinstance(host, str) else DEFAULT_HOST,
        port if isinstance(port, int) else DEFAULT_PORT,
        secure=bool(kept.get("tls_cert")),
    )
    missing = f"the hub of this folder ({storage}) does not run"
    try:
        hub = find_hub_at(url, ASK_SEC, storage)
    except NotAHubError as error:
        message = f"connection error: {missing}, and {error}: start it with arc ensure, or name another with --base-url"
        raise ArcError(message, NOT_HERE, code="no_hub_here") from None
    if hub is not None and not serves(hub, storage, read_notes(os.path.dirname(storage))):
        message = (
            f"connection error: {missing}, and {url} is the hub of {hub.storage}: start this folder's with arc ensure, "
            "or name another with --base-url"
        )
        raise ArcError(message, NOT_HERE, code="no_hub_here")
    return Choice(url, storage=storage)


def serves(hub: RunningHub, storage: str, notes: list[Note]) -> bool:
    """Whether a hub is that of `storage`: by the file, or, where it sees the file under another name, by a note."""
    if is_same_file(hub.storage, storage):
        return True
    return any(note.instance_id == hub.instance_id and note.is_about(storage) for note in notes)


def _usual() -> Choice:
    """Whatever listens on the usual port, for a folder that has no hub of its own."""
    try:
        hub = find_hub_at(DEFAULT_URL, ASK_SEC)
    except NotAHubError:
        return Choice(DEFAULT_URL)  # the call that follows says what is there
    if hub is None:
        return Choice(DEFAULT_URL)
    remark = f"this folder has no hub of its own (arc ensure starts one): using that of {hub.storage} at {hub.url}"
    return Choice(DEFAULT_URL, remark)
