"""What the dashboard asks: the log as it was, when it was busy, what it changed, and what needs a person."""

import json
from itertools import islice
from pathlib import Path

import pytest

from tests.support.served_hub import ServedHub, served_hub
from tests.support.tampering import build_storage, flip_bit, tampering
from tests.support.waiting import wait_until


def head_of(hub: ServedHub) -> int:
    head: int = hub.get("/v1/health").result["head"]
    return head


def lock(hub: ServedHub, agent: str, path: str = "a.py") -> None:
    hub.post("/v1/locks", {"agent_id": agent, "file_path": path})


@pytest.mark.parametrize("filters", ["", "&type=message.posted", "&type=message.", "&type=lock.", "&actor=teller"])
def test_the_end_of_the_log_as_of_an_event_is_what_it_was_then(hub: ServedHub, filters: str) -> None:
    hub.say("one")
    lock(hub, "ada")
    then = head_of(hub)
    before = hub.get(f"/v1/log?tail=1&limit=3{filters}").result
    hub.say("two")
    lock(hub, "bea", "b.py")
    past = hub.get(f"/v1/log?tail=1&limit=3&as_of={then}{filters}")
    assert past.result == before
    assert past.headers["x-arc-as-of"] == str(then)
    assert [event["event_id"] for event in hub.get(f"/v1/log?after=1&as_of={then}").result][-1] == then


@pytest.mark.parametrize("stream", ["lock/a.py", "lock/"])
def test_the_life_of_a_thing_ends_with_the_event_that_is_asked_for(hub: ServedHub, stream: str) -> None:
    lock(hub, "ada")
    then = head_of(hub)
    hub.post("/v1/locks/release", {"agent_id": "ada", "file_path": "a.py"})
    past = hub.get(f"/v1/log?tail=1&stream={stream}&as_of={then}").result
    assert [event["type"] for event in past] == ["lock.acquired"]


def test_a_timeline_goes_from_the_first_event_to_the_last(hub: ServedHub) -> None:
    for number in range(50):
        hub.say(str(number))
    head = head_of(hub)
    points = hub.get("/v1/log/timeline?points=5").result
    assert [point["event_id"] for point in points] == [1 + (head - 1) * index // 4 for index in range(5)]
    assert [point["at"] for point in points] == sorted(point["at"] for point in points)
    assert len(hub.get("/v1/log/timeline?points=1000").result) == head
    assert hub.get("/v1/log/timeline?points=1").status == 400


def test_a_stream_of_changes_carries_the_rows_that_the_reads_would_give(hub: ServedHub) -> None:
    after = head_of(hub)
    lock(hub, "ada")
    hub.say("x" * 5_000)
    hub.post("/v1/locks/release", {"agent_id": "ada", "file_path": "a.py"})
    with hub.connect() as connection:
        connection.sendall(f"GET /v1/log/stream?changes=1&after={after} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        with connection.makefile("rb") as lines:  # which come in pieces
            told = (json.loads(line[6:]) for line in lines if line.startswith(b"data: "))
            events = list(islice(told, 3))
    locked, posted, released = ({row["entity"]: row["after"] for row in event["changes"]} for event in events)
    assert locked["lock/a.py"]["agent_id"] == "ada"
    assert locked["lock/a.py"] == hub.get(f"/v1/locks?as_of={events[0]['event_id']}").result[0]
    (message,) = (row for entity, row in posted.items() if entity.startswith("message/"))
    assert message["cut"] is True
    assert len(message["body"]) < 2_100
    assert released["lock/a.py"]["released_at"] is not None


def test_an_open_request_to_the_operator_needs_a_person_until_it_is_answered(hub: ServedHub) -> None:
    assert hub.get("/v1/attention").result == []
    asked = hub.say("May I?\nBecause", to_agent="human", kind="task_request")
    (item,) = hub.get("/v1/attention").result
    assert (item["kind"], item["entity"], item["event_id"]) == ("question", f"task/{asked}", asked)
    assert item["text"] == "teller asks: May I?"
    assert hub.get("/v1/attention?operator=boss").result[0]["kind"] == "dark"
    hub.post("/v1/messages", {"from_agent": "human", "body": "yes", "kind": "task_result", "reply_to": asked})
    assert hub.get("/v1/attention").result == []
    assert hub.get(f"/v1/attention?as_of={asked}").result == [item]


def test_an_agent_that_is_not_here_while_another_waits_for_it_needs_a_person(hub: ServedHub) -> None:
    hub.say("please review", to_agent="bea", kind="task_request")
    (item,) = hub.get("/v1/attention").result
    assert item["kind"] == "dark"
    assert item["text"] == "bea is not here, and teller waits for it: please review"
    hub.post("/v1/sessions", {"agent_id": "bea"})
    assert hub.get("/v1/attention").result == []


def test_damage_needs_a_person(tmp_path: Path) -> None:
    with tampering(build_storage(tmp_path / "arc.sqlite3", 60)) as connection:
        flip_bit(connection, 20, "data", 9)
    with served_hub(tmp_path) as hub:
        wait_until(lambda: hub.get("/v1/attention").result != [], what="the damage to be found")
        assert hub.get("/v1/attention").result[0]["kind"] == "damage"
