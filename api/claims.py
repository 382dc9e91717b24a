"""Claims over HTTP: who does which piece of work."""

from typing import Annotated

from msgspec import Meta

from api.http.as_of import Dated
from api.http.lists import Listed, read_list
from api.http.routes import WAITING, ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route, granted_or_refused
from arclog.deciders.claims import (
    AcquireClaim,
    ForceReleaseClaim,
    HandOverClaim,
    LeaveClaimQueue,
    RefreshClaim,
    ReleaseClaim,
)
from projections import claims, queue
from projections.claims import Claim
from projections.encoding import encode_json
from projections.hub.hub import Hub
from projections.places import QueuePlace


class ClaimsQuery(Listed, frozen=True, kw_only=True):
    """Which claims to list."""

    thread_id: Annotated[str, Meta(description="only of this thread")] | None = None
    active_only: Annotated[bool, Meta(description="leave out what was released or has lapsed")] = False


async def list_claims(hub: Hub, query: ClaimsQuery, reader: ReadCaller) -> ReadResult:
    """Claims, oldest grant first."""
    return await read_list(hub, query, claims.each_claim, _key, reader.at, query.thread_id, query.active_only)


class ClaimsQueueQuery(Dated, frozen=True, kw_only=True):
    """Whose places to list."""

    agent_id: Annotated[str, Meta(description="only of this agent")] | None = None


async def list_queue(hub: Hub, query: ClaimsQueueQuery, reader: ReadCaller) -> ReadResult:
    """Those who wait for claims, in their order."""
    return ReadResult(encode_json(await hub.read_on_thread(queue.list_queue, reader.at, "claim", query.agent_id)))


def _key(claim: Claim) -> str:
    return claim.claim_key


ROUTES: tuple[Route, ...] = (
    ChangeRoute(
        does="Ask for a claim, or prolong one's own; wait for it where another has it.",
        path="/v1/claims",
        body=AcquireClaim,
        status=granted_or_refused,
        statuses=(200, 201),
        result=Claim,
        beside=("acquired", "holder_left_at", *WAITING),
    ),
    ChangeRoute(
        does="Prolong a claim that one holds.",
        path="/v1/claims/refresh",
        body=RefreshClaim,
        result=Claim,
        beside=("acquired",),
    ),
    ChangeRoute(
        does="Give a claim back.",
        path="/v1/claims/release",
        body=ReleaseClaim,
        result=Claim,
    ),
    ChangeRoute(
        does="Give a claim to another agent, with no moment in between at which it is free.",
        path="/v1/claims/handover",
        body=HandOverClaim,
        result=Claim,
    ),
    ChangeRoute(
        does="Free a claim that another agent holds, and say why.",
        path="/v1/claims/force-release",
        body=ForceReleaseClaim,
        result=Claim,
    ),
    ChangeRoute(
        does="Give up a place in the queue.",
        path="/v1/claims/leave",
        body=LeaveClaimQueue,
        result=QueuePlace,
    ),
    ReadRoute(
        does="List those who wait for claims, in their order.",
        path="/v1/claims/queue",
        query=ClaimsQueueQuery,
        answer=list_queue,
        result=list[QueuePlace],
    ),
    ReadRoute(
        does="List the claims, oldest first.",
        path="/v1/claims",
        query=ClaimsQuery,
        answer=list_claims,
        result=list[Claim],
        beside=("more",),
    ),
)
