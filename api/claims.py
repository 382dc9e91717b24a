"""Claims over HTTP: who does which piece of work."""

from typing import Annotated

from msgspec import Meta

from api.http.lists import Listed, read_list
from api.http.routes import WAITING, ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route, granted_or_refused
from api.leases import Commands, holder_routes
from arclog.deciders.claims import (
    AcquireClaim,
    ForceReleaseClaim,
    HandOverClaim,
    LeaveClaimQueue,
    RefreshClaim,
    ReleaseClaim,
)
from projections import claims
from projections.claims import Claim
from projections.hub.hub import Hub


class ClaimsQuery(Listed, frozen=True, kw_only=True):
    """Which claims to list."""

    thread_id: Annotated[str, Meta(description="only of this thread")] | None = None
    active_only: Annotated[bool, Meta(description="leave out what was released or has lapsed")] = False


async def list_claims(hub: Hub, query: ClaimsQuery, reader: ReadCaller) -> ReadResult:
    """Claims, oldest grant first."""
    return await read_list(hub, query, claims.each_claim, _key, reader.at, query.thread_id, query.active_only)


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
    *holder_routes(
        "claim",
        Commands(RefreshClaim, ReleaseClaim, HandOverClaim, ForceReleaseClaim, LeaveClaimQueue),
        Claim,
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
