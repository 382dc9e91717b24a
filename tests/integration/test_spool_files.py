"""Rules of the spool's files: no link is followed, nothing outside is touched, old pairs go, and deletes may fail."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay import mailbox as mailbox_module
from relay import spool as spool_module
from relay.mailbox import Found, Mailbox, NotAFile, list_waiting, stem_of
from relay.spool import Spool

DAY = 86_400.0
NOW = 1_800_000_000.0


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.ensure()
    return spool


@pytest.fixture
def requests(spool: Spool) -> Path:
    folder = spool.path / "requests" / "alice"
    folder.mkdir()
    return folder


@pytest.fixture
def responses(spool: Spool) -> Path:
    return spool.path / "responses" / "alice"


@pytest.fixture
def box(spool: Spool, requests: Path) -> Iterator[Mailbox]:
    with spool.open("alice") as opened:
        yield opened


def dated(path: Path, at: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}")
    os.utime(path, (at, at))


# Folders ------------------------------------------------------------------------------------------------------------


def test_the_way_to_a_spool_stays_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "mount").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    spool = Spool("mount/../mount/spool")
    spool.ensure()
    assert spool.path == tmp_path / "mount/../mount/spool"
    assert (tmp_path / "real" / "spool" / "requests").is_dir()


def test_a_spool_that_is_not_there_has_no_folders(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "nowhere")
    assert spool.list_folders() == []
    assert list(spool.list_requests(["alice"])) == []


def test_only_folders_are_agents(spool: Spool, requests: Path, tmp_path: Path) -> None:
    (requests.parent / "file").touch()
    (requests.parent / ".hidden").mkdir()
    (requests.parent / "link").symlink_to(tmp_path)
    assert spool.list_folders() == ["alice"]


def test_no_more_folders_are_served_than_there_can_be_agents(
    spool: Spool, requests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "MAX_FOLDERS", 2)
    for name in "bcd":
        (requests.parent / name).mkdir()
    assert len(spool.list_folders()) == 2


@pytest.mark.parametrize("tree", ["requests", "responses"])
@pytest.mark.parametrize("level", ["agent", "tree"])
def test_a_folder_that_is_a_link_is_not_entered(spool: Spool, requests: Path, tree: str, level: str) -> None:
    outside = spool.path.parent / "outside"
    (outside / "alice").mkdir(parents=True)
    place = spool.path / tree / "alice" if level == "agent" else spool.path / tree
    if place.exists():
        place.rename(spool.path.parent / "moved")
    place.symlink_to(outside / "alice" if level == "agent" else outside)
    with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
        spool.open("alice")
    assert [entry.name for entry in outside.rglob("*")] == ["alice"]


def test_a_folder_that_is_swapped_while_it_is_open_leads_nowhere_else(
    spool: Spool, box: Mailbox, requests: Path, responses: Path
) -> None:
    outside = spool.path.parent / "outside"
    outside.mkdir()
    (requests / "1.json").write_text("inside")
    (outside / "1.json").write_text("outside")
    for place in (requests, responses):
        place.rename(place.with_name("moved"))
        place.symlink_to(outside)
    found = box.read_request("1.json", 100)
    box.take("1.json", found, 100)
    box.answer("1", b"answer")
    assert found.content == b"inside"
    assert {file.name: file.read_text() for file in outside.iterdir()} == {"1.json": "outside"}


# Listing ------------------------------------------------------------------------------------------------------------


def test_requests_are_listed_by_their_last_change_and_then_by_name(spool: Spool, requests: Path) -> None:
    for name, at in (("b", 2.0), ("a", 2.0), ("z", 1.0)):
        dated(requests / f"{name}.json", at)
    for other in ("c.tmp", "d.work", ".json", ".e.json", "json"):
        (requests / other).touch()
    assert list(spool.list_requests(["alice", "gone"])) == [("alice", ["z.json", "a.json", "b.json"])]


def test_what_a_dead_relay_has_left_is_what_was_taken_and_has_no_response(
    box: Mailbox, requests: Path, responses: Path
) -> None:
    dated(requests / "new.json", 1.0)
    dated(requests / "second.work", 3.0)
    dated(requests / "first.work", 2.0)
    dated(requests / "answered.work", 2.0)
    dated(responses / "answered.json", 2.0)
    assert box.list_unanswered() == ["first.work", "second.work"]


def test_no_look_takes_more_than_it_can_hold(requests: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_module, "MAX_PENDING", 2)
    for at in (3.0, 1.0, 2.0):
        dated(requests / f"{at:g}.json", at)
    handle = os.open(requests, os.O_RDONLY)
    try:
        assert list_waiting(handle) == ["1.json", "2.json"]
    finally:
        os.close(handle)


def test_a_stem_is_all_before_the_last_dot() -> None:
    assert [stem_of(name) for name in ("a.json", "a.b.work", ".json")] == ["a", "a.b", ""]


# Reading and taking -------------------------------------------------------------------------------------------------


def test_what_is_no_regular_file_is_not_read(
    box: Mailbox, requests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("secret")
    (requests / "link.json").symlink_to(tmp_path / "secret")
    (requests / "folder.json").mkdir()
    os.mkfifo(requests / "pipe.json")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(requests)  # the path of a socket must be short
        listener.bind("socket.json")
        for name in ("link", "folder", "pipe", "socket"):
            with pytest.raises(NotAFile):
                box.read_request(f"{name}.json", 100)


def test_a_file_over_the_limit_is_refused_by_its_size_alone(box: Mailbox, requests: Path) -> None:
    with (requests / "big.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(NotAFile, match="at most 100 are read"):
        box.read_request("big.json", 100)
    (requests / "fits.json").write_bytes(b"x" * 100)
    assert box.read_request("fits.json", 100).content == b"x" * 100


def count_handles() -> int:
    """How many handles this process has open; 0 where the machine does not tell."""
    handles = Path("/proc/self/fd")
    return len(list(handles.iterdir())) if handles.exists() else 0


def test_reading_leaves_no_handle_open(box: Mailbox, requests: Path) -> None:
    (requests / "folder.json").mkdir()
    (requests / "1.json").write_text("{}")
    before = count_handles()
    for _ in range(20):
        with pytest.raises(NotAFile):
            box.read_request("folder.json", 100)
        box.read_request("1.json", 100)
        box.answer("1", b"{}")
    assert count_handles() == before


def test_a_request_is_taken_once(box: Mailbox, requests: Path) -> None:
    (requests / "1.json").write_text("{}")
    found = box.read_request("1.json", 100)
    assert box.take("1.json", found, 100) is found
    assert [file.name for file in requests.iterdir()] == ["1.work"]
    with pytest.raises(FileNotFoundError):
        box.take("1.json", found, 100)


def test_a_request_that_was_replaced_before_it_was_taken_is_read_again(box: Mailbox, requests: Path) -> None:
    (requests / "1.json").write_text("old")
    found = box.read_request("1.json", 100)
    (requests / "1.json").unlink()
    (requests / "1.json").write_text("newer")
    taken = box.take("1.json", found, 100)
    assert isinstance(taken, Found)
    assert taken.content == b"newer"


def test_what_cannot_be_read_can_still_be_taken_out_of_the_way(box: Mailbox, requests: Path) -> None:
    (requests / "folder.json").mkdir()
    assert box.take("folder.json", None, 100) is None
    assert (requests / "folder.work").is_dir()


# Answering ----------------------------------------------------------------------------------------------------------


def test_an_answer_replaces_whatever_file_lies_in_its_place(box: Mailbox, responses: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("untouched")
    (responses / "link.json").symlink_to(tmp_path / "outside")
    os.mkfifo(responses / "pipe.json")
    (responses / "old.json").write_text("old")
    for stem in ("link", "pipe", "old"):
        box.answer(stem, b"answer")
        assert (responses / f"{stem}.json").read_bytes() == b"answer"
    assert (tmp_path / "outside").read_text() == "untouched"
    assert sorted(file.name for file in responses.iterdir()) == ["link.json", "old.json", "pipe.json"]


def test_an_answer_that_cannot_be_written_leaves_nothing_behind(box: Mailbox, responses: Path) -> None:
    (responses / "1.json" / "full").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        box.answer("1", b"answer")
    assert [file.name for file in responses.iterdir()] == ["1.json"]


def test_a_response_that_is_no_file_counts_as_empty(box: Mailbox, responses: Path) -> None:
    (responses / "1.json").mkdir()
    assert box.read_response("1", 100) == b""
    with pytest.raises(FileNotFoundError):
        box.read_response("2", 100)


def test_a_response_is_withdrawn_even_where_nothing_can_be_deleted(
    box: Mailbox, responses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (responses / "1.json").write_text("old")
    box.withdraw("1")
    box.withdraw("1")
    assert list(responses.iterdir()) == []
    (responses / "2.json").write_text("old")
    monkeypatch.setattr(os, "unlink", refuse)
    box.withdraw("2")
    assert (responses / "2.json").read_bytes() == b""


def refuse(*_args: object, **_kwargs: object) -> None:
    raise PermissionError(1, "Operation not permitted")


# Pruning ------------------------------------------------------------------------------------------------------------


def pair(requests: Path, responses: Path, stem: str, age_sec: float) -> None:
    dated(requests / f"{stem}.work", NOW - age_sec)
    dated(responses / f"{stem}.json", NOW - age_sec)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox_module, "KEEP_ALWAYS", 2)
    monkeypatch.setattr(mailbox_module, "KEEP_AT_MOST", 4)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("ages", "kept"),
    [
        ([DAY * 9, DAY * 8, DAY * 7], [DAY * 8, DAY * 7]),
        ([DAY * 9, 50.0, 40.0, 30.0, 20.0, 10.0], [50.0, 40.0, 30.0, 20.0, 10.0]),
        ([500.0, 400.0, 300.0, 200.0, 100.0], [400.0, 300.0, 200.0, 100.0]),
        ([DAY / 2, DAY / 3, DAY / 4], [DAY / 2, DAY / 3, DAY / 4]),
    ],
    ids=["the newest stay however old", "the last minute stays however many", "beyond the most", "nothing old"],
)
def test_answered_pairs_go_by_age_and_by_number(
    box: Mailbox, requests: Path, responses: Path, ages: list[float], kept: list[float]
) -> None:
    for age in ages:
        pair(requests, responses, f"{age:g}", age)
    dated(requests / "unanswered.work", NOW - DAY * 30)
    dated(requests / "waiting.json", NOW - DAY * 30)
    box.prune(NOW)
    assert {file.stem for file in responses.iterdir()} == {f"{age:g}" for age in kept}
    assert {file.stem for file in requests.iterdir()} == {f"{age:g}" for age in kept} | {"unanswered", "waiting"}


@pytest.mark.usefixtures("small")
def test_what_a_dead_relay_has_half_written_goes_too(box: Mailbox, requests: Path, responses: Path) -> None:
    for number in range(3):
        pair(requests, responses, f"{number}", 10.0)
    dated(responses / ".relay-0123", NOW - DAY * 2)
    box.prune(NOW)
    assert sorted(file.name for file in responses.iterdir()) == ["0.json", "1.json", "2.json"]


@pytest.mark.usefixtures("small")
def test_a_mount_that_refuses_deletes_loses_nothing(
    box: Mailbox, requests: Path, responses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        pair(requests, responses, f"{number}", DAY * 9)
    monkeypatch.setattr(os, "unlink", refuse)
    box.prune(NOW)
    assert len(list(responses.iterdir())) == len(list(requests.iterdir())) == 5


@pytest.mark.usefixtures("small")
def test_a_death_in_the_middle_of_deleting_leaves_no_request_that_looks_unanswered(
    box: Mailbox, requests: Path, responses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        pair(requests, responses, f"{number}", DAY * 9)
    unlink, left = os.unlink, [1]

    def die(name: str, *, dir_fd: int) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        unlink(name, dir_fd=dir_fd)

    monkeypatch.setattr(os, "unlink", die)
    with pytest.raises(KeyboardInterrupt):
        box.prune(NOW)
    assert box.list_unanswered() == []
