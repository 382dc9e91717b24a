"""Whether a tool may run: one guard for all harnesses.

A file that another agent holds is refused; one that is free is locked for the agent, until its turn ends. A file that
another agent has written since this one knew it last must be read again first. A command that would take away what
others have not committed, or end their processes, is refused while there is something of theirs.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from api.hooks.calls import Tool
from api.hooks.guarded_git import Disk, digest_of, list_changed, list_staged
from api.hooks.named_files import NamedFile, NamedFiles
from api.hooks.news import plain
from api.hooks.shell.deeds import Deed, Unclear
from api.hooks.shell.script import find_deeds
from arclog.deciders.files import TouchFiles
from arclog.deciders.locks import MAX_PATHS, AcquireLock, FindConflicts
from projections import files, locks, sessions, wakes
from projections.files import Touch
from projections.hub.hub import Hub

Mode = Literal["auto", "check", "off"]
"""Whether hooks lock by themselves, only look whether others hold something, or do neither."""

LOCK_SEC: Final = 900.0
"""How long what a hook locks is held without a further touch."""
TRANSPORT: Final = "hook"
SHOWN: Final = 3
LONG_CHARS: Final = 4_000
"""A command that is read in less than a millisecond, mostly."""
MAX_PATCHING: Final = 1_000
"""Agents whose patches are remembered until it is seen what they did."""


class Verdict(Struct, frozen=True):
    """What came of a tool that is about to run.

    Attributes:
        refusal: why it must not; empty when it may.
        event_id: the event that says so of the files that it edits, which may be an older one; 0 where there is none.
    """

    refusal: str = ""
    event_id: int = 0


MAY_RUN: Final = Verdict()


class ToolGuard:
    """Judges the tools of all windows of one hub."""

    def __init__(self, hub: Hub, named: NamedFiles, on_read: Callable[[str, list[str]], None]) -> None:
        self._hub = hub
        self._named = named
        self._on_read = on_read
        self._patched: dict[str, dict[str, str]] = {}
        self._disk = Disk()

    async def judge(self, agent_id: str, folder: str, tool: Tool, mode: Mode) -> Verdict:
        """Whether a tool may run.

        Args:
            agent_id: whose tool it is.
            folder: where it runs.
            tool: the tool.
            mode: what the repository chose.
        """
        if mode == "off":
            return MAY_RUN
        if tool.command is not None:
            return await self._check_command(agent_id, folder, tool.command, mode)
        named = self._named.list_known(folder, tool.writes)
        taken = await self._take(agent_id, named, mode)
        return taken if taken.refusal else Verdict(self._check_age(agent_id, named), taken.event_id)

    async def note(self, agent_id: str, folder: str, tool: Tool) -> None:
        """Note what a tool did to files."""
        writes, reads = tool.writes, tool.reads
        if tool.command is not None:
            deeds = await self._read(tool.command, folder)
            writes, reads = _named(deeds, "write", "patch"), _named(deeds, "read")
        named = self._named.list_known(folder, writes)
        for one in named:
            self._patched.get(agent_id, {}).pop(one.path, None)
        wrote = bool(named)
        if not wrote:
            read = self._named.list_known(folder, reads)
            self._on_read(agent_id, [one.key for one in read])
            named = [one for one in read if self._find_news(agent_id, one)]
        if named:
            await self._touch(agent_id, named, tool.name, wrote=wrote)

    async def note_patched(self, agent_id: str) -> None:
        """Note what patches changed that went through the shell, where the harness told nothing after them."""
        patched = self._patched.pop(agent_id, {})
        named = self._named.list_known("", (path for path, before in patched.items() if digest_of(path) != before))
        if named:
            await self._touch(agent_id, named, "apply_patch", wrote=True)

    async def _touch(self, agent_id: str, named: list[NamedFile], tool: str, *, wrote: bool) -> None:
        command = TouchFiles(
            agent_id=agent_id,
            paths=[one.shown for one in named[:MAX_PATHS]],
            wrote=wrote,
            tool=tool[:64],
            digests=[digest_of(one.path) for one in named[:MAX_PATHS]],
        )
        await self._hub.execute(command, transport=TRANSPORT)

    # Files ----------------------------------------------------------------------------------------------------------

    async def _take(self, agent_id: str, named: list[NamedFile], mode: Mode) -> Verdict:
        """Lock files, or see that they could be; why not, if not."""
        if not named:
            return MAY_RUN
        locked = [] if mode == "check" else [one.shown for one in named[:MAX_PATHS]]
        for place in range(len(locked), len(named), MAX_PATHS):
            refusal = await self._find_conflict(agent_id, [one.path for one in named[place : place + MAX_PATHS]])
            if refusal:
                return Verdict(refusal)
        if not locked:
            return MAY_RUN
        command = AcquireLock(agent_id=agent_id, paths=locked, ttl_sec=LOCK_SEC, is_automatic=True)
        outcome = await self._hub.execute(command, transport=TRANSPORT)
        refusal = "" if outcome.acquired else await self._refuse(msgspec.json.decode(outcome.result))
        return Verdict(refusal, outcome.event_id or 0)

    async def _find_conflict(self, agent_id: str, paths: list[str]) -> str:
        if not paths:
            return ""
        found = await self._hub.execute(FindConflicts(agent_id=agent_id, paths=paths), transport=TRANSPORT)
        conflicts = msgspec.json.decode(found.result)
        return await self._refuse(conflicts[0]) if conflicts else ""

    async def _refuse(self, lock: dict[str, Any] | None) -> str:
        """The refusal of what another agent holds, and whether that one answers."""
        refusal = _held(lock)
        holder = "" if lock is None else str(lock["agent_id"])
        dark = await self._hub.read_on_thread(wakes.find_dark, holder, self._hub.now()) if holder else None
        if dark is None:
            return refusal
        return f"{refusal} {plain(holder)} was called at {_clock(dark.requested_at)} UTC and did not answer."

    def _check_age(self, agent_id: str, named: list[NamedFile]) -> str:
        for one in named:
            there = os.path.exists(one.path)  # noqa: PTH110 - false, not an error, for a name that is too long
            news = self._find_news(agent_id, one) if there else None
            if news is not None:
                return (
                    f"{one.shown} was written by {news.agent_id} at {_clock(news.at)} (event {news.event_id}), "
                    "after you knew it last. Read it again, as with cat, then edit what stands there now."
                )
        return ""

    def _find_news(self, agent_id: str, named: NamedFile) -> Touch | None:
        """The last write of a file by another agent that this one does not know."""
        at = self._hub.now()
        news = self._hub.read(files.find_news, named.key, agent_id, 0, at)
        if news is None:  # as nearly always, so that nobody asks when its session began
            return None
        began_at = self._hub.read(sessions.find_beginning, agent_id, at)
        return self._hub.read(files.find_news, named.key, agent_id, began_at, at)

    # Commands -------------------------------------------------------------------------------------------------------

    async def _read(self, command: str, folder: str) -> list[Deed | Unclear]:
        """What a command would do; a long one is read on a thread, so that it holds nobody up."""
        if len(command) < LONG_CHARS:
            return find_deeds(command, self._disk, folder)
        return await asyncio.to_thread(find_deeds, command, self._disk, folder)

    async def _check_command(self, agent_id: str, folder: str, command: str, mode: Mode) -> Verdict:
        deeds = await self._read(command, folder)
        for deed in deeds:
            refusal = await self._check_deed(agent_id, folder, deed)
            if refusal:
                return Verdict(refusal)
        changed = self._named.list_known(folder, _named(deeds, "write", "patch", "discard"))
        taken = await self._take(agent_id, changed, mode)
        patched = self._named.list_known(folder, _named(deeds, "patch"))
        refusal = taken.refusal or self._check_age(agent_id, patched)
        if patched and not refusal:
            if len(self._patched) >= MAX_PATCHING:
                self._patched.clear()
            self._patched[agent_id] = {one.path: digest_of(one.path) for one in patched[:MAX_PATHS]}
        return Verdict(refusal, taken.event_id)

    async def _check_deed(self, agent_id: str, folder: str, deed: Deed | Unclear) -> str:
        """Why a command must not do this; what it only does to files that it names is judged as an edit."""
        if isinstance(deed, Unclear):
            theirs = await self._find_others(agent_id, folder, None)
            if not theirs:
                return ""
            return (
                f"{deed.verb} cannot be judged here: {deed.why}. {theirs} Write the command out, without variables "
                "and without another program around it, and name the files that it is to touch."
            )
        if deed.kind in _NAMING:
            return ""
        where = os.path.join(folder, deed.folder)  # noqa: PTH118 - thousands of calls a minute pass here
        if deed.kind == "commit":
            return await self._check_commit(agent_id, where, deed)
        whole = deed.paths is None or any(self._named.is_top(where, path) for path in deed.paths)
        theirs = await self._find_others(agent_id, where, None if whole else self._paths_of(where, deed.paths or ()))
        if not theirs:
            return ""
        return f"{deed.verb} is refused: {theirs} {_ADVICE.get(deed.kind, _ADVICE['discard'])}"

    async def _check_commit(self, agent_id: str, where: str, deed: Deed) -> str:
        """A commit may take what others hold no more than an edit may change it."""
        if deed.staged:
            names = await list_staged(where)
        elif deed.paths is None or any(self._named.is_top(where, path) for path in deed.paths):
            names = await list_changed(where)
        else:
            names = self._paths_of(where, deed.paths)
        theirs = await self._find_others(agent_id, where, self._paths_of(where, names), changed=names)
        return f"{deed.verb} is refused: {theirs} {_ADVICE['commit']}" if theirs else ""

    async def _find_others(
        self, agent_id: str, folder: str, paths: list[str] | None, changed: list[str] | None = None
    ) -> str:
        """What others have there, in a sentence; empty when nothing.

        Args:
            agent_id: who asks.
            folder: a folder of the working tree.
            paths: only these files and folders; None for all of the tree.
            changed: what is not committed, where that is known already.
        """
        found: dict[str, str] = {}
        if paths is None:
            held = await self._hub.read_on_thread(_list_held_by_others, agent_id, self._hub.now())
            found.update({lock.file_path: f"{lock.agent_id} holds {plain(lock.file_path)}" for lock in held})
        else:
            for place in range(0, len(paths), MAX_PATHS):
                asked = FindConflicts(agent_id=agent_id, paths=paths[place : place + MAX_PATHS])
                conflicts = msgspec.json.decode((await self._hub.execute(asked, transport=TRANSPORT)).result)
                for lock in conflicts[:SHOWN]:
                    found[lock["key"]] = f"{lock['agent_id']} holds {plain(lock['file_path'])}"
        at = self._hub.now()
        for path in await list_changed(folder) if changed is None else changed:
            if paths is not None and not any(path == one or path.startswith(f"{one.rstrip('/')}/") for one in paths):
                continue
            one = self._named.find(path)
            last = None if one is None else self._hub.read(files.find_last_write, one.key, at)
            if one is not None and last is not None and not self._is_own(agent_id, last.agent_id):
                found.setdefault(one.shown, f"{last.agent_id} wrote {plain(one.shown)}, which is not committed")
        sentences = list(found.values())
        more = f", and {len(sentences) - SHOWN} more" if len(sentences) > SHOWN else ""
        return f"{'; '.join(sentences[:SHOWN])}{more}." if sentences else ""

    def _is_own(self, agent_id: str, writer: str) -> bool:
        """Whether an agent may commit or take back what another wrote: a parent and its sub-agent share their work."""
        return agent_id == writer or self._hub.read(sessions.are_related, agent_id, writer, self._hub.now())

    def _paths_of(self, folder: str, paths: Sequence[str]) -> list[str]:
        """Those of some paths that belong to this hub, absolute, each once."""
        return [one.path for one in self._named.list_known(folder, paths)]


_NAMING: Final = frozenset({"write", "patch", "read"})
"""Deeds that concern the files alone that they name."""
_ADVICE: Final = {
    "discard": "Take back or set aside your own files only, by their names, or ask them to commit first.",
    "switch": "Work on the branch that is here, or in a working tree of your own: git worktree add ../NAME BRANCH.",
    "rewrite": "Add a new commit instead, or ask them first.",
    "push": "Push without force to a branch of your own, or ask them first.",
    "kill": "End your own processes by their ids: kill PID.",
    "commit": "Add and commit your own files only, by their names: git commit FILE... -m MESSAGE.",
}


def _list_held_by_others(connection: Any, agent_id: str, at: Any) -> list[locks.Lock]:  # noqa: ANN401
    found: list[locks.Lock] = []
    own = sessions.and_parent(connection, agent_id, at)
    for lock in locks.each_lock(connection, at, None, True):
        if lock.agent_id not in own:
            found.append(lock)
            if len(found) > SHOWN:
                break
    return found


def _named(deeds: Sequence[Deed | Unclear], *kinds: str) -> tuple[str, ...]:
    """The files that a command's deeds name, as seen from where it was started."""
    return tuple(
        os.path.join(deed.folder, path)  # noqa: PTH118
        for deed in deeds
        if isinstance(deed, Deed) and deed.kind in kinds and (deed.kind in _NAMING or not deed.verb.startswith("git"))
        for path in deed.paths or ()
        if not any(letter in path for letter in "*?[")
    )


def _held(lock: dict[str, Any] | None) -> str:
    """The refusal of what another agent holds."""
    if lock is None:
        return "another agent holds it; try again"
    holder, path, until = plain(lock["agent_id"]), plain(lock["file_path"]), _clock(lock["expires_at"])
    both = lock.get("witness")
    witness = f" Both cover {plain(both)}." if both and both != lock["file_path"] else ""
    if lock.get("waiting"):
        return f"{holder} waits for {path} and comes first.{witness} Ask {holder}, or work on another file."
    return (
        f"{path} is locked by {holder} until {until} UTC.{witness} Wait until it is free and try again, ask {holder} "
        "with a direct message, or work on another file."
    )


def _clock(timestamp: str) -> str:
    return timestamp.partition("T")[2][:8]
