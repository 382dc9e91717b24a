"""`arc`: a hub in the foreground, which says where it is, ends well, and tells in one line why it cannot start."""

import json
import signal
import stat
import subprocess
import sys
import time

import pytest

from tests.support.arc_command import PROGRAM, ArcCommand
from tests.support.on_port import ask, hub_info
from tests.support.ports import find_free_port
from tests.support.waiting import wait_until


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT])
def test_a_hub_in_the_foreground_says_where_it_is_and_ends_well(
    order: signal.Signals, arc: ArcCommand, free_port: int
) -> None:
    hub = arc.start("--port", free_port)
    wait_until((arc.folder / ".arc.pid").exists, what="the hub's note")
    hub_info(free_port)  # it answers, and so takes signals
    hub.send_signal(order)
    out, err = hub.communicate(timeout=60)
    assert (hub.returncode, out) == (0, "")
    assert f"the hub of {arc.folder}/arc.sqlite3 listens on http://127.0.0.1:{free_port}" in err
    assert err.splitlines()[-1].endswith("stopped")
    assert "Traceback" not in err
    assert not (arc.folder / ".arc.pid").exists()


def test_a_quiet_hub_prints_nothing(arc: ArcCommand, free_port: int) -> None:
    hub = arc.start("--port", free_port, "--quiet")
    wait_until((arc.folder / ".arc.pid").exists, what="the hub's note")
    hub_info(free_port)
    hub.terminate()
    assert hub.communicate(timeout=60) == ("", "")


def test_the_notes_of_two_hubs_on_a_storage_leave_each_other_alone(arc: ArcCommand, free_port: int) -> None:
    first = arc.start("--port", free_port)
    wait_until((arc.folder / ".arc.pid").exists, what="the first note")
    second = arc.start("--port", find_free_port())
    wait_until((arc.folder / f".arc.pid.{second.pid}").exists, what="the second note")
    assert json.loads((arc.folder / ".arc.pid").read_text())["pid"] == first.pid
    first.terminate()
    first.communicate(timeout=60)
    assert not (arc.folder / ".arc.pid").exists()
    assert arc("ensure").json["started"] is False
    assert arc("stop").json["pid"] == second.pid
    second.communicate(timeout=60)
    assert list(arc.folder.glob(".arc.pid*")) == []


def test_stop_says_that_another_hub_of_the_storage_goes_on(arc: ArcCommand, free_port: int) -> None:
    first = arc.start("--port", free_port)
    wait_until((arc.folder / ".arc.pid").exists, what="the first note")
    port = find_free_port()
    second = arc.start("--port", port)
    wait_until((arc.folder / f".arc.pid.{second.pid}").exists, what="the second note")
    stopped = arc("stop")
    assert stopped.json["pid"] == first.pid
    assert f"goes on at http://127.0.0.1:{port}: arc stop ends that too" in stopped.err
    assert arc("stop").json["pid"] == second.pid
    first.communicate(timeout=60)
    second.communicate(timeout=60)


def test_a_second_hub_on_a_storage_needs_a_port_that_is_named(arc: ArcCommand, free_port: int) -> None:
    url = arc("ensure", "--port", free_port).json["url"]
    ended = arc()
    assert (ended.code, ended.out) == (1, "")
    assert f"is already running at {url}: name --port for a second one" in ended.err


def test_a_port_that_is_taken_is_one_line(arc: ArcCommand, stranger: int) -> None:
    ended = arc("--port", stranger)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"arc error: port {stranger} of 127.0.0.1 is taken: choose another with --port, or stop what listens there\n"
    )
    assert not (arc.folder / "arc.sqlite3").exists()


def test_an_address_of_other_machines_needs_a_word_more(arc: ArcCommand, free_port: int) -> None:
    ended = arc("--host", "0.0.0.0", "--port", free_port)  # noqa: S104 - it is refused
    assert ended.code == 1
    assert "add --allow-remote if that is meant" in ended.err
    ensured = arc("ensure", "--host", "0.0.0.0", "--port", free_port)  # noqa: S104 - it is refused
    assert (ensured.code, ensured.json["running"]) == (1, False)
    assert "--allow-remote" in ensured.json["error"]


@pytest.mark.parametrize(
    ("storage", "told"),
    [
        (".", "is a folder: name a file in it with --storage"),
        (
            "/proc/nowhere/arc.sqlite3",
            "/proc/nowhere cannot be made: No such file or directory; check its permissions,",
        ),
        ("a/file/arc.sqlite3", "a/file cannot be made: File exists; check its permissions,"),
    ],
)
def test_a_storage_that_cannot_be_is_one_line(storage: str, told: str, arc: ArcCommand, free_port: int) -> None:
    (arc.inside("a").folder / "file").write_text("in the way")
    ended = arc("--storage", storage, "--port", free_port)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("arc error: ")
    assert told in ended.err
    assert ended.err.endswith("with --storage\n")
    assert ended.err.count("\n") == 1


def test_a_spool_that_cannot_be_is_a_warning_and_the_hub_serves(arc: ArcCommand, free_port: int) -> None:
    (arc.folder / "spool").write_text("in the way")
    hub = arc.start("--port", free_port, "--spool-dir", "spool", "--quiet")
    wait_until((arc.folder / ".arc.pid").exists, what="the hub's note")
    assert hub_info(free_port)["pid"] == hub.pid
    hub.terminate()
    _out, err = hub.communicate(timeout=60)
    assert hub.returncode == 0
    assert f"no relay: its folder {arc.folder}/spool cannot be used" in err


def test_folders_of_a_storage_and_a_spool_are_made_for_their_owner(arc: ArcCommand, free_port: int) -> None:
    place = ["--port", free_port, "--storage", "x/y/z.sqlite3"]
    assert arc("ensure", *place, "--spool-dir", "x/spool", "--spool-mode", "750").json["started"]
    spool = arc.folder / "x" / "spool"
    wait_until((spool / "responses").exists, what="the spool")
    assert stat.S_IMODE(spool.stat().st_mode) == 0o750
    assert stat.S_IMODE((arc.folder / "x" / "y" / "z.sqlite3").stat().st_mode) == 0o600
    assert arc("stop", *place).json["stopped"]


def test_a_full_disk_is_one_line(arc: ArcCommand, free_port: int) -> None:
    program = (
        "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)); sys.argv[:1] = [];"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-P", "-c", program, PROGRAM[-1], "--port", str(free_port)]
    done = subprocess.run(command, cwd=arc.folder, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("arc error: "), done.stderr
    assert done.stderr.count("\n") == 1


def test_a_pending_shutdown_ends_the_process(arc: ArcCommand, free_port: int) -> None:
    hub = arc.start("--port", free_port, "--quiet")
    wait_until((arc.folder / ".arc.pid").exists, what="the hub's note")
    ask(free_port, "/v1/shutdown", {"delay_sec": 0})
    began_at = time.monotonic()
    assert hub.communicate(timeout=60) == ("", "")
    assert hub.returncode == 0
    assert time.monotonic() - began_at < 10
