"""What others wait for, and nobody gives up by itself: a holder that does nothing, and circles that were refused."""

from pathlib import Path

import pytest

from arclog.deciders.claims import AcquireClaim
from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.wakes import RequestWake, SeeWake
from arclog.errors import Deadlock
from arclog.events import LockRefused
from projections.history.attention import Item, list_attention
from projections.hub.recorder import Recorder
from projections.intervals import live
from tests.support.fake_time import FakeTime
from tests.support.recorders import as_of_event, check_storage, events_in, post, reading, see

BORNE_SEC = 40


def lock(recorder: Recorder, agent: str, path: str, wait_sec: float = 0) -> None:
    recorder.execute(AcquireLock(agent_id=agent, file_path=path, ttl_sec=600, wait_sec=wait_sec))


def list_at(recorder: Recorder, storage: Path, event_id: int | None = None) -> list[Item]:
    """What stands still, now or right after an event."""
    with reading(storage) as connection:
        at = live(recorder._clock.now()) if event_id is None else as_of_event(connection, event_id)
        return list_attention(connection, at, "human", BORNE_SEC * 1_000_000)


def texts(recorder: Recorder, storage: Path) -> list[str]:
    return [item.text for item in list_at(recorder, storage)]


def head(storage: Path) -> int:
    return events_in(storage)[-1].event_id


def test_a_holder_that_does_nothing_while_another_waits_is_told(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    lock(recorder, "ada", "src/**")
    granted = head(storage)
    lock(recorder, "bea", "src/a.py", wait_sec=60)
    time.pass_sec(BORNE_SEC - 1)
    assert list_at(recorder, storage) == []
    time.pass_sec(1)
    recorder.execute(post("carl"))
    (item,) = list_at(recorder, storage)
    assert (item.kind, item.entity, item.event_id) == ("stuck", "lock/src/**", granted)
    assert item.text == "bea waits for src/**, and ada, which holds it, does nothing"
    assert list_at(recorder, storage, head(storage)) == [item]
    recorder.execute(ReleaseLock(agent_id="ada", file_path="src/**"))
    assert list_at(recorder, storage) == []
    assert list_at(recorder, storage, item.event_id) == []


def test_a_holder_that_does_anything_is_not_still_until_it_has_done_nothing_for_long_again(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    lock(recorder, "ada", "src/a.py")
    lock(recorder, "bea", "src/a.py", wait_sec=60)
    time.pass_sec(BORNE_SEC - 1)
    recorder.execute(post("ada"))
    time.pass_sec(BORNE_SEC - 1)
    assert texts(recorder, storage) == []
    time.pass_sec(1)
    assert len(texts(recorder, storage)) == 1


def test_who_waits_only_now_for_a_holder_that_was_silent_before_is_borne_as_well(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    recorder.execute(AcquireClaim(claim_key="migrate", owner_agent_id="ada", ttl_sec=600))
    time.pass_sec(BORNE_SEC * 2)
    recorder.execute(AcquireClaim(claim_key="migrate", owner_agent_id="bea", wait_sec=60))
    assert texts(recorder, storage) == []
    time.pass_sec(BORNE_SEC)
    assert texts(recorder, storage) == ["bea waits for migrate, and ada, which holds it, does nothing"]


def test_that_a_hub_vouches_for_a_holder_or_calls_it_is_no_move(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    lock(recorder, "ada", "src/a.py")
    lock(recorder, "bea", "src/a.py", wait_sec=60)
    recorder.execute(RequestWake(agent_id="ada", from_agent="bea"))
    time.pass_sec(BORNE_SEC)
    see(recorder, "ada")
    recorder.execute(SeeWake(agent_id="ada"))
    assert "bea waits for src/a.py, and ada, which holds it, does nothing" in texts(recorder, storage)


def test_of_a_row_of_holders_that_wait_only_the_last_one_is_still(
    recorder: Recorder, storage: Path, time: FakeTime
) -> None:
    for agent, path in (("ada", "a"), ("bea", "b")):
        lock(recorder, agent, path)
    lock(recorder, "ada", "b", wait_sec=60)
    lock(recorder, "carl", "a", wait_sec=60)
    time.pass_sec(BORNE_SEC)
    assert texts(recorder, storage) == ["ada waits for b, and bea, which holds it, does nothing"]


def close_circle(recorder: Recorder, asked: str = "docs") -> None:
    """Ada asks for what Bea has, who waits for Ada."""
    with pytest.raises(Deadlock, match=r"ada waits for bea \(docs\), and bea waits for ada \(src/a.py\)"):
        lock(recorder, "ada", asked, wait_sec=60)


@pytest.fixture
def circle(recorder: Recorder, storage: Path) -> Item:
    """The refusal of a circle, as it is told."""
    lock(recorder, "ada", "src/a.py")
    lock(recorder, "bea", "docs")
    lock(recorder, "bea", "src/a.py", wait_sec=60)
    assert list_at(recorder, storage) == []
    close_circle(recorder)
    (item,) = list_at(recorder, storage)
    return item


def test_a_circle_that_was_refused_is_told_for_as_long_as_it_stands(
    recorder: Recorder, storage: Path, circle: Item
) -> None:
    assert (circle.kind, circle.entity, circle.event_id) == ("deadlock", "lock/docs", head(storage))
    assert circle.text == "ada may not wait for docs, which bea has: bea waits for src/a.py, which ada has"
    recorder.execute(ReleaseLock(agent_id="ada", file_path="src/a.py"))
    assert list_at(recorder, storage) == []
    assert list_at(recorder, storage, circle.event_id) == [circle]
    check_storage(storage)


def test_a_circle_is_over_when_the_one_that_waits_for_the_asker_gives_back_what_that_wants(
    recorder: Recorder, storage: Path, circle: Item
) -> None:
    recorder.execute(ReleaseLock(agent_id="bea", file_path="docs"))
    assert list_at(recorder, storage) == []


def test_a_circle_is_over_with_the_time_of_the_place_in_it(
    recorder: Recorder, storage: Path, time: FakeTime, circle: Item
) -> None:
    time.pass_sec(81)
    assert [item.kind for item in list_at(recorder, storage)] == []


def test_the_same_circle_is_written_once_and_refused_each_time(recorder: Recorder, storage: Path, circle: Item) -> None:
    close_circle(recorder)
    assert head(storage) == circle.event_id
    lock(recorder, "ada", "docs")  # without waiting it is an ordinary refusal, which is written too
    refused = [event.data for event in events_in(storage) if isinstance(event.data, LockRefused)]
    assert [len(one.circle) for one in refused] == [2, 0]


def test_a_retry_under_its_key_gets_the_same_refusal(recorder: Recorder, storage: Path) -> None:
    lock(recorder, "ada", "src/a.py")
    lock(recorder, "bea", "docs")
    lock(recorder, "bea", "src/a.py", wait_sec=60)
    asked = AcquireLock(agent_id="ada", file_path="docs", ttl_sec=600, wait_sec=60)
    for _ in range(2):
        with pytest.raises(Deadlock):
            recorder.execute(asked, key="k")
    recorder.execute(ReleaseLock(agent_id="bea", file_path="docs"))
    with pytest.raises(Deadlock):
        recorder.execute(asked, key="k")
    assert sum(isinstance(event.data, LockRefused) for event in events_in(storage)) == 1
