"""The client's side of the spool: files that appear whole, responses of every kind, ids that can be asked again."""

import json
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from arc import ArcClient, ArcError, FileRelayClient, ensure_spool_dirs
from tests.support.waiting import wait_until


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def make_relay(spool: Path, timeout: float = 5.0, agent_id: str = "ada") -> FileRelayClient:
    return FileRelayClient(agent_id=agent_id, spool_dir=spool, timeout=timeout, poll_interval_sec=0.005)


def find_request(spool: Path) -> Path | None:
    return next(iter(spool.glob("requests/*/*.json")), None)


def answer_with(spool: Path, content: str | dict[str, Any], *, times: int = 1) -> None:
    """Take requests as a relay does, and write this response to each."""
    for _ in range(times):
        request = wait_until(lambda: find_request(spool), what="a request")
        assert request is not None
        taken = request.rename(request.with_suffix(".work"))
        response = spool / "responses" / taken.parent.name / request.name
        text = content if isinstance(content, str) else json.dumps({"request_id": request.stem, **content})
        unfinished = response.with_suffix(".tmp")
        unfinished.write_text(text)
        unfinished.rename(response)


@contextmanager
def relay_that_answers(spool: Path, content: str | dict[str, Any]) -> Iterator[None]:
    thread = threading.Thread(target=answer_with, args=(spool, content))
    thread.start()
    yield
    thread.join(10)
    assert not thread.is_alive()


OK = {"ok": True, "status": 201, "body": {"ok": True, "result": {"id": 7}}, "completed_at": "2026-01-01T00:00:00Z"}


def test_a_response_is_returned_as_the_relay_wrote_it(spool: Path) -> None:
    with relay_that_answers(spool, OK):
        response = make_relay(spool).call("POST", "/v1/messages", {"from_agent": "ada", "body": "ü"})
    assert response == {**OK, "request_id": response["request_id"]}
    (request,) = spool.glob("requests/ada/*.work")
    written = json.loads(request.read_text())
    assert written.pop("created_at").endswith("Z")
    assert written == {
        "request_id": request.stem,
        "agent_id": "ada",
        "method": "POST",
        "path": "/v1/messages",
        "body": {"from_agent": "ada", "body": "ü"},
    }


def test_files_and_folders_are_for_their_owner_alone(spool: Path) -> None:
    make_relay(spool, timeout=0).call("GET", "/v1/channels")
    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in [spool, *spool.rglob("*")]}
    assert modes == {True: 0o700, False: 0o600}


def test_a_request_appears_whole_under_its_name(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    rename = os.replace

    def look_first(source: Path, target: Path) -> None:
        assert not Path(target).exists()
        seen.append(json.loads(Path(source).read_text()))
        rename(source, target)

    monkeypatch.setattr("os.replace", look_first)
    monkeypatch.setattr("pathlib.Path.replace", look_first)
    make_relay(spool, timeout=0).call("GET", "/v1/channels")
    assert [one["path"] for one in seen] == ["/v1/channels"]
    assert [path.suffix for path in spool.glob("requests/ada/*")] == [".json"]


def test_nothing_is_ever_deleted(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    for name in ("os.unlink", "os.remove", "os.rmdir", "pathlib.Path.unlink", "pathlib.Path.rmdir"):
        monkeypatch.setattr(name, refuse)
    with relay_that_answers(spool, OK):
        assert make_relay(spool).call("GET", "/v1/channels")["ok"]


def test_without_a_relay_the_status_is_598_and_the_request_stays(spool: Path) -> None:
    response = make_relay(spool, timeout=0.02).call("GET", "/v1/channels")
    assert (response["ok"], response["status"]) == (False, 598)
    assert response["error"] == "relay timed out waiting for response"
    assert (spool / "requests" / "ada" / f"{response['request_id']}.json").exists()


def test_a_spool_that_cannot_be_written_is_a_597(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    response = make_relay(tmp_path / "file" / "spool").call("GET", "/v1/channels")
    assert (response["ok"], response["status"]) == (False, 597)
    assert "relay spool write failed" in response["error"]


@pytest.mark.parametrize("content", ["not json", "[]", "{}", '{"ok": true}', '{"ok": "yes", "status": 200}', ""])
def test_a_response_that_cannot_be_used_is_a_500(content: str, spool: Path) -> None:
    with relay_that_answers(spool, content):
        response = make_relay(spool).call("GET", "/v1/channels")
    assert (response["ok"], response["status"]) == (False, 500)


def test_a_response_that_is_seen_before_it_is_whole_is_read_again(spool: Path) -> None:
    relay, answers = make_relay(spool), list[dict[str, Any]]()
    thread = threading.Thread(target=lambda: answers.append(relay.call("GET", "/v1/channels")))
    thread.start()
    request = wait_until(lambda: find_request(spool))
    assert request is not None
    response = spool / "responses" / "ada" / request.name
    whole = json.dumps({"request_id": request.stem, **OK})
    response.write_text(whole[:20])
    response.write_text(whole)
    thread.join(5)
    assert answers == [json.loads(whole)]


def test_a_request_is_asked_again_under_its_id_without_being_done_again(spool: Path) -> None:
    relay = make_relay(spool, timeout=0.02)
    first = relay.call("POST", "/v1/messages", {"body": "once"})
    assert first["status"] == 598
    answer_with(spool, OK)
    again = relay.call("POST", "/v1/messages", {"body": "once"}, request_id=first["request_id"])
    assert again["body"] == OK["body"]
    assert [path.suffix for path in spool.glob("requests/ada/*")] == [".work"]


def test_a_request_that_the_spool_lost_is_handed_in_again_under_its_id(spool: Path) -> None:
    response = make_relay(spool, timeout=0.02).call("GET", "/v1/channels", request_id="mine-1")
    assert response["request_id"] == "mine-1"
    (spool / "requests" / "ada" / "mine-1.json").unlink()
    make_relay(spool, timeout=0.02).call("GET", "/v1/channels", request_id="mine-1")
    assert (spool / "requests" / "ada" / "mine-1.json").exists()


@pytest.mark.parametrize("request_id", ["../up", "a/b", "..", "a b"])
def test_an_id_that_cannot_name_a_file_is_refused(request_id: str, spool: Path) -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        make_relay(spool).call("GET", "/v1/channels", request_id=request_id)
    assert not spool.exists()


@pytest.mark.parametrize(
    ("agent_id", "folder"),
    [
        ("ada", "ada"),
        ("a b/ü!..x", "a_b_..x"),
        ("日本", "_"),
        ("..", "agent"),
        (".", "agent"),
        ("", "agent"),
        ("a\nb", "a_b"),
    ],
)
def test_an_agents_folder_lies_in_the_spool_whatever_its_id(agent_id: str, folder: str, spool: Path) -> None:
    assert ensure_spool_dirs(spool, agent_id=agent_id) == spool
    assert sorted(path.relative_to(spool).as_posix() for path in spool.glob("*/*")) == [
        f"requests/{folder}",
        f"responses/{folder}",
    ]


def test_a_spool_path_stays_lexical(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert ensure_spool_dirs("link/spool") == tmp_path / "link" / "spool"
    assert ensure_spool_dirs("link/../other") == tmp_path / "link" / ".." / "other"


def test_a_client_keeps_its_spool_when_the_program_changes_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relay = FileRelayClient(agent_id="ada", spool_dir="spool", timeout=0)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    relay.call("GET", "/v1/channels")
    assert (tmp_path / "spool" / "requests" / "ada").exists()


def test_the_defaults_are_those_of_the_protocol() -> None:
    relay = FileRelayClient(agent_id="ada")
    assert (relay.agent_id, relay.spool_dir, relay.timeout, relay.poll_interval_sec) == ("ada", ".arc-relay", 30.0, 0.1)


REFUSED = {"ok": False, "status": 404, "body": {"ok": False, "error": "thread is unknown"}}
Ask = Callable[[ArcClient], object]


@pytest.mark.parametrize(
    ("content", "error", "status"),
    [
        (REFUSED, "thread is unknown", 404),
        (
            {"ok": False, "status": 400, "error": "invalid relay request: no path"},
            "invalid relay request: no path",
            400,
        ),
        ({"ok": False, "status": 502, "error": "no hub", "body": None}, "no hub", 502),
        ({"ok": True, "status": 200, "body": None}, "relay transport error", 400),
    ],
)
def test_a_client_over_the_relay_raises_what_the_hub_or_the_relay_refused(
    content: dict[str, Any], error: str, status: int, spool: Path
) -> None:
    client = ArcClient.over_relay("ada", spool, timeout=5)
    with relay_that_answers(spool, content), pytest.raises(ArcError) as caught:
        client.get_thread("t")
    assert (caught.value.error, caught.value.status) == (error, status)


def test_a_client_over_the_relay_returns_results(spool: Path) -> None:
    with relay_that_answers(spool, OK):
        assert ArcClient.over_relay("ada", spool).post("general", "hi")["id"] == 7
