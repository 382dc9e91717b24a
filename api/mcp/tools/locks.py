"""Locks: who edits which file."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.held_leases import name_lock
from api.mcp.tool import Tool
from api.mcp.tools.arguments import ActiveOnly, After, Token, TtlSec, WaitSec
from api.mcp.tools.leases import LeaseTools
from api.mcp.tools.refused import advise


class Acquire(Struct, frozen=True, kw_only=True):
    """What to lock, how, for how long, and how long to wait for it."""

    file_path: str | None = None
    paths: Annotated[list[str], Meta(description="several, all or none, instead of file_path")] | None = None
    mode: Annotated[Literal["exclusive", "shared"], Meta(description="shared: with other readers")] = "exclusive"
    wait_sec: WaitSec = 0
    ttl_sec: TtlSec = 300
    thread_id: str | None = None


class Refresh(Struct, frozen=True, kw_only=True):
    """What to prolong."""

    file_path: str
    ttl_sec: TtlSec = 300
    fencing_token: Token | None = None


class Release(Struct, frozen=True, kw_only=True):
    """What to give back."""

    file_path: str
    fencing_token: Token | None = None


class WhichLocks(Struct, frozen=True, kw_only=True):
    """Which ones to list."""

    agent_id: Annotated[str, Meta(description="only of this agent")] | None = None
    active_only: ActiveOnly = True
    after: After | None = None


LEASES: Final = LeaseTools("locks", "file_path", "agent_id", name_lock)


async def acquire(agent: AskingAgent, arguments: Acquire) -> Answer:
    """Ask for a lock; a refusal says in words what is in the way, and what to do."""
    envelope = await agent.change(
        "/v1/locks",
        agent_id=agent.agent_id,
        file_path=arguments.file_path,
        paths=arguments.paths,
        mode=None if arguments.mode == "exclusive" else arguments.mode,
        wait_sec=arguments.wait_sec or None,
        ttl_sec=arguments.ttl_sec,
        metadata=None if arguments.thread_id is None else {"thread_id": arguments.thread_id},
    )
    rows = envelope.get("locks") or [envelope["result"]]
    for row in rows:
        if envelope["acquired"]:
            agent.held_leases.add("locks", row["file_path"], arguments.ttl_sec)
    if not envelope["acquired"]:
        for path in arguments.paths or [arguments.file_path or ""]:
            agent.held_leases.drop("locks", path)
        return answer({"acquired": False, **answers.row(rows[0]), "advice": advise(envelope, "Do not edit it")})
    held = {"locks": [answers.row(row) for row in rows]} if len(rows) > 1 else answers.row(rows[0])
    return answer({"acquired": True, **held})


async def list_locks(agent: AskingAgent, arguments: WhichLocks) -> Answer:
    """Locks, the oldest first."""
    return await LEASES.list_all(
        agent, agent_id=arguments.agent_id, active_only=arguments.active_only, after=arguments.after
    )


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_acquire_lock",
        does="Lock a file path before editing or writing it, so that no other agent does; asking again prolongs it. "
        "Paths are from the repository's top; patterns: src/**, *.py. acquired=false says who is in the way.",
        arguments=Acquire,
        run=acquire,
        waits=True,
        core=True,
    ),
    Tool(name="arc_refresh_lock", does="Prolong your lock on a file.", arguments=Refresh, run=LEASES.refresh),
    Tool(
        name="arc_release_lock",
        does="Unlock a file: give your lock back.",
        arguments=Release,
        run=LEASES.release,
        core=True,
    ),
    Tool(
        name="arc_list_locks",
        does="List file locks and their holders, oldest first.",
        arguments=WhichLocks,
        run=list_locks,
        reads=True,
    ),
)
