"""The hub's own life: start, stop, a shutdown that can be called off, and who may reach it."""

from typing import ClassVar, Final

from msgspec import Struct

from arclog.errors import InvalidInput, LoopbackOnly
from arclog.events import (
    GENERAL_CHANNEL,
    HubStarted,
    HubStopped,
    NetworkChanged,
    Notice,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
)
from arclog.events.hub import StopReason
from arclog.events.processes import Process
from arclog.limits import SHUTDOWN_DELAY_SEC

MAX_SHUTDOWN_DELAY_SEC: Final = 3600


class StartHub(Struct, frozen=True, kw_only=True):
    """A hub begins to serve."""

    sender_field: ClassVar[str | None] = None

    version: str
    url: str | None = None
    presence_ttl_sec: float | None = None
    process: Process | None = None


class StopHub(Struct, frozen=True, kw_only=True):
    """A hub ends."""

    sender_field: ClassVar[str | None] = None

    reason: StopReason = "signal"


class InitiateShutdown(Struct, frozen=True, kw_only=True):
    """Stop this hub after a while."""

    sender_field: ClassVar[str | None] = None

    delay_sec: float = SHUTDOWN_DELAY_SEC


class CancelShutdown(Struct, frozen=True, kw_only=True):
    """Call the pending shutdown off."""

    sender_field: ClassVar[str | None] = None


class FireShutdown(Struct, frozen=True, kw_only=True):
    """The delay of the pending shutdown is over."""

    sender_field: ClassVar[str | None] = None


class ChangeNetwork(Struct, frozen=True, kw_only=True):
    """Accept, or no longer accept, calls from other machines."""

    sender_field: ClassVar[str | None] = None

    allow_remote: bool = False


class HubState(Struct, frozen=True):
    """What a hub knows of itself; it is this hub's alone, so no other process can outdate it.

    Attributes:
        hub_id: this hub.
        shutdown_pending: whether a shutdown is counting down.
        allow_remote: whether other machines may call.
        loopback: whether it listens on a loopback address only.
        listen_host: the address that it listens on.
        port: its port.
        version: the version of Arc that it is.
    """

    hub_id: str
    shutdown_pending: bool = False
    allow_remote: bool = False
    listen_host: str = "127.0.0.1"
    port: int = 0
    loopback: bool = True
    version: str = ""


def decide_start(state: HubState, command: StartHub, now: int) -> HubStarted:
    """Starting is never refused."""
    return HubStarted(
        hub_id=state.hub_id,
        version=command.version,
        url=command.url,
        presence_ttl_sec=command.presence_ttl_sec,
        process=command.process,
    )


def decide_stop(state: HubState, command: StopHub, now: int) -> HubStopped:
    """Stopping is never refused."""
    return HubStopped(hub_id=state.hub_id, reason=command.reason)


def decide_initiate(state: HubState, command: InitiateShutdown, now: int) -> ShutdownInitiated:
    """Begin to count down, once."""
    if not 0 <= command.delay_sec <= MAX_SHUTDOWN_DELAY_SEC:
        raise InvalidInput("delay_sec", f"must be from 0 to {MAX_SHUTDOWN_DELAY_SEC}, not {command.delay_sec}")
    if state.shutdown_pending:
        raise InvalidInput("shutdown", "is pending already", advice="cancel_shutdown")
    return ShutdownInitiated(
        hub_id=state.hub_id,
        delay_sec=command.delay_sec,
        notice=Notice(
            body=f"The hub will stop in {command.delay_sec:g} seconds.",
            channel=GENERAL_CHANNEL,
            metadata={"shutdown": True, "delay_sec": _plain(command.delay_sec)},
        ),
    )


def decide_cancel(state: HubState, command: CancelShutdown, now: int) -> ShutdownCancelled:
    """Stop counting down."""
    if not state.shutdown_pending:
        raise InvalidInput("shutdown", "is not pending, so there is nothing to cancel")
    notice = Notice(body="The shutdown was cancelled.", channel=GENERAL_CHANNEL, metadata={"shutdown_cancelled": True})
    return ShutdownCancelled(hub_id=state.hub_id, notice=notice)


def decide_fire(state: HubState, command: FireShutdown, now: int) -> ShutdownFired | None:
    """Tell everyone that the hub stops now, unless it was called off in the meantime."""
    if not state.shutdown_pending:
        return None
    notice = Notice(
        body="The hub is stopping now.", channel=GENERAL_CHANNEL, metadata={"shutdown": True, "final": True}
    )
    return ShutdownFired(hub_id=state.hub_id, notice=notice)


def decide_network(state: HubState, command: ChangeNetwork, now: int) -> NetworkChanged | None:
    """Open or close the hub for other machines; what is so already is left alone."""
    if command.allow_remote and state.loopback:
        raise LoopbackOnly(state.listen_host, state.port)
    if command.allow_remote == state.allow_remote:
        return None
    return NetworkChanged(hub_id=state.hub_id, allow_remote=command.allow_remote)


def _plain(number: float) -> int | float:
    return int(number) if number == int(number) else number
