"""What setup has written, and what stood there before, so that each file can be as it was, byte for byte.

It is kept in the repository's git folder (`arc-setup.json`), else beside the folder's storage; for all folders of a
user in the user's own state. Where a file has been changed by somebody since, only our entries are taken out of it.
"""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, to_builtins

from arc.finding.repository import Repository
from cli.setup.edits import CannotEditError, Edit, apply, read

NAME: Final = "arc-setup.json"


class Chosen(Struct, frozen=True):
    """How a harness is to guard.

    Attributes:
        mode: `auto` locks what is edited, `check` only refuses what others hold, `off` does neither.
        closed: whether no tool may run while the hub is away.
        by_command: whether all hooks are commands, also where they could call the hub: a command knows the relay.
    """

    mode: str = "auto"
    closed: bool = False
    by_command: bool = False


def ledger_in(top: Path, repository: Repository | None) -> "Ledger":
    """The record of what was set up in a repository, or in a folder that belongs to none."""
    if repository is None:
        return Ledger(top / f".{NAME}")
    own = "" if repository.main in {None, repository.top} else f".{Path(repository.top).name}"
    return Ledger(Path(repository.shared) / f"{NAME}{own}")


def ledger_of_user(home: Path) -> "Ledger":
    """The record of what was set up for all folders of a user."""
    state = os.environ.get("XDG_STATE_HOME")
    return Ledger((Path(state) if state else home / ".local" / "state") / "arc" / NAME)


class Ledger:
    """The record of one setup.

    Args:
        path: where it is kept.

    Attributes:
        chosen: what is set up, by name, and how it is to guard.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError):
            content = {}
        content = content if isinstance(content, dict) else {}
        self._files: dict[str, dict[str, Any]] = content.get("files", {})
        self._folders: list[str] = content.get("folders", [])
        """Folders that were made for files, the innermost first."""
        self._own_folders: list[str] = content.get("own_folders", [])
        """Those that were made for this record."""
        self.chosen = {name: Chosen(**how) for name, how in content.get("chosen", {}).items()}

    def choose(self, chosen: dict[str, Chosen]) -> None:
        """Note that this is what is set up from now on."""
        if chosen != self.chosen:
            self.chosen = chosen
            self._save()

    def plan(self, edit: Edit) -> bytes | None:
        """What a file will hold.

        Raises:
            CannotEditError: it cannot be edited without harm.
        """
        current = read(edit.path)
        if edit.path.is_symlink():
            raise CannotEditError("it is a link: edit what it leads to by hand")
        if current is not None and not os.access(edit.path, os.W_OK):
            raise CannotEditError("it cannot be written")
        if self._is_as_written(edit.path, current):
            return apply(edit.put, _unpacked(self._files[str(edit.path)]["before"]))
        return apply(edit.put, apply(edit.take, current))

    def write(self, edit: Edit) -> bool:
        """Do an edit.

        Returns:
            Whether anything changed.

        Raises:
            CannotEditError: it cannot be done without harm.
        """
        current, planned = read(edit.path), self.plan(edit)
        if planned == current or planned is None:
            return False
        if not self._is_as_written(edit.path, current):
            before = apply(edit.take, current) if str(edit.path) in self._files else current
            self._files[str(edit.path)] = {"before": _packed(before)}
        self._folders = [str(folder) for folder in edit.path.parents if not folder.exists()] + self._folders
        self._files[str(edit.path)]["after"] = _digest(planned)
        self._save()
        try:
            edit.path.parent.mkdir(parents=True, exist_ok=True)
            _replace(edit.path, planned, is_program=edit.is_program)
        except OSError as error:
            raise CannotEditError(f"it cannot be written: {error.strerror}") from None
        return True

    def former(self, edit: Edit) -> bytes | None:
        """What a file is to hold without our entries: what it held, unless somebody has changed it since.

        Raises:
            CannotEditError: they cannot be taken out without harm.
        """
        current = read(edit.path)
        if self._is_as_written(edit.path, current):
            return _unpacked(self._files[str(edit.path)]["before"])
        return apply(edit.take, current)

    def take_back(self, edit: Edit) -> bool:
        """Make a file as it was; or, where somebody has changed it since, take our entries out of it.

        Returns:
            Whether anything changed.

        Raises:
            CannotEditError: it cannot be done without harm.
        """
        current, former = read(edit.path), self.former(edit)
        self._files.pop(str(edit.path), None)
        try:
            if former is None:
                edit.path.unlink(missing_ok=True)
                self._remove_folders()
            elif former != current:
                _replace(edit.path, former)
        except OSError as error:
            raise CannotEditError(f"it cannot be written: {error.strerror}") from None
        self._save()
        return former != current

    def _remove_folders(self) -> None:
        """Remove the folders that were made and hold nothing."""
        for folder in list(self._folders):
            if _remove_if_empty(Path(folder)):
                self._folders.remove(folder)

    def _is_as_written(self, path: Path, current: bytes | None) -> bool:
        noted = self._files.get(str(path))
        return noted is not None and noted.get("after") == _digest(current)

    def _save(self) -> None:
        if not self._files and not self._folders and not self.chosen:
            self._path.unlink(missing_ok=True)
            for folder in self._own_folders:
                _remove_if_empty(Path(folder))
            return
        missing = [str(folder) for folder in self._path.parents if not folder.exists()]
        self._own_folders = missing + self._own_folders
        self._path.parent.mkdir(parents=True, exist_ok=True)
        chosen = {name: to_builtins(how) for name, how in self.chosen.items()}
        content = {"chosen": chosen, "files": self._files, "folders": self._folders, "own_folders": self._own_folders}
        _replace(self._path, f"{json.dumps(content, indent=1)}\n".encode())


def _replace(path: Path, content: bytes, *, is_program: bool = False) -> None:
    """Write a file whole or not at all, with the mode that it has."""
    unfinished = path.with_name(f".{path.name}.arc-{os.getpid()}")
    unfinished.write_bytes(content)
    if path.exists():
        unfinished.chmod(path.stat().st_mode & 0o7777)
    elif is_program:
        unfinished.chmod(0o755)
    unfinished.replace(path)


def _remove_if_empty(folder: Path) -> bool:
    """Remove a folder that holds nothing; whether it is gone."""
    if folder.exists() and not any(folder.iterdir()):
        folder.rmdir()
    return not folder.exists()


def _digest(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _packed(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _unpacked(text: object) -> bytes | None:
    return base64.b64decode(text) if isinstance(text, str) else None
