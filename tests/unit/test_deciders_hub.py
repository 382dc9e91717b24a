"""The hub's own life: given what is known, when a command comes, then an event or a refusal."""

import pytest

from arclog.deciders.hub import (
    CancelShutdown,
    ChangeNetwork,
    FireShutdown,
    HubState,
    InitiateShutdown,
    StartHub,
    StopHub,
    decide_cancel,
    decide_fire,
    decide_initiate,
    decide_network,
    decide_start,
    decide_stop,
)
from arclog.errors import InvalidInput, LoopbackOnly
from arclog.events import (
    HubStarted,
    HubStopped,
    NetworkChanged,
    Notice,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
)

NOW = 1_000_000_000
QUIET = HubState(hub_id="h")
PENDING = HubState(hub_id="h", shutdown_pending=True)
OPEN = HubState(hub_id="h", listen_host="0.0.0.0", port=6969, loopback=False)  # noqa: S104 - nobody listens


def test_a_hub_starts_and_stops() -> None:
    start = StartHub(version="1.0.0", url="http://127.0.0.1:6969")
    assert decide_start(QUIET, start, NOW) == HubStarted(hub_id="h", version="1.0.0", url="http://127.0.0.1:6969")
    assert decide_stop(QUIET, StopHub(), NOW) == HubStopped(hub_id="h", reason="signal")
    assert decide_stop(QUIET, StopHub(reason="shutdown"), NOW) == HubStopped(hub_id="h", reason="shutdown")


def test_a_shutdown_is_announced_with_its_delay() -> None:
    initiated = decide_initiate(QUIET, InitiateShutdown(delay_sec=30), NOW)
    notice = Notice(
        body="The hub will stop in 30 seconds.", channel="general", metadata={"shutdown": True, "delay_sec": 30}
    )
    assert initiated == ShutdownInitiated(hub_id="h", delay_sec=30, notice=notice)


@pytest.mark.parametrize(("delay_sec", "told"), [(60.0, 60), (0.5, 0.5), (0, 0), (3600, 3600)])
def test_the_delay_is_told_as_plainly_as_it_can_be(delay_sec: float, told: float) -> None:
    metadata = decide_initiate(QUIET, InitiateShutdown(delay_sec=delay_sec), NOW).notice.metadata
    assert repr(metadata["delay_sec"]) == repr(told)


@pytest.mark.parametrize("delay_sec", [-0.001, 3600.001, float("inf"), float("nan")])
def test_a_shutdown_is_at_most_an_hour_away(delay_sec: float) -> None:
    with pytest.raises(InvalidInput, match="delay_sec must be from 0 to 3600"):
        decide_initiate(QUIET, InitiateShutdown(delay_sec=delay_sec), NOW)


def test_a_second_shutdown_is_refused() -> None:
    with pytest.raises(InvalidInput, match="shutdown is pending already"):
        decide_initiate(PENDING, InitiateShutdown(), NOW)


def test_a_pending_shutdown_is_cancelled_and_announced() -> None:
    notice = Notice(body="The shutdown was cancelled.", channel="general", metadata={"shutdown_cancelled": True})
    assert decide_cancel(PENDING, CancelShutdown(), NOW) == ShutdownCancelled(hub_id="h", notice=notice)


def test_without_a_pending_shutdown_there_is_nothing_to_cancel() -> None:
    with pytest.raises(InvalidInput, match="shutdown is not pending, so there is nothing to cancel"):
        decide_cancel(QUIET, CancelShutdown(), NOW)


def test_a_shutdown_that_fires_is_announced_once_more() -> None:
    notice = Notice(body="The hub is stopping now.", channel="general", metadata={"shutdown": True, "final": True})
    assert decide_fire(PENDING, FireShutdown(), NOW) == ShutdownFired(hub_id="h", notice=notice)


def test_a_shutdown_that_was_called_off_does_not_fire() -> None:
    assert decide_fire(QUIET, FireShutdown(), NOW) is None


def test_a_hub_on_every_address_can_be_opened_and_closed() -> None:
    assert decide_network(OPEN, ChangeNetwork(allow_remote=True), NOW) == NetworkChanged(hub_id="h", allow_remote=True)
    opened = HubState(hub_id="h", allow_remote=True, loopback=False)
    assert decide_network(opened, ChangeNetwork(), NOW) == NetworkChanged(hub_id="h", allow_remote=False)


@pytest.mark.parametrize("state", [QUIET, OPEN, HubState(hub_id="h", allow_remote=True, loopback=False)])
def test_a_network_that_is_so_already_is_left_alone(state: HubState) -> None:
    assert decide_network(state, ChangeNetwork(allow_remote=state.allow_remote), NOW) is None


def test_a_hub_on_loopback_cannot_be_opened_and_says_how_it_could() -> None:
    state = HubState(hub_id="h", listen_host="127.0.0.1", port=7000)
    with pytest.raises(LoopbackOnly, match="cannot be switched on while the hub listens on") as caught:
        decide_network(state, ChangeNetwork(allow_remote=True), NOW)
    assert (caught.value.listen_host, caught.value.port) == ("127.0.0.1", 7000)
