"""History over HTTP: reads of any moment, the whole log after one cursor, and what the hub knows of its integrity."""

import json
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from arc import ArcClient
from arclog.sqlite.backup import back_up
from projections.hub.tuning import Tuning
from projections.moving.transfer import restore
from tests.support.hub_process import Answer
from tests.support.served_hub import ServedHub, served_hub
from tests.support.tampering import build_storage, flip_bit, tampering
from tests.support.waiting import wait_until


def head_of(hub: ServedHub) -> int:
    head: int = hub.get("/v1/health").result["head"]
    return head


def lock(hub: ServedHub, agent: str, path: str = "a.py") -> Answer:
    return hub.post("/v1/locks", {"agent_id": agent, "file_path": path})


# Any moment ----------------------------------------------------------------------------------------------------------


def test_a_read_as_of_an_event_says_which_and_a_read_of_the_present_does_not(hub: ServedHub) -> None:
    before = head_of(hub)
    lock(hub, "ada")
    past = hub.get(f"/v1/locks?as_of={before}")
    assert (past.result, past.headers["x-arc-as-of"]) == ([], str(before))
    present = hub.get("/v1/locks")
    assert len(present.result) == 1
    assert "x-arc-as-of" not in present.headers


def test_a_time_means_the_last_event_at_or_before_it(hub: ServedHub) -> None:
    said = hub.say("one")
    at = hub.get("/v1/messages?channel=general").result[-1]["ts"]
    hub.say("two")
    answer = hub.get(f"/v1/messages?channel=general&as_of={quote(at)}")
    assert answer.headers["x-arc-as-of"] == str(said)
    assert [message["body"] for message in answer.result] == ["one"]
    assert hub.get("/v1/channels?as_of=1970-01-01T00:00:00Z").headers["x-arc-as-of"] == "0"
    assert hub.get("/v1/channels?as_of=2999-01-01T00:00:00%2B02:00").headers["x-arc-as-of"] == str(head_of(hub))


def test_the_moment_0_is_the_empty_hub(hub: ServedHub) -> None:
    for path in ("agents", "channels", "claims", "locks", "tasks", "threads", "inbox/ada"):
        answer = hub.get(f"/v1/{path}?as_of=0")
        assert (answer.result, answer.headers["x-arc-as-of"]) == ([], "0")
    assert hub.get("/v1/bootstrap?agent_id=ada&as_of=0").result["latest_visible_id"] == 0
    assert hub.get("/v1/messages?channel=general&as_of=0").status == 404


@pytest.mark.parametrize("as_of", ["99999", "x", "-1", "1.5", "2027-01-01", "9" * 60])
def test_a_moment_that_is_not_there_is_refused(hub: ServedHub, as_of: str) -> None:
    for path in ("/v1/agents?", "/v1/threads/t?", "/v1/events?agent_id=a&"):
        refused = hub.get(f"{path}as_of={as_of}")
        assert (refused.status, refused.body["code"]) == (400, "invalid_input")
        assert "as_of must be" in refused.body["error"]


def test_nobody_waits_for_the_past_to_change(hub: ServedHub) -> None:
    for path in ("/v1/messages?channel=general&", "/v1/events?agent_id=a&"):
        assert hub.get(f"{path}timeout=1&as_of=1").status == 400
        assert hub.get(f"{path}timeout=0&as_of=2").status == 200
    for path in ("/v1/stream?agent_id=a&", "/v1/log/stream?"):
        refused = hub.get(f"{path}as_of=1")
        assert (refused.status, refused.body["error"][:5]) == (400, "as_of")


# The log -------------------------------------------------------------------------------------------------------------


def ids(events: list[dict[str, Any]]) -> list[int]:
    return [event["event_id"] for event in events]


def test_one_cursor_gives_everything_that_happened(hub: ServedHub) -> None:
    after = head_of(hub)
    lock(hub, "ada")
    lock(hub, "bob")
    hub.say("hi")
    hub.post("/v1/claims", {"owner_agent_id": "ada", "claim_key": "k"})
    events = hub.get(f"/v1/log?after={after}").result
    assert [event["type"] for event in events] == ["lock.acquired", "lock.refused", "message.posted", "claim.acquired"]
    assert events[0]["data"]["agent_id"] == "ada"
    assert events[0]["metadata"] == {"transport": "http"}
    assert set(events[0]) == {"event_id", "recorded_at", "type", "stream", "actor", "data", "metadata"}
    assert ids(hub.get(f"/v1/log?after={after}&limit=2").result) == ids(events)[:2]
    assert hub.get(f"/v1/log?after={events[-1]['event_id']}").result == []


def test_the_last_events_are_had_without_a_cursor(hub: ServedHub) -> None:
    tokens = [lock(hub, "ada", f"tail/{number}").result["fencing_token"] for number in range(3)]
    said = hub.say("hi")

    def found(query: str) -> list[int]:
        return ids(hub.get(f"/v1/log?{query}").result)

    assert found("tail=1&limit=3") == [*tokens[1:], said]
    assert found("tail=1&limit=1&type=lock.") == tokens[2:]
    assert found("tail=1&stream=lock/tail/") == tokens
    assert found("tail=1&actor=teller&limit=1") == [said]
    assert found(f"tail=1&limit=1&after={tokens[0]}") == [tokens[1]]
    assert found("tail=no&limit=1") == [1]
    assert "digest" not in hub.get("/v1/log?tail=1&limit=1").result[0]


def test_whoever_asks_for_the_end_of_what_has_not_begun_may_wait_for_it(hub: ServedHub) -> None:
    answers: list[Answer] = []
    poll = threading.Thread(target=lambda: answers.append(hub.get("/v1/log?tail=1&stream=lock/new&timeout=20")))
    poll.start()
    wait_until(lambda: len(hub.hub._waiters) > 0, what="the poll to wait")
    token = lock(hub, "ada", "new").result["fencing_token"]
    poll.join(10)
    assert ids(answers[0].result) == [token]


def test_types_and_streams_match_by_prefix(hub: ServedHub) -> None:
    after = head_of(hub)
    first = lock(hub, "ada", "src/a.py").result["fencing_token"]
    second = lock(hub, "bob", "src/b.py").result["fencing_token"]
    third = lock(hub, "ada", "docs/a.md").result["fencing_token"]
    said = hub.say("hi")

    def found(query: str) -> list[int]:
        return ids(hub.get(f"/v1/log?after={after}&{query}").result)

    assert found("type=lock.") == [first, second, third]
    assert found("type=lock.acquired&actor=ada") == [first, third]
    assert found("stream=lock/src/") == [first, second]
    assert found("stream=lock/src/b.py") == [second]
    assert found("stream=lock/src") == []
    assert found("type=message.posted") == [said]
    assert found("type=lock.&stream=lock/src/&actor=bob") == [second]


def test_a_type_that_is_none_is_refused_rather_than_waited_for(hub: ServedHub) -> None:
    for name in ("lock", "lock.taken", "locks.", "."):
        refused = hub.get(f"/v1/log?type={name}&timeout=5")
        assert refused.status == 400
        assert "lock.acquired" in refused.body["error"]


def test_a_poll_of_the_log_is_woken_by_any_event(hub: ServedHub) -> None:
    after = head_of(hub)
    answers: list[Answer] = []
    poll = threading.Thread(target=lambda: answers.append(hub.get(f"/v1/log?after={after}&type=lock.&timeout=20")))
    poll.start()
    wait_until(lambda: len(hub.hub._waiters) > 0, what="the poll to wait")
    hub.say("this is none of its business")
    began_at = time.monotonic()
    lock(hub, "ada")
    poll.join(30)
    assert time.monotonic() - began_at < 10  # it would have waited for 20 seconds
    assert [event["type"] for event in answers[0].result] == ["lock.acquired"]
    wait_until(lambda: len(hub.hub._waiters) == 0, what="nobody to wait")


def test_a_poll_of_the_log_ends_in_time(hub: ServedHub) -> None:
    assert hub.get(f"/v1/log?after={head_of(hub)}&timeout=0.1").result == []
    wait_until(lambda: len(hub.hub._waiters) == 0, what="nobody to wait")


def test_a_poll_of_the_log_is_woken_by_another_hub(hub: ServedHub, tmp_path: Path) -> None:
    after = head_of(hub)
    answers: list[Answer] = []
    poll = threading.Thread(target=lambda: answers.append(hub.get(f"/v1/log?after={after}&timeout=20&type=lock.")))
    poll.start()
    wait_until(lambda: len(hub.hub._waiters) > 0, what="the poll to wait")
    with served_hub(tmp_path) as other:
        lock(other, "ada")
        poll.join(10)
    assert [event["type"] for event in answers[0].result] == ["lock.acquired"]


def test_one_event_is_shown_with_everything_that_it_changed(hub: ServedHub) -> None:
    token = lock(hub, "ada").result["fencing_token"]
    shown = hub.get(f"/v1/log/{token}").result
    assert shown["event"]["event_id"] == token
    assert len(shown["event"]["digest"]) == 64
    (change,) = shown["changes"]
    assert (change["entity"], change["before"], change["after"]["agent_id"]) == ("lock/a.py", None, "ada")
    for name in ("99999", "0", "x", "-1", str(2**53)):
        assert hub.get(f"/v1/log/{name}").status == 404


def blocks(hub: ServedHub, path: str, count: int, headers: str = "") -> list[tuple[int, dict[str, Any]]]:
    """The first events of a stream."""
    found: list[tuple[int, dict[str, Any]]] = []
    with hub.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
        with connection.makefile("rb") as lines:
            event_id = 0
            for line in lines:
                if line.startswith(b"id: "):
                    event_id = int(line[4:])
                elif line.startswith(b"data: "):
                    found.append((event_id, json.loads(line[6:])))
                    if len(found) == count:
                        break
    return found


def test_the_log_can_be_streamed_and_resumed(hub: ServedHub) -> None:
    after = head_of(hub)
    tokens = [lock(hub, "ada", f"{number}.py").result["fencing_token"] for number in range(40)]
    found = blocks(hub, f"/v1/log/stream?after={after}", 40)
    assert [event_id for event_id, _event in found] == tokens
    assert [event["event_id"] for _event_id, event in found] == tokens
    resumed = blocks(hub, "/v1/log/stream?type=lock.", 5, f"Last-Event-ID: {tokens[10]}\r\n")
    assert [event_id for event_id, _event in resumed] == tokens[11:16]


def test_a_stream_of_the_log_gives_what_comes(tmp_path: Path) -> None:
    found: list[tuple[int, dict[str, Any]]] = []
    with served_hub(tmp_path, heartbeat_sec=0.05) as hub:
        path = f"/v1/log/stream?after={head_of(hub)}&type=lock."
        stream = threading.Thread(target=lambda: found.extend(blocks(hub, path, 2)))
        stream.start()
        wait_until(lambda: len(hub.hub._waiters) > 0, what="the stream to wait")
        hub.say("no lock")
        lock(hub, "ada")
        lock(hub, "bob")
        stream.join(10)
    assert [event["type"] for _event_id, event in found] == ["lock.acquired", "lock.refused"]


# Cursors of another life ---------------------------------------------------------------------------------------------


def test_a_cursor_beyond_the_head_is_told_so_rather_than_left_waiting(hub: ServedHub) -> None:
    beyond = head_of(hub) + 5
    for path in (
        f"/v1/messages?channel=general&since_id={beyond}&timeout=30",
        f"/v1/events?agent_id=a&since_id={beyond}&timeout=30",
        f"/v1/stream?agent_id=a&since_id={beyond}",
        f"/v1/log?after={beyond}",
        f"/v1/log/stream?after={beyond}",
    ):
        refused = hub.get(path, timeout=5)
        assert (refused.status, refused.body["code"]) == (400, "cursor_beyond_head")
        assert "restored" in refused.body["error"]
    assert hub.get(f"/v1/messages?channel=general&since_id={beyond}").result == []


def test_a_client_begins_anew_at_a_restored_storage(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    with served_hub(first) as hub, ArcClient("ada", hub.url) as early:
        hub.say("kept")
        back_up(first / "arc.sqlite3", tmp_path / "backup.sqlite3")
        for number in range(20):
            hub.say(f"lost {number}")
        assert len(early.poll(timeout=0)) == 21
    restore(tmp_path / "backup.sqlite3", second / "arc.sqlite3")
    with served_hub(second) as hub, ArcClient("ada", hub.url) as client:
        client._cursors, client._instance_id = early._cursors, early._instance_id
        assert [message["body"] for message in client.poll(timeout=20)] == ["kept"]


# Integrity -----------------------------------------------------------------------------------------------------------


def test_a_whole_log_is_found_whole(hub: ServedHub) -> None:
    wait_until(lambda: hub.get("/v1/hub-info").result["integrity"] == "whole", what="the log to be checked")
    health = hub.get("/v1/health").result
    assert health["status"] == "ok"
    assert health["integrity"]["findings"] == []
    assert health["integrity"]["checked_at"] is not None
    assert "x-arc-integrity" not in hub.get("/v1/channels").headers


@pytest.mark.parametrize("place", [20, 1450])
def test_damage_is_found_at_start_or_in_the_background_and_every_answer_says_so(tmp_path: Path, place: int) -> None:
    storage = build_storage(tmp_path / "arc.sqlite3", 1500)
    with tampering(storage) as connection:
        flip_bit(connection, place, "data", 9)
    with served_hub(tmp_path, tuning=Tuning(inspection_rest=0)) as hub:
        if place < 500:
            wait_until(lambda: hub.get("/v1/health").result["status"] == "damaged", what="the damage to be found")
        health = hub.get("/v1/health")
        assert health.result["status"] == "damaged"
        assert [finding["event_id"] for finding in health.result["integrity"]["findings"]] == [place]
        assert hub.get("/v1/hub-info").result["integrity"] == "damaged"
        wait_until(lambda: "x-arc-integrity" in hub.get("/v1/channels").headers, what="the answers to say so")
        assert hub.get("/v1/nothing").headers["x-arc-integrity"] == "damaged"
        assert hub.post("/v1/messages:batch", b"").headers["x-arc-integrity"] == "damaged"
        for path in ("/", "/v1/stream?agent_id=a", "/v1/log/stream"):
            assert b"x-arc-integrity: damaged\r\n" in hub.exchange(
                b"HEAD %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode()
            )
        assert hub.say("life goes on") > 1500


def test_an_event_that_is_not_what_was_recorded_is_served_with_a_word(tmp_path: Path) -> None:
    storage = build_storage(tmp_path / "arc.sqlite3", 60)
    with tampering(storage) as connection:
        flip_bit(connection, 30, "actor", 1)
        flip_bit(connection, 50, "stream", 7)
    with served_hub(tmp_path) as hub:
        events = hub.get("/v1/log?after=25&limit=10").result
        assert [event["event_id"] for event in events if event.get("damaged")] == [30]
        assert hub.get("/v1/log/30").result["event"]["damaged"] is True
        for path in ("/v1/log/50", "/v1/log?after=40"):
            refused = hub.get(path)
            assert (refused.status, refused.body["code"]) == (503, "storage_damaged")
            assert "arc log verify" in refused.body["error"]


def test_what_is_appended_is_checked_soon(tmp_path: Path) -> None:
    with served_hub(tmp_path, tuning=Tuning(inspection_follow_sec=0.02)) as hub:

        def is_checked(head: int) -> bool:
            checked_to: int = hub.get("/v1/health").result["integrity"]["checked_to"]
            return checked_to == head

        for _ in range(2):
            hub.say("more")
            wait_until(partial(is_checked, head_of(hub)), what="the new event to be checked")
        assert hub.get("/v1/health").result["integrity"]["state"] == "whole"


def test_a_hub_that_stops_stops_its_inspection(tmp_path: Path) -> None:
    build_storage(tmp_path / "arc.sqlite3", 400)
    with served_hub(tmp_path) as hub:
        inspection = hub.hub._inspections.log._thread
        assert inspection.is_alive()
    assert not inspection.is_alive()
