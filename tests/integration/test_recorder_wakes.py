"""What time makes of a wake: whose turn it is, who was seen, and who counts as dark."""

from pathlib import Path

import pytest

from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.deciders.wakes import AcknowledgeWake, ReportWake, RequestWake, SeeWake
from arclog.errors import Conflict, InvalidInput, NotFound
from arclog.events import AgentDark, WakeFailed, WakeRequested, WakeSeen
from projections import wakes
from projections.history.attention import list_attention
from projections.history.digest import read_digest
from projections.hub.recorder import Recorder
from projections.intervals import live
from tests.support.fake_time import FakeTime
from tests.support.recorders import events_in, post, reading


@pytest.fixture
def wake_id(recorder: Recorder) -> int:
    """Ada has Bob called, who has a session."""
    recorder.execute(OpenSession(agent_id="bob"))
    requested = recorder.execute(RequestWake(agent_id="bob", from_agent="ada"))
    assert requested.event_id is not None
    return requested.event_id


def state_of(recorder: Recorder, storage: Path, wake_id: int) -> str:
    with reading(storage) as connection:
        found = wakes.find_wake(connection, wake_id, live(0))
    assert found is not None
    return f"{found.state} {found.turn}"


def pass_sec(recorder: Recorder, time: FakeTime, seconds: float) -> None:
    """Let time pass, and the hub look at its clock."""
    time.pass_sec(seconds)
    recorder.transact([])


def test_a_turn_that_nobody_takes_in_three_seconds_is_the_next_ones(
    recorder: Recorder, storage: Path, time: FakeTime, wake_id: int
) -> None:
    pass_sec(recorder, time, 2.9)
    assert state_of(recorder, storage, wake_id) == "requested harness"
    pass_sec(recorder, time, 0.2)
    assert state_of(recorder, storage, wake_id) == "requested watch"
    (failed,) = [event.data for event in events_in(storage) if isinstance(event.data, WakeFailed)]
    assert (failed.why, failed.next_turn) == ("untaken", "watch")


def test_who_is_called_by_every_road_and_not_seen_is_dark(
    recorder: Recorder, storage: Path, time: FakeTime, wake_id: int
) -> None:
    recorder.execute(ReportWake(agent_id="bob", wake_id=wake_id, turn="harness", road="claude-inbox"))
    pass_sec(recorder, time, 59)
    assert state_of(recorder, storage, wake_id) == "sent harness"
    pass_sec(recorder, time, 2)
    assert state_of(recorder, storage, wake_id) == "requested watch"
    recorder.execute(ReportWake(agent_id="bob", wake_id=wake_id, turn="watch", road="watch"))
    pass_sec(recorder, time, 61)
    assert state_of(recorder, storage, wake_id) == "dark watch"
    assert isinstance(events_in(storage)[-1].data, AgentDark)
    with reading(storage) as connection:
        (item,) = list_attention(connection, live(0), "human", borne=0)
        assert "bob does not answer" in item.text
        assert "bob does not answer" in read_digest(connection, "ada", live(0)).text
        assert "bob does not answer" not in read_digest(connection, "carl", live(0)).text


def test_who_does_anything_after_it_was_called_was_seen(
    recorder: Recorder, storage: Path, time: FakeTime, wake_id: int
) -> None:
    recorder.execute(ReportWake(agent_id="bob", wake_id=wake_id, turn="harness", road="claude-inbox"))
    recorder.execute(post(from_agent="bob"))
    pass_sec(recorder, time, 61)
    assert state_of(recorder, storage, wake_id) == "seen harness"
    assert sum(isinstance(event.data, WakeSeen) for event in events_in(storage)) == 1


def test_a_hook_shows_that_an_agent_is_there_also_when_it_counted_as_dark(
    recorder: Recorder, storage: Path, time: FakeTime, wake_id: int
) -> None:
    for _ in range(2):
        pass_sec(recorder, time, 61)
    assert state_of(recorder, storage, wake_id) == "dark watch"
    assert recorder.execute(SeeWake(agent_id="bob")).event_id is not None
    assert recorder.execute(SeeWake(agent_id="bob")).event_id is None
    with reading(storage) as connection:
        assert list_attention(connection, live(0), "human", borne=0) == []


def test_a_road_that_would_not_gives_the_turn_to_the_next_at_once(
    recorder: Recorder, storage: Path, wake_id: int
) -> None:
    recorder.execute(ReportWake(agent_id="bob", wake_id=wake_id, turn="harness", road="x", failed="refused"))
    assert state_of(recorder, storage, wake_id) == "requested watch"
    recorder.execute(ReportWake(agent_id="bob", wake_id=wake_id, turn="watch", road="x", failed="refused"))
    recorder.transact([])
    assert state_of(recorder, storage, wake_id) == "dark watch"


def test_whose_turn_is_over_reports_in_vain(recorder: Recorder, time: FakeTime, wake_id: int) -> None:
    pass_sec(recorder, time, 4)
    with pytest.raises(Conflict):
        recorder.execute(ReportWake(agent_id="bob", wake_id=wake_id, turn="harness", road="claude-inbox"))


def test_who_is_called_already_is_called_once(recorder: Recorder, storage: Path, wake_id: int) -> None:
    again = recorder.execute(RequestWake(agent_id="bob", from_agent="carl"))
    assert (again.event_id, again.created) == (wake_id, False)
    assert sum(isinstance(event.data, WakeRequested) for event in events_in(storage)) == 1


def test_who_acknowledges_says_so_once_and_nobody_else_can(recorder: Recorder, storage: Path, wake_id: int) -> None:
    with pytest.raises(NotFound):
        recorder.execute(AcknowledgeWake(agent_id="ada", wake_id=wake_id))
    recorder.execute(AcknowledgeWake(agent_id="bob", wake_id=wake_id))
    head = recorder.last_event_id
    recorder.execute(AcknowledgeWake(agent_id="bob", wake_id=wake_id))
    assert recorder.last_event_id == head
    assert state_of(recorder, storage, wake_id) == "acknowledged harness"


def test_nobody_wakes_itself_or_a_stranger_or_for_what_the_agent_may_not_read(recorder: Recorder) -> None:
    recorder.execute(OpenSession(agent_id="bob"))
    secret = recorder.execute(PostMessage(from_agent="ada", to_agent="carl", body="x")).event_id
    with pytest.raises(InvalidInput, match="awake"):
        recorder.execute(RequestWake(agent_id="bob", from_agent="bob"))
    with pytest.raises(NotFound, match="never been here"):
        recorder.execute(RequestWake(agent_id="nobody", from_agent="ada"))
    for message_id in (secret, 0, 2**62):
        with pytest.raises(InvalidInput, match="may read"):
            recorder.execute(RequestWake(agent_id="bob", from_agent="ada", message_id=message_id))
