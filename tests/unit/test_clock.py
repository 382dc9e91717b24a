"""The log's clock: elapsed time since the boot, that no wall clock can shake."""

from time import CLOCK_MONOTONIC

import pytest

from arclog.clock import SLEW, LogClock
from arclog.machine_time import MachineTime
from tests.support.fake_time import BEGINNING, FakeTime

HOUR = 3600
TEN_YEARS = 10 * 365 * 86_400


def test_the_first_clock_of_a_boot_begins_at_the_wall_clock() -> None:
    assert LogClock(FakeTime()).now() == BEGINNING


def test_time_passes_as_on_the_machine() -> None:
    time = FakeTime()
    clock = LogClock(time)
    time.pass_sec(12.345678)
    assert clock.now() == BEGINNING + 12_345_678


@pytest.mark.parametrize("jump_sec", [HOUR, -HOUR, TEN_YEARS, -TEN_YEARS])
def test_a_jump_of_the_wall_clock_moves_nothing_that_anyone_notices(jump_sec: int) -> None:
    time = FakeTime()
    clock = LogClock(time)
    time.shift_wall(jump_sec)
    assert clock.now() == BEGINNING
    for _ in range(300):
        time.pass_sec(1)
        clock.ease()
    eased = clock.now() - (BEGINNING + 300_000_000)
    assert 0 < abs(eased) <= 300_000_000 * SLEW
    assert (eased > 0) == (jump_sec > 0)


def test_a_wall_clock_that_steps_back_every_second_does_not_stop_time() -> None:
    time = FakeTime()
    clock = LogClock(time)
    last = clock.now()
    for _ in range(1000):
        time.pass_sec(1)
        time.shift_wall(-1)
        clock.ease()
        assert clock.now() - last == pytest.approx(1_000_000, abs=1_000_000 * SLEW)
        last = clock.now()


def test_honest_drift_is_followed_until_it_is_gone() -> None:
    time = FakeTime()
    clock = LogClock(time)
    time.shift_wall(0.001)
    for _ in range(100):
        time.pass_sec(1)
        clock.ease()
    assert clock.now() == time.wall()
    time.pass_sec(100)
    assert not clock.ease()


@pytest.mark.parametrize("every_micros", [1, 19_999, 20_000, 39_999, 1_000_000])
def test_however_often_it_is_eased_a_clock_never_runs_faster_than_it_may(every_micros: int) -> None:
    time = FakeTime()
    clock = LogClock(time)
    time.shift_wall(HOUR)
    for _ in range(1000):
        time.pass_micros(every_micros)
        clock.ease()
    passed = 1000 * every_micros
    assert 0 <= clock.now() - BEGINNING - passed <= passed * SLEW


def test_the_machine_counts_on_and_knows_its_boot() -> None:
    time = MachineTime()
    first, boot = time.elapsed(), time.boot_id()
    assert time.elapsed() >= first > 0
    assert MachineTime().boot_id() == boot != ""
    assert time.wall() > 1_500_000_000_000_000


def test_the_machine_tells_how_long_it_slept() -> None:
    time = MachineTime()
    assert -1_000_000 < time.slept() <= time.elapsed()


def test_where_the_machine_does_not_tell_it_never_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("arclog.machine_time._BOOTTIME", CLOCK_MONOTONIC)
    assert abs(MachineTime().slept()) < 1_000_000


def test_where_the_machine_has_no_boot_id_the_moment_of_the_boot_tells_one_from_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("arclog.machine_time._BOOT_ID", MissingFile())
    boot = MachineTime().boot_id()
    assert boot.startswith("boot-")
    assert MachineTime().boot_id() == boot


class MissingFile:
    def read_text(self, encoding: str) -> str:
        raise FileNotFoundError
