"""Claims over HTTP: who does which piece of work."""

from typing import Annotated

from msgspec import Meta

from api.http.as_of import Dated
from api.http.lists import After, read_list
from api.http.routes import Change, Found, Read, Reader, Route, granted_or_refused
from arclog.deciders.claims import AcquireClaim, RefreshClaim, ReleaseClaim
from projections import claims
from projections.claims import Claim
from projections.hub.hub import Hub


class ClaimsQuery(Dated, frozen=True, kw_only=True):
    """Which claims to list."""

    thread_id: Annotated[str, Meta(description="only of this thread")] | None = None
    active_only: Annotated[bool, Meta(description="leave out what was released or has lapsed")] = False
    after: After | None = None


async def list_claims(hub: Hub, query: ClaimsQuery, reader: Reader) -> Found:
    """Claims, oldest grant first."""
    return await read_list(hub, claims.list_claims, _key, query.after, reader.at, query.thread_id, query.active_only)


def _key(claim: Claim) -> str:
    return claim.claim_key


ROUTES: tuple[Route, ...] = (
    Change(
        does="Ask for a claim, or prolong one's own.",
        path="/v1/claims",
        body=AcquireClaim,
        status=granted_or_refused,
        statuses=(200, 201),
        result=Claim,
        beside=("acquired",),
    ),
    Change(
        does="Prolong a claim that one holds.",
        path="/v1/claims/refresh",
        body=RefreshClaim,
        result=Claim,
        beside=("acquired",),
    ),
    Change(
        does="Give a claim back.",
        path="/v1/claims/release",
        body=ReleaseClaim,
        result=Claim,
    ),
    Read(
        does="List the claims, oldest first.",
        path="/v1/claims",
        query=ClaimsQuery,
        answer=list_claims,
        result=list[Claim],
        beside=("more",),
    ),
)
