"""Receipts and cursors: what was taken up, what is overdue, and readers that die at any step."""

import random
from pathlib import Path
from typing import Any

import pytest

from arclog.events import CursorsMoved
from projections.hub.tuning import Tuning
from tests.support.recorders import events_in
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until


def say(hub: ServedHub, body: str = "hi", **fields: Any) -> int:
    posted: int = hub.post("/v1/messages", {"from_agent": "a", "body": body, **fields}).result["id"]
    return posted


def test_a_message_that_asks_for_it_is_unacknowledged_until_it_is_acknowledged_or_replied_to(hub: ServedHub) -> None:
    first, second, third = (say(hub, to_agent="b", ack=True) for _ in range(3))
    say(hub, to_agent="b")
    assert [one["id"] for one in hub.get("/v1/inbox/b?unacked=1").result] == [first, second, third]
    told = hub.post("/v1/inbox/b/ack", {"ids": [first, first]})
    assert told.result == {"acknowledged": [first]}
    hub.post("/v1/messages", {"from_agent": "b", "to_agent": "a", "body": "yes", "reply_to": third})
    assert [one["id"] for one in hub.get("/v1/inbox/b?unacked=1").result] == [second]
    assert [one["message_id"] for one in hub.get("/v1/receipts?from_agent=a").result] == [second]
    how = [hub.get(f"/v1/messages/{one}/receipts").result[0]["how"] for one in (first, second, third)]
    assert how == ["ack", None, "reply"]
    assert hub.get(f"/v1/messages/{first}/receipts?as_of={third}").result[0]["acknowledged_at"] is None
    assert hub.post("/v1/inbox/b/ack", {"ids": [first]}).result == {"acknowledged": []}


def test_what_is_not_acknowledged_is_read_page_by_page(hub: ServedHub) -> None:
    ids = [say(hub, to_agent="b", ack=True) for _ in range(5)]
    pages = [[one["id"] for one in hub.get(f"/v1/inbox/b?unacked=1&limit=2&since_id={at}").result] for at in (0, *ids)]
    assert pages == [ids[:2], ids[1:3], ids[2:4], ids[3:], ids[4:], []]


def test_one_event_acknowledges_many_and_nobody_elses(hub: ServedHub) -> None:
    ids = [say(hub, to_agent="b", ack=True) for _ in range(5)]
    head = hub.get("/v1/health").result["head"]
    hub.post("/v1/inbox/b/ack", {"ids": ids})
    assert hub.get("/v1/health").result["head"] == head + 1
    for ids in ([say(hub, to_agent="c", ack=True)], [say(hub, to_agent="b")], [999_999]):
        refused = hub.post("/v1/inbox/b/ack", {"ids": ids})
        assert (refused.status, refused.body["code"]) == (404, "not_found")


def test_what_is_not_acknowledged_in_time_is_overdue(hub: ServedHub) -> None:
    late = say(hub, to_agent="b", ack_within_sec=0.05, urgency="urgent")
    say(hub, to_agent="b", ack_within_sec=1000)
    wait_until(lambda: hub.get("/v1/receipts?overdue=1").result)
    assert [one["message_id"] for one in hub.get("/v1/receipts?overdue=1").result] == [late]
    message = hub.get("/v1/inbox/b?limit=1").result[0]
    assert (message["ack"], message["urgency"], "ack_by" in message) == (True, "urgent", True)


def test_a_usual_message_says_nothing_of_receipts(hub: ServedHub) -> None:
    say(hub, to_agent="b")
    assert set(hub.get("/v1/inbox/b").result[0]) & {"ack", "ack_by", "urgency", "provenance"} == set()


def poll(hub: ServedHub, *, since_id: int = 0, peek: bool = True, limit: int = 3) -> list[int]:
    path = f"/v1/events?agent_id=r&cursor=c&since_id={since_id}&limit={limit}&peek={int(peek)}"
    return [one["id"] for one in hub.get(path).result]


def test_a_cursor_goes_on_where_it_ended_and_begins_with_the_newest_hundred(hub: ServedHub) -> None:
    ids = [say(hub) for _ in range(103)]
    assert poll(hub) == ids[3:6]
    assert poll(hub, peek=False) == ids[3:6]
    assert poll(hub, peek=False) == ids[6:9]
    assert poll(hub, since_id=ids[50]) == ids[51:54]
    assert poll(hub, peek=False, limit=100) == ids[51:]
    assert poll(hub) == []


def test_positions_are_written_together_and_at_the_hubs_end(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub:
        ids = [say(hub) for _ in range(4)]
        assert poll(hub, peek=False, limit=2) == ids[:2]
        hub.get(f"/v1/events?agent_id=s&cursor=d&since_id={ids[2]}&peek=1")
    moved = [event.data for event in events_in(tmp_path / "arc.sqlite3") if isinstance(event.data, CursorsMoved)]
    assert [[(one.agent_id, one.name, one.position) for one in event.positions] for event in moved] == [
        [("r", "c", ids[1]), ("s", "d", ids[2])]
    ]
    with served_hub(tmp_path) as hub:
        assert poll(hub) == ids[2:]
        assert "hub.cursors_moved" not in {event["type"] for event in hub.get("/v1/log?limit=500").result}


def test_positions_are_written_while_the_hub_runs(tmp_path: Path) -> None:
    with served_hub(tmp_path, tuning=Tuning(write_cursors_sec=0.05)) as hub:
        first = say(hub)
        poll(hub, peek=False)
        wait_until(lambda: hub.get("/v1/log?type=hub.cursors_moved").result)
        (event,) = hub.get("/v1/log?type=hub.cursors_moved").result
    assert event["data"]["positions"] == [["r", "c", first]]


@pytest.mark.parametrize("seed", range(4))
def test_a_reader_that_is_killed_at_any_step_loses_nothing_and_keeps_the_order(hub: ServedHub, seed: int) -> None:
    live_and_die(hub, seed, lives=50)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_readers_that_are_killed_lose_nothing(hub: ServedHub, seed: int) -> None:
    live_and_die(hub, 100 + seed, lives=1_000)


def live_and_die(hub: ServedHub, seed: int, *, lives: int) -> None:
    """The lives of a reader: it reads with `peek`, works, and names what it has done in its next call."""
    chance = random.Random(seed)  # noqa: S311 - it only chooses what happens
    said: list[int] = []
    done: list[int] = []
    for _life in range(lives):
        said += [say(hub) for _ in range(chance.randrange(4))]
        since_id = 0
        for _step in range(chance.randrange(1, 4)):
            page = poll(hub, since_id=since_id)
            done_of_page = page[: chance.randrange(len(page) + 1)]  # killed in the middle of its work, or after it
            done += done_of_page
            if done_of_page != page or chance.random() < 0.3:
                break
            since_id = page[-1] if page else since_id
    since_id = 0
    while page := poll(hub, since_id=since_id):
        done += page
        since_id = page[-1]
    assert list(dict.fromkeys(done)) == said
