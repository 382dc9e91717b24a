"""Rules of the relay when something fails: the hub, the disk, or the relay itself."""

import asyncio
import errno
import json
import os
import shutil
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from arc.spool import FileRelayClient
from relay.agent_folder import AgentFolder
from relay.pace import Pace
from relay.remote import HttpSend
from relay.send import HubUnreachable
from relay.spool import Spool
from tests.support.relay_thread import StandIn, get_response, hand_in, post, serving
from tests.support.served_hub import served_hub
from tests.support.waiting import wait_until


def test_a_request_that_was_taken_and_not_answered_is_taken_up_by_the_next_relay(spool: Path) -> None:
    hand_in(spool, "alice", "lost", post(n=1))
    lost = spool / "requests" / "alice" / "lost.json"
    lost.rename(lost.with_suffix(".work"))
    hand_in(spool, "alice", "next", post(n=2))
    hand_in(spool, "alice", "done", post(n=3))
    done = spool / "requests" / "alice" / "done.json"
    done.rename(done.with_suffix(".work"))
    answers = spool / "responses" / "alice"
    answers.mkdir(parents=True)
    (answers / "done.json").write_text('{"ok": true, "status": 201}')
    (answers / "lost.json").touch()  # all that a power cut has left of it
    hub = StandIn()
    with serving(spool, hub):
        assert get_response(spool, "alice", "lost")["status"] == 201
        get_response(spool, "alice", "next")
    assert [body["n"] for body in hub.bodies] == [1, 2]


def test_a_response_that_tells_of_a_fault_of_the_hub_does_not_stand(spool: Path) -> None:
    answers = [(503, b'{"ok":false,"error":"the disk is full"}'), (201, b'{"ok":true,"result":{}}')]

    async def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        return answers.pop(0)

    with serving(spool, send):
        hand_in(spool, "alice", "1", post(n=1))
        assert get_response(spool, "alice", "1")["error"] == "the disk is full"
        hand_in(spool, "alice", "1", post(n=1))
        wait_until(lambda: not answers, what="the second try")
        wait_until(lambda: get_response(spool, "alice", "1")["status"] == 201)


def test_while_the_hub_is_out_of_reach_requests_wait_and_keep_their_order(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, up = StandIn(), threading.Event()

    async def fail(method: str, path: str) -> None:
        if not up.is_set():
            hub.calls.clear()
            message = "nobody listens"
            raise HubUnreachable(message)

    hub.before = fail
    with serving(spool, hub, pace=Pace(reconnect_sec=(0.005, 0.01))):
        for number in range(3):
            hand_in(spool, "alice", f"r{number}", post(n=number))
        assert FileRelayClient(agent_id="bob", spool_dir=spool, timeout=0.2).call("GET", "/v1/tasks")["status"] == 598
        up.set()
        get_response(spool, "alice", "r2")
    assert [body["n"] for body in hub.bodies] == [0, 1, 2]


def test_a_hub_that_fails_is_answered_for_and_the_relay_goes_on(spool: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        if method == "POST":
            message = "a bug"
            raise ValueError(message)
        return 200, b'{"ok":true,"result":[]}'

    with serving(spool, send):
        hand_in(spool, "alice", "r1", post(n=1))
        assert get_response(spool, "alice", "r1")["status"] == 500
        hand_in(spool, "alice", "r2", {"method": "GET", "path": "/v1/tasks"})
        assert get_response(spool, "alice", "r2")["status"] == 200
    assert "a bug" in caplog.text


def test_a_fault_of_the_relay_itself_is_logged_and_does_not_end_it(
    spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    take, list_folders, faults = AgentFolder.take, Spool.list_folders, [ValueError("a bug in taking")]
    looks = [PermissionError("no way in"), ValueError("a bug in looking")]

    def fail_to_take(self: AgentFolder, name: str, *, even_unfinished: bool) -> Any:
        if faults:
            raise faults.pop()
        return take(self, name, even_unfinished=even_unfinished)

    def fail_to_look(self: Spool) -> list[str]:
        if looks:
            raise looks.pop()
        return list_folders(self)

    monkeypatch.setattr(AgentFolder, "take", fail_to_take)
    monkeypatch.setattr(Spool, "list_folders", fail_to_look)
    with serving(spool, StandIn(), pace=Pace(retry_sec=0.02)):
        hand_in(spool, "alice", "r1", post(n=1))
        assert get_response(spool, "alice", "r1")["status"] == 201
    for fault in ("a bug in taking", "a bug in looking", "no way in"):
        assert fault in caplog.text


def test_an_agent_cannot_close_the_session_of_another_however_long_the_list_of_agents_is(spool: Path) -> None:
    pages: dict[str, dict[str, object]] = {
        "/v1/agents?after=": {"more": True, "result": [{"agent_id": "alice", "session_id": "s-a"}]},
        "/v1/agents?after=alice": {"result": [{"agent_id": "bob", "session_id": "s-b"}]},
    }
    closed: list[str] = []

    async def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        if method == "GET":
            return 200, json.dumps({"ok": True, **pages[path]}).encode()
        closed.append(path)
        return 200, b'{"ok":true,"result":{"deleted":true}}'

    with serving(spool, send):
        for stem, session in (("r1", "s-b"), ("r2", "s-a"), ("r3", "unknown")):
            hand_in(spool, "alice", stem, {"method": "DELETE", "path": f"/v1/sessions/{session}"})
        assert [get_response(spool, "alice", stem)["status"] for stem in ("r1", "r2", "r3")] == [403, 200, 200]
    assert closed == ["/v1/sessions/s-a", "/v1/sessions/unknown"]


def test_whose_session_it_is_must_be_known_before_it_is_closed(spool: Path) -> None:
    async def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        assert method == "GET"
        return 503, b'{"ok":false,"error":"busy","code":"storage_busy"}'

    with serving(spool, send):
        hand_in(spool, "alice", "r1", {"method": "DELETE", "path": "/v1/sessions/s-b"})
        assert get_response(spool, "alice", "r1")["status"] == 503


def test_a_spool_that_is_deleted_and_made_anew_is_served_again(spool: Path, notifications: bool) -> None:
    hub = StandIn()
    with serving(spool, hub, notifications=notifications):
        for turn in range(3):
            hand_in(spool, "alice", f"r{turn}", post(n=turn))
            assert get_response(spool, "alice", f"r{turn}")["status"] == 201
            shutil.rmtree(spool)
        hand_in(spool, "alice", "last", post(n=9))
        assert get_response(spool, "alice", "last")["status"] == 201


def test_a_spool_that_is_gone_when_the_answer_comes_does_not_end_the_relay(spool: Path) -> None:
    hub = StandIn()

    async def delete(method: str, path: str) -> None:
        if len(hub.calls) == 1:
            shutil.rmtree(spool)

    hub.before = delete
    with serving(spool, hub):
        hand_in(spool, "alice", "r1", post(n=1))
        wait_until(lambda: len(hub.done) == 1, what="the first call")
        hand_in(spool, "alice", "r2", post(n=2))
        assert get_response(spool, "alice", "r2")["status"] == 201


def test_descriptors_that_are_used_up_are_told_of_once_and_so_is_their_return(
    spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    opened = os.open
    looks: list[str | Path] = []

    def open_none(path: str | Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if not used_up.is_set():
            return opened(path, flags, mode, dir_fd=dir_fd)
        looks.append(path)
        raise OSError(errno.EMFILE, "Too many open files")

    used_up = threading.Event()
    monkeypatch.setattr(os, "open", open_none)
    with serving(spool, StandIn(), poll_interval_sec=0.01, notifications=False, pace=Pace(retry_sec=0.02)):
        hand_in(spool, "alice", "r1", post(n=1))
        get_response(spool, "alice", "r1")
        used_up.set()
        wait_until(lambda: len(looks) > 20, what="many looks in vain")
        used_up.clear()
        hand_in(spool, "alice", "r2", post(n=2))
        assert get_response(spool, "alice", "r2")["status"] == 201
    told = [record for record in caplog.records if record.name == "arc.relay"]
    assert [record.getMessage().split(" ", 2)[2] for record in told] == [
        "cannot be looked at now: [Errno 24] Too many open files",
        "can be looked at again",
    ]
    assert not any(record.exc_info for record in told)


def test_a_response_that_cannot_be_written_is_tried_again(
    spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hub, full = StandIn(), threading.Event()
    full.set()
    write = AgentFolder.answer

    def answer(self: AgentFolder, stem: str, content: bytes) -> None:
        if full.is_set():
            raise OSError(28, "No space left on device")
        write(self, stem, content)

    monkeypatch.setattr(AgentFolder, "answer", answer)
    with serving(spool, hub, pace=Pace(retry_sec=0.05)):
        hand_in(spool, "alice", "r1", post(n=1))
        wait_until(lambda: len(hub.calls) > 1, what="the second try")
        full.clear()
        assert get_response(spool, "alice", "r1")["body"] == {"ok": True, "result": {"id": 1}}
    assert len(hub.done) == 1
    assert caplog.text.count("No space left") == 1


@pytest.mark.parametrize("query", ["", "&timeout=5"])
def test_a_cursor_does_not_pass_what_no_response_could_tell(
    tmp_path: Path, spool: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    write, full = AgentFolder.answer, threading.Event()

    def answer(self: AgentFolder, stem: str, content: bytes) -> None:
        if full.is_set():
            raise OSError(28, "No space left on device")
        write(self, stem, content)

    def read_on(number: int) -> list[str]:
        hand_in(spool, "alice", f"r{number}", {"method": "GET", "path": f"{path}&limit=2{query}"})
        return [message["body"] for message in get_response(spool, "alice", f"r{number}")["body"]["result"]]

    path = "/v1/events?agent_id=alice&cursor=c"
    monkeypatch.setattr(AgentFolder, "answer", answer)
    with served_hub(tmp_path) as hub:
        hub.get(path)
        send = HttpSend(hub.url)
        for text in ("one", "two", "three"):
            hub.say(text)
        full.set()
        with serving(spool, send, pace=Pace(retry_sec=0.05)):
            hand_in(spool, "alice", "r1", {"method": "GET", "path": f"{path}&limit=2{query}"})
            wait_until((spool / "requests" / "alice" / "r1.work").exists, what="the request to be taken")
            wait_until(lambda: hub.get("/v1/health").status == 200)
        full.clear()
        with serving(spool, HttpSend(hub.url)):
            first = [message["body"] for message in get_response(spool, "alice", "r1")["body"]["result"]]
            assert (first, read_on(2)) == (["one", "two"], ["three"])


def test_a_request_that_cannot_be_taken_is_tried_again(
    spool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hand_in(spool, "alice", "r1", post(n=1))
    blocked = spool / "responses" / "alice" / "r1.json"
    (blocked / "full").mkdir(parents=True)
    with serving(spool, StandIn(), pace=Pace(retry_sec=0.02)):
        wait_until(lambda: "cannot be served now" in caplog.text)
        assert (spool / "requests" / "alice" / "r1.json").is_file()
        shutil.rmtree(blocked)
        assert get_response(spool, "alice", "r1")["status"] == 201


def test_what_is_under_way_when_the_relay_closes_is_left_for_the_next_one(spool: Path) -> None:
    hub = StandIn()

    async def hang(method: str, path: str) -> None:
        await asyncio.sleep(60)

    hub.before = hang
    with serving(spool, hub):
        hand_in(spool, "alice", "r1", post(n=1))
        hand_in(spool, "alice", "r2", post(n=2))
        wait_until(lambda: hub.calls, what="the first call")
    hub.before = None
    assert not (spool / "responses" / "alice" / "r1.json").exists()
    with serving(spool, hub):
        get_response(spool, "alice", "r2")
    assert [body["n"] for body in hub.bodies] == [1, 1, 2]
    assert len(hub.done) == 2


def test_a_hub_that_is_ending_answers_nobody(spool: Path) -> None:
    asked, closing = threading.Event(), threading.Event()

    async def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        asked.set()
        await asyncio.to_thread(closing.wait, 10)
        await asyncio.sleep(0.05)
        return 503, b'{"ok":false,"error":"this hub is stopping","code":"hub_stopping"}'

    with serving(spool, send):
        hand_in(spool, "alice", "r1", post(n=1))
        assert asked.wait(30)
        closing.set()
    assert not (spool / "responses" / "alice" / "r1.json").exists()
    assert (spool / "requests" / "alice" / "r1.work").exists()


def test_a_hub_that_is_ending_is_asked_again_until_there_is_another(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping = (503, b'{"ok":false,"error":"this hub is stopping","code":"hub_stopping"}')
    answers = [stopping, stopping, (503, b"no JSON"), (201, b'{"ok":true,"result":{}}')]

    async def send(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        return answers.pop(0)

    with serving(spool, send, pace=Pace(reconnect_sec=(0.005, 0.01))):
        hand_in(spool, "alice", "r1", post(n=1))
        assert get_response(spool, "alice", "r1")["status"] == 503
        assert len(answers) == 1


def test_a_spool_that_cannot_be_made_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError), serving(tmp_path / "file" / "spool", StandIn()):
        pass
