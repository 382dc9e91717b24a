"""The command on Windows: hubs in the background, agents, the log."""

import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.commands import run
from tests.support.hub_process import CHECKOUT
from tests.support.ports import find_free_port
from tests.support.windows_python import WindowsPython
from tests.support.windows_setup import LABORATORY, as_windows_has_it

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]

UNUSUAL = "Grüße → 世界 🎉"


def test_a_hub_is_started_once_found_again_and_stopped(windows: WindowsPython) -> None:
    port = find_free_port()
    first = windows.arc("ensure", "--port", port)
    assert (first.code, first.json["running"], first.json["started"]) == (0, True, True), first
    assert windows.arc("ensure").json == {"running": True, "started": False, "url": f"http://127.0.0.1:{port}"}
    stopped = windows.arc("stop")
    assert (stopped.code, stopped.json["stopped"]) == (0, True), stopped
    left = {path.name for path in windows.folder.iterdir()}
    assert not left & {".arc.pid", "arc.sqlite3-wal", "arc.sqlite3-shm"}
    assert windows.arc("stop").json["stopped"] is False
    assert (windows.folder / ".arc.log").read_text().rstrip().endswith("stopped")


def test_however_many_ensure_at_once_one_hub_is_started(windows: WindowsPython) -> None:
    port = find_free_port()
    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(lambda _: windows.arc("ensure", "--port", port).json, range(4)))
    assert [one["running"] for one in said] == [True] * 4, said
    assert sum(one["started"] for one in said) == 1, said
    assert windows.arc("stop").json["stopped"]


def test_agents_talk_whatever_the_console_can_show(windows: WindowsPython) -> None:
    windows.arc("ensure", "--port", find_free_port())
    assert windows.arc("post", "--agent", "ada", UNUSUAL).json["body"] == UNUSUAL
    polled = windows.arc("poll", "--agent", "bob", "--timeout", "0", PYTHONIOENCODING="cp437")
    assert [json.loads(line)["body"] for line in polled.out.splitlines()] == [UNUSUAL]
    assert windows.arc("whoami", "--agent", "ada").json["agent_id"] == "ada"
    shown = windows.arc("log", "show", PYTHONIOENCODING="cp437")
    assert (shown.code, "message" in shown.out) == (0, True), shown
    windows.arc("stop")


@pytest.mark.parametrize("as_it_is_typed", ["{path}", "{lower}", "{slashes}"])
def test_a_storage_is_the_same_however_its_path_is_typed(windows: WindowsPython, as_it_is_typed: str) -> None:
    path = as_windows_has_it(windows.folder / "Arc.sqlite3")
    port = find_free_port()
    assert windows.arc("ensure", "--port", port, "--storage", path).json["started"]
    typed = as_it_is_typed.format(path=path, lower="z" + path[1:], slashes=path.replace("\\", "/"))
    found = windows.arc("ensure", "--storage", typed).json
    assert (found["running"], found["started"], found["url"]) == (True, False, f"http://127.0.0.1:{port}"), found
    assert windows.arc("stop", "--storage", typed).json["stopped"]


def test_a_storage_is_reset_and_one_in_use_is_not(windows: WindowsPython) -> None:
    windows.arc("ensure", "--port", find_free_port())
    with windows.hub():
        refused = windows.arc("reset")
        assert (refused.code, refused.json["reset"]) == (1, False), refused
        assert "in use" in refused.json["error"]
    assert "arc.sqlite3" in windows.arc("reset").json["removed"]
    assert windows.arc("reset").json == {"reset": True, "note": "database did not exist"}


def test_a_port_that_is_taken_is_named(windows: WindowsPython) -> None:
    with windows.hub() as hub:
        refused = windows.arc("--port", hub.port, "--storage", "other.sqlite3")
    assert refused.code == 1
    assert f"port {hub.port} of 127.0.0.1 is taken" in refused.err


def test_the_log_is_verified_replayed_copied_and_exported(windows: WindowsPython) -> None:
    windows.arc("ensure", "--port", find_free_port())
    windows.arc("post", "--agent", "ada", UNUSUAL)
    for command in (["verify"], ["replay"], ["stats"], ["backup", "copy.sqlite3"], ["export", "log.jsonl"]):
        ended = windows.arc("log", *command)
        assert ended.code == 0, (command, ended)
    windows.arc("stop")
    # What was copied there, this machine takes for whole.
    for command in (["verify", "--storage", "copy.sqlite3"], ["replay", "--storage", "copy.sqlite3"]):
        run(sys.executable, "-P", CHECKOUT / "arc" / "__main__.py", "log", *command, cwd=windows.folder)


def test_the_module_is_the_command(windows: WindowsPython) -> None:
    done = windows.run("-m", "arc", "--version", PYTHONPATH=as_windows_has_it(CHECKOUT))
    assert (done.code, done.out.startswith("arc ")) == (0, True), done


def test_the_command_of_an_environment_is_found_by_its_name(windows: WindowsPython) -> None:
    scripts = LABORATORY / "python" / "Scripts"
    shutil.copytree(CHECKOUT / "cli" / "script", scripts, dirs_exist_ok=True)
    typed = windows.shell(scripts / "arc.cmd", "--version", PYTHONPATH=as_windows_has_it(CHECKOUT))
    assert (typed.code, typed.out.startswith("arc ")) == (0, True), typed
    refused = windows.shell(scripts / "arc.cmd", "post", "--no-such", PYTHONPATH=as_windows_has_it(CHECKOUT))
    assert refused.code == 2, refused


def test_two_agents_meet_in_a_smoke_test(windows: WindowsPython) -> None:
    windows.arc("ensure", "--port", find_free_port())
    done = windows.arc("smoke")
    assert done.code == 0, done
    assert "it works" in done.out + done.err


def test_a_storage_goes_from_windows_to_linux_and_back(windows: WindowsPython, tmp_path: Path) -> None:
    windows.arc("ensure", "--port", find_free_port())
    windows.arc("post", "--agent", "ada", "from Windows")
    windows.arc("stop")
    here: list[str | Path] = [sys.executable, "-P", CHECKOUT / "arc" / "__main__.py"]
    run(*here, "ensure", "--port", str(find_free_port()), cwd=tmp_path)
    run(*here, "post", "--agent", "bob", "from Linux", cwd=tmp_path)
    run(*here, "stop", cwd=tmp_path)
    windows.arc("ensure", "--port", find_free_port())
    polled = windows.arc("poll", "--agent", "eve", "--timeout", "0")
    said = [json.loads(line) for line in polled.out.splitlines()]
    assert [one["body"] for one in said if one["from_agent"] != "system"] == ["from Windows", "from Linux"]
    windows.arc("stop")
