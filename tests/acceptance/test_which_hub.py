"""Which hub is meant: what was named, else the folder's own, else the usual port; and nobody is misled in silence."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.arc_011 import hub_011
from tests.support.arc_command import PROGRAM, ArcCommand, end_hubs_below
from tests.support.hub_process import CHECKOUT
from tests.support.on_port import ask, hub_info, is_closed
from tests.support.ports import find_free_port
from tests.support.tools import require_tool
from tests.support.waiting import wait_until


def git(folder: Path, *arguments: str) -> str:
    """What git prints, as a person of no name, without the settings of this machine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    command = ["git", *who, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(arc: ArcCommand) -> ArcCommand:
    """A git repository with one commit."""
    require_tool("git", install="apt-get install git")
    project = arc.inside("project")
    git(project.folder, "init", "--quiet")
    git(project.folder, "commit", "--quiet", "--allow-empty", "--message", "one")
    return project


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def bodies(url: str) -> list[str]:
    return [message["body"] for message in ask(port_of(url), "/v1/messages?channel=general")]


@contextmanager
def mcp(arc: ArcCommand, *arguments: str) -> Iterator[Any]:
    """A function that calls a tool of `arc mcp`."""
    server = subprocess.Popen(
        [*PROGRAM, "mcp", *arguments], cwd=arc.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None

    def call(name: str, **given: object) -> Any:
        assert server.stdout is not None
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": given}}
        os.write(pipe, (json.dumps(request) + "\n").encode())
        return json.loads(server.stdout.readline())

    pipe = server.stdin.fileno()
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    os.write(pipe, (json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}) + "\n").encode())
    server.stdout.readline()
    os.write(pipe, b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
    try:
        yield call
    finally:
        server.stdin.close()
        server.wait(15)
        server.stdout.close()


def test_two_projects_side_by_side_each_speak_to_their_own_hub(arc: ArcCommand) -> None:
    ours, theirs = arc.inside("a"), arc.inside("b")
    urls = {project: project("ensure", "--port", find_free_port()).json["url"] for project in (ours, theirs)}
    for project, name in ((ours, "a"), (theirs, "b")):
        posted = project("post", "--agent", name, f"in {name}")
        assert (posted.code, posted.err) == (0, "")
        assert f"in {name}" in project("messages").out
        client = f"import arc; arc.ArcClient('c').post('general', 'client in {name}')"
        program = [sys.executable, "-c", client]
        subprocess.run(program, cwd=project.folder, env=os.environ | {"PYTHONPATH": str(CHECKOUT)}, check=True)
    assert bodies(urls[ours]) == ["in a", "client in a"]
    assert bodies(urls[theirs]) == ["in b", "client in b"]


def test_the_port_of_a_storage_is_kept_for_its_next_start(arc: ArcCommand, free_port: int) -> None:
    first = arc("ensure", "--port", free_port, "--max-attachments", "3").json
    assert arc("stop").json["stopped"]
    assert arc("ensure").json == first
    assert hub_info(free_port)["max_attachments"] == 3


def test_a_start_that_finds_its_port_taken_takes_the_next_and_says_so(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    arc("stop")
    other = arc.inside("other")
    other("ensure", "--port", free_port, "--storage", "./other.sqlite3")
    moved = arc("ensure")
    url = moved.json["url"]
    assert moved.json["started"]
    assert port_of(url) > free_port
    assert moved.err == f"arc: port {free_port} is taken, so this hub listens on {url}\n"
    assert (
        f"port {free_port} is taken by the hub of {other.folder}/other.sqlite3" in (arc.folder / ".arc.log").read_text()
    )
    assert arc("whoami", "--agent", "a").code == 0
    assert [one["agent_id"] for one in ask(port_of(url), "/v1/agents")] == ["a"]


def test_the_hub_of_a_stopped_project_is_never_taken_for_anothers(arc: ArcCommand, free_port: int) -> None:
    ours, theirs = arc.inside("a"), arc.inside("b")
    ours("ensure", "--port", free_port)
    end_hubs_below(ours.folder)
    theirs("ensure", "--port", free_port)
    refused = ours("post", "--agent", "a", "for our own hub")
    assert refused.code == 1
    assert f"the hub of this folder ({ours.folder}/arc.sqlite3) does not run" in refused.out
    assert f"is the hub of {theirs.folder}/arc.sqlite3" in refused.out
    assert bodies(f"http://127.0.0.1:{free_port}") == []


def test_a_copy_of_a_project_whose_hub_runs_is_a_project_of_its_own(arc: ArcCommand) -> None:
    ours = arc.inside("ours")
    url = ours("ensure", "--port", find_free_port()).json["url"]
    shutil.copytree(ours.folder, arc.folder / "copy")
    copy = arc.inside("copy")
    assert copy("post", "--agent", "a", "for our own hub").code == 1
    assert not copy("stop").json["stopped"]
    started = copy("ensure").json
    assert started["started"]
    assert started["url"] != url
    assert copy("stop").json["stopped"]
    assert bodies(url) == []


def test_the_variable_names_a_hub_and_says_when_the_folder_has_another(arc: ArcCommand, free_port: int) -> None:
    ours, theirs = arc.inside("a"), arc.inside("b")
    ours("ensure", "--port", free_port)
    other = theirs("ensure", "--port", find_free_port()).json["url"]
    told = f"is not the hub of this folder: that one listens on http://127.0.0.1:{free_port}\n"
    by_variable = ours("post", "--agent", "a", "by the variable", ARC_URL=other)
    assert by_variable.err == f"arc: ARC_URL names {other}, which {told}"
    by_option = ours("post", "--agent", "a", "--base-url", other, "by the option")
    assert by_option.err == f"arc: {other} {told}"
    assert bodies(other) == ["by the variable", "by the option"]
    same = ours("whoami", "--agent", "a", "--base-url", f"http://localhost:{free_port}", ARC_URL=other)
    assert (same.code, same.err) == (0, "")
    assert "ARC_URL 'nonsense' cannot be used" in ours("whoami", "--agent", "a", ARC_URL="nonsense").out


def test_an_mcp_server_speaks_to_the_hub_of_its_folder(arc: ArcCommand, free_port: int) -> None:
    ours = arc.inside("a")
    ours("ensure", "--port", free_port)
    with mcp(ours, "--agent", "m") as call:
        assert not call("arc_post_message", channel="general", body="by a tool")["result"].get("isError")
    assert bodies(f"http://127.0.0.1:{free_port}") == ["by a tool"]


def test_a_client_finds_a_hub_that_came_back_on_another_port(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    program = (
        "import arc, sys\n"
        "client = arc.ArcClient('c'); client.register(); print('ready', flush=True); sys.stdin.readline()\n"
        "print(client.post('general', 'after')['body'])\n"
    )
    client = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=arc.folder,
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdout is not None
    assert client.stdout.readline() == "ready\n"
    arc("stop")
    arc("ensure", "--port", find_free_port())
    out, _err = client.communicate("\n", timeout=30)
    assert out == "after\n"


def test_a_folder_below_means_the_storage_above_whether_its_hub_runs_or_not(arc: ArcCommand, free_port: int) -> None:
    url = arc("ensure", "--port", free_port).json["url"]
    end_hubs_below(arc.folder)
    below = arc.inside("src", "deep")
    assert below("ensure").json == {"running": True, "started": True, "url": url}
    assert hub_info(free_port)["storage_path"] == str(arc.folder / "arc.sqlite3")
    assert list(below.folder.iterdir()) == []


def test_all_working_trees_and_folders_of_a_repository_share_one_hub(repository: ArcCommand, free_port: int) -> None:
    tree = repository.folder.parent / "tree"
    git(repository.folder, "worktree", "add", "--quiet", str(tree))
    below = repository.inside("src")
    url = below("ensure", "--port", free_port).json["url"]
    storage = str(repository.folder / "arc.sqlite3")
    assert hub_info(free_port)["storage_path"] == storage
    other = ArcCommand(tree)
    assert other("ensure").json == {"running": True, "started": False, "url": url}
    assert other("post", "--agent", "a", "from the other tree").err == ""
    end_hubs_below(repository.folder)
    assert other("ensure").json["started"]
    assert hub_info(free_port)["storage_path"] == storage
    assert bodies(url) == ["from the other tree"]
    assert storage in other("log", "verify").out
    assert other("stop").json["url"] == url


def test_a_repository_below_another_folder_with_a_storage_is_a_project_of_its_own(
    repository: ArcCommand, arc: ArcCommand, free_port: int
) -> None:
    arc("ensure", "--port", free_port)
    port = find_free_port()
    assert repository("ensure", "--port", port).json["started"]
    assert hub_info(port)["storage_path"] == str(repository.folder / "arc.sqlite3")


def test_a_storage_in_gits_own_folder_is_found_and_nothing_that_cleans_a_tree_touches_it(
    repository: ArcCommand, free_port: int
) -> None:
    assert repository("ensure", "--port", free_port, "--storage", ".git/arc/arc.sqlite3").json["started"]
    repository.inside("src")("post", "--agent", "a", "kept")
    git(repository.folder, "clean", "-ffdxq")
    assert not is_closed(free_port)
    assert bodies(f"http://127.0.0.1:{free_port}") == ["kept"]
    assert repository("ensure").json["started"] is False


def test_in_a_repository_the_hub_keeps_its_files_out_of_sight_and_says_so_once(
    repository: ArcCommand, free_port: int
) -> None:
    told = repository("ensure", "--port", free_port).err
    exclude = repository.folder / ".git" / "info" / "exclude"
    assert told == f"arc: git ignores the hub's files from now on: they are named in {exclude}\n"
    wait_until((repository.folder / ".arc-relay" / "responses").exists, what="the spool")
    assert git(repository.folder, "status", "--porcelain", "--untracked-files=all") == ""
    git(repository.folder, "clean", "-fdq")
    assert (repository.folder / "arc.sqlite3-wal").exists()
    before = exclude.read_text()
    repository("stop")
    assert repository("ensure").err == ""
    assert exclude.read_text() == before


def test_what_a_hub_saved_when_its_storage_was_deleted_is_not_cleaned_away(
    repository: ArcCommand, free_port: int
) -> None:
    repository("ensure", "--port", free_port)
    repository("post", "--agent", "a", "to be kept")
    (repository.folder / "arc.sqlite3").unlink()
    assert repository("post", "--agent", "a", "too late").code == 1
    git(repository.folder, "clean", "-fdq")
    [saved] = repository.folder.glob("arc.rescued-*.sqlite3")
    repository("stop")
    saved.rename(repository.folder / "arc.sqlite3")
    repository("ensure")
    assert bodies(f"http://127.0.0.1:{free_port}") == ["to be kept"]


def test_other_options_than_the_running_hubs_are_an_error_that_names_them(arc: ArcCommand, free_port: int) -> None:
    url = arc("ensure", "--port", free_port).json["url"]
    port = find_free_port()
    other = arc("ensure", "--port", port, "--max-body-chars", "5")
    assert (other.code, other.json["running"], other.json["started"], other.json["url"]) == (1, True, False, url)
    assert f"with --port {free_port}, not --port {port}" in other.json["error"]
    assert "with --max-body-chars 128000, not --max-body-chars 5" in other.json["error"]
    assert "arc stop" in other.json["error"]
    assert arc("ensure", "--port", free_port, "--max-body-chars", "128000").code == 0


def test_two_storages_in_one_folder_each_have_their_hub(arc: ArcCommand) -> None:
    ports = {name: find_free_port() for name in ("arc.sqlite3", "b.sqlite3")}
    for name, port in ports.items():
        assert arc("ensure", "--storage", name, "--port", port).json["started"]
    for name, port in ports.items():
        again = arc("ensure", "--storage", name).json
        assert (again["started"], again["url"]) == (False, f"http://127.0.0.1:{port}")
    arc("post", "--agent", "a", "to the folder's own")
    assert bodies(f"http://127.0.0.1:{ports['arc.sqlite3']}") == ["to the folder's own"]
    assert arc("stop", "--storage", "b.sqlite3").json["url"].endswith(str(ports["b.sqlite3"]))
    assert arc("stop").json["url"].endswith(str(ports["arc.sqlite3"]))


def test_a_hub_of_011_is_named_and_can_be_stopped(arc: ArcCommand) -> None:
    old = hub_011(arc.folder)
    old.start()
    ensured = arc("ensure", "--port", old.port)
    assert (ensured.code, ensured.json["running"]) == (0, True)
    assert f"the hub at {old.url} is one of Arc 0.1.1" in ensured.err
    process = old.process
    assert process is not None
    stopped = arc("stop", "--port", old.port)
    assert (stopped.code, stopped.json["pid"]) == (0, process.pid)
    process.wait(30)
    assert is_closed(old.port)
