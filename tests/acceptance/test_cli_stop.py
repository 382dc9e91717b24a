"""`arc stop` and `arc reset`: they end the hub that is meant, and nothing else."""

import json

import pytest

from tests.support.arc_command import ArcCommand
from tests.support.on_port import ask, hub_info, is_closed, serving
from tests.support.ports import find_free_port
from tests.support.waiting import wait_until


def test_stop_answers_who_waits_and_returns_when_the_port_is_closed(arc: ArcCommand, free_port: int) -> None:
    url = arc("ensure", "--port", free_port).json["url"]
    pid = hub_info(free_port)["pid"]
    poll = arc.start("poll", "--agent", "a", "--base-url", url, "--timeout", "50")
    wait_until(lambda: any(session["agent_id"] == "a" for session in ask(free_port, "/v1/agents")), what="the poll")
    ended = arc("stop")
    assert (ended.code, ended.json) == (0, {"stopped": True, "pid": pid, "url": url})
    assert is_closed(free_port)
    assert not (arc.folder / ".arc.pid").exists()
    out, err = poll.communicate(timeout=60)
    assert (poll.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize("named", [True, False])
def test_stop_finds_a_hub_by_its_port_when_its_note_is_gone(named: bool, arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    (arc.folder / ".arc.pid").unlink()
    assert arc("stop", *(["--port", free_port] if named else [])).json["stopped"] is True
    assert is_closed(free_port)


def test_stop_leaves_the_hub_of_another_storage_alone(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    ended = arc("stop", "--port", free_port, "--storage", "other.sqlite3")
    assert (ended.code, ended.json["stopped"]) == (1, False)
    assert "hub of another storage" in ended.json["error"]
    assert not is_closed(free_port)


def test_stop_ends_only_the_process_that_listens(arc: ArcCommand) -> None:
    victim = arc.start("poll", "--agent", "a", "--base-url", "http://127.0.0.1:9", "--timeout", "1")
    storage = str(arc.folder / "arc.sqlite3")
    info = {"instance_id": "x", "protocol_version": "1", "storage_path": storage, "pid": victim.pid}
    with serving(lambda: info) as port:
        (arc.folder / ".arc.pid").write_text(
            json.dumps({"pid": victim.pid, "port": port, "url": f"http://127.0.0.1:{port}"})
        )
        ended = arc("stop", "--port", port)
    assert (ended.code, ended.json["stopped"]) == (1, False)
    assert f"process {victim.pid} is not what listens" in ended.json["error"]
    victim.communicate(timeout=60)
    assert victim.returncode == 1  # there is no hub; nobody ended it


def test_stop_without_a_hub_says_so(arc: ArcCommand, free_port: int) -> None:
    ended = arc("stop", "--port", free_port)
    assert (ended.code, ended.json) == (1, {"stopped": False, "error": "no running hub found"})


def test_reset_stops_the_hub_and_deletes_its_database(arc: ArcCommand, free_port: int) -> None:
    arc("ensure", "--port", free_port)
    instance_id = hub_info(free_port)["instance_id"]
    ended = arc("reset")
    assert (ended.code, ended.json["reset"], ended.json["removed"][0]) == (0, True, "arc.sqlite3")
    assert [path.name for path in arc.folder.glob("arc.sqlite3*")] == []
    assert arc("reset").json == {"reset": True, "note": "database did not exist"}
    arc("ensure", "--port", free_port)
    assert hub_info(free_port)["instance_id"] != instance_id


def test_reset_leaves_a_storage_that_another_hub_uses(arc: ArcCommand, free_port: int) -> None:
    second = find_free_port()
    hub = arc.start("--port", second, "--quiet")
    wait_until(lambda: not is_closed(second), what="the first hub")
    wait_until((arc.folder / ".arc.pid").exists, what="its note")
    (arc.folder / ".arc.pid").unlink()
    ended = arc("reset", "--port", free_port)
    assert (ended.code, ended.json["reset"]) == (1, False)
    assert "is in use" in ended.json["error"]
    hub.terminate()
    assert hub.wait(15) == 0
    hub.communicate()
    assert arc("reset", "--port", free_port).json["reset"] is True


def test_reset_deletes_nothing_that_is_not_a_storage_of_arc(arc: ArcCommand, free_port: int) -> None:
    (arc.folder / "notes.db").write_text("mine " * 1000)
    ended = arc("reset", "--storage", "notes.db", "--port", free_port)
    assert (ended.code, ended.json["reset"]) == (1, False)
    assert (arc.folder / "notes.db").read_text() == "mine " * 1000
