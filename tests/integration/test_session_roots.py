"""The root that a session names: whoever works in another folder, another working tree or another repository."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_process import HubProcess

GIT = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=os.environ | GIT, check=True, capture_output=True)


def make_repository(folder: Path) -> Path:
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "a.py").write_text("a\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "home")


@pytest.fixture
def hub(home: Path) -> Iterator[HubProcess]:
    hub = HubProcess.at(home, "--root", str(home)).start()
    yield hub
    hub.stop()


def opens(hub: HubProcess, agent: str, root: Path | str) -> Any:
    return hub.post("/v1/sessions", {"agent_id": agent, "root": str(root)})


def lock(hub: HubProcess, agent: str, path: Path | str, **more: Any) -> Any:
    return hub.post("/v1/locks", {"agent_id": agent, "file_path": str(path), **more}).body


def test_one_file_has_one_key_in_all_working_trees_of_a_repository(hub: HubProcess, home: Path, tmp_path: Path) -> None:
    git(home, "worktree", "add", "-q", str(tmp_path / "fix"))
    opens(hub, "b", tmp_path / "fix")
    held = lock(hub, "a", "src/a.py")
    assert held["result"]["key"] == "src/a.py"
    for spelled in ("src/a.py", "./src/../src/a.py", tmp_path / "fix" / "src" / "a.py", home / "src" / "a.py"):
        refused = lock(hub, "b", spelled)
        assert (refused["acquired"], refused["result"]["agent_id"]) == (False, "a"), spelled
    assert lock(hub, "b", "src/b.py")["result"]["key"] == "src/b.py"


def test_the_same_path_in_two_repositories_is_two_files(hub: HubProcess, tmp_path: Path) -> None:
    web = make_repository(tmp_path / "web")
    opened = opens(hub, "b", web)
    assert opened.result["root"] == str(web)
    assert lock(hub, "a", "src/a.py")["acquired"]
    other = lock(hub, "b", "src/a.py")
    assert (other["acquired"], other["result"]["file_path"]) == (True, "src/a.py")
    assert other["result"]["key"] == f"{web}/.git//src/a.py"
    assert lock(hub, "c", web / "src" / "a.py")["result"]["agent_id"] == "b"
    assert lock(hub, "c", "src/a.py")["result"]["agent_id"] == "a"
    assert hub.post("/v1/locks/release", {"agent_id": "b", "file_path": "src/a.py"}).status == 200
    assert lock(hub, "c", web / "src" / "a.py")["acquired"]


def test_what_relies_on_a_lock_means_the_path_as_its_agent_does(hub: HubProcess, tmp_path: Path) -> None:
    opens(hub, "b", make_repository(tmp_path / "web"))
    token = lock(hub, "b", "src/**")["result"]["fencing_token"]
    relies = {"from_agent": "b", "body": "done", "require": {"lock/src/a.py": token}}
    assert hub.post("/v1/messages", relies).status == 201
    assert hub.get("/v1/locks/conflicts?agent_id=b&path=src/a.py").result == []
    assert hub.get("/v1/locks/conflicts?agent_id=a&path=src/a.py").result == []


def test_a_link_into_another_repository_leads_to_its_file(hub: HubProcess, home: Path, tmp_path: Path) -> None:
    web = make_repository(tmp_path / "web")
    opens(hub, "b", web)
    (home / "vendor").symlink_to(web)
    assert lock(hub, "b", "src/a.py")["acquired"]
    assert lock(hub, "a", "vendor/src/a.py")["result"]["agent_id"] == "b"


def test_a_root_lasts_as_long_as_its_session_and_outlives_the_hub(hub: HubProcess, tmp_path: Path) -> None:
    web = make_repository(tmp_path / "web")
    session = opens(hub, "b", web).result["session_id"]
    hub.kill()
    hub.start()
    assert lock(hub, "b", "src/a.py")["result"]["key"] == f"{web}/.git//src/a.py"
    hub.call("DELETE", f"/v1/sessions/{session}")
    assert lock(hub, "b", "src/a.py")["result"]["key"] == "src/a.py"


def test_a_root_that_is_no_folder_in_full_is_refused(hub: HubProcess) -> None:
    refused = opens(hub, "b", "web")
    assert (refused.status, refused.body["code"]) == (400, "invalid_input")
    assert "must be a folder in full" in refused.body["error"]
