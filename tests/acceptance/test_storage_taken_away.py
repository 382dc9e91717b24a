"""A storage that is taken away from a running hub: it stops, says so, and a restart finds all that it acknowledged."""

import http.client
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.arc_command import ArcCommand
from tests.support.hub_process import HubProcess
from tests.support.waiting import wait_until

WRITERS = 3
NOTICED_WITHIN_SEC = 2.0
"""It takes a tenth of that; but a writer, too, may be late to learn of its answer."""


class Writers:
    """Agents that post as fast as they are answered."""

    def __init__(self, port: int) -> None:
        self.acknowledged: list[tuple[int, str]] = []
        self.refusals: list[dict[str, object]] = []
        self.last_acknowledged_at = 0.0
        self._port = port
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(number,), daemon=True) for number in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(20)

    def _write(self, writer: int) -> None:
        number = 0
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)) as connection:
            while not self._stopping.is_set():
                body = f"{writer} says {number} " + "x" * 300
                try:
                    connection.request("POST", "/v1/messages", json.dumps({"from_agent": f"w{writer}", "body": body}))
                    response = connection.getresponse()
                    answer = json.loads(response.read())
                except (OSError, http.client.HTTPException):  # the hub has ended
                    return
                if response.status == 201:
                    self.last_acknowledged_at = time.monotonic()
                    self.acknowledged.append((answer["result"]["id"], body))
                    number += 1
                else:
                    assert response.status == 503, answer
                    self.refusals.append(answer)
                    self._stopping.wait(0.01)


def end(storage: Path, suffix: str) -> Path:
    return storage.with_name(storage.name + suffix)


def git_clean(storage: Path) -> None:
    (storage.parent / ".gitignore").write_text("*.sqlite3\n")
    subprocess.run(["git", "init", "-q"], cwd=storage.parent, check=True)
    subprocess.run(["git", "add", ".gitignore"], cwd=storage.parent, check=True)
    subprocess.run(["git", "clean", "-fdq"], cwd=storage.parent, check=True)


def remove_wal(storage: Path) -> None:
    end(storage, "-wal").unlink()


def remove_shm(storage: Path) -> None:
    end(storage, "-shm").unlink()


def remove_both(storage: Path) -> None:
    remove_wal(storage)
    remove_shm(storage)


def cut_wal(storage: Path) -> None:
    os.truncate(end(storage, "-wal"), 0)


def remove_database(storage: Path) -> None:
    storage.unlink()


def remove_all(storage: Path) -> None:
    storage.unlink()
    remove_both(storage)


def replace_database(storage: Path) -> None:
    other = storage.with_name("other.sqlite3")
    other.write_bytes(b"not a storage")
    other.rename(storage)


def move_folder(storage: Path) -> None:
    storage.parent.rename(storage.parent.with_name("moved"))


def messages(hub: HubProcess) -> dict[int, str]:
    found: dict[int, str] = {}
    since = 0
    while page := hub.get(f"/v1/messages?channel=general&limit=500&since_id={since}").result:
        found |= {message["id"]: message["body"] for message in page}
        since = page[-1]["id"]
    return found


def is_gone(hub: HubProcess) -> bool:
    """Whether the hub has noticed; until then, it may fail to read."""
    try:
        health = hub.get("/v1/health")
    except (OSError, http.client.HTTPException):
        return False
    return health.status == 200 and health.result["status"] == "gone"


def has_ended(hub: HubProcess) -> bool:
    """Whether its process has ended by itself, as it should where it does."""
    assert hub.process is not None
    code = hub.process.poll()
    assert code in {None, 1}, hub.output
    return code is not None


@pytest.fixture
def hub_in_project(tmp_path: Path) -> HubProcess:
    """A hub whose storage lies in a folder of its own, not started."""
    (tmp_path / "project").mkdir()
    return HubProcess(tmp_path, tmp_path / "project" / "arc.sqlite3", tmp_path / ".arc-relay")


@pytest.mark.parametrize("idle", [False, True], ids=["under load", "while nobody writes"])
@pytest.mark.parametrize(
    ("take_away", "lies_then"),
    [
        (git_clean, "project/arc.sqlite3"),
        (remove_wal, "project/arc.sqlite3"),
        (remove_shm, "project/arc.sqlite3"),
        (remove_both, "project/arc.sqlite3"),
        (cut_wal, "project/arc.sqlite3"),
        (remove_database, "project/arc.rescued-*.sqlite3"),
        (remove_all, "project/arc.rescued-*.sqlite3"),
        (replace_database, "project/arc.rescued-*.sqlite3"),
        (move_folder, "moved/arc.sqlite3"),
    ],
)
def test_whatever_file_of_the_storage_goes_nothing_that_was_acknowledged_goes_with_it(
    hub_in_project: HubProcess, take_away: Callable[[Path], None], lies_then: str, idle: bool
) -> None:
    hub = hub_in_project.start()
    try:
        writers = Writers(hub.port)
        wait_until(lambda: len(writers.acknowledged) > 300, what="some messages")
        if idle:
            writers.stop()
        take_away(hub.storage)
        gone_at = time.monotonic()
        wait_until(lambda: is_gone(hub), what="it to be noticed")
        writers.stop()
        assert writers.last_acknowledged_at < gone_at + NOTICED_WITHIN_SEC
        assert hub.post("/v1/messages", {"from_agent": "late", "body": "?"}).body["code"] == "storage_gone"
        assert hub.get("/v1/messages?channel=general").body["code"] == "storage_gone"
        assert hub.get("/v1/health").result["problem"] == hub.get("/v1/hub-info").result["problem"]
        said = [line for line in hub.output.splitlines() if "nothing can be recorded" in line]
        assert len(said) == 1
        hub.kill()
        (hub.storage,) = hub.home.glob(lies_then)
        found = messages(hub.start())
        assert [told for told in writers.acknowledged if found.get(told[0]) != told[1]] == []
    finally:
        hub.stop()


@pytest.mark.parametrize("idle", [False, True], ids=["under load", "while nobody writes"])
@pytest.mark.parametrize("left", [0, 4096], ids=["to nothing", "in the middle"])
def test_a_hub_whose_shared_memory_is_cut_stops_or_ends_with_a_line_and_loses_nothing(
    hub_in_project: HubProcess, idle: bool, left: int
) -> None:
    hub = hub_in_project.start()
    writers = Writers(hub.port)
    try:
        wait_until(lambda: len(writers.acknowledged) > 300, what="some messages")
        if idle:
            writers.stop()
        os.truncate(end(hub.storage, "-shm"), left)
        cut_at = time.monotonic()
        wait_until(lambda: has_ended(hub) or is_gone(hub), what="it to be noticed")
        writers.stop()
        assert writers.last_acknowledged_at < cut_at + NOTICED_WITHIN_SEC
        said = [line for line in hub.output.splitlines() if "-shm" in line]
        assert said
        for line in said:
            assert "arc.sqlite3-shm was cut short while the storage" in line
            assert "everything acknowledged is on disk" in line
        stopped = [line for line in said if line.endswith("restart the hub")]
        ended = [line for line in said if line.endswith("start it again with arc ensure")]
        assert stopped + ended == said
        assert len(stopped) <= 1
        assert len(ended) <= 1
        hub.kill()
        found = messages(hub.start())
        assert [told for told in writers.acknowledged if found.get(told[0]) != told[1]] == []
    finally:
        writers.stop()
        hub.stop()


def test_a_hub_that_ends_after_its_storage_was_replaced_leaves_the_files_of_the_next_hub_alone(
    hub_in_project: HubProcess,
) -> None:
    old = hub_in_project.start()
    new = HubProcess(old.home, old.storage, old.home / ".arc-relay-2")
    try:
        old.post("/v1/messages", {"from_agent": "a", "body": "old"})
        remove_all(old.storage)
        wait_until(lambda: is_gone(old), what="it to be noticed")
        new.start().post("/v1/messages", {"from_agent": "a", "body": "new"})
        assert old.stop() == 0
        assert end(new.storage, "-wal").exists()
        new.kill()
        assert list(messages(new.start()).values()) == ["new"]
    finally:
        old.stop()
        new.stop()


def test_a_second_hub_does_not_start_on_what_a_first_one_left_of_its_storage(
    hub_in_project: HubProcess, free_port: int
) -> None:
    first = hub_in_project.start()
    try:
        assert first.process is not None
        first.post("/v1/locks", {"agent_id": "a", "file_path": "src/a.py"})
        remove_both(first.storage)
        done = ArcCommand(first.home)("--port", str(free_port), "--storage", str(first.storage))
        assert done.code == 1
        assert f"process {first.process.pid} has the storage {first.storage} open" in done.err
    finally:
        first.stop()


def test_a_second_hub_does_not_start_under_another_name_of_the_storage(
    hub_in_project: HubProcess, free_port: int
) -> None:
    first = hub_in_project.start()
    try:
        other = first.home / "other.sqlite3"
        other.hardlink_to(first.storage)
        done = ArcCommand(first.home)("--port", str(free_port), "--storage", str(other))
        assert done.code == 1
        assert "has 2 names (hard links)" in done.err
        refused = first.post("/v1/messages", {"from_agent": "a", "body": "hi"})
        assert (refused.status, "delete the other names" in refused.body["error"]) == (503, True)
        assert first.get("/v1/health").result["status"] == "failing"
        other.unlink()
        assert first.post("/v1/messages", {"from_agent": "a", "body": "hi"}).status == 201
        assert first.get("/v1/health").result["status"] == "ok"
        assert [line.split(" ", 2)[2][:26] for line in first.output.splitlines()] == [
            "nothing can be recorded, a",
            "calls are recorded again",
        ]
    finally:
        first.stop()


def test_a_folder_that_is_deleted_with_its_storage_is_gone_for_good(hub_in_project: HubProcess) -> None:
    hub = hub_in_project.start()
    try:
        shutil.rmtree(hub.storage.parent)
        wait_until(lambda: is_gone(hub), what="it to be noticed")
        assert not hub.storage.parent.exists()
    finally:
        hub.stop()
