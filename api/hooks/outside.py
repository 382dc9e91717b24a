"""What changes outside the guard while the hub runs: by a person, a program, or an agent whose hook did not run.

Now and then git's view of the working trees from which hooks call is compared with the log. A file whose content is
neither what it was at the last look nor what a hook has told of was changed by somebody else. That is told, once for
each file and commit, to those who hold it and those who have read or written it, as far as they are here.
"""

import asyncio
import contextlib
import os
import time
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from api.hooks.guarded_git import GitSilent, digest_of, find_commit, find_top, list_changed, list_changed_between
from api.hooks.named_files import NamedFiles
from api.hooks.news import plain
from arclog.deciders.locks import FindConflicts
from arclog.deciders.messages import PostMessage
from arclog.errors import ArcError
from projections import files, sessions
from projections.hub.hub import Hub
from projections.intervals import AsOf

NAME: Final = "guard"
"""Who tells it."""
LOOK_SEC: Final = 5.0
REST: Final = 20
"""How much longer than a look takes the pause after it is, so that large repositories are not always looked at."""
SETTLED_SEC: Final = 2.0
"""How long a file must have stayed as it is: until then the hook of the tool that wrote it may still come."""
AWAKE_SEC: Final = 900.0
"""How long after the last hook it goes on looking."""
MAX_FILES: Final = 2_000
"""Files of one working tree that are looked at; of one in which more have changed, nothing is told."""
MAX_TREES: Final = 16
MAX_READ: Final = 10_000
SHOWN: Final = 5


class Content(Struct, frozen=True):
    """What a file holds: how the disk tells it at a glance, and its hash; empty where there is none."""

    stamp: tuple[int, int]
    digest: str


class Tree(Struct):
    """A working tree as it was at the last look.

    Attributes:
        commit: what was checked out.
        known: the files that differed from that, or did so once, and what they held.
    """

    commit: str
    known: dict[str, Content]


class Outside:
    """Looks for what nobody told of.

    Args:
        hub: whose working trees.
        named: its files.
    """

    def __init__(self, hub: Hub, named: NamedFiles) -> None:
        self._hub = hub
        self._named = named
        self._folders: dict[str, str] = {}
        self._since: dict[str, int] = {}
        self._trees: dict[str, Tree] = {}
        self._told: set[tuple[str, str]] = set()
        self._readers: dict[str, set[str]] = {}
        self._heard_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    def watch(self, folder: str) -> None:
        """A hook has called from a folder: its working tree is looked at from now on."""
        self._heard_at = time.monotonic()
        if folder not in self._folders and len(self._folders) < MAX_TREES:
            self._folders[folder], self._since[folder] = "", time.time_ns()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look_on())

    def note_read(self, agent_id: str, keys: Iterable[str]) -> None:
        """An agent has read files, by their keys."""
        for key in keys:
            if len(self._readers) >= MAX_READ:
                self._readers.clear()
            self._readers.setdefault(key, set()).add(agent_id)

    async def _look_on(self) -> None:
        while not self._hub.closing and time.monotonic() - self._heard_at < AWAKE_SEC:
            began_at = time.monotonic()
            for folder in tuple(self._folders):
                with contextlib.suppress(GitSilent, ArcError):
                    await self._look(folder)
            await asyncio.sleep(max(LOOK_SEC, REST * (time.monotonic() - began_at)))

    async def _look(self, folder: str) -> None:
        top = self._folders[folder] or await find_top(folder)
        self._folders[folder] = top
        if not top or any(known == top and other != folder for other, known in self._before(folder)):
            return
        commit, changed = await find_commit(top), await list_changed(top)
        tree = self._trees.get(top)
        if tree is None:
            found = {path: _look_at(path, None) for path in changed[:MAX_FILES]}
            since = self._since[folder]  # what was changed after that is for the next look
            self._trees[top] = Tree(commit, {path: one for path, one in found.items() if one.stamp[0] < since})
            return
        if commit != tree.commit:
            changed += await list_changed_between(top, tree.commit, commit)
            tree.commit = commit
        paths = list(dict.fromkeys([*changed, *tree.known]))
        if len(paths) > MAX_FILES:
            self._trees[top] = Tree(commit, {})
            return
        news = [path for path in paths if self._is_news(path, tree)]
        new = [path for path in news if (path, commit) not in self._told]
        self._told |= {(path, commit) for path in new}
        await self._tell(new)

    def _before(self, folder: str) -> Iterable[tuple[str, str]]:
        """The folders that are looked at before this one: two of one tree are looked at once."""
        for other, top in self._folders.items():
            if other == folder:
                return
            yield other, top

    def _is_news(self, path: str, tree: Tree) -> bool:
        """Whether a file holds something that nobody told of; what it holds is known from then on."""
        before = tree.known.get(path)
        now = _look_at(path, before)
        if before is not None and now.digest == before.digest:
            tree.known[path] = now
            return False
        if time.time() - now.stamp[0] / 1e9 < SETTLED_SEC:
            return False
        tree.known[path] = now
        key = self._named.find_key(path)
        if key is None:
            return False
        last = self._hub.read(files.find_last_write, key, self._hub.now())
        return last is None or (last.digest or "") != now.digest

    async def _tell(self, paths: list[str]) -> None:
        """Tell each agent of the files that concern it."""
        concerned: dict[str, list[str]] = defaultdict(list)
        for path in paths:
            for agent_id in await self._find_concerned(path):
                concerned[agent_id].append(path)
        for agent_id, theirs in sorted(concerned.items()):
            body = _say(theirs, self._hub.roots.own.folder)
            told = PostMessage(from_agent=NAME, to_agent=agent_id, kind="notice", body=body)
            with contextlib.suppress(ArcError):
                await self._hub.execute(told, transport="hook")

    async def _find_concerned(self, path: str) -> set[str]:
        """Who holds a file, has written it, or has read it, of those that are here."""
        key = self._named.find_key(path)
        if key is None:
            return set()
        asked = FindConflicts(agent_id=NAME, paths=[path])
        held = msgspec.json.decode((await self._hub.execute(asked, transport="hook")).result)
        at = self._hub.now()
        found = {str(lock["agent_id"]) for lock in held if not lock.get("waiting")}
        found |= set(self._hub.read(files.list_touching, key, at)) | self._readers.get(key, set())
        return {one for agent_id in found if (one := self._find_present(agent_id, at)) is not None}

    def _find_present(self, agent_id: str, at: AsOf) -> str | None:
        """An agent that is here, or the one for which it did what it did: the parent of a sub-agent that has ended."""
        if self._hub.read(sessions.find_session, agent_id, at) is not None:
            return agent_id
        parent = self._hub.read(sessions.find_parent, agent_id, at)
        return None if parent is None else self._find_present(parent, at)


def _say(paths: list[str], root: str) -> str:
    shown = ", ".join(plain(os.path.relpath(path, root)) for path in paths[:SHOWN])
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    who = "a person, a program, or an agent without hooks"
    return f"{shown}{more} changed, and no hook told of it: {who}. Read before you edit."


def _look_at(path: str, before: Content | None) -> Content:
    """What a file holds; it is read only where the disk says that it was changed."""
    try:
        said = os.stat(path)  # noqa: PTH116
    except OSError:
        return Content((0, 0), "")
    stamp = (said.st_mtime_ns, said.st_size)
    if before is not None and before.stamp == stamp:
        return before
    return Content(stamp, digest_of(path))
