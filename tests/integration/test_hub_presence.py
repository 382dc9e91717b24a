"""An agent is there as long as it calls or waits; a hub that sees it often looks it up rarely."""

from pathlib import Path

import pytest

from arclog.deciders.sessions import OpenSession
from arclog.events import HubVouched, SessionExpired
from projections import sessions
from projections.hub.hub import Hub
from projections.hub.tuning import Tuning
from projections.message_pages import MessageQuery
from tests.support.hubs import on_hubs
from tests.support.recorders import events_in, post
from tests.support.waiting import until


def test_a_silent_agents_session_ends_by_itself(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(OpenSession(agent_id="a"))
        await until(lambda: not hub.read(sessions.list_sessions, hub.now()), "the end of the session")

    on_hubs(storage, story, presence_ttl_sec=0.2)
    assert sum(isinstance(event.data, SessionExpired) for event in events_in(storage)) == 1


def test_an_agent_that_waits_stays_and_goes_when_it_goes(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(OpenSession(agent_id="a"))
        with hub.attendance.present("a"), hub.attendance.present("a"):
            page = await hub.reading.wait_for_messages(MessageQuery(agent_id="a"), 2.0)
            assert page.rows == []
            assert len(hub.read(sessions.list_sessions, hub.now())) == 1
        await until(lambda: not hub.read(sessions.list_sessions, hub.now()), "the end of the session")

    on_hubs(storage, story, presence_ttl_sec=0.6)
    signs = sum(isinstance(event.data, HubVouched) for event in events_in(storage))
    assert 2 <= signs <= 20


def test_an_agent_whose_wait_fails_before_it_begins_waits_no_longer(
    storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise RuntimeError("nobody expects this")

    async def story(hub: Hub) -> None:
        monkeypatch.setattr(hub.attendance, "see", fail)
        with pytest.raises(RuntimeError), hub.attendance.present("a"):
            pass
        assert not hub._recorder.presence.waiting

    on_hubs(storage, story)


def test_a_reader_that_asks_often_is_looked_up_rarely(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        await hub.execute(OpenSession(agent_id="a"))
        head = hub._recorder.last_event_id
        for _ in range(100):
            hub.attendance.see("a")
        await hub.execute(post("b"))
        assert hub._recorder.last_event_id == head + 1

    on_hubs(storage, story)


def test_a_hub_remembers_a_bounded_number_of_readers(storage: Path) -> None:
    async def story(hub: Hub) -> None:
        for number in range(50):
            hub.attendance.see(f"reader-{number}")
        await hub.execute(post())
        assert len(hub._recorder.presence.list_here(hub.clock.now())) <= 12

    on_hubs(storage, story, tuning=Tuning(noticed_agents=10))
