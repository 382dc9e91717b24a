"""`.arc.pid`, addresses and processes: what `arc` goes by when it looks for a hub."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cli.hubs.addresses import is_loopback, is_own, url_of
from cli.hubs.pid_file import NAME, PidFile, find_pid_files, remove_pid_file, write_pid_file
from cli.hubs.processes import is_running, listens, wait_for_end
from tests.support.waiting import wait_until

URL = "http://127.0.0.1:6969"


def write(folder: Path, pid: int | None = None) -> None:
    write_pid_file(folder / "arc.sqlite3", port=6969, url=URL, instance_id="i", started_at="2026-01-01T00:00:00Z")
    if pid is not None:
        note = folder / NAME
        note.write_text(json.dumps({**json.loads(note.read_text()), "pid": pid}))


def test_a_note_names_this_process_and_is_for_its_owner_only(tmp_path: Path) -> None:
    write(tmp_path)
    assert json.loads((tmp_path / NAME).read_text()) == {
        "pid": os.getpid(),
        "port": 6969,
        "url": URL,
        "storage": str(tmp_path / "arc.sqlite3"),
        "instance_id": "i",
        "started_at": "2026-01-01T00:00:00Z",
    }
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_note_does_not_write_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / NAME).symlink_to(tmp_path / "mine")
    write(tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / NAME).is_symlink()


def test_notes_are_found_from_the_nearest_folder_upward_each_once(tmp_path: Path) -> None:
    near, far = tmp_path / "a" / "b", tmp_path / "c"
    near.mkdir(parents=True)
    far.mkdir()
    for folder in (tmp_path, near, far):
        write(folder)
    found = [note for note in find_pid_files(near, far) if note.folder.is_relative_to(tmp_path)]
    assert found == [PidFile(folder, os.getpid(), URL) for folder in (near, tmp_path, far)]


@pytest.mark.parametrize(
    "content", ["", "no JSON", "[]", '{"pid": 1}', '{"pid": "1", "url": "u"}', '{"pid": 0, "url": "u"}']
)
def test_what_is_no_note_is_passed_over(content: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(content)
    assert [note for note in find_pid_files(tmp_path) if note.folder == tmp_path] == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away: run the tests as root")
def test_the_note_of_another_user_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path)
    os.chown(tmp_path / NAME, 12345, 12345)
    assert [note for note in find_pid_files(tmp_path) if note.folder == tmp_path] == []


def test_a_note_about_another_process_is_left_alone(tmp_path: Path) -> None:
    write(tmp_path, pid=os.getpid() + 1)
    remove_pid_file(tmp_path / "arc.sqlite3", os.getpid())
    assert (tmp_path / NAME).exists()
    remove_pid_file(tmp_path / "arc.sqlite3", os.getpid() + 1)
    assert not (tmp_path / NAME).exists()


def test_addresses_that_only_this_machine_can_reach() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST")] == [True] * 5
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", "")] == [False] * 5  # noqa: S104


def test_a_hub_on_every_address_is_called_on_loopback() -> None:
    assert url_of("0.0.0.0", 6969) == URL  # noqa: S104
    assert url_of("::", 6969) == URL
    assert url_of("::1", 6969) == "http://[::1]:6969"
    assert url_of("192.168.1.5", 7000) == "http://192.168.1.5:7000"


def test_an_address_of_documentation_is_not_this_machines_own() -> None:
    assert is_own("127.0.0.1")
    assert not is_own("192.0.2.1")
    assert not is_own("2001:db8::1")
    assert not is_own("name.of.another.machine")


def test_a_process_that_listens_on_a_port_is_told_from_one_that_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens(os.getpid(), port)
        assert listens(os.getppid(), port) is False
    assert listens(os.getpid(), port) is False


def test_a_process_that_ended_is_not_running_even_before_its_parent_hears_of_it() -> None:
    assert is_running(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_running(process.pid)
        assert not wait_for_end(process.pid, 0.05)
        assert process.stdin is not None
        process.stdin.close()
        wait_until(lambda: not is_running(process.pid), what="the process to end")
        assert wait_for_end(process.pid, 0)
