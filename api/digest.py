"""The digest over HTTP: what changed while an agent was away."""

from typing import Annotated

from msgspec import Meta, Struct

from api.http.routes import ReadCaller, ReadResult, ReadRoute, Route
from arclog.deciders.fields import MAX_INTEGER
from projections.encoding import encode_json
from projections.history.digest import LEAST_CHARS, MAX_CHARS, Digest, read_digest
from projections.hub.hub import Hub


class DigestQuery(Struct, frozen=True, kw_only=True):
    """Whose digest, since when, and how long."""

    agent_id: Annotated[str, Meta(description="who was away")]
    since: (
        Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="the event after which; its own last unless given")]
        | None
    ) = None
    max_chars: Annotated[int, Meta(ge=LEAST_CHARS, le=20_000, description="how long the text may be")] = MAX_CHARS


async def show_digest(hub: Hub, query: DigestQuery, reader: ReadCaller) -> ReadResult:
    """What changed, the most pressing first."""
    found = await hub.read_on_thread(read_digest, query.agent_id, reader.at, query.since, query.max_chars)
    return ReadResult(encode_json(found))


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="Tell what changed while an agent was away, in a few lines.",
        path="/v1/digest",
        query=DigestQuery,
        answer=show_digest,
        result=Digest,
        personal=True,
    ),
)
