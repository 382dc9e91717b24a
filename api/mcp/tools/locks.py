"""Locks: who edits which file."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.agent_session import AgentSession
from api.mcp.answers import Answer, answer
from api.mcp.tool import Tool
from api.mcp.tools.arguments import ActiveOnly, Path, TtlSec


class Acquire(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to lock, and for how long."""

    file_path: Path
    ttl_sec: TtlSec = 300
    thread_id: str | None = None


class Refresh(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to prolong."""

    file_path: Path
    ttl_sec: TtlSec = 300


class Release(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to give back."""

    file_path: Path


class WhichLocks(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ones to list."""

    agent_id: Annotated[str, Meta(description="only of this agent")] | None = None
    active_only: ActiveOnly = True


async def acquire(session: AgentSession, arguments: Acquire) -> Answer:
    """Ask for a lock; the answer shows the holder."""
    envelope = await session.change(
        "/v1/locks",
        agent_id=session.agent_id,
        file_path=arguments.file_path,
        ttl_sec=arguments.ttl_sec,
        metadata=None if arguments.thread_id is None else {"thread_id": arguments.thread_id},
    )
    return answer({"acquired": envelope["acquired"], **answers.row(envelope["result"])})


async def refresh(session: AgentSession, arguments: Refresh) -> Answer:
    """Prolong a lock of one's own."""
    envelope = await session.change(
        "/v1/locks/refresh", agent_id=session.agent_id, file_path=arguments.file_path, ttl_sec=arguments.ttl_sec
    )
    return answer(answers.row(envelope["result"]))


async def release(session: AgentSession, arguments: Release) -> Answer:
    """Give a lock back."""
    envelope = await session.change("/v1/locks/release", agent_id=session.agent_id, file_path=arguments.file_path)
    return answer(answers.row(envelope["result"]))


async def list_locks(session: AgentSession, arguments: WhichLocks) -> Answer:
    """Locks, the oldest first."""
    found = await session.read("/v1/locks", agent_id=arguments.agent_id, active_only=arguments.active_only)
    return answer(*answers.last([answers.row(one) for one in found], "older locks are left out"))


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_acquire_lock",
        does="Lock a file before editing it. acquired=false shows who has it.",
        arguments=Acquire,
        run=acquire,
    ),
    Tool(name="arc_refresh_lock", does="Prolong your lock.", arguments=Refresh, run=refresh),
    Tool(name="arc_release_lock", does="Give your lock back.", arguments=Release, run=release),
    Tool(name="arc_list_locks", does="List locks, oldest first.", arguments=WhichLocks, run=list_locks, reads=True),
)
