"""Files: what agents did to them, and what hooks lock by themselves until a turn is over."""

from collections.abc import Iterable
from typing import ClassVar

from msgspec import Struct

from arclog.deciders import fields
from arclog.deciders.holdings import Holding
from arclog.events import FileRead, FileWritten, FreedLock, TurnEnded
from arclog.events.locks import LockedPath


class TouchFiles(Struct, frozen=True, kw_only=True):
    """Note that an agent wrote files, or read them.

    Attributes:
        agent_id: who did.
        paths: the files.
        wrote: whether it wrote them; a read is noted only where another agent had written one of them since.
        tool: what it used.
        digests: a hash of what stands in each file now, in the order of `paths`; empty where it is not known.
    """

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    paths: list[str]
    wrote: bool
    tool: str = ""
    digests: list[str] = []


class EndTurn(Struct, frozen=True, kw_only=True):
    """Free what hooks have locked for an agent by themselves."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str


class Touching(Struct, frozen=True):
    """What is known when files are touched.

    Attributes:
        paths: the files, each with its key.
        stale: the keys of those that another agent has written since this one knew them last.
    """

    paths: tuple[LockedPath, ...]
    stale: frozenset[str] = frozenset()


def decide_touch(state: Touching, command: TouchFiles, now: int) -> FileWritten | FileRead | None:
    """Note each write, and the reads that make an agent know what another has written."""
    agent_id = fields.agent("agent_id", command.agent_id)
    digests = command.digests or [""] * len(command.paths)
    touched = [
        (path, digest)
        for path, digest in zip(state.paths, digests, strict=True)
        if command.wrote or (path.key or path.file_path) in state.stale
    ]
    if not touched:
        return None
    (first, _), *others = touched
    event = FileWritten if command.wrote else FileRead
    known = tuple(digest for _, digest in touched)
    return event(
        file_path=first.file_path,
        key=first.key,
        others=tuple(path for path, _ in others),
        agent_id=agent_id,
        tool=command.tool,
        digests=known if any(known) else (),
    )


def decide_end_turn(automatic: Iterable[Holding], command: EndTurn, now: int) -> TurnEnded | None:
    """Free what hooks have locked for the agent, if anything.

    Args:
        automatic: what the agent holds because a hook asked for it.
        command: the request.
        now: the log's time.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    freed = tuple(FreedLock(one.key, one.token) for one in automatic if one.is_active(now))
    return TurnEnded(agent_id=agent_id, locks=freed) if freed else None
