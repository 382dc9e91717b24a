"""Keys that are certain do not come in, on any way to the hub; what looks like one is shown to people."""

from pathlib import Path

import pytest

from arc import ArcClient, ArcError
from arclog.progress import no_progress
from projections.rebuilding.verification import verify_storage
from tests.support.hub_process import HubProcess
from tests.support.relay_thread import get_response, hand_in
from tests.support.served_hub import ServedHub
from tests.unit.test_secrets import BY_LOOKS, PEM, TOKEN


def test_it_is_refused_over_http_and_nothing_of_it_stays(hub: ServedHub, tmp_path: Path) -> None:
    head = hub.get("/v1/health").result["head"]
    for path, body in (
        ("/v1/messages", {"from_agent": "a", "body": PEM}),
        ("/v1/messages", {"from_agent": "a", "body": "x", "attachments": [{"type": "code", "content": TOKEN}]}),
        ("/v1/tasks", {"agent_id": "a", "tasks": [{"body": f"use {TOKEN}"}]}),
    ):
        refused = hub.post(path, body)
        assert (refused.status, refused.body["code"]) == (400, "looks_like_a_secret")
        assert TOKEN not in refused.body["error"]
    assert hub.get("/v1/health").result["head"] == head
    assert not any(TOKEN.encode() in path.read_bytes() for path in tmp_path.iterdir() if path.is_file())


def test_each_carrier_can_insist(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path).start()
    try:
        body = {"from_agent": "ada", "body": TOKEN}
        for stem, more, status in (("r1", {}, 400), ("r2", {"allow_secret": True}, 201)):
            request = {"method": "POST", "path": "/v1/messages", "request_id": stem, "body": {**body, **more}}
            hand_in(hub.spool_dir, "ada", stem, request)
            assert get_response(hub.spool_dir, "ada", stem)["status"] == status
        with ArcClient("bob", base_url=hub.url) as client:
            with pytest.raises(ArcError) as refused:
                client.post("general", TOKEN)
            assert refused.value.code == "looks_like_a_secret"
            assert "looks_like_a_secret" not in client.post("general", TOKEN, allow_secret=True)
    finally:
        hub.stop()


def test_what_looks_like_one_is_shown_to_people_until_it_is_erased(hub: ServedHub, tmp_path: Path) -> None:
    said = hub.post("/v1/messages", {"from_agent": "a", "body": BY_LOOKS[2]}).result
    assert said["looks_like_a_secret"]
    (item,) = [one for one in hub.get("/v1/attention").result if one["kind"] == "secret"]
    assert (item["entity"], item["event_id"]) == (f"message/{said['id']}", said["id"])
    assert "erased" in item["advice"]
    assert BY_LOOKS[2] not in str(item)
    hub.post("/v1/log/erase", {"ids": [said["id"]], "reason": "it was one"})
    assert [one for one in hub.get("/v1/attention").result if one["kind"] == "secret"] == []
    report = verify_storage(tmp_path / "arc.sqlite3", False, no_progress, no_progress)
    assert (report.findings, report.compared) == ((), True)


def test_a_hub_can_be_told_to_mark_alone_or_not_to_look(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path, "--secrets", "mark").start()
    try:
        assert hub.post("/v1/messages", {"from_agent": "a", "body": TOKEN}).result["looks_like_a_secret"]
    finally:
        hub.stop()
    off = HubProcess(tmp_path, hub.storage, hub.spool_dir, options=("--secrets", "off")).start()
    try:
        assert "looks_like_a_secret" not in off.post("/v1/messages", {"from_agent": "a", "body": TOKEN}).result
    finally:
        off.stop()
