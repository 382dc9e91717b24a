"""The rules of a log have a number: a hub that knows only older ones shows everything, and decides nothing."""

from contextlib import closing
from pathlib import Path

import pytest

from arclog.clock import LogClock
from arclog.codec import Metadata
from arclog.deciders.hub import HubState
from arclog.deciders.sessions import OpenSession
from arclog.errors import NewerRules
from arclog.events import RulesRaised
from arclog.machine_time import MachineTime
from arclog.sqlite.engine import file_log
from arclog.sqlite.schema import open_storage
from projections.hub.hub import Hub
from tests.support.fake_time import FakeTime
from tests.support.hubs import on_hubs
from tests.support.recorders import TTL_SEC, events_in, live_agents, post, recording


def raise_rules(storage: Path, number: int) -> None:
    with closing(open_storage(storage)) as connection:
        log = file_log(connection, storage, LogClock(MachineTime()))
        log.begin()
        log.append(RulesRaised(number=number, version="9.0.0"), log.now(), Metadata("hub"))
        log.commit()


def test_a_hub_that_knows_only_older_rules_decides_nothing(storage: Path, time: FakeTime) -> None:
    with recording(storage, time) as recorder:
        recorder.execute(OpenSession(agent_id="a"))
    raise_rules(storage, 99)
    with recording(storage, time) as recorder:
        head = recorder.last_event_id
        with pytest.raises(NewerRules, match=r"follows rules 99, .* run Arc 9\.0\.0 or later") as caught:
            recorder.execute(post())
        assert (caught.value.number, caught.value.version) == (99, "9.0.0")
        time.pass_sec(TTL_SEC + 1)
        recorder.transact([])
        assert recorder.last_event_id == head
        assert live_agents(storage) == ["a"]


def test_a_hub_that_knows_only_older_rules_starts_and_shows_everything(storage: Path) -> None:
    raise_rules(storage, 99)

    async def story(hub: Hub) -> None:
        with pytest.raises(NewerRules):
            await hub.execute(post())
        assert hub.at().is_live

    on_hubs(storage, story)
    assert [event.type for event in events_in(storage)] == ["rules.raised"]


def test_the_first_event_that_needs_newer_rules_raises_the_number_before_it(
    storage: Path, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "projections.hub.transaction.rules_of", lambda event: 2 if event.type == "session.opened" else 1
    )
    with recording(storage, time, hub=HubState(hub_id="h", version="1.1.0"), rules=2) as recorder:
        recorder.execute(post())
        recorder.execute(OpenSession(agent_id="a"))
        recorder.execute(OpenSession(agent_id="b"))
    assert [event.type for event in events_in(storage, 2)] == [
        "message.posted",
        "rules.raised",
        "session.opened",
        "session.opened",
    ]
    assert events_in(storage)[3].data == RulesRaised(number=2, version="1.1.0")
