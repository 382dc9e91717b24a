"""`.arc.pid`, addresses and processes: what tells where a hub is."""

import json
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from arc.finding.listeners import listens
from arc.finding.notes import NAME, is_own, read_notes, remove_note, write_note
from arc.urls import is_loopback, split_url, url_of
from cli.hubs.process_state import is_running, wait_for_end
from tests.support.waiting import wait_until

ABOUT = {"instance_id": "i", "started_at": "2026-01-01T00:00:00Z"}


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def write(folder: Path, port: int, storage: str = "arc.sqlite3") -> Path:
    content = {"port": port, "url": f"http://127.0.0.1:{port}", "storage": str(folder / storage), **ABOUT}
    return Path(write_note(str(folder / storage), content))


def pretend(note: Path, pid: int) -> None:
    note.write_text(json.dumps({**json.loads(note.read_text()), "pid": pid}))


def test_a_note_names_this_process_and_is_for_its_owner_only(tmp_path: Path, port: int) -> None:
    note = write(tmp_path, port)
    assert note == tmp_path / NAME
    assert json.loads(note.read_text()) == {
        "pid": os.getpid(),
        "port": port,
        "url": f"http://127.0.0.1:{port}",
        "storage": str(tmp_path / "arc.sqlite3"),
        "instance_id": "i",
        "started_at": "2026-01-01T00:00:00Z",
    }
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_a_note_does_not_write_through_a_link(tmp_path: Path, port: int) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / NAME).symlink_to(tmp_path / "mine")
    write(tmp_path, port)
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / NAME).is_symlink()


def test_the_notes_of_two_hubs_in_a_folder_stand_side_by_side(tmp_path: Path, port: int) -> None:
    first = write(tmp_path, port)
    second = write(tmp_path, port, "other.sqlite3")
    assert (first.name, second.name) == (NAME, f"{NAME}.{os.getpid()}")
    assert [note.is_about(str(tmp_path / "other.sqlite3")) for note in read_notes(str(tmp_path))] == [False, True]
    remove_note(str(first))
    assert [note.path for note in read_notes(str(tmp_path))] == [str(second)]


def test_a_note_that_came_with_a_copy_of_the_folder_is_passed_over(tmp_path: Path, port: int) -> None:
    ours, copy = tmp_path / "ours", tmp_path / "copy"
    ours.mkdir()
    (ours / "arc.sqlite3").touch()
    write(ours, port)
    shutil.copytree(ours, copy)
    assert len(read_notes(str(ours))) == 1
    assert read_notes(str(copy)) == []
    assert write(copy, port).name == NAME  # it gives way to the copy's own


def test_a_note_is_read_where_its_storage_has_another_name(tmp_path: Path, port: int) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    note = write(ours, port)
    (ours / "arc.sqlite3").touch()
    (tmp_path / "link").symlink_to(ours)
    assert len(read_notes(str(tmp_path / "link"))) == 1
    note.write_text(note.read_text().replace(str(ours), "/only/in/a/container"))
    assert len(read_notes(str(ours))) == 1


def test_a_note_that_is_left_over_gives_way(tmp_path: Path, port: int) -> None:
    pretend(write(tmp_path, port), os.getppid())
    assert write(tmp_path, port).name == NAME
    assert [note.pid for note in read_notes(str(tmp_path))] == [os.getpid()]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no JSON",
        "[]",
        '{"pid": 1}',
        '{"pid": "1", "url": "http://127.0.0.1:1"}',
        '{"pid": 1, "url": "u"}',
        '{"pid": 0, "url": "http://127.0.0.1:1"}',
        '{"pid": 1, "url": "http://192.0.2.1:6969"}',
    ],
)
def test_what_is_no_note_of_a_hub_here_is_passed_over(content: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(content)
    assert read_notes(str(tmp_path)) == []


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away: run the tests as root")
def test_the_note_of_another_user_is_passed_over(tmp_path: Path, port: int) -> None:
    os.chown(write(tmp_path, port), 12345, 12345)
    assert read_notes(str(tmp_path)) == []


def test_a_note_about_another_process_is_left_alone(tmp_path: Path, port: int) -> None:
    note = write(tmp_path, port)
    pretend(note, os.getpid() + 1)
    remove_note(str(note))
    assert note.exists()
    pretend(note, os.getpid())
    remove_note(str(note))
    assert not note.exists()


def test_addresses_that_only_this_machine_can_reach() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST")] == [True] * 5
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", "")] == [False] * 5  # noqa: S104


def test_a_hub_on_every_address_is_called_on_loopback() -> None:
    assert url_of("0.0.0.0", 6969) == "http://127.0.0.1:6969"  # noqa: S104
    assert url_of("::", 6969) == "http://127.0.0.1:6969"
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


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://127.0.0.1:6969", ("127.0.0.1", 6969, False, "")),
        ("http://[::1]:7000/", ("::1", 7000, False, "")),
        ("https://hub.example.org/arc/", ("hub.example.org", 443, True, "/arc")),
        ("HTTP://localhost", ("localhost", 80, False, "")),
    ],
)
def test_a_url_is_taken_apart(url: str, parts: tuple[str, int, bool, str]) -> None:
    found = split_url(url)
    assert (found.host, found.port, found.secure, found.prefix) == parts


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "127.0.0.1:6969",
        "ftp://h:1",
        "http://",
        "http://h:0",
        "http://h:65536",
        "http://h:x",
        "http://[::1",
        "http://[::1]x",
        "http://h/?a",
        "http://h/#a",
        "http://u@h",
        "http://h /",
        "http://hüb:1",
    ],
)
def test_a_text_that_is_no_url_of_a_hub_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not the URL of a hub"):
        split_url(url)


def test_the_same_place_under_two_names_of_loopback_is_one() -> None:
    assert split_url("http://localhost:7000").is_same(split_url("http://127.0.0.1:7000"))
    assert not split_url("http://localhost:7000").is_same(split_url("http://127.0.0.1:7001"))
    assert not split_url("http://192.0.2.1:7000").is_same(split_url("http://127.0.0.1:7000"))


def test_a_process_that_ended_is_not_running_even_before_its_parent_hears_of_it() -> None:
    assert is_running(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert is_running(process.pid)
        assert not wait_for_end(process.pid, 0.05)
        assert process.stdin is not None
        process.stdin.close()
        wait_until(lambda: not is_running(process.pid), what="the process to end")
        assert wait_for_end(process.pid, 0)
