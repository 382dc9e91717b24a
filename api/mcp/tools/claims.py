"""Claims: who does which piece of work."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.tool import Tool
from api.mcp.tools.arguments import ActiveOnly, After, Key, TtlSec


class Acquire(Struct, frozen=True, kw_only=True):
    """What to claim, and for how long."""

    claim_key: Annotated[str, Meta(description="name of the work; task-<task_message_id> when left out")] | None = None
    task_message_id: int | None = None
    thread_id: str | None = None
    ttl_sec: TtlSec = 300


class Refresh(Struct, frozen=True, kw_only=True):
    """What to prolong."""

    claim_key: Key
    ttl_sec: TtlSec = 300


class Release(Struct, frozen=True, kw_only=True):
    """What to give back."""

    claim_key: Key


class WhichClaims(Struct, frozen=True, kw_only=True):
    """Which ones to list."""

    thread_id: str | None = None
    active_only: ActiveOnly = True
    after: After | None = None


async def acquire(agent: AskingAgent, arguments: Acquire) -> Answer:
    """Ask for a claim; the answer shows the holder."""
    envelope = await agent.change(
        "/v1/claims",
        owner_agent_id=agent.agent_id,
        claim_key=arguments.claim_key,
        task_message_id=arguments.task_message_id,
        thread_id=arguments.thread_id,
        ttl_sec=arguments.ttl_sec,
    )
    found = envelope["result"]
    if envelope["acquired"]:
        agent.holdings.hold("claims", found["claim_key"], arguments.ttl_sec)
    else:
        agent.holdings.drop("claims", found["claim_key"])
    return answer({"acquired": envelope["acquired"], **answers.row(found)})


async def refresh(agent: AskingAgent, arguments: Refresh) -> Answer:
    """Prolong a claim of one's own."""
    envelope = await agent.change(
        "/v1/claims/refresh",
        owner_agent_id=agent.agent_id,
        claim_key=arguments.claim_key,
        ttl_sec=arguments.ttl_sec,
    )
    agent.holdings.hold("claims", envelope["result"]["claim_key"], arguments.ttl_sec)
    return answer(answers.row(envelope["result"]))


async def release(agent: AskingAgent, arguments: Release) -> Answer:
    """Give a claim back."""
    envelope = await agent.change("/v1/claims/release", agent_id=agent.agent_id, claim_key=arguments.claim_key)
    agent.holdings.drop("claims", envelope["result"]["claim_key"])
    return answer(answers.row(envelope["result"]))


async def list_claims(agent: AskingAgent, arguments: WhichClaims) -> Answer:
    """Claims, the oldest first."""
    found = await agent.read(
        "/v1/claims", thread_id=arguments.thread_id, active_only=arguments.active_only, after=arguments.after
    )
    page = answers.first(map(answers.row, found))
    return answer({"claims": page.rows}, answers.go_on(page, "claim_key"))


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_acquire_claim",
        does="Claim a task or piece of work before doing it, so that no other agent does; asking again prolongs it. "
        "acquired=false shows the owner.",
        arguments=Acquire,
        run=acquire,
        core=True,
    ),
    Tool(name="arc_refresh_claim", does="Prolong your claim.", arguments=Refresh, run=refresh),
    Tool(name="arc_release_claim", does="Give your claim on work back.", arguments=Release, run=release, core=True),
    Tool(
        name="arc_list_claims",
        does="List claims on work and their owners, oldest first.",
        arguments=WhichClaims,
        run=list_claims,
        reads=True,
    ),
)
