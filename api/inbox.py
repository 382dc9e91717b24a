"""The inbox over HTTP: what was said to one agent alone, and whether it was taken up."""

from typing import Annotated

from msgspec import Meta, Struct

from api.http.as_of import Dated
from api.http.parameters import Cursor, Limit, MaxBytes, Tail, clamp_bytes, clamp_limit
from api.http.routes import ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route
from arclog.deciders.fields import MAX_INTEGER
from arclog.deciders.receipts import AcknowledgeMessages
from arclog.limits import ANSWER_BYTES, PAGE_ROWS
from arclog.sqlite.snapshot import Snapshot, together
from projections.encoding import encode_json
from projections.hub.hub import Hub
from projections.inbox import read_inbox
from projections.message_pages import Page, read_by_ids
from projections.messages import Message
from projections.receipts import Receipt, find_receipt, list_overdue, list_wanted


class InboxQuery(Dated, frozen=True, kw_only=True):
    """Which messages of an inbox to read."""

    agent_id: str
    since_id: Cursor = 0
    limit: Limit = PAGE_ROWS
    tail: Tail = False
    max_bytes: MaxBytes = ANSWER_BYTES
    unacked: Annotated[bool, Meta(description="only what it is to acknowledge and has not, oldest first")] = False


class Acknowledged(Struct, frozen=True):
    """The messages that were acknowledged by this call, and not before."""

    acknowledged: tuple[int, ...]


class InboxIds(Struct, frozen=True):
    """Whose inbox."""

    agent_id: str


class Acknowledgement(Struct, frozen=True):
    """Which messages were taken up."""

    ids: list[int]


class ReceiptsQuery(Dated, frozen=True, kw_only=True):
    """Which messages that are not acknowledged yet."""

    from_agent: Annotated[str, Meta(description="only what this agent wants acknowledged")] | None = None
    to_agent: Annotated[str, Meta(description="only what this agent is to acknowledge")] | None = None
    overdue: Annotated[bool, Meta(description="only that whose time is over")] = False
    limit: Limit = PAGE_ROWS


class ReceiptQuery(Dated, frozen=True, kw_only=True):
    """Which message."""

    message_id: Annotated[int, Meta(ge=0, le=MAX_INTEGER)]


async def list_inbox(hub: Hub, query: InboxQuery, reader: ReadCaller) -> ReadResult:
    """Messages to one agent."""
    if query.unacked:
        return await _list_unacked(hub, query, reader)
    tail = query.tail and not query.since_id

    @together
    def read(snapshot: Snapshot, limit: int, max_bytes: int) -> Page:
        return snapshot.read(read_inbox, query.agent_id, reader.at, query.since_id, limit, tail, max_bytes)

    page = await hub.reading.read_page(read, clamp_limit(query.limit), clamp_bytes(query.max_bytes))
    return ReadResult(page.json(), page.more)


async def _list_unacked(hub: Hub, query: InboxQuery, reader: ReadCaller) -> ReadResult:
    @together
    def read(snapshot: Snapshot) -> Page:
        limit = clamp_limit(query.limit)
        wanted = snapshot.read(list_wanted, reader.at, limit, to_agent=query.agent_id, after=query.since_id)
        return snapshot.read(read_by_ids, [one.message_id for one in wanted], clamp_bytes(query.max_bytes))

    page = await hub.read_on_thread(read)
    return ReadResult(page.json(), page.more)


async def list_receipts(hub: Hub, query: ReceiptsQuery, reader: ReadCaller) -> ReadResult:
    """Messages that are not acknowledged yet, oldest first."""
    read = list_overdue if query.overdue else list_wanted
    found = await hub.read_on_thread(
        read, reader.at, clamp_limit(query.limit), to_agent=query.to_agent, from_agent=query.from_agent
    )
    return ReadResult(encode_json(found))


async def show_receipt(hub: Hub, query: ReceiptQuery, reader: ReadCaller) -> ReadResult:
    """How it stands with one message."""
    found = hub.read(find_receipt, query.message_id, reader.at)
    return ReadResult(encode_json([] if found is None else [found]))


def acknowledge(ids: InboxIds, body: Acknowledgement) -> AcknowledgeMessages:
    """The command that acknowledges messages of the inbox in the path."""
    return AcknowledgeMessages(agent_id=ids.agent_id, ids=body.ids)


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="Read the messages to one agent.",
        path="/v1/inbox/{agent_id}",
        query=InboxQuery,
        answer=list_inbox,
        result=list[Message],
        beside=("more",),
        personal=True,
    ),
    ChangeRoute(
        does="Acknowledge messages that ask for it; one event for all of them.",
        path="/v1/inbox/{agent_id}/ack",
        ids=InboxIds,
        body=Acknowledgement,
        command=acknowledge,
        result=Acknowledged,
    ),
    ReadRoute(
        does="List the messages that are not acknowledged yet.",
        path="/v1/receipts",
        query=ReceiptsQuery,
        answer=list_receipts,
        result=list[Receipt],
    ),
    ReadRoute(
        does="Tell whether a message was acknowledged; nothing when it does not ask for it.",
        path="/v1/messages/{message_id}/receipts",
        query=ReceiptQuery,
        answer=show_receipt,
        result=list[Receipt],
    ),
)
