"""What surrounds the command: streams and names of all kinds, a terminal that closes, a storage that goes away."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.arc_command import PROGRAM, ArcCommand
from tests.support.hub_process import CHECKOUT
from tests.support.on_port import hub_info
from tests.support.waiting import wait_until


def log_of(arc: ArcCommand) -> str:
    return (arc.folder / ".arc.log").read_text()


def test_a_hub_whose_terminal_closes_ends_well(arc: ArcCommand, free_port: int) -> None:
    hub = arc.start("--port", free_port)
    wait_until((arc.folder / ".arc.pid").exists, what="the hub's note")
    hub_info(free_port)
    hub.send_signal(signal.SIGHUP)
    _out, err = hub.communicate(timeout=60)
    assert hub.returncode == 0
    assert err.splitlines()[-1].endswith("stopped")
    assert not (arc.folder / ".arc.pid").exists()
    assert '"hub.stopped"' in arc("log", "tail", "-n", "1", "--json").out


def test_a_hub_below_nohup_stays_when_its_terminal_closes(arc: ArcCommand, free_port: int) -> None:
    hub = subprocess.Popen(
        ["nohup", *PROGRAM, "--port", str(free_port), "--quiet"],
        cwd=arc.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until((arc.folder / ".arc.pid").exists, what="the hub's note")
    hub.send_signal(signal.SIGHUP)
    assert hub_info(free_port)["pid"] == hub.pid
    hub.terminate()
    assert hub.wait(15) == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16"])
def test_every_stream_shows_every_text(encoding: str, arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    arc("post", "--agent", "a", "--thread-id", "日本", "é😀")
    for command in (
        *(["messages"], ["threads"], ["thread", "日本"], ["log", "show"], ["log", "tail"], ["log", "seen", "a"]),
        *(["messages", "--json"], ["poll", "--agent", "b", "--timeout", "0"], ["log", "show", "--json"]),
    ):
        done = subprocess.run(
            [*PROGRAM, *command],
            cwd=arc.folder,
            env=os.environ | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b""), command
        shown = done.stdout.decode(encoding)
        assert "é" in shown or r"\xe9" in shown or r"\u00e9" in shown or r"\u65e5" in shown or "日" in shown, command


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_the_caller_closed_is_written_to_by_nobody_and_ends_nothing(
    closed: str, arc: ArcCommand, free_port: int
) -> None:
    def run(*command: str) -> tuple[int, str]:
        words = ["sh", "-c", f'"$@" {closed}', "sh", *PROGRAM, *command]
        done = subprocess.run(
            words, cwd=arc.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
        )
        return done.returncode, done.stdout + done.stderr

    assert run("ensure", "--port", str(free_port))[0] == 0
    for command in (
        *(["post", "--agent", "a", "hi"], ["whoami", "--agent", "a"], ["messages"], ["log", "show"]),
        *(["log", "export", "-"], ["log", "stats"], ["doctor"]),
    ):
        code, said = run(*command)
        assert (code, "Traceback" in said) == (0, False), (command, said)
    code, said = run("thread", "nothing-here")
    assert (code, "nothing-here" in said) == (1, "2>" not in closed)
    assert run("stop")[0] == 0


@pytest.mark.parametrize(
    "command",
    [
        *(["post", "--agent", "a"], ["whoami", "--agent"], ["messages", "--channel"], ["agents", "--capability"]),
        *(["inbox"], ["thread"], ["log", "seen"], ["log", "show", "--stream"]),
        *([verb, "--agent", "a"] for verb in ("lock", "claim", "unlock", "release", "refresh")),
    ],
)
def test_an_argument_that_is_not_utf_8_is_told_in_one_line(command: list[str], arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    ended = arc(*command, os.fsdecode(b"b\xffx"))
    assert ended.code == 2
    assert ended.err == "arc error: b\\udcffx is not UTF-8: rename it, or write it in UTF-8\n"


def test_a_folder_whose_name_is_not_utf_8_is_told_in_one_line(arc: ArcCommand, free_port: int) -> None:
    folder = arc.folder / os.fsdecode(b"f\xff")
    folder.mkdir()
    inside = ArcCommand(folder)
    ended = inside("ensure", "--port", free_port)
    assert (ended.code, ended.json["running"]) == (1, False)
    assert "is not UTF-8: rename it" in ended.json["error"]
    assert inside("--port", free_port).err.count("\n") == 1


def test_a_hub_for_the_network_says_where_other_machines_reach_it(arc: ArcCommand, free_port: int) -> None:
    ensured = arc("ensure", "--host", "0.0.0.0", "--allow-remote", "--port", free_port)  # noqa: S104 - it is meant
    assert ensured.json["url"] == f"http://127.0.0.1:{free_port}"
    told = ensured.err.removeprefix("arc: other machines reach it at ").strip()
    if told:  # a machine without a network has no such address
        url = told.partition(": export ")[0]
        assert url.endswith(f":{free_port}")
        assert "127.0.0.1" not in url
        assert url in log_of(arc)


def test_a_hub_whose_storage_is_gone_says_so_once(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    (arc.folder / "arc.sqlite3").unlink()
    wait_until(lambda: arc("post", "--agent", "a", "x").code == 1, what="the hub to notice")
    arc("post", "--agent", "a", "x")
    told = [line for line in log_of(arc).splitlines() if "nothing can be recorded" in line]
    assert len(told) == 1
    assert str(arc.folder / "arc.sqlite3") in told[0]


def test_code_without_its_packages_that_is_no_clone_says_what_to_do(arc: ArcCommand, free_port: int) -> None:
    clone = arc.inside("clone").folder
    for folder in ("arc", "cli", "api", "arclog", "projections", "relay"):
        shutil.copytree(CHECKOUT / folder, clone / folder, ignore=shutil.ignore_patterns("__pycache__"))
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(clone / "arc" / "__main__.py"), "--port", str(free_port)],
        cwd=arc.folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "pip install arclog" in done.stderr


@pytest.mark.parametrize(
    ("python", "told"), [("/nonexistent", "is not a Python that runs"), ("false", "is not a Python")]
)
def test_make_names_a_python_that_does_not_run(python: str, told: str, tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(CHECKOUT / name, tmp_path)
    command = ["make", "hub", f"PYTHON={python}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith(f"{python} is not a Python that runs: ")
    assert "virtual environment" not in done.stderr
