"""Claims: who does which piece of work."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from api.mcp import answers
from api.mcp.answers import Answer, answer
from api.mcp.asking_agent import AskingAgent
from api.mcp.held_leases import name_claim
from api.mcp.tool import Tool
from api.mcp.tools.arguments import ActiveOnly, After, Key, Token, TtlSec, WaitSec
from api.mcp.tools.leases import LeaseTools
from api.mcp.tools.refused import advise


class Acquire(Struct, frozen=True, kw_only=True):
    """What to claim, for how long, and how long to wait for it."""

    claim_key: Annotated[str, Meta(description="name of the work; task-<task_message_id> when left out")] | None = None
    task_message_id: int | None = None
    thread_id: str | None = None
    wait_sec: WaitSec = 0
    ttl_sec: TtlSec = 300


class Refresh(Struct, frozen=True, kw_only=True):
    """What to prolong."""

    claim_key: Key
    ttl_sec: TtlSec = 300
    fencing_token: Token | None = None


class Release(Struct, frozen=True, kw_only=True):
    """What to give back."""

    claim_key: Key
    fencing_token: Token | None = None


class WhichClaims(Struct, frozen=True, kw_only=True):
    """Which ones to list."""

    thread_id: str | None = None
    active_only: ActiveOnly = True
    after: After | None = None


LEASES: Final = LeaseTools("claims", "claim_key", "owner_agent_id", name_claim)


async def acquire(agent: AskingAgent, arguments: Acquire) -> Answer:
    """Ask for a claim; a refusal says in words what is in the way, and what to do."""
    envelope = await agent.change(
        "/v1/claims",
        owner_agent_id=agent.agent_id,
        claim_key=arguments.claim_key,
        task_message_id=arguments.task_message_id,
        thread_id=arguments.thread_id,
        wait_sec=arguments.wait_sec or None,
        ttl_sec=arguments.ttl_sec,
    )
    found = envelope["result"]
    if not envelope["acquired"]:
        agent.held_leases.drop("claims", found["claim_key"])
        return answer({"acquired": False, **answers.row(found), "advice": advise(envelope, "Do not begin it")})
    if found["owner_agent_id"] == agent.agent_id:  # else it is the claim of its parent, which a sub-agent may use
        agent.held_leases.add("claims", found["claim_key"], arguments.ttl_sec)
    return answer({"acquired": True, **answers.row(found)})


async def list_claims(agent: AskingAgent, arguments: WhichClaims) -> Answer:
    """Claims, the oldest first."""
    return await LEASES.list_all(
        agent, thread_id=arguments.thread_id, active_only=arguments.active_only, after=arguments.after
    )


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        name="arc_acquire_claim",
        does="Claim a task or piece of work before doing it, so that no other agent does; asking again prolongs it. "
        "acquired=false shows the owner.",
        arguments=Acquire,
        run=acquire,
        waits=True,
        core=True,
    ),
    Tool(name="arc_refresh_claim", does="Prolong your claim.", arguments=Refresh, run=LEASES.refresh),
    Tool(
        name="arc_release_claim",
        does="Give your claim on work back.",
        arguments=Release,
        run=LEASES.release,
        core=True,
    ),
    Tool(
        name="arc_list_claims",
        does="List claims on work and their owners, oldest first.",
        arguments=WhichClaims,
        run=list_claims,
        reads=True,
    ),
)
