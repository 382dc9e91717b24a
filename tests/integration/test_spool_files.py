"""Rules of the spool's files: no link is followed, nothing outside is touched, old pairs go, and deletes may fail."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.agent_folder import AgentFolder, Keep, Unfinished
from relay.envelope import Refused, Request
from relay.files import stem_of
from relay.spool import Spool

DAY = 86_400.0
NOW = 1_800_000_000.0
MAX_BYTES = 100
REQUEST = '{"method": "GET", "path": "/v1/tasks"}'
OTHER = '{"method": "GET", "path": "/v1/locks"}'
KEEP = Keep(always=2, at_most=4)


def path_of(taken: object) -> str:
    """What a request that was taken asks for."""
    assert isinstance(taken, Request)
    return taken.path


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
def folder(spool: Spool, requests: Path) -> Iterator[AgentFolder]:
    with spool.open("alice", MAX_BYTES) as opened:
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


def test_no_more_folders_are_served_than_there_can_be_agents(spool: Spool, requests: Path) -> None:
    for name in "bcd":
        (requests.parent / name).mkdir()
    assert len(Spool(spool.path, max_folders=2).list_folders()) == 2


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
        spool.open("alice", MAX_BYTES)
    assert [entry.name for entry in outside.rglob("*")] == ["alice"]


def test_a_folder_that_is_swapped_while_it_is_open_leads_nowhere_else(
    spool: Spool, folder: AgentFolder, requests: Path, responses: Path
) -> None:
    outside = spool.path.parent / "outside"
    outside.mkdir()
    (requests / "1.json").write_text(REQUEST)
    (outside / "1.json").write_text("outside")
    for place in (requests, responses):
        place.rename(place.with_name("moved"))
        place.symlink_to(outside)
    assert path_of(folder.take("1.json", even_unfinished=False)) == "/v1/tasks"
    folder.answer("1", b"answer")
    assert {file.name: file.read_text() for file in outside.iterdir()} == {"1.json": "outside"}


# Listing ------------------------------------------------------------------------------------------------------------


def test_requests_are_listed_by_their_last_change_and_then_by_name(spool: Spool, requests: Path) -> None:
    for name, at in (("b", 2.0), ("a", 2.0), ("z", 1.0)):
        dated(requests / f"{name}.json", at)
    for other in ("c.tmp", "d.work", ".json", ".e.json", "json"):
        (requests / other).touch()
    assert list(spool.list_requests(["alice", "gone"])) == [("alice", ["z.json", "a.json", "b.json"])]


def test_what_a_dead_relay_has_left_is_what_was_taken_and_has_no_response(
    folder: AgentFolder, requests: Path, responses: Path
) -> None:
    dated(requests / "new.json", 1.0)
    dated(requests / "second.work", 3.0)
    dated(requests / "first.work", 2.0)
    dated(requests / "answered.work", 2.0)
    dated(responses / "answered.json", 2.0)
    assert folder.list_unanswered() == ["first.work", "second.work"]


def test_no_look_takes_more_than_it_can_hold(spool: Spool, requests: Path) -> None:
    for at in (3.0, 1.0, 2.0):
        dated(requests / f"{at:g}.json", at)
    look = Spool(spool.path, max_pending=2).list_requests(["alice"])
    assert list(look) == [("alice", ["1.json", "2.json"])]


def test_a_stem_is_all_before_the_last_dot() -> None:
    assert [stem_of(name) for name in ("a.json", "a.b.work", ".json")] == ["a", "a.b", ""]


# Reading and taking -------------------------------------------------------------------------------------------------


def test_what_is_no_regular_file_is_not_read(
    folder: AgentFolder, requests: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("secret")
    (requests / "link.json").symlink_to(tmp_path / "secret")
    (requests / "folder.json").mkdir()
    os.mkfifo(requests / "pipe.json")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(requests)  # the path of a socket must be short
        listener.bind("socket.json")
        for name in ("link", "folder", "pipe", "socket"):
            assert isinstance(folder.take(f"{name}.json", even_unfinished=False), Refused)


def test_a_file_over_the_limit_is_refused_by_its_size_alone(folder: AgentFolder, requests: Path) -> None:
    with (requests / "big.json").open("wb") as file:
        file.truncate(1 << 40)
    refused = folder.take("big.json", even_unfinished=False)
    assert isinstance(refused, Refused)
    assert f"at most {MAX_BYTES} are read" in str(refused)
    (requests / "fits.json").write_text(REQUEST.ljust(MAX_BYTES))
    assert path_of(folder.take("fits.json", even_unfinished=False)) == "/v1/tasks"


def count_handles() -> int:
    """How many handles this process has open; 0 where the machine does not tell."""
    handles = Path("/proc/self/fd")
    return len(list(handles.iterdir())) if handles.exists() else 0


def test_reading_leaves_no_handle_open(folder: AgentFolder, requests: Path) -> None:
    before = count_handles()
    for number in range(20):
        (requests / f"{number}.json").mkdir()
        (requests / f"r{number}.json").write_text(REQUEST)
        folder.take(f"{number}.json", even_unfinished=False)
        folder.take(f"r{number}.json", even_unfinished=False)
        folder.answer("1", b"{}")
    assert count_handles() == before


def test_a_request_is_taken_once(folder: AgentFolder, requests: Path) -> None:
    (requests / "1.json").write_text(REQUEST)
    folder.take("1.json", even_unfinished=False)
    assert [file.name for file in requests.iterdir()] == ["1.work"]
    with pytest.raises(FileNotFoundError):
        folder.take("1.json", even_unfinished=False)


def test_a_request_that_is_not_whole_stays_where_it_lies_until_its_writer_is_done(
    folder: AgentFolder, requests: Path
) -> None:
    (requests / "1.json").write_text(REQUEST[:-1])
    assert isinstance(folder.take("1.json", even_unfinished=False), Unfinished)
    assert (requests / "1.json").exists()
    assert isinstance(folder.take("1.json", even_unfinished=True), Refused)
    assert (requests / "1.work").exists()


def test_a_request_that_was_replaced_before_it_was_taken_is_read_again(
    folder: AgentFolder, requests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (requests / "1.json").write_text(REQUEST)
    rename = os.rename

    def replace_first(name: str, taken: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        (requests / "new").write_text(OTHER)
        (requests / "new").replace(requests / "1.json")
        rename(name, taken, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "rename", replace_first)
    assert path_of(folder.take("1.json", even_unfinished=False)) == "/v1/locks"


def test_what_cannot_be_read_can_still_be_taken_out_of_the_way(folder: AgentFolder, requests: Path) -> None:
    (requests / "folder.json").mkdir()
    assert isinstance(folder.take("folder.json", even_unfinished=False), Refused)
    assert (requests / "folder.work").is_dir()


def test_a_request_that_has_its_answer_needs_no_other_whenever_it_was_written(
    folder: AgentFolder, requests: Path, responses: Path
) -> None:
    (requests / "1.work").write_text(REQUEST[:-1] + ', "created_at": "then"}')
    (responses / "1.json").write_text('{"status": 200}')
    (requests / "1.json").write_text(REQUEST[:-1] + ', "created_at": "now"}')
    assert folder.take("1.json", even_unfinished=False) is None
    assert (responses / "1.json").exists()


@pytest.mark.parametrize("response", ['{"status": 503}', "", "no response"])
def test_a_response_that_does_not_stand_is_withdrawn_before_the_request_is_taken(
    folder: AgentFolder, requests: Path, responses: Path, response: str
) -> None:
    (requests / "1.work").write_text(REQUEST)
    (responses / "1.json").write_text(response)
    (requests / "1.json").write_text(REQUEST)
    assert path_of(folder.take("1.json", even_unfinished=False)) == "/v1/tasks"
    assert list(responses.iterdir()) == []


# Answering ----------------------------------------------------------------------------------------------------------


def test_an_answer_replaces_whatever_file_lies_in_its_place(
    folder: AgentFolder, responses: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside").write_text("untouched")
    (responses / "link.json").symlink_to(tmp_path / "outside")
    os.mkfifo(responses / "pipe.json")
    (responses / "old.json").write_text("old")
    for stem in ("link", "pipe", "old"):
        folder.answer(stem, b"answer")
        assert (responses / f"{stem}.json").read_bytes() == b"answer"
    assert (tmp_path / "outside").read_text() == "untouched"
    assert sorted(file.name for file in responses.iterdir()) == ["link.json", "old.json", "pipe.json"]


def test_an_answer_that_cannot_be_written_leaves_nothing_behind(folder: AgentFolder, responses: Path) -> None:
    (responses / "1.json" / "full").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        folder.answer("1", b"answer")
    assert [file.name for file in responses.iterdir()] == ["1.json"]


def test_the_response_to_another_request_is_withdrawn_even_where_nothing_can_be_deleted(
    folder: AgentFolder, requests: Path, responses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "unlink", refuse)
    (requests / "1.work").write_text(OTHER)
    (responses / "1.json").write_text('{"status": 200}')
    (requests / "1.json").write_text(REQUEST)
    assert path_of(folder.take("1.json", even_unfinished=False)) == "/v1/tasks"
    assert (responses / "1.json").read_bytes() == b""


def test_what_is_no_file_in_the_place_of_a_response_keeps_the_request_where_it_lies(
    folder: AgentFolder, requests: Path, responses: Path
) -> None:
    (responses / "1.json").mkdir()
    (requests / "1.json").write_text(REQUEST)
    with pytest.raises(OSError, match="directory"):
        folder.take("1.json", even_unfinished=False)
    assert (requests / "1.json").exists()


def refuse(*_args: object, **_kwargs: object) -> None:
    raise PermissionError(1, "Operation not permitted")


# Pruning ------------------------------------------------------------------------------------------------------------


def pair(requests: Path, responses: Path, stem: str, age_sec: float) -> None:
    dated(requests / f"{stem}.work", NOW - age_sec)
    dated(responses / f"{stem}.json", NOW - age_sec)


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
    folder: AgentFolder, requests: Path, responses: Path, ages: list[float], kept: list[float]
) -> None:
    for age in ages:
        pair(requests, responses, f"{age:g}", age)
    dated(requests / "unanswered.work", NOW - DAY * 30)
    dated(requests / "waiting.json", NOW - DAY * 30)
    folder.prune(NOW, KEEP)
    assert {file.stem for file in responses.iterdir()} == {f"{age:g}" for age in kept}
    assert {file.stem for file in requests.iterdir()} == {f"{age:g}" for age in kept} | {"unanswered", "waiting"}


def test_what_a_dead_relay_has_half_written_goes_too(folder: AgentFolder, requests: Path, responses: Path) -> None:
    for number in range(3):
        pair(requests, responses, f"{number}", 10.0)
    dated(responses / ".relay-0123", NOW - DAY * 2)
    folder.prune(NOW, KEEP)
    assert sorted(file.name for file in responses.iterdir()) == ["0.json", "1.json", "2.json"]


def test_a_mount_that_refuses_deletes_loses_nothing(
    folder: AgentFolder, requests: Path, responses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        pair(requests, responses, f"{number}", DAY * 9)
    monkeypatch.setattr(os, "unlink", refuse)
    folder.prune(NOW, KEEP)
    assert len(list(responses.iterdir())) == len(list(requests.iterdir())) == 5


def test_a_death_in_the_middle_of_deleting_leaves_no_request_that_looks_unanswered(
    folder: AgentFolder, requests: Path, responses: Path, monkeypatch: pytest.MonkeyPatch
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
        folder.prune(NOW, KEEP)
    assert folder.list_unanswered() == []
