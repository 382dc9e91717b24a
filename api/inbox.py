"""The inbox over HTTP: what was said to one agent alone."""

from api.http.as_of import Dated
from api.http.parameters import DEFAULT_LIMIT, Cursor, Limit, Tail, clamp_limit
from api.http.routes import Found, Read, Reader, Route
from projections.hub.hub import Hub
from projections.inbox import read_inbox
from projections.messages import Message


class InboxQuery(Dated, frozen=True, kw_only=True):
    """Which messages of an inbox to read."""

    agent_id: str
    since_id: Cursor = 0
    limit: Limit = DEFAULT_LIMIT
    tail: Tail = False


async def list_inbox(hub: Hub, query: InboxQuery, reader: Reader) -> Found:
    """Messages to one agent."""
    tail = query.tail and not query.since_id
    page = hub.read(read_inbox, query.agent_id, reader.at, query.since_id, clamp_limit(query.limit), tail)
    return Found(page.json())


ROUTES: tuple[Route, ...] = (
    Read(
        does="Read the messages to one agent.",
        path="/v1/inbox/{agent_id}",
        query=InboxQuery,
        answer=list_inbox,
        result=list[Message],
    ),
)
