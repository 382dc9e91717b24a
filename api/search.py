"""Search over HTTP: finding what was said."""

from typing import Annotated, Final, Literal

from msgspec import Meta, field

from api.http.as_of import Dated
from api.http.routes import ReadCaller, ReadResult, ReadRoute, Route
from arclog.deciders.fields import MAX_INTEGER
from projections.encoding import encode_json
from projections.hub.hub import Hub
from projections.search.query import Hit, SearchQuery

MAX_QUESTION_CHARS: Final = 16_384
MAX_HITS: Final = 100

Place = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]


class SearchParameters(Dated, frozen=True, kw_only=True):
    """What to look for, and where."""

    q: Annotated[
        str,
        Meta(
            max_length=MAX_QUESTION_CHARS,
            description="words that must all occur, the last perhaps cut short; text in double quotes as it is",
        ),
    ] = ""
    from_agent: Annotated[str, Meta(description="only what this agent said")] | None = field(name="from", default=None)
    to: Annotated[str, Meta(description="only what was said to this agent alone")] | None = None
    channel: Annotated[str, Meta(description="only in this channel")] | None = None
    thread_id: Annotated[str, Meta(description="only in this thread")] | None = None
    kind: Annotated[str, Meta(description="only messages of this kind")] | None = None
    after: Annotated[Place, Meta(description="only messages with a greater id")] = 0
    before: Annotated[Place, Meta(description="only messages with a smaller id")] = MAX_INTEGER
    limit: Annotated[
        int, Meta(ge=1, description=f"at most this many hits; more than {MAX_HITS} counts as {MAX_HITS}")
    ] = 20
    order: Annotated[
        Literal["newest", "best"], Meta(description="the newest first, or the best of the newest 5,000")
    ] = "newest"


async def search(hub: Hub, query: SearchParameters, reader: ReadCaller) -> ReadResult:
    """Messages that answer, each with the part that does."""
    question = SearchQuery(
        q=query.q,
        from_agent=query.from_agent,
        to_agent=query.to,
        channel=query.channel,
        thread_id=query.thread_id,
        kind=query.kind,
        after=query.after,
        before=query.before,
        limit=min(query.limit, MAX_HITS),
        order=query.order,
    )
    hits, more = await hub.reading.search(question, reader.at)
    return ReadResult(encode_json(hits), more=more)


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="Find what was said, by its words.",
        path="/v1/search",
        query=SearchParameters,
        answer=search,
        result=list[Hit],
        beside=("more",),
    ),
)
