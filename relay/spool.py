"""The spool's files: two trees of folders, and the handful of ways in which anything in them is touched.

    <spool>/requests/<agent>/<id>.json     written by a client, which renames it into place
    <spool>/requests/<agent>/<id>.work     the same, taken by a relay
    <spool>/responses/<agent>/<id>.json    written by the relay, which renames it into place

Everything under the spool may be written by a sandbox that means harm, while we look at it. So a folder is opened
once, without following a link, and whatever is done in it goes through that handle, without following a link: what is
swapped in meanwhile leads nowhere else. The way to the spool itself is the operator's, and is left as it was given:
it may be a mount that has another path on the other side.

A mount may refuse to delete. Nothing here depends on it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from relay import folders
from relay.agent_folder import AgentFolder
from relay.files import MAX_PENDING, list_waiting

REQUESTS: Final = "requests"
RESPONSES: Final = "responses"
DEFAULT_MODE: Final = 0o700
MAX_FOLDERS: Final = 10_000
"""Agents that are served at once. A sandbox that makes more folders than that is not an agent."""


class Spool:
    """A spool folder.

    Args:
        path: where it is, relative to the working directory or absolute; never resolved.
        mode: the permissions of its folders; its files have the same without the right to execute.
        max_folders: how many agents are served at most.
        max_pending: how many requests of one agent are looked at in one go.
    """

    def __init__(
        self,
        path: str | Path,
        mode: int = DEFAULT_MODE,
        *,
        max_folders: int = MAX_FOLDERS,
        max_pending: int = MAX_PENDING,
    ) -> None:
        self.path = Path.cwd() / path
        self.mode = mode
        self.max_pending = max_pending
        self._max_folders = max_folders

    def ensure(self) -> None:
        """Make the folders that are missing, and open them to those only for whom `mode` is meant.

        Raises:
            OSError: they cannot be made.
        """
        self.path.mkdir(mode=self.mode, parents=True, exist_ok=True)
        root = folders.open_root(self.path)
        try:
            folders.restrict(root, self.mode)
            for kind in (REQUESTS, RESPONSES):
                tree = self._enter(root, kind, make=True)
                folders.restrict(tree, self.mode)
                folders.close(tree)
        finally:
            folders.close(root)

    def list_folders(self) -> list[str]:
        """The names of the agents' folders that hold requests, at most `max_folders`; none while there is no spool."""
        names: list[str] = []
        with suppress(FileNotFoundError), self._open_requests() as tree, folders.scan(tree) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                    names.append(entry.name)
                    if len(names) == self._max_folders:
                        break
        return names

    def list_requests(self, names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        """The names of the requests that nobody has taken, in their order, folder by folder.

        Args:
            names: the folders to look into; what is not a folder any more is left out.
        """
        with suppress(FileNotFoundError), self._open_requests() as tree:
            for folder in names:
                with suppress(OSError):
                    requests = self._enter(tree, folder)
                    try:
                        waiting = list_waiting(requests, self.max_pending)
                    finally:
                        folders.close(requests)
                    yield folder, waiting

    def open(self, folder: str, max_bytes: int) -> AgentFolder:
        """Hold an agent's two folders open. The one for responses is made if it is missing.

        Args:
            folder: the folders' name.
            max_bytes: the size of a request's file beyond which it is refused unread.

        Raises:
            OSError: they are not there, or are not folders.
        """
        root = folders.open_root(self.path)
        try:
            requests = self._descend(root, REQUESTS, folder)
            try:
                responses = self._descend(root, RESPONSES, folder, make=True)
            except OSError:
                folders.close(requests)
                raise
        finally:
            folders.close(root)
        return AgentFolder(folder, requests, responses, max_bytes, self.mode & 0o666)

    @contextmanager
    def _open_requests(self) -> Iterator[int]:
        root = folders.open_root(self.path)
        try:
            tree = self._enter(root, REQUESTS)
        finally:
            folders.close(root)
        try:
            yield tree
        finally:
            folders.close(tree)

    def _descend(self, root: int, kind: str, folder: str, *, make: bool = False) -> int:
        tree = self._enter(root, kind, make=make)
        try:
            return self._enter(tree, folder, make=make)
        finally:
            folders.close(tree)

    def _enter(self, parent: int, name: str, *, make: bool = False) -> int:
        """A handle of a folder that lies in another and is no link."""
        try:
            return folders.enter(parent, name)
        except FileNotFoundError:
            if not make:
                raise
        folders.make(parent, name, self.mode)
        folder = folders.enter(parent, name)
        folders.restrict(folder, self.mode)
        return folder
