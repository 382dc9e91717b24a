"""Sessions: who is here, and when somebody is no longer."""

import re
from typing import ClassVar, Final

from msgspec import Struct

from arclog.deciders import fields
from arclog.deciders.families import check_name
from arclog.errors import Conflict, InvalidInput, NotFound, SessionCollision
from arclog.events import JsonObject, SessionClosed, SessionOpened, SessionRenamed
from arclog.events.processes import Process

_is_absolute = re.compile(r"/|[A-Za-z]:[/\\]").match
MAX_NAME_CHARS: Final = 64
MAX_CAPABILITIES: Final = 256


class OpenSession(Struct, frozen=True, kw_only=True):
    """Register an agent; the paths that it names are relative to the folder `root`, else to the hub's own.

    `parent` makes it a sub-agent, which is called `parent.name`.
    """

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    display_name: str | None = None
    capabilities: list[str] | None = None
    metadata: JsonObject | None = None
    replace: bool = False
    process: Process | None = None
    root: str | None = None
    parent: str | None = None


class RenameSession(Struct, frozen=True, kw_only=True):
    """Change the name that an agent is shown by."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    display_name: str


class CloseSession(Struct, frozen=True, kw_only=True):
    """End a session."""

    sender_field: ClassVar[str | None] = None

    session_id: str


class LiveSession(Struct, frozen=True):
    """A session that has not ended, as the rules see it."""

    session_id: str
    agent_id: str
    last_seen_at: int


class Opening(Struct, frozen=True):
    """What is known when an agent registers.

    Attributes:
        live: its live session, if any.
        new_session_id: an unused id for the new one.
        parent: whose sub-agent it is to be: as it says, or as it was before.
        parent_is_live: whether that one has a session.
        grandparent: whose sub-agent that one is.
        has_sub_agents: whether it has sub-agents itself.
        is_busy: whether it holds or waits for something as an agent of its own.
    """

    live: LiveSession | None
    new_session_id: str
    parent: str | None = None
    parent_is_live: bool = False
    grandparent: str | None = None
    has_sub_agents: bool = False
    is_busy: bool = False


def decide_open(state: Opening, command: OpenSession, now: int) -> SessionOpened:
    """Grant a session; a live one of the same agent is only replaced when the caller says so.

    Raises:
        InvalidInput: it cannot be the sub-agent of whom it names.
        Conflict: it cannot become one now.
        NotFound: the parent has no session.
        SessionCollision: the agent has one.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    _check_parent(state, agent_id)
    opened = SessionOpened(
        agent_id=agent_id,
        session_id=state.new_session_id,
        display_name=fields.optional_id("display_name", command.display_name) or agent_id,
        capabilities=_capabilities(command.capabilities),
        metadata=fields.metadata(command.metadata),
        replaced_session_id=state.live.session_id if state.live else None,
        process=_process(command.process),
        root=_root(command.root),
        parent=state.parent,
    )
    if state.live is not None and not command.replace:
        raise SessionCollision(agent_id)
    return opened


def _check_parent(state: Opening, agent_id: str) -> None:
    parent = state.parent
    if parent is None:
        return
    check_name(agent_id, parent)
    if state.grandparent is not None:
        raise InvalidInput("parent", f"must not be a sub-agent: {parent} is one of {state.grandparent}")
    if state.has_sub_agents:
        raise InvalidInput("parent", f"cannot be given: {agent_id} has sub-agents itself")
    if state.is_busy:
        raise Conflict(f"{agent_id} holds or waits for something: it can become a sub-agent when it has let go of that")
    if not state.parent_is_live:
        raise NotFound("agent", parent, f"has no active session, so {agent_id} cannot be its sub-agent")


def _capabilities(values: list[str] | None) -> tuple[str, ...]:
    if not values:
        return ()
    if len(values) > MAX_CAPABILITIES:
        raise InvalidInput("capabilities", f"must be at most {MAX_CAPABILITIES}, not {len(values)}")
    return tuple(fields.required_id("capabilities", value) for value in values if value.strip())


def _root(root: str | None) -> str | None:
    if root is None:
        return None
    root = fields.file_path("root", root)
    if not _is_absolute(root):
        raise InvalidInput("root", f"must be a folder in full, such as /home/ada/web, not {root!r}")
    return root


def _process(process: Process | None) -> Process | None:
    if process is not None:
        fields.integer("process.pid", process.pid)
        fields.integer("process.started", process.started)
        fields.required_id("process.boot_id", process.boot_id)
    return process


def decide_rename(live: LiveSession | None, command: RenameSession, now: int) -> SessionRenamed:
    """Rename the agent's live session."""
    agent_id = fields.agent("agent_id", command.agent_id)
    name = fields.required_text("display_name", command.display_name, MAX_NAME_CHARS)
    if live is None:
        raise NotFound("agent", agent_id, "has no active session")
    return SessionRenamed(agent_id=agent_id, session_id=live.session_id, display_name=name)


def decide_close(live: LiveSession | None, command: CloseSession, now: int) -> SessionClosed:
    """End a session by its id."""
    if live is None:
        raise NotFound("session", command.session_id, "is unknown or no longer active")
    return SessionClosed(agent_id=live.agent_id, session_id=live.session_id)
