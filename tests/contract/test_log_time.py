"""The time of events never goes back, and all processes of one boot share it, in every engine."""

from pathlib import Path

import pytest

from arclog.codec import Metadata
from arclog.events import AgentSeen
from arclog.sqlite.log import Log
from tests.contract.engines import BY_MACHINE, Kind, append_all, events_of, opened, post
from tests.support.fake_time import BEGINNING, FakeTime

by_machine = pytest.mark.parametrize("engine", BY_MACHINE, ids=lambda engine: engine.name, indirect=True)
"""A rule for logs whose clock is the machine's."""


def test_the_time_of_events_never_goes_back(log: Log, time: FakeTime) -> None:
    append_all(log, post("a"))
    time.shift_wall(-10 * 365 * 86_400)
    time.pass_sec(1)
    append_all(log, post("b"))
    first, second = events_of(log)
    assert second.recorded_at == pytest.approx(first.recorded_at + 1_000_000, abs=100)


def test_no_event_is_before_the_last_one_even_if_that_is_ahead_of_the_clock(log: Log, time: FakeTime) -> None:
    log.begin()
    log.append_at(1, post("a"), BEGINNING + 500, Metadata("import"))
    log.commit()
    append_all(log, post("b"))
    time.pass_micros(501)
    append_all(log, post("c"))
    assert [event.recorded_at - BEGINNING for event in events_of(log)] == [500, 500, 501]


@pytest.mark.parametrize("jump_sec", [3600, -3600, 315_360_000, -315_360_000])
def test_processes_of_one_boot_share_the_time_whatever_the_wall_clock_says(
    engine: Kind, tmp_path: Path, time: FakeTime, log: Log, jump_sec: int
) -> None:
    append_all(log, post("a"))
    time.pass_sec(10)
    time.shift_wall(jump_sec)
    with opened(engine, tmp_path, time) as late:
        append_all(late, post("b"))
        assert late.now() == BEGINNING + 10_000_000
        log.begin()
        assert log.now() == late.now()
        log.rollback()


@by_machine
def test_a_new_boot_goes_by_the_wall_clock_again(engine: Kind, tmp_path: Path, time: FakeTime) -> None:
    with opened(engine, tmp_path, time) as before:
        append_all(before, post("a"))
    with opened(engine, tmp_path, FakeTime(BEGINNING + 60_000_000, elapsed=5_000_000, boot="boot-2")) as after:
        append_all(after, post("b"))
        assert [event.recorded_at for event in events_of(after)] == [BEGINNING, BEGINNING + 60_000_000]


@by_machine
def test_a_new_boot_with_a_wall_clock_of_the_past_goes_on_from_the_last_event(
    engine: Kind, tmp_path: Path, time: FakeTime
) -> None:
    with opened(engine, tmp_path, time) as before:
        append_all(before, post("a"))
    rebooted = FakeTime(BEGINNING - 3600 * 1_000_000, elapsed=5_000_000, boot="boot-2")
    with opened(engine, tmp_path, rebooted) as after:
        append_all(after, post("b"))
        rebooted.pass_sec(5)
        append_all(after, post("c"))
        times = [event.recorded_at - BEGINNING for event in events_of(after)]
    assert times[:2] == [0, 0]
    assert times[2] == pytest.approx(5_000_000, abs=1000)


def test_time_stays_what_it_was_over_a_restart_in_the_same_boot(engine: Kind, tmp_path: Path, time: FakeTime) -> None:
    with opened(engine, tmp_path, time) as before:
        append_all(before, post("a"))
    time.pass_sec(1)
    time.shift_wall(3600)
    with opened(engine, tmp_path, time) as after:
        append_all(after, post("b"))
        assert [event.recorded_at - BEGINNING for event in events_of(after)] == [0, 1_000_000]


@by_machine
def test_two_processes_that_write_in_turns_still_follow_honest_drift(log: Log, other: Log, time: FakeTime) -> None:
    append_all(log, post("a"))
    time.shift_wall(0.1)
    for number in range(400):
        time.pass_sec(10)
        append_all((log, other)[number % 2], AgentSeen(agent_id="a"))
    log.begin()
    assert log.now() == pytest.approx(time.wall(), abs=3000)
    log.commit()
