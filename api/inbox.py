"""The inbox over HTTP: what was said to one agent alone."""

from api.http.as_of import Dated
from api.http.parameters import Cursor, Limit, MaxBytes, Tail, clamp_bytes, clamp_limit
from api.http.routes import ReadCaller, ReadResult, ReadRoute, Route
from arclog.limits import ANSWER_BYTES, PAGE_ROWS
from arclog.sqlite.snapshot import Snapshot, together
from projections.hub.hub import Hub
from projections.inbox import read_inbox
from projections.messages import Message, Page


class InboxQuery(Dated, frozen=True, kw_only=True):
    """Which messages of an inbox to read."""

    agent_id: str
    since_id: Cursor = 0
    limit: Limit = PAGE_ROWS
    tail: Tail = False
    max_bytes: MaxBytes = ANSWER_BYTES


async def list_inbox(hub: Hub, query: InboxQuery, reader: ReadCaller) -> ReadResult:
    """Messages to one agent."""
    tail = query.tail and not query.since_id

    @together
    def read(snapshot: Snapshot, limit: int, max_bytes: int) -> Page:
        return snapshot.read(read_inbox, query.agent_id, reader.at, query.since_id, limit, tail, max_bytes)

    page = await hub.reading.read_page(read, clamp_limit(query.limit), clamp_bytes(query.max_bytes))
    return ReadResult(page.json(), page.more)


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="Read the messages to one agent.",
        path="/v1/inbox/{agent_id}",
        query=InboxQuery,
        answer=list_inbox,
        result=list[Message],
        beside=("more",),
    ),
)
