"""Sessions over HTTP: who is here."""

from typing import Annotated

from msgspec import Meta, Raw, Struct, field

from api.http.as_of import Dated
from api.http.lists import Listed, read_list
from api.http.parameters import MaxBytes, clamp_bytes
from api.http.routes import ChangeRoute, NoBody, ReadCaller, ReadResult, ReadRoute, Route, created
from arclog.deciders.sessions import CloseSession, OpenSession, RenameSession
from arclog.errors import NotFound
from arclog.events import GENERAL_CHANNEL
from arclog.limits import ANSWER_BYTES
from arclog.sqlite.reads import find_last_seen
from arclog.sqlite.snapshot import Snapshot, together
from projections import inbox, message_pages, sessions
from projections.budget import Budget
from projections.encoding import encode_json, json_array
from projections.hub.hub import Hub
from projections.intervals import AsOf
from projections.sessions import Session
from projections.times import timestamp


class AgentIds(Struct, frozen=True):
    """An agent."""

    agent_id: str


class SessionIds(Struct, frozen=True):
    """A session."""

    session_id: str


class Renaming(Struct, frozen=True):
    """The new name of an agent."""

    display_name: str


class ClosedSession(Struct, frozen=True):
    """A session that was ended."""

    session_id: str
    deleted: bool


class AgentsQuery(Listed, frozen=True, kw_only=True):
    """Which live sessions to list."""

    capability: Annotated[str, Meta(description="only agents with exactly this capability")] | None = None
    caller: Annotated[str, Meta(description="the agent that asks; keeps its session alive")] | None = field(
        default=None, name="as"
    )


class AgentQuery(Dated, frozen=True, kw_only=True):
    """Which agent to look for."""

    agent_id: Annotated[str, Meta(description="the agent")]
    caller: Annotated[str, Meta(description="the agent that asks; keeps its session alive")] | None = field(
        default=None, name="as"
    )


class BootstrapQuery(Dated, frozen=True, kw_only=True):
    """Who starts."""

    agent_id: Annotated[str, Meta(description="the agent that asks; keeps its session alive")]
    max_bytes: MaxBytes = ANSWER_BYTES


class KnownAgent(Struct, frozen=True):
    """An agent that is here, or was: it registered once, or did something else.

    Attributes:
        agent_id: the agent.
        session: its live session, if it has one.
        last_seen: when it last did anything.
    """

    agent_id: str
    session: Session | None
    last_seen: str


class Bootstrap(Struct, frozen=True):
    """All that an agent needs to begin; where there is more, the live agents go on in `GET /v1/agents`."""

    agent_id: str
    session: Session | None
    latest_visible_id: int
    live_agents: list[Session]
    default_channel: str


class _EncodedBootstrap(Struct, frozen=True):
    """A `Bootstrap` whose agents are JSON already."""

    agent_id: str
    session: Session | None
    latest_visible_id: int
    live_agents: Raw
    default_channel: str


async def list_agents(hub: Hub, query: AgentsQuery, reader: ReadCaller) -> ReadResult:
    """Live sessions by agent id."""
    if query.caller is not None:
        hub.attendance.see(query.caller)
    return await read_list(hub, query, sessions.each_session, _key, reader.at, query.capability)


async def show_agent(hub: Hub, query: AgentQuery, reader: ReadCaller) -> ReadResult:
    """One agent, found without listing the others."""
    if query.caller is not None:
        hub.attendance.see(query.caller)
    seen = hub.read(find_last_seen, query.agent_id, reader.at.at)
    if seen is None:
        raise NotFound("agent", query.agent_id, "has never been here")
    session = hub.read(sessions.find_session, query.agent_id, reader.at)
    return ReadResult(encode_json(KnownAgent(query.agent_id, session, timestamp(seen))))


async def bootstrap(hub: Hub, query: BootstrapQuery, reader: ReadCaller) -> ReadResult:
    """Where an agent stands."""
    hub.attendance.see(query.agent_id)
    return await hub.read_on_thread(_read_bootstrap, query, reader.at)


def _key(session: Session) -> str:
    return session.agent_id


@together
def _read_bootstrap(snapshot: Snapshot, query: BootstrapQuery, at: AsOf) -> ReadResult:
    agent_id, budget = query.agent_id, Budget(clamp_bytes(query.max_bytes))
    found = _EncodedBootstrap(
        agent_id,
        snapshot.read(sessions.find_session, agent_id, at),
        max(snapshot.read(message_pages.find_latest_broadcast, at), snapshot.read(inbox.find_latest, agent_id, at)),
        Raw(json_array(budget.fill(snapshot.read(sessions.each_session, at), encode_json))),
        GENERAL_CHANNEL,
    )
    return ReadResult(encode_json(found), budget.spent)


def rename(ids: AgentIds, body: Renaming) -> RenameSession:
    """The command that renames the agent in the path."""
    return RenameSession(agent_id=ids.agent_id, display_name=body.display_name)


def close(ids: SessionIds, body: NoBody) -> CloseSession:
    """The command that ends the session in the path."""
    return CloseSession(session_id=ids.session_id)


ROUTES: tuple[Route, ...] = (
    ChangeRoute(
        does="Register an agent.",
        path="/v1/sessions",
        body=OpenSession,
        status=created,
        statuses=(201,),
        result=Session,
    ),
    ChangeRoute(
        does="Change the name that an agent is shown by.",
        path="/v1/sessions/{agent_id}/rename",
        ids=AgentIds,
        body=Renaming,
        command=rename,
        result=Session,
    ),
    ChangeRoute(
        does="End a session.",
        method="DELETE",
        path="/v1/sessions/{session_id}",
        ids=SessionIds,
        body=NoBody,
        command=close,
        result=ClosedSession,
    ),
    ReadRoute(
        does="List live sessions, by agent id.",
        path="/v1/agents",
        query=AgentsQuery,
        answer=list_agents,
        result=list[Session],
        beside=("more",),
    ),
    ReadRoute(
        does="Show one agent, and its session if it has one.",
        path="/v1/agents/{agent_id}",
        query=AgentQuery,
        answer=show_agent,
        result=KnownAgent,
    ),
    ReadRoute(
        does="Tell an agent where it stands.",
        path="/v1/bootstrap",
        query=BootstrapQuery,
        answer=bootstrap,
        result=Bootstrap,
        personal=True,
        beside=("more",),
    ),
)
