"""The life of a hub: several may share one log, so each event names the one that it is about."""

from typing import ClassVar, Literal

from msgspec import Struct

from arclog.events.messages import SYSTEM, Notice
from arclog.events.processes import Process

StopReason = Literal["signal", "shutdown"]


class HubStarted(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hub began to serve this log, in the process `process`, with a presence TTL that all hubs beside it share."""

    type: ClassVar[str] = "hub.started"

    hub_id: str
    version: str
    url: str | None = None
    presence_ttl_sec: float | None = None
    process: Process | None = None

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"hub/{self.hub_id}"


class HubStopped(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hub ended in good order; a hub that was killed leaves no such event."""

    type: ClassVar[str] = "hub.stopped"

    hub_id: str
    reason: StopReason = "signal"

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"hub/{self.hub_id}"


class HubVouched(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hub vouches for its agents: those that it had, with those `taken_up` and without those `given_up` since then.

    An agent that a hub has was last seen when the hub last vouched, if it did nothing itself since. Written rarely, for
    all agents of a hub at once, and not while nobody's silence would count.
    """

    type: ClassVar[str] = "hub.vouched"

    hub_id: str
    taken_up: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"hub/{self.hub_id}"


class ShutdownInitiated(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hub will stop in `delay_sec` seconds unless somebody cancels it."""

    type: ClassVar[str] = "shutdown.initiated"

    hub_id: str
    delay_sec: float
    notice: Notice

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"hub/{self.hub_id}"


class ShutdownCancelled(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The shutdown that was pending will not happen."""

    type: ClassVar[str] = "shutdown.cancelled"

    hub_id: str
    notice: Notice

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"hub/{self.hub_id}"


class ShutdownFired(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The delay of a shutdown is over: the hub takes no more calls from here on."""

    type: ClassVar[str] = "shutdown.fired"

    hub_id: str
    notice: Notice

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"hub/{self.hub_id}"


class NetworkChanged(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hub was told to accept, or no longer accept, calls from other machines."""

    type: ClassVar[str] = "network.changed"

    hub_id: str
    allow_remote: bool

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"hub/{self.hub_id}"


class CursorPosition(Struct, frozen=True, array_like=True, gc=False):
    """Where a reader stands: `position` is the last message that the cursor `name` of an agent has passed."""

    agent_id: str
    name: str
    position: int


class CursorsMoved(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Cursors of agents that read at this hub have moved: all those that have since the last such event."""

    type: ClassVar[str] = "hub.cursors_moved"

    hub_id: str
    positions: tuple[CursorPosition, ...]

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"hub/{self.hub_id}"
