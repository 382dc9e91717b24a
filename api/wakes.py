"""Waking over HTTP: to have an idle agent called, and to see what came of it."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.http.as_of import Dated
from api.http.parameters import Limit, clamp_limit
from api.http.routes import ChangeRoute, ReadCaller, ReadResult, ReadRoute, Route, created_or_known
from arclog.deciders.fields import MAX_INTEGER
from arclog.deciders.wakes import AcknowledgeWake, ReportWake, RequestWake
from arclog.errors import NotFound
from arclog.events.wakes import Turn
from arclog.limits import PAGE_ROWS
from projections.encoding import encode_json
from projections.hub.hub import Hub
from projections.wakes import Wake, find_wake, list_wakes

WakeId = Annotated[int, Meta(ge=0, le=MAX_INTEGER)]


class Sleeper(Struct, frozen=True):
    """Who is to wake."""

    agent_id: str


class WakeIds(Struct, frozen=True):
    """A wake."""

    wake_id: WakeId


class Asking(Struct, frozen=True):
    """Who asks, and the message that the agent is to wake for."""

    from_agent: str
    message_id: Annotated[int, Meta(ge=0, le=MAX_INTEGER)] | None = None


class Report(Struct, frozen=True):
    """Whose turn was taken, and by which road the agent was called; or why it could not be."""

    agent_id: str
    turn: Turn
    road: str = ""
    failed: Literal["refused", "unknown_version"] | None = None


class Acknowledging(Struct, frozen=True):
    """Who has taken it up."""

    agent_id: str


class WakesQuery(Dated, frozen=True, kw_only=True):
    """Which wakes to list."""

    agent_id: Annotated[str, Meta(description="only those of this agent")] | None = None
    called: Annotated[bool, Meta(description="only those that are on their way")] = False
    limit: Limit = PAGE_ROWS


class WakeQuery(Dated, frozen=True, kw_only=True):
    """Which wake."""

    wake_id: WakeId


async def show_wakes(hub: Hub, query: WakesQuery, reader: ReadCaller) -> ReadResult:
    """Wakes, the newest first."""
    most = clamp_limit(query.limit)
    return ReadResult(
        encode_json(await hub.read_on_thread(list_wakes, reader.at, most, query.agent_id, called=query.called))
    )


async def show_wake(hub: Hub, query: WakeQuery, reader: ReadCaller) -> ReadResult:
    """One wake."""
    found = hub.read(find_wake, query.wake_id, reader.at)
    if found is None:
        raise NotFound("wake", query.wake_id)
    return ReadResult(encode_json(found))


def request(ids: Sleeper, body: Asking) -> RequestWake:
    """The command that has the agent in the path called."""
    return RequestWake(agent_id=ids.agent_id, from_agent=body.from_agent, message_id=body.message_id)


def report(ids: WakeIds, body: Report) -> ReportWake:
    """What somebody who called an agent, or could not, says of it."""
    return ReportWake(agent_id=body.agent_id, wake_id=ids.wake_id, turn=body.turn, road=body.road, failed=body.failed)


def acknowledge(ids: WakeIds, body: Acknowledging) -> AcknowledgeWake:
    """The command of an agent that has taken it up."""
    return AcknowledgeWake(agent_id=body.agent_id, wake_id=ids.wake_id)


ROUTES: tuple[Route, ...] = (
    ChangeRoute(
        does="Have an agent called that may be idle; what came of it stands in its wakes.",
        path="/v1/agents/{agent_id}/wake",
        ids=Sleeper,
        body=Asking,
        command=request,
        result=Wake,
        status=created_or_known,
        statuses=(200, 201),
    ),
    ReadRoute(
        does="List which agents were called, and whether they were seen; the newest first.",
        path="/v1/wakes",
        query=WakesQuery,
        answer=show_wakes,
        result=list[Wake],
    ),
    ReadRoute(
        does="Tell what came of one call.",
        path="/v1/wakes/{wake_id}",
        query=WakeQuery,
        answer=show_wake,
        result=Wake,
    ),
    ChangeRoute(
        does="Say that an agent was called, or could not be; for those who call agents.",
        path="/v1/wakes/{wake_id}/report",
        ids=WakeIds,
        body=Report,
        command=report,
        result=Wake,
    ),
    ChangeRoute(
        does="Say that one has taken up what one was woken for.",
        path="/v1/wakes/{wake_id}/ack",
        ids=WakeIds,
        body=Acknowledging,
        command=acknowledge,
        result=Wake,
    ),
)
