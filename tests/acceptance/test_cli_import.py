"""`arc log import`: a database of Arc 0.1.1 comes into a new log, and is itself never touched."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.support.arc_011 import hub_011, require_arc_011
from tests.support.arc_command import ArcCommand
from tests.support.database_011 import database_011, time
from tests.support.hub_process import HubProcess

FILL = """
import arc, sys, time
url = sys.argv[1]
ada = arc.ArcClient.quickstart("ada", url, capabilities=["code"])
arc.ArcClient.quickstart("bob", url)
bob = arc.ArcClient.quickstart("bob", url, display_name="Bob")
ada.create_channel("dev", metadata={"n": 1})
root = ada.post("dev", "root", kind="task", thread_id="t")
parts = [ada.post("dev", f"part {n}", kind="task", thread_id="t", parent_task_id=root["id"]) for n in range(2)]
ada.post("dev", "open", kind="task", thread_id="u", attachments=[{"type": "code", "content": "x", "language": "py"}])
bob.claim("build", thread_id="t", task_message_id=root["id"], metadata={"why": "first"})
bob.claim("old")
bob.release("old")
ada.lock("src/a.py", 300, {"thread_id": "t"})
ada.lock("b.py")
ada.unlock("b.py")
for part in parts:
    while time.time() % 1 > 0.5:  # 0.1.1 asks the clock twice: for a task, and for its parent
        time.sleep(0.01)
    bob.complete_task(part["id"])
request = ada.post("direct", "6 * 7?", kind="task_request", to_agent="bob")
bob.dm("ada", "42", kind="task_result", reply_to=request["id"])
arc.ArcClient.quickstart("carol", url).close()
"""

READS = [
    "/v1/channels",
    "/v1/threads",
    "/v1/threads/t",
    "/v1/threads/u",
    "/v1/claims",
    "/v1/claims?active_only=1",
    "/v1/locks",
    "/v1/locks?active_only=1",
    "/v1/tasks",
    "/v1/agents",
    "/v1/messages?channel=dev",
    "/v1/messages?thread_id=t",
    "/v1/inbox/bob",
    "/v1/inbox/ada",
]


OF_TASKS = {"title", "state", "opener", "assignee", "claimed_by", "claimed_until", "priority", "depends_on"}
OF_TASKS |= {"waits_for", "needs", "not_before", "attempts", "max_attempts"}
UNLIKE = {"fencing_token", "completed_by", "last_seen", "key", "mode", *OF_TASKS}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], HubProcess]]:
    """Start a hub on a storage in the test's folder."""
    started: list[HubProcess] = []

    def start(storage: str) -> HubProcess:
        hub = HubProcess(tmp_path, tmp_path / storage, tmp_path / ".arc-relay")
        started.append(hub)
        return hub.start()

    yield start
    for hub in started:
        hub.stop()


def as_011(value: Any) -> Any:
    """An answer without what Arc 0.1.1 does not know, and without parts of a second.

    Nor with the last sign of life of a session: what comes after the last message is not recorded before it.
    """
    if isinstance(value, dict):
        return {name: as_011(one) for name, one in value.items() if name not in UNLIKE}
    if isinstance(value, list):
        return [as_011(one) for one in value]
    return value.replace(".000000Z", "Z") if isinstance(value, str) else value


def test_a_hub_on_the_new_log_answers_as_the_hub_of_011_did(
    arc: ArcCommand, serve: Callable[[str], HubProcess], tmp_path: Path
) -> None:
    python = require_arc_011()
    home = tmp_path / "old"
    home.mkdir()
    old = hub_011(home).start()
    try:
        environment = os.environ | {"PYTHONPATH": ""}
        subprocess.run([python, "-P", "-c", FILL, old.url], env=environment, timeout=60, check=True)
        before = {path: as_011(old.get(path).result) for path in READS}
        tail = old.get("/v1/messages?channel=general&tail=1").result
    finally:
        old.stop()
    files = sorted(home.glob("arc.sqlite3*"))
    assert home / "arc.sqlite3-wal" in files
    digests = [sha256(path.read_bytes()).digest() for path in files if not path.name.endswith("-shm")]

    refused = arc("--storage", old.storage, "--port", old.port)
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert f"arc log import {old.storage}" in refused.err
    assert arc("reset", "--storage", old.storage).json["reset"] is False
    imported = arc("log", "import", old.storage, "--storage", "new.sqlite3")
    assert imported.code == 0
    assert "7 messages, 3 channels, 4 sessions, 2 claims, 2 locks, 3 completed tasks from" in imported.out
    assert [sha256(path.read_bytes()).digest() for path in files if not path.name.endswith("-shm")] == digests

    hub = serve("new.sqlite3")
    assert {path: as_011(hub.get(path).result) for path in READS} == before
    assert as_011(hub.get("/v1/messages?channel=general&tail=1").result) == tail
    assert arc("log", "verify", "--storage", "new.sqlite3").code == 0
    assert arc("log", "replay", "--storage", "new.sqlite3").code == 0


def test_what_was_is_told_at_the_time_when_it_was(
    arc: ArcCommand, serve: Callable[[str], HubProcess], tmp_path: Path
) -> None:
    with database_011(tmp_path / "old.sqlite3") as rows:
        rows.add("channels", name="dev", created_at=time("08:00:00"), created_by="ada")
        rows.say(5, "09:00:00", kind="task", channel="dev")
        rows.say(9, "10:00:00", thread_id="t")
        rows.add(
            "tasks", task_id=5, channel="dev", status="done", created_at=time("09:00:00"), completed_at=time("09:30:00")
        )
        lease = {"expires_at": time("12:00:00"), "released_at": time("08:30:00")}
        rows.add("claims", claim_key="k", owner_agent_id="ada", claimed_at=time("08:15:00"), **lease)
        rows.add("locks", file_path="f", agent_id="ada", locked_at=time("08:20:00"), **lease)
    assert arc("log", "import", "old.sqlite3", "--storage", "new.sqlite3").code == 0
    hub = serve("new.sqlite3")
    assert [one["id"] for one in hub.get("/v1/events?agent_id=x").result] == [5, 9]
    channel = next(one for one in hub.get("/v1/channels").result if one["name"] == "dev")
    task, claim, lock = (hub.get(f"/v1/{noun}").result[0] for noun in ("tasks", "claims", "locks"))
    assert as_011(channel["created_at"]) == time("08:00:00")
    assert as_011([task["created_at"], task["completed_at"]]) == [time("09:00:00"), time("09:30:00")]
    assert as_011([claim["claimed_at"], claim["released_at"]]) == [time("08:15:00"), time("08:30:00")]
    assert as_011([lock["locked_at"], lock["released_at"]]) == [time("08:20:00"), time("08:30:00")]
    assert hub.post("/v1/messages", {"from_agent": "ada", "body": "next"}).result["id"] > 9


def test_what_no_json_reader_could_keep_is_made_readable(
    arc: ArcCommand, serve: Callable[[str], HubProcess], tmp_path: Path
) -> None:
    deep: Any = 1
    for _ in range(80):
        deep = [deep]
    with database_011(tmp_path / "old.sqlite3") as rows:
        rows.say(1, "09:00:00", metadata_json='{"nan": NaN, "half": "\\ud800", "big": 123456789012345678901234567890}')
        rows.say(2, "09:00:00", metadata_json=json.dumps({"deep": deep}), attachments_json="not JSON")
        rows.say(3, "09:00:00", attachments_json=[{"type": "odd", "content": 1}, {"type": "text", "content": "fine"}])
        rows.say(4, "09:00:00", body="a\x00b", from_agent="system")
    assert arc("log", "import", "old.sqlite3", "--storage", "new.sqlite3").code == 0
    first, second, third, fourth = serve("new.sqlite3").get("/v1/events?agent_id=x").result
    assert first["metadata"] == {"nan": None, "half": "?", "big": "123456789012345678901234567890"}
    assert second["attachments"] == []
    assert third["attachments"] == [
        {"type": "json", "content": {"type": "odd", "content": 1}},
        {"type": "text", "content": "fine"},
    ]
    assert (fourth["body"], fourth["from_agent"]) == ("a\x00b", "system")


def test_a_log_with_events_takes_no_import(arc: ArcCommand, tmp_path: Path) -> None:
    with database_011(tmp_path / "old.sqlite3") as rows:
        rows.say(1, "09:00:00")
    assert arc("log", "import", "old.sqlite3", "--storage", "new.sqlite3").code == 0
    again = arc("log", "import", "old.sqlite3", "--storage", "new.sqlite3")
    assert (again.code, again.err.count("\n")) == (1, 1)
    assert "has events already" in again.err


def test_a_row_that_cannot_be_read_leaves_no_new_log(arc: ArcCommand, tmp_path: Path) -> None:
    with database_011(tmp_path / "old.sqlite3") as rows:
        rows.say(1, "09:00:00")
        rows.say(2, "noon")
    failed = arc("log", "import", "old.sqlite3", "--storage", "new.sqlite3")
    assert (failed.code, failed.err) == (
        1,
        "arc error: message 2 has the time '2026-01-02TnoonZ', which is not a time\n",
    )
    assert [file.name for file in tmp_path.iterdir()] == ["old.sqlite3"]


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("nothing.sqlite3", "there is no file"),
        ("text.txt", "text.txt is neither an export nor a database"),
        ("arc.sqlite3", "cannot be brought into itself: name a new file"),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_line(file: str, told: str, arc: ArcCommand, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("some text\n" * 100)
    with database_011(tmp_path / "arc.sqlite3") as rows:
        rows.say(1, "09:00:00")
    ended = arc("log", "import", file)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert told in ended.err
