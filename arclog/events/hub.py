"""The life of a hub: several may share one log, so each event names the one that it is about."""

from typing import ClassVar, Literal

from msgspec import Struct

from arclog.events.messages import SYSTEM, Notice
from arclog.events.processes import Process

StopReason = Literal["signal", "shutdown"]


class OfHub(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What a hub itself does, or what is done to it."""

    hub_id: str

    @property
    def actor(self) -> str:
        return SYSTEM

    def stream(self, event_id: int) -> str:
        return f"hub/{self.hub_id}"


class HubStarted(OfHub, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hub began to serve this log, in the process `process`, with a presence TTL that all hubs beside it share."""

    type: ClassVar[str] = "hub.started"

    version: str
    url: str | None = None
    presence_ttl_sec: float | None = None
    process: Process | None = None


class HubStopped(OfHub, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hub ended in good order; a hub that was killed leaves no such event."""

    type: ClassVar[str] = "hub.stopped"

    reason: StopReason = "signal"


class HubVouched(OfHub, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hub vouches for its agents: those that it had, with those `taken_up` and without those `given_up` since then.

    An agent that a hub has was last seen when the hub last vouched, if it did nothing itself since. Written rarely, for
    all agents of a hub at once, and not while nobody's silence would count.
    """

    type: ClassVar[str] = "hub.vouched"

    taken_up: tuple[str, ...] = ()
    given_up: tuple[str, ...] = ()


class ShutdownInitiated(OfHub, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hub will stop in `delay_sec` seconds unless somebody cancels it."""

    type: ClassVar[str] = "shutdown.initiated"

    delay_sec: float
    notice: Notice


class ShutdownCancelled(OfHub, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The shutdown that was pending will not happen."""

    type: ClassVar[str] = "shutdown.cancelled"

    notice: Notice


class ShutdownFired(OfHub, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The delay of a shutdown is over: the hub takes no more calls from here on."""

    type: ClassVar[str] = "shutdown.fired"

    notice: Notice


class NetworkChanged(OfHub, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A hub was told to accept, or no longer accept, calls from other machines."""

    type: ClassVar[str] = "network.changed"

    allow_remote: bool


class CursorPosition(Struct, frozen=True, array_like=True, gc=False):
    """Where a reader stands: `position` is the last message that the cursor `name` of an agent has passed."""

    agent_id: str
    name: str
    position: int


class CursorsMoved(OfHub, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Cursors of agents that read at this hub have moved: all those that have since the last such event."""

    type: ClassVar[str] = "hub.cursors_moved"

    positions: tuple[CursorPosition, ...]
