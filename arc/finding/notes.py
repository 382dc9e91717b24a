"""`.arc.pid`: the note that a running hub leaves beside its storage.

    {"pid": 4711, "port": 6969, "url": "http://127.0.0.1:6969", "storage": "/x/arc.sqlite3", "instance_id": "…",
     "started_at": "2026-01-01T00:00:00Z", "network": "net:[4026531840]", "options": {"presence_ttl_sec": 120.0, …}}

Several hubs may have their storage, or share one, in a folder. The first has `.arc.pid`, each further one
`.arc.pid.PROCESS`, so that none takes away what another has written, and one that ends leaves the others' to be found.

A note is a hint where to ask, never a proof: it may be left over from a hub that was killed, have come with somebody's
repository or with a copy of the folder, or have been planted. So a note counts only if it belongs to this user, speaks
of a storage that lies beside it, leads to this machine, and the process that it names is what listens there; where the
system does not tell that, the hub is asked what it is.

A sandbox may see neither the network nor the processes outside of it. So where a note names another network, and the
relay serves, the hub is taken to be there.
"""

from __future__ import annotations

import os

from arc.files import AS_IT_IS, remove, replace
from arc.finding.listeners import listens
from arc.finding.processes import is_another_network, read_network
from arc.finding.repository import is_mine
from arc.finding.sign_of_life import is_served
from arc.light_json import dumps, loads
from arc.urls import Address, is_loopback, split_url

NAME = ".arc.pid"
MAX_BYTES = 65_536


class Note:
    """A note that was found.

    Attributes:
        path: where it lies.
        pid: the process that it names.
        url: where that hub is said to answer.
        storage: the hub's database; None in a note of Arc 0.1.1.
        instance_id: the id of its coordination state; None there too.
        network: what names the network that it is in; empty where that is not told.
        options: how the hub was run, by name; empty where that is not told.
    """

    __slots__ = ("address", "instance_id", "network", "options", "path", "pid", "storage", "url")

    def __init__(self, path: str, pid: int, url: str, address: Address, more: dict[str, object]) -> None:
        self.path = path
        self.pid = pid
        self.url = url
        self.address = address
        storage, instance_id, options = more.get("storage"), more.get("instance_id"), more.get("options")
        network = more.get("network")
        self.storage = storage if isinstance(storage, str) else None
        self.instance_id = instance_id if isinstance(instance_id, str) else None
        self.network = network if isinstance(network, str) else ""
        self.options: dict[str, object] = options if isinstance(options, dict) else {}

    @property
    def folder(self) -> str:
        """The folder that it lies in, which is the storage's."""
        return os.path.dirname(self.path)

    def is_about(self, storage: str) -> bool:
        """Whether it speaks of the hub of `storage`; one of Arc 0.1.1 speaks of any in its folder."""
        return self.storage is None or os.path.basename(self.storage) == os.path.basename(storage)

    @property
    def is_copied(self) -> bool:
        """Whether it came with a copy of the folder: its storage is there, and lies elsewhere.

        A hub that runs in a container may name a path that means nothing outside.
        """
        if self.storage is None or not os.path.exists(self.storage):
            return False
        try:
            return not os.path.samefile(os.path.dirname(self.storage), self.folder)
        except OSError:
            return False

    @property
    def is_beyond(self) -> bool:
        """Whether its hub is in another network than this process, as outside of a sandbox."""
        if listens(self.pid, self.address.port) is not False and is_another_network(read_network(self.pid)):
            return True
        return self._shows_life_beyond()

    def is_true(self) -> bool | None:
        """Whether the process that it names is what listens there; None where the system does not tell."""
        told = listens(self.pid, self.address.port)
        return None if told is False and self._shows_life_beyond() else told

    def _shows_life_beyond(self) -> bool:
        spool = self.options.get("spool_dir")
        return is_another_network(self.network) and isinstance(spool, str) and is_served(spool)


def read_notes(folder: str) -> list[Note]:
    """The notes of this user in a folder that lead to this machine, the first hub's first."""
    paths = _note_paths(folder)
    return [note for note in map(_read, paths) if note is not None and not note.is_copied]


def write_note(storage: str, content: dict[str, object]) -> str:
    """Leave a note about this process beside `storage`, readable by its owner only, whole or not at all.

    Args:
        storage: the hub's database, absolute.
        content: what it says beside the process: `port`, `url` and so on.

    Returns:
        Its path.

    Raises:
        OSError: it cannot be written.
    """
    folder, pid = os.path.dirname(storage), os.getpid()
    text = dumps({"pid": pid, **content}).encode()
    unfinished = os.path.join(folder, f"{NAME}.{pid}.new")
    _remove(unfinished)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | AS_IT_IS, 0o600)
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)
    try:
        first = os.path.join(folder, NAME)
        for path in _note_paths(folder):
            note = _read(path)
            if note is None or note.is_copied or note.is_true() is False:  # left over
                _remove(path)
        try:
            os.link(unfinished, first)  # only where there is none
        except FileExistsError:
            first = f"{first}.{pid}"
            replace(unfinished, first)
        except OSError:  # a filesystem without links
            first = first if not os.path.lexists(first) else f"{first}.{pid}"
            replace(unfinished, first)
        return first
    finally:
        _remove(unfinished)


def remove_note(path: str) -> None:
    """Take the note of this process away."""
    note = _read(path)
    if note is not None and note.pid == os.getpid():
        _remove(path)


def _note_paths(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    mine = [name for name in names if name == NAME or (name.startswith(f"{NAME}.") and name[len(NAME) + 1 :].isdigit())]
    return [os.path.join(folder, name) for name in sorted(mine, key=lambda name: (len(name), name))]


def _read(path: str) -> Note | None:
    try:
        with open(path, "rb") as file:
            if not is_mine(os.fstat(file.fileno())):
                return None
            content = loads(file.read(MAX_BYTES))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict):
        return None
    pid, url = content.get("pid"), content.get("url")
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0 or not isinstance(url, str):
        return None
    try:
        address = split_url(url)
    except ValueError:
        return None
    return Note(path, pid, url, address, content) if is_own(address.host) else None


def is_own(host: str) -> bool:
    """Whether `host` is an address of this machine; a name that would have to be looked up is not."""
    if is_loopback(host):
        return True
    import ipaddress
    import socket

    try:
        ipaddress.ip_address(host)
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.bind((host, 0))  # only its own addresses can be bound
    except (ValueError, OSError):
        return False
    return True


def _remove(path: str) -> None:
    try:
        remove(path)
    except FileNotFoundError:
        pass
