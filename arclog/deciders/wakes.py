"""Waking: who may be called, whose turn it is, and when an agent counts as dark."""

from typing import ClassVar, Final, Literal

from msgspec import Struct

from arclog.deciders import fields
from arclog.errors import Conflict, InvalidInput, NotFound
from arclog.events import AgentDark, WakeAcknowledged, WakeFailed, WakeRequested, WakeSeen, WakeSent
from arclog.events.wakes import TURNS, Turn, WhyFailed
from arclog.limits import MICROSECONDS

State = Literal["requested", "sent", "seen", "acknowledged", "dark"]

TAKEN_WITHIN: Final = 3 * MICROSECONDS
"""A turn that nobody takes for so long is the next one's."""
SEEN_WITHIN: Final = 60 * MICROSECONDS
"""How long an agent that was called has to be seen."""
MAX_ROAD_CHARS: Final = 64


class RequestWake(Struct, frozen=True, kw_only=True):
    """Have an agent called that may be idle.

    Attributes:
        agent_id: who is to wake.
        from_agent: who asks for it.
        message_id: the message that it is to wake for.
    """

    sender_field: ClassVar[str | None] = "from_agent"

    agent_id: str
    from_agent: str
    message_id: int | None = None


class ReportWake(Struct, frozen=True, kw_only=True):
    """Say that an agent was called, or could not be.

    Attributes:
        agent_id: whom.
        wake_id: what it was to wake for.
        turn: whose turn was taken.
        road: how it was called.
        failed: why it could not be.
    """

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    wake_id: int
    turn: Turn
    road: str = ""
    failed: Literal["refused", "unknown_version"] | None = None


class SeeWake(Struct, frozen=True, kw_only=True):
    """Note that an agent which is to wake is there."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str


class AcknowledgeWake(Struct, frozen=True, kw_only=True):
    """Say that one has taken up what one was woken for."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    wake_id: int


class OpenWake(Struct, frozen=True):
    """How it stands with a wake.

    Attributes:
        wake_id: its id.
        agent_id: who is to wake.
        state: how far it has come.
        turn: whose turn it is.
    """

    wake_id: int
    agent_id: str
    state: State
    turn: Turn


class Waking(Struct, frozen=True):
    """What is known when somebody is to be woken.

    Attributes:
        last: the agent's last wake.
        is_known: whether it was ever here.
        has_message: whether the message is there, and one that the agent may read.
    """

    last: OpenWake | None
    is_known: bool
    has_message: bool


def is_called(state: State) -> bool:
    """Whether a wake in this state is still on its way."""
    return state in {"requested", "sent"}


def decide_request(state: Waking, command: RequestWake, now: int) -> WakeRequested | None:
    """Have an agent called; None while it is being called already.

    Raises:
        InvalidInput: it is oneself, or the message is none that it may read.
        NotFound: it was never here.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    from_agent = fields.agent("from_agent", command.from_agent)
    if agent_id == from_agent:
        raise InvalidInput("agent_id", "is the one who asks: an agent that asks is awake")
    if not state.is_known:
        raise NotFound("agent", agent_id, "has never been here")
    if command.message_id is not None and not state.has_message:
        raise InvalidInput("message_id", f"{command.message_id} is not a message that {agent_id} may read")
    if state.last is not None and is_called(state.last.state):
        return None
    return WakeRequested(agent_id=agent_id, from_agent=from_agent, message_id=command.message_id)


def decide_report(wake: OpenWake | None, command: ReportWake, now: int) -> WakeSent | WakeFailed:
    """Note that an agent was called, or could not be.

    Raises:
        NotFound: there is no such wake of the agent.
        Conflict: it is over, or another's turn.
    """
    wake = _own(wake, command.agent_id, command.wake_id)
    if not is_called(wake.state) or wake.turn != command.turn:
        raise Conflict(f"wake {wake.wake_id} is {wake.state}, and the turn is that of {wake.turn}")
    if command.failed is not None:
        return fail(wake, command.failed)
    road = command.road.strip()
    if not 1 <= len(road) <= MAX_ROAD_CHARS or not road.isprintable():
        raise InvalidInput("road", f"must be a name of 1 to {MAX_ROAD_CHARS} characters, as in claude-inbox")
    return WakeSent(agent_id=wake.agent_id, wake_id=wake.wake_id, road=road)


def decide_see(wake: OpenWake | None, command: SeeWake, now: int) -> WakeSeen | None:
    """An agent is there; that is news while it is called, or after it counted as dark."""
    if wake is None or wake.state in {"seen", "acknowledged"}:
        return None
    return WakeSeen(agent_id=wake.agent_id, wake_id=wake.wake_id)


def decide_acknowledge(wake: OpenWake | None, command: AcknowledgeWake, now: int) -> WakeAcknowledged | None:
    """An agent has taken up what it was woken for; None when it said so before.

    Raises:
        NotFound: there is no such wake of the agent.
    """
    wake = _own(wake, command.agent_id, command.wake_id)
    if wake.state == "acknowledged":
        return None
    return WakeAcknowledged(agent_id=wake.agent_id, wake_id=wake.wake_id)


def decide_due(wake: OpenWake, now: int, *, was_there: bool) -> WakeSeen | WakeFailed | AgentDark:
    """What comes of a wake whose time is over.

    Args:
        wake: the wake.
        now: the log's time.
        was_there: whether the agent did anything since it was to be called.
    """
    if was_there:
        return WakeSeen(agent_id=wake.agent_id, wake_id=wake.wake_id)
    if next_turn(wake.turn) is None:
        return AgentDark(agent_id=wake.agent_id, wake_id=wake.wake_id)
    return fail(wake, "unseen" if wake.state == "sent" else "untaken")


def fail(wake: OpenWake, why: WhyFailed) -> WakeFailed:
    """The event of a turn that came to nothing."""
    return WakeFailed(
        agent_id=wake.agent_id, wake_id=wake.wake_id, turn=wake.turn, why=why, next_turn=next_turn(wake.turn)
    )


def next_turn(turn: Turn) -> Turn | None:
    """Whose turn comes after one; None after the last."""
    place = TURNS.index(turn) + 1
    return TURNS[place] if place < len(TURNS) else None


def due_at(turn: Turn, since: int, *, sent: bool) -> int:
    """When a turn is over, in microseconds.

    Args:
        turn: whose it is.
        since: since when, or since when the agent was called.
        sent: whether it was called.
    """
    return since + (SEEN_WITHIN if sent or next_turn(turn) is None else TAKEN_WITHIN)


def _own(wake: OpenWake | None, agent_id: str, wake_id: int) -> OpenWake:
    agent_id = fields.agent("agent_id", agent_id)
    if wake is None or wake.agent_id != agent_id:
        raise NotFound("wake", wake_id, f"of {agent_id} is unknown")
    return wake
