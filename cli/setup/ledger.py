"""What setup has written, and what stood there before, so that each file can be as it was, byte for byte.

It is kept in the repository's git folder (`arc-setup.json`), else beside the folder's storage; for all of a user's
repositories in the user's own configuration. Where a file has been changed by somebody since, only our entries are
taken out of it.
"""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

from cli.setup.edits import CannotEditError, Edit, apply, read

NAME: Final = "arc-setup.json"


class Ledger:
    """The record of one setup.

    Args:
        path: where it is kept.
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

    def take_back(self, edit: Edit) -> bool:
        """Make a file as it was; or, where somebody has changed it since, take our entries out of it.

        Returns:
            Whether anything changed.

        Raises:
            CannotEditError: it cannot be done without harm.
        """
        current = read(edit.path)
        noted = self._files.pop(str(edit.path), None)
        if noted is not None and _digest(current) == noted.get("after"):
            former = _unpacked(noted.get("before"))
        else:
            former = apply(edit.take, current)
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
            if not Path(folder).exists() or not any(Path(folder).iterdir()):
                self._folders.remove(folder)
                if Path(folder).exists():
                    Path(folder).rmdir()

    def _is_as_written(self, path: Path, current: bytes | None) -> bool:
        noted = self._files.get(str(path))
        return noted is not None and noted.get("after") == _digest(current)

    def _save(self) -> None:
        if not self._files and not self._folders:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _replace(self._path, f"{json.dumps({'files': self._files, 'folders': self._folders}, indent=1)}\n".encode())


def _replace(path: Path, content: bytes, *, is_program: bool = False) -> None:
    """Write a file whole or not at all, with the mode that it has."""
    unfinished = path.with_name(f".{path.name}.arc-{os.getpid()}")
    unfinished.write_bytes(content)
    if path.exists():
        unfinished.chmod(path.stat().st_mode & 0o7777)
    elif is_program:
        unfinished.chmod(0o755)
    unfinished.replace(path)


def _digest(content: bytes | None) -> str:
    return "" if content is None else hashlib.sha256(content).hexdigest()


def _packed(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _unpacked(text: object) -> bytes | None:
    return base64.b64decode(text) if isinstance(text, str) else None
