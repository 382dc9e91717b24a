"""Waking: an idle agent is called, by one road after the other, until it is seen or counts as dark."""

from typing import ClassVar, Final, Literal

from msgspec import Struct

from arclog.events.messages import SYSTEM
from arclog.events.rule_numbers import WORK_RULES

Turn = Literal["harness", "watch"]
"""Whose turn it is to call an agent: what its harness has for that, or anyone who runs a command for it."""
TURNS: Final[tuple[Turn, ...]] = ("harness", "watch")
WhyFailed = Literal["untaken", "unseen", "refused", "unknown_version"]
"""Nobody took the turn; the agent was called and not seen; the road would not; the harness's version is not known."""
BY_THE_CLOCK: Final = frozenset({"untaken", "unseen"})


class OnWake(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What became of a wake.

    Attributes:
        agent_id: who is to wake.
        wake_id: the event that asked for it.
    """

    agent_id: str
    wake_id: int

    @property
    def actor(self) -> str:
        return self.agent_id

    def stream(self, event_id: int) -> str:
        return f"wake/{self.agent_id}"


class WakeRequested(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent is to wake; the event's id is the wake's.

    Attributes:
        agent_id: who is to wake.
        from_agent: who asks for it.
        message_id: the message that it is to wake for.
    """

    type: ClassVar[str] = "wake.requested"
    rules: ClassVar[int] = WORK_RULES

    agent_id: str
    from_agent: str
    message_id: int | None = None

    @property
    def actor(self) -> str:
        return self.from_agent

    def stream(self, event_id: int) -> str:
        return f"wake/{self.agent_id}"


class WakeSent(OnWake, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent was called, by a road such as `claude-inbox`."""

    type: ClassVar[str] = "wake.sent"

    road: str


class WakeFailed(OnWake, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A turn came to nothing; the next has its turn, if there is one."""

    type: ClassVar[str] = "wake.failed"

    turn: Turn
    why: WhyFailed
    next_turn: Turn | None = None

    @property
    def actor(self) -> str:
        return SYSTEM if self.why in BY_THE_CLOCK else self.agent_id


class WakeSeen(OnWake, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent that was called is there: a hook of its came, or it did something."""

    type: ClassVar[str] = "wake.seen"


class WakeAcknowledged(OnWake, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent says that it has taken up what it was woken for."""

    type: ClassVar[str] = "wake.acknowledged"


class AgentDark(OnWake, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent was called by every road, and not seen."""

    type: ClassVar[str] = "agent.dark"

    @property
    def actor(self) -> str:
        return SYSTEM
