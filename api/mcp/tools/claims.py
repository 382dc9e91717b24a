"""Claims: who does which piece of work."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.agent_session import AgentSession
from api.mcp.answers import Answer, answer
from api.mcp.tool import Tool
from api.mcp.tools.arguments import ActiveOnly, Key, TtlSec


class Acquire(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to claim, and for how long."""

    claim_key: Annotated[str, Meta(description="name of the work; task-<task_message_id> when left out")] | None = None
    task_message_id: int | None = None
    thread_id: str | None = None
    ttl_sec: TtlSec = 300


class Refresh(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to prolong."""

    claim_key: Key
    ttl_sec: TtlSec = 300


class Release(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to give back."""

    claim_key: Key


class WhichClaims(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which ones to list."""

    thread_id: str | None = None
    active_only: ActiveOnly = True


async def acquire(session: AgentSession, arguments: Acquire) -> Answer:
    """Ask for a claim; the answer shows the holder."""
    envelope = await session.change(
        "/v1/claims",
        owner_agent_id=session.agent_id,
        claim_key=arguments.claim_key,
        task_message_id=arguments.task_message_id,
        thread_id=arguments.thread_id,
        ttl_sec=arguments.ttl_sec,
    )
    return answer({"acquired": envelope["acquired"], **answers.row(envelope["result"])})


async def refresh(session: AgentSession, arguments: Refresh) -> Answer:
    """Prolong a claim of one's own."""
    envelope = await session.change(
        "/v1/claims/refresh",
        owner_agent_id=session.agent_id,
        claim_key=arguments.claim_key,
        ttl_sec=arguments.ttl_sec,
    )
    return answer(answers.row(envelope["result"]))


async def release(session: AgentSession, arguments: Release) -> Answer:
    """Give a claim back."""
    envelope = await session.change("/v1/claims/release", agent_id=session.agent_id, claim_key=arguments.claim_key)
    return answer(answers.row(envelope["result"]))


async def list_claims(session: AgentSession, arguments: WhichClaims) -> Answer:
    """Claims, the oldest first."""
    found = await session.read("/v1/claims", thread_id=arguments.thread_id, active_only=arguments.active_only)
    return answer(*answers.last([answers.row(one) for one in found], "older claims are left out"))


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_acquire_claim",
        does="Claim a piece of work before doing it. acquired=false shows who has it.",
        arguments=Acquire,
        run=acquire,
    ),
    Tool(name="arc_refresh_claim", does="Prolong your claim.", arguments=Refresh, run=refresh),
    Tool(name="arc_release_claim", does="Give your claim back.", arguments=Release, run=release),
    Tool(name="arc_list_claims", does="List claims, oldest first.", arguments=WhichClaims, run=list_claims, reads=True),
)
