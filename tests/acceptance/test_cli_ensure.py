"""`arc ensure`: one hub, however many ask for it, and never another one's."""

import json
import os
import signal
import socket
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.arc_command import ArcCommand, find_hubs_below
from tests.support.on_port import hub_info, is_closed, serving
from tests.support.ports import find_free_port
from tests.support.waiting import wait_until


def test_ensure_starts_a_hub_once_and_leaves_a_note_for_its_owner(arc: ArcCommand, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    assert arc("ensure", "--port", free_port).json == {"running": True, "started": True, "url": url}
    note = json.loads((arc.folder / ".arc.pid").read_text())
    info = hub_info(free_port)
    assert (note["pid"], note["port"], note["url"]) == (info["pid"], free_port, url)
    assert (note["instance_id"], note["storage"]) == (info["instance_id"], str(arc.folder / "arc.sqlite3"))
    assert stat.S_IMODE((arc.folder / ".arc.pid").stat().st_mode) == 0o600
    again = arc("ensure", "--port", free_port)
    assert (again.code, again.json) == (0, {"running": True, "started": False, "url": url})


def test_a_hub_whose_storage_was_deleted_is_none_that_runs(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    (arc.folder / "arc.sqlite3").unlink()
    again = arc("ensure", "--port", free_port)
    assert (again.code, again.json["running"], again.json["started"]) == (1, False, False)
    assert "restart the hub: arc stop, then arc ensure" in again.json["error"]
    assert arc("stop").json["stopped"]
    assert arc("ensure", "--port", free_port).json["started"]


def test_a_folder_that_cannot_be_written_is_told_with_advice(arc: ArcCommand, free_port: int) -> None:
    (arc.folder / "file").touch()
    for place in ("/proc/arc.sqlite3", arc.folder / "file" / "arc.sqlite3"):
        ended = arc("ensure", "--port", free_port, "--storage", place)
        assert (ended.code, ended.json["running"]) == (1, False)
        assert ended.json["error"].endswith("check its permissions, or choose another place with --storage")


def test_ten_at_once_start_one_hub(arc: ArcCommand, free_port: int) -> None:
    with ThreadPoolExecutor(10) as threads:
        ended = [one.result() for one in [threads.submit(arc, "ensure", "--port", free_port) for _ in range(10)]]
    assert [one.code for one in ended] == [0] * 10
    assert sorted(one.json["started"] for one in ended) == [False] * 9 + [True]
    assert len(find_hubs_below(arc.folder)) == 1


def test_a_started_hub_stands_on_its_own(arc: ArcCommand, free_port: int) -> None:
    (arc.folder / "json.py").write_text("raise SystemExit('imported from the working directory')\n")
    assert arc("ensure", "--port", free_port).json["started"]
    pid = hub_info(free_port)["pid"]
    assert os.getsid(pid) == pid
    handles = {number: str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in (0, 1, 2)}
    log = str(arc.folder / ".arc.log")
    assert handles == {0: "/dev/null", 1: log, 2: log}
    assert stat.S_IMODE(Path(log).stat().st_mode) == 0o600


def test_a_folder_below_shares_the_hub_of_the_folder_above(arc: ArcCommand, free_port: int) -> None:
    url = arc("ensure", "--port", free_port).json["url"]
    below = arc.inside("src", "deep")
    assert below("ensure").json == {"running": True, "started": False, "url": url}
    assert str(arc.folder / "arc.sqlite3") in below("log", "verify").out
    assert f"that one listens on {url}" in below("locks", "--base-url", f"http://127.0.0.1:{find_free_port()}").err
    assert below("stop").json["url"] == url
    assert find_hubs_below(arc.folder) == []


def test_a_storage_elsewhere_is_not_mistaken_for_that_of_the_working_directory(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    elsewhere = arc.inside("elsewhere").folder / "other.sqlite3"
    port = find_free_port()
    assert arc("ensure", "--port", port, "--storage", elsewhere).json["started"]
    assert hub_info(port)["storage_path"] == str(elsewhere)
    assert arc("stop", "--storage", elsewhere).json["url"] == f"http://127.0.0.1:{port}"
    assert not is_closed(free_port)


def test_the_hub_of_another_storage_on_the_port_is_an_error_that_names_it(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    ended = arc.inside("other")("ensure", "--port", free_port, "--storage", "b.sqlite3")
    assert (ended.code, ended.json["running"], ended.json["started"]) == (1, False, False)
    assert str(arc.folder / "arc.sqlite3") in ended.json["error"]


def test_something_else_on_the_port_is_an_error_that_says_so(arc: ArcCommand, stranger: int) -> None:
    ended = arc("ensure", "--port", stranger)
    assert (ended.code, ended.json["running"]) == (1, False)
    assert "not an Arc hub" in ended.json["error"]


def test_something_that_gives_no_answer_is_told_within_the_time_out(arc: ArcCommand) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ended = arc("ensure", "--port", silent.getsockname()[1], "--timeout", "0.3")
    assert (ended.code, ended.json["running"]) == (1, False)
    assert "gives no answer" in ended.json["error"]


def test_the_log_of_a_hub_that_fails_to_start_is_shown(arc: ArcCommand, free_port: int) -> None:
    (arc.folder / "arc.sqlite3").write_bytes(b"something else, and long enough to be looked at" * 100)
    ended = arc("ensure", "--port", free_port)
    assert (ended.code, ended.json["running"], ended.json["started"]) == (1, False, False)
    assert "is not an Arc storage: choose another file with --storage" in ended.json["error"]
    assert find_hubs_below(arc.folder) == []


def test_a_hub_on_any_free_port_is_ensured_by_its_note(arc: ArcCommand) -> None:
    first = arc("ensure", "--port", "0").json
    assert first["started"]
    assert not first["url"].endswith(":0")
    assert arc("ensure", "--port", "0").json == {**first, "started": False}


def test_a_long_log_is_put_aside(arc: ArcCommand, free_port: int) -> None:
    (arc.folder / ".arc.log").write_bytes(b"x" * (1 << 20) + b"x")
    arc("ensure", "--port", free_port)
    assert (arc.folder / ".arc.log.1").stat().st_size > 1 << 20
    assert "listens on" in (arc.folder / ".arc.log").read_text()


def test_a_note_that_is_left_over_starts_a_new_hub(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    os.kill(hub_info(free_port)["pid"], signal.SIGKILL)
    wait_until(lambda: is_closed(free_port), what="the hub to end")
    assert (arc.folder / ".arc.pid").exists()
    assert arc("stop").json == {"stopped": False, "error": "no running hub found"}
    assert arc("ensure", "--port", free_port).json["started"]


@pytest.mark.parametrize("noted", [True, False], ids=["by its note", "without a note"])
@pytest.mark.parametrize("named", [True, False], ids=["port named", "port not named"])
def test_beside_a_hub_that_is_stopped_none_is_started_and_its_process_is_named_at_once(
    arc: ArcCommand, free_port: int, noted: bool, named: bool
) -> None:
    arc("ensure", "--port", free_port)
    pid = hub_info(free_port)["pid"]
    if not noted:
        (arc.folder / ".arc.pid").unlink()
    os.kill(pid, signal.SIGSTOP)
    try:
        began_at = time.monotonic()
        port = ["--port", free_port] if named else []
        ended = arc("ensure", *port, *(["--timeout", 3] if not noted else []))
        assert time.monotonic() - began_at < 20  # and not the 60 seconds for which a start is waited for
        assert (ended.code, ended.json["running"], ended.json["started"]) == (1, False, False)
        assert f"(process {pid}, http://127.0.0.1:{free_port}) is stopped" in ended.json["error"]
        assert f"kill -CONT {pid} lets it go on, kill -KILL {pid} ends it" in ended.json["error"]
        assert find_hubs_below(arc.folder) == [pid]
        if noted:
            assert f"kill -CONT {pid}" in arc("stop").json["error"]
            served = arc("--storage", arc.folder / "arc.sqlite3")
            assert (served.code, f"kill -CONT {pid}" in served.err) == (1, True)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert arc("ensure").json == {"running": True, "started": False, "url": f"http://127.0.0.1:{free_port}"}


def test_beside_a_hub_that_gives_no_answer_none_is_started(arc: ArcCommand) -> None:
    storage = str(arc.folder / "arc.sqlite3")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        note = {"pid": os.getpid(), "port": silent.getsockname()[1], "url": url, "storage": storage}
        (arc.folder / ".arc.pid").write_text(json.dumps(note))
        ended = arc("ensure", "--timeout", "0.3")
    assert (ended.code, ended.json["running"], ended.json["started"]) == (1, False, False)
    assert f"(process {os.getpid()}, {url}) runs, but gives no answer" in ended.json["error"]
    assert find_hubs_below(arc.folder) == []


def test_a_planted_note_is_not_followed(arc: ArcCommand, free_port: int) -> None:
    storage = str(arc.folder / "arc.sqlite3")
    info = {"instance_id": "x", "protocol_version": "1", "storage_path": storage, "pid": os.getppid()}
    with serving(lambda: info) as port:
        url = f"http://127.0.0.1:{port}"
        for note in (
            {"pid": os.getppid(), "port": port, "url": url},
            {"pid": 1, "port": port, "url": "http://192.0.2.1:6969"},
            {"pid": "1", "port": port, "url": url},
            [url],
        ):
            (arc.folder / ".arc.pid").write_text(json.dumps(note))
            assert arc("stop", "--port", free_port).json["stopped"] is False
        (arc.folder / ".arc.pid").write_text(json.dumps({"pid": os.getppid(), "port": port, "url": url}))
        assert arc("ensure", "--port", free_port).json["started"]


def test_a_hub_whose_storage_was_taken_away_is_told_of_and_can_be_stopped(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    (arc.folder / "arc.sqlite3-wal").unlink()

    def told() -> str:
        ensured = arc("ensure", "--port", free_port)
        return str(ensured.json.get("error", "")) if ensured.code == 1 else ""

    error = wait_until(told, what="the hub to notice")
    assert "arc.sqlite3-wal was removed or moved away" in error
    assert "restart the hub: arc stop, then arc ensure" in error
    assert arc("stop", "--port", free_port).code == 0
    assert arc("ensure", "--port", free_port).json["started"]


def test_the_hub_of_a_storage_is_found_by_a_link_to_it(arc: ArcCommand, free_port: int) -> None:
    elsewhere = arc.inside("elsewhere")
    arc("ensure", "--port", free_port)
    (elsewhere.folder / "link.sqlite3").symlink_to(arc.folder / "arc.sqlite3")
    ensured = elsewhere("ensure", "--storage", "link.sqlite3")
    assert (ensured.json["started"], ensured.json["url"]) == (False, f"http://127.0.0.1:{free_port}")
    assert elsewhere("stop", "--storage", "link.sqlite3").json["stopped"]
