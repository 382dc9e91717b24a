"""Who is here: sessions of agents and signs of life."""

from typing import ClassVar

from msgspec import Struct

from arclog.events.messages import SYSTEM, JsonObject, Notice
from arclog.events.processes import Process
from arclog.events.rule_numbers import FAMILY_RULES, FIRST_RULES


class SessionOpened(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent registered. `replaced_session_id` is the session of the same agent that this one ended, if any.

    While `process` lives, on the machine where it runs, the agent counts as present. Paths that it names are relative
    to `root`, a folder; without one, to the hub's own. `parent` is the agent whose sub-agent it is, from then on for
    good: what it holds ends when its parent has no session any more.
    """

    type: ClassVar[str] = "session.opened"

    agent_id: str
    session_id: str
    display_name: str
    capabilities: tuple[str, ...] = ()
    metadata: JsonObject = {}
    replaced_session_id: str | None = None
    occurred_at: int | None = None
    process: Process | None = None
    root: str | None = None
    parent: str | None = None

    @property
    def actor(self) -> str:
        return self.agent_id

    @property
    def rules(self) -> int:
        """The number of the rules that a hub must know to go on from here."""
        return FIRST_RULES if self.parent is None else FAMILY_RULES

    def stream(self, event_id: int) -> str:
        return f"session/{self.agent_id}"


class SessionRenamed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent changed the name that it is shown by."""

    type: ClassVar[str] = "session.renamed"

    agent_id: str
    session_id: str
    display_name: str

    @property
    def actor(self) -> str:
        return self.agent_id

    def stream(self, event_id: int) -> str:
        return f"session/{self.agent_id}"


class SessionClosed(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent left of its own accord; what it holds stays held until it lapses."""

    type: ClassVar[str] = "session.closed"

    agent_id: str
    session_id: str

    @property
    def actor(self) -> str:
        return self.agent_id

    def stream(self, event_id: int) -> str:
        return f"session/{self.agent_id}"


class FreedClaim(Struct, frozen=True, gc=False):
    """A claim that was taken back from an agent that is gone; the fencing token says which grant."""

    claim_key: str
    fencing_token: int


class FreedLock(Struct, frozen=True, gc=False):
    """A lock that was taken back from an agent that is gone; the fencing token says which grant."""

    file_path: str
    fencing_token: int


class SessionExpired(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent was silent for longer than the presence TTL: its session is over, and what it held is free.

    `last_seen_at` is in microseconds of the log's clock. The event posts a notice for each thread that the agent held
    something in; what it held outside threads shares one. There is `more` when it held more than one event may name:
    the rest follows. In older logs each claim and lock has a release of its own.
    """

    type: ClassVar[str] = "session.expired"

    agent_id: str
    session_id: str
    last_seen_at: int
    claims: tuple[FreedClaim, ...] = ()
    locks: tuple[FreedLock, ...] = ()
    notices: tuple[Notice, ...] = ()
    more: bool = False

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"session/{self.agent_id}"


class TurnEnded(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent's turn is over, and what hooks had locked for it by themselves is free with it.

    Written only where something was. The locks that the agent asked for itself stay held.
    """

    type: ClassVar[str] = "turn.ended"

    agent_id: str
    locks: tuple[FreedLock, ...]

    @property
    def actor(self) -> str:
        return self.agent_id

    def stream(self, event_id: int) -> str:
        return f"session/{self.agent_id}"


class AgentSeen(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An agent that only reads or waits was there. Only in older logs: now hubs vouch for their agents."""

    type: ClassVar[str] = "agent.seen"

    agent_id: str

    @property
    def actor(self) -> str:
        return self.agent_id

    def stream(self, event_id: int) -> str:
        return f"session/{self.agent_id}"
