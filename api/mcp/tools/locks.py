"""Locks: who edits which file."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import Tool
from api.mcp.tools.arguments import ActiveOnly, After, Path, TtlSec


class Acquire(Struct, frozen=True, kw_only=True):
    """What to lock, and for how long."""

    file_path: Path
    ttl_sec: TtlSec = 300
    thread_id: str | None = None


class Refresh(Struct, frozen=True, kw_only=True):
    """What to prolong."""

    file_path: Path
    ttl_sec: TtlSec = 300


class Release(Struct, frozen=True, kw_only=True):
    """What to give back."""

    file_path: Path


class WhichLocks(Struct, frozen=True, kw_only=True):
    """Which ones to list."""

    agent_id: Annotated[str, Meta(description="only of this agent")] | None = None
    active_only: ActiveOnly = True
    after: After | None = None


async def acquire(agent: AskingAgent, arguments: Acquire) -> Answer:
    """Ask for a lock; the answer shows the holder."""
    envelope = await agent.change(
        "/v1/locks",
        agent_id=agent.agent_id,
        file_path=arguments.file_path,
        ttl_sec=arguments.ttl_sec,
        metadata=None if arguments.thread_id is None else {"thread_id": arguments.thread_id},
    )
    found = envelope["result"]
    if envelope["acquired"]:
        agent.holdings.hold("locks", found["file_path"], arguments.ttl_sec)
    else:
        agent.holdings.drop("locks", found["file_path"])
    return answer({"acquired": envelope["acquired"], **answers.row(found)})


async def refresh(agent: AskingAgent, arguments: Refresh) -> Answer:
    """Prolong a lock of one's own."""
    envelope = await agent.change(
        "/v1/locks/refresh", agent_id=agent.agent_id, file_path=arguments.file_path, ttl_sec=arguments.ttl_sec
    )
    agent.holdings.hold("locks", envelope["result"]["file_path"], arguments.ttl_sec)
    return answer(answers.row(envelope["result"]))


async def release(agent: AskingAgent, arguments: Release) -> Answer:
    """Give a lock back."""
    envelope = await agent.change("/v1/locks/release", agent_id=agent.agent_id, file_path=arguments.file_path)
    agent.holdings.drop("locks", envelope["result"]["file_path"])
    return answer(answers.row(envelope["result"]))


async def list_locks(agent: AskingAgent, arguments: WhichLocks) -> Answer:
    """Locks, the oldest first."""
    found = await agent.read(
        "/v1/locks", agent_id=arguments.agent_id, active_only=arguments.active_only, after=arguments.after
    )
    page = answers.first(map(answers.row, found))
    return answer({"locks": page.rows}, answers.go_on(page, "file_path"))


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_acquire_lock",
        does="Lock a file path before editing or writing it, so that no other agent does; asking again prolongs it. "
        "acquired=false shows the holder.",
        arguments=Acquire,
        run=acquire,
        core=True,
    ),
    Tool(name="arc_refresh_lock", does="Prolong your lock on a file.", arguments=Refresh, run=refresh),
    Tool(
        name="arc_release_lock", does="Unlock a file: give your lock back.", arguments=Release, run=release, core=True
    ),
    Tool(
        name="arc_list_locks",
        does="List file locks and their holders, oldest first.",
        arguments=WhichLocks,
        run=list_locks,
        reads=True,
    ),
)
