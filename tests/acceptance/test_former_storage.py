"""What a former version left is opened, verified, told the same way and gone on with.

`storages/format_1.tar.xz` was made by Arc as it was in November 2026. It holds a storage with every type of event, an
export of it, a relay folder with two answered requests, one that lies there and one that was taken when the hub died,
and what that hub answered: to calls with a key, and to reads as of some events.
"""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arclog.events import EVENT_TYPES
from tests.support.arc_command import ArcCommand
from tests.support.hub_process import HubProcess
from tests.support.waiting import wait_until

LEFT = Path(__file__).parent / "storages" / "format_1.tar.xz"


@pytest.fixture
def left(tmp_path: Path) -> Path:
    """A folder with what the former version left."""
    with tarfile.open(LEFT) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


@pytest.fixture
def told(left: Path) -> dict[str, Any]:
    """What the former version answered."""
    told: dict[str, Any] = json.loads((left / "told.json").read_text())
    return told


@pytest.fixture
def old_hub(left: Path) -> Iterator[HubProcess]:
    """A hub of ours on the former version's storage and relay folder."""
    hub = HubProcess(left, left / "arc.sqlite3", left / "relay")
    hub.start()
    yield hub
    hub.stop()


def says_the_same(now: Any, then: Any) -> bool:
    """Whether an answer holds all that another held; fields may have been added since."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(name in now and says_the_same(now[name], then[name]) for name in then)
    if isinstance(then, list):
        return isinstance(now, list) and len(now) == len(then) and all(map(says_the_same, now, then))
    return bool(now == then)


def test_the_former_storage_holds_every_type_of_event_that_there_was(left: Path) -> None:
    lines = (left / "export.jsonl").read_text().splitlines()[1:-1]
    assert {json.loads(line)["type"] for line in lines} <= set(EVENT_TYPES)
    assert len({json.loads(line)["type"] for line in lines}) == 22


def test_a_former_storage_verifies_as_it_lies(arc: ArcCommand, left: Path) -> None:
    before = hashlib.sha256((left / "arc.sqlite3").read_bytes()).digest()
    assert arc("log", "verify", "--storage", left / "arc.sqlite3").code == 0
    assert arc("log", "verify", left / "export.jsonl").code == 0
    assert hashlib.sha256((left / "arc.sqlite3").read_bytes()).digest() == before


def test_a_former_storage_is_exported_byte_for_byte(arc: ArcCommand, left: Path) -> None:
    assert arc("log", "export", left / "again.jsonl", "--storage", left / "arc.sqlite3").code == 0
    assert (left / "again.jsonl").read_bytes() == (left / "export.jsonl").read_bytes()


def test_a_former_export_becomes_a_storage_that_verifies(arc: ArcCommand, left: Path) -> None:
    assert arc("log", "import", left / "export.jsonl", "--storage", left / "new.sqlite3").code == 0
    verified = arc("log", "verify", "--storage", left / "new.sqlite3", "--json")
    assert (verified.code, verified.json["findings"], verified.json["compared"]) == (0, [], True)


def test_every_read_of_the_past_answers_as_the_former_version_did(old_hub: HubProcess, told: dict[str, Any]) -> None:
    for path, then in told["reads"].items():
        now = old_hub.call("GET", path)
        assert now.status == 200, path
        assert says_the_same(now.body, then), path


def test_a_retry_of_a_call_to_the_former_version_is_answered_as_then(old_hub: HubProcess, told: dict[str, Any]) -> None:
    for call in told["retries"]:
        now = old_hub.call("POST", call["path"], call["body"], headers={"Idempotency-Key": call["key"]})
        assert now.status == call["status"]
        assert says_the_same(now.body, call["answer"])


def test_requests_that_the_former_version_left_are_answered_once(old_hub: HubProcess, left: Path) -> None:
    answers = [left / "relay" / "responses" / "frank" / f"{name}.json" for name in ("0001", "0002", "0003", "0004")]
    wait_until(lambda: all(answer.exists() for answer in answers), what="four answers")
    assert all(json.loads(answer.read_text())["ok"] for answer in answers)
    messages = old_hub.call("GET", "/v1/messages?channel=general&tail=1&limit=20").result
    said = [message["body"] for message in messages if message["from_agent"] == "frank"]
    assert sorted(said) == ["from a sandbox", "nobody was there", "taken when the hub died"]


def test_a_former_storage_is_gone_on_with_and_replays_equal(arc: ArcCommand, left: Path, told: dict[str, Any]) -> None:
    shutil.rmtree(left / "relay")  # what lies there would be done meanwhile
    hub = HubProcess(left, left / "arc.sqlite3", left / "relay")
    hub.start()
    posted = hub.call("POST", "/v1/messages", {"from_agent": "alice", "body": "and on it goes"})
    assert posted.result["id"] > told["head"]
    hub.stop()
    verified = arc("log", "verify", "--storage", left / "arc.sqlite3", "--json")
    assert (verified.code, verified.json["findings"], verified.json["compared"]) == (0, [], True)
