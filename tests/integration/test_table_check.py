"""Tables that do not follow from the log are found beside a hub that runs, and made again in their place."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from arclog.deciders.locks import AcquireLock
from arclog.errors import StorageDamaged
from arclog.progress import no_progress
from arclog.proof.findings import Finding
from cli.main import main
from projections.hub.table_inspection import TableInspection
from projections.message_pages import count_messages
from projections.rebuilding.differences import TABLES
from projections.rebuilding.repair import repair
from projections.rebuilding.table_check import GivenUp, check_tables
from projections.rebuilding.verification import verify_storage
from projections.search.filler import Filler
from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.recorders import contents, execute_all, post, reading, recording
from tests.support.served_hub import ServedHub
from tests.support.tampering import build_storage
from tests.support.waiting import wait_until


def always() -> bool:
    return True


def damage(storage: Path, statement: str) -> None:
    with closing(apsw.Connection(str(storage))) as connection:
        connection.set_busy_timeout(5_000)
        connection.execute(statement)
        assert connection.changes() >= 1


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    return build_storage(tmp_path / "arc.sqlite3", 300)


def test_tables_that_follow_from_the_log_are_found_to_be_whole(storage: Path) -> None:
    checked = check_tables(storage, always)
    assert checked is not None
    assert (checked.head, checked.findings) == (300, ())


@pytest.mark.parametrize("table", ["locks", "claims", "tasks", "sessions", "broadcasts", "inbox", "thread_messages"])
def test_a_row_that_is_gone_is_found_in_every_table_and_put_back(storage: Path, table: str) -> None:
    with reading(storage) as connection:
        before = contents(connection)
    column = "event_id" if table in {"broadcasts", "inbox", "thread_messages"} else "from_event"
    damage(storage, f'DELETE FROM "{table}" WHERE {column} = (SELECT max({column}) FROM "{table}")')  # noqa: S608
    checked = check_tables(storage, always)
    assert checked is not None
    assert [finding.text.split()[1].rstrip(":") for finding in checked.findings] == [table]
    repaired = repair(storage, "op", no_progress, no_progress)
    assert repaired.tables == (table,)
    assert repaired.event_id == 301
    with reading(storage) as connection:
        after = contents(connection)
    assert {name: rows for name, rows in after.items() if name != "checkpoints"} == {
        name: rows for name, rows in before.items() if name != "checkpoints"
    }
    assert verify_storage(storage, False, no_progress, no_progress).findings == ()


def test_what_is_appended_meanwhile_is_no_difference(storage: Path) -> None:
    with recording(storage) as recorder:
        said = 0

        def say() -> bool:
            nonlocal said
            said += 1
            recorder.execute(post("a", body=f"{said}", thread_id="t1"))
            return True

        checked = check_tables(storage, say)
        assert said > len(TABLES)
        assert checked is not None
        assert checked.findings == ()


def test_it_ends_when_it_is_told_to(storage: Path) -> None:
    with pytest.raises(GivenUp):
        check_tables(storage, lambda: False)


def test_a_hub_finds_it_says_so_and_forgets_it_when_it_is_repaired(
    storage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[Finding] = []
    damage(storage, "UPDATE locks SET agent_id = 'mallory' WHERE rowid = (SELECT max(rowid) FROM locks)")
    inspection = TableInspection(
        storage, lambda: 1, found.append, None, share=0.5, first_sec=0.01, every_sec=60, look_sec=0.05
    )
    inspection.start()
    try:
        wait_until(lambda: inspection.state == "damaged", what="the damage to be found")
        assert "mallory" in found[0].text
        assert main(["log", "repair", "--storage", str(storage), "--agent", "op"]) == 0
        assert "made again from the log (event 301): locks" in capsys.readouterr().out
        wait_until(lambda: inspection.state == "whole", what="the tables to be whole")
        assert len(found) == 1
    finally:
        inspection.stop()


def test_it_is_told_wherever_damage_is(hub: ServedHub, tmp_path: Path) -> None:
    hub.say("x")
    damage(tmp_path / "arc.sqlite3", "UPDATE broadcasts SET from_agent = 'mallory'")
    hub.hub._inspections.tables._check()
    health = hub.get("/v1/health")
    assert (health.result["status"], health.result["integrity"]["tables"]) == ("damaged", "damaged")
    assert health.headers["x-arc-integrity"] == "damaged"
    assert hub.get("/v1/hub-info").result["integrity"] == "damaged"
    assert any("mallory" in item["text"] for item in hub.get("/v1/attention").result)


def test_a_damaged_log_is_not_repaired_from(storage: Path) -> None:
    with closing(apsw.Connection(str(storage))) as connection:
        connection.execute("DROP TRIGGER events_are_never_changed")
        connection.execute("UPDATE events SET actor = 'mallory' WHERE event_id = 7")
    with pytest.raises(StorageDamaged, match="event 7"):
        repair(storage, "op", no_progress, no_progress)


def test_the_index_of_keys_is_made_anew_too(storage: Path) -> None:
    damage(storage, "DELETE FROM idempotency_keys WHERE event_id = (SELECT max(event_id) FROM idempotency_keys)")
    assert repair(storage, "op", no_progress, no_progress).keys
    assert verify_storage(storage, False, no_progress, no_progress).findings == ()


def test_there_is_nothing_to_repair_where_nothing_is_damaged(storage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["log", "repair", "--storage", str(storage)]) == 0
    assert "nothing to repair" in capsys.readouterr().out


def test_a_hub_that_runs_goes_on_with_what_is_right(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path).start()
    try:
        lock = {"agent_id": "a", "file_path": "src/a.py", "ttl_sec": 600}
        assert hub.post("/v1/locks", lock).body["acquired"]
        damage(hub.storage, "UPDATE locks SET agent_id = 'mallory'")
        assert main(["log", "repair", "--storage", str(hub.storage)]) == 0
        assert [row["agent_id"] for row in hub.get("/v1/locks").result] == ["a"]
        refused = hub.post("/v1/locks", {**lock, "agent_id": "b"}).body
        assert (refused["acquired"], refused["result"]["agent_id"]) == (False, "a")
        assert hub.post("/v1/locks", lock).body["acquired"]
    finally:
        assert hub.stop() == 0
    assert verify_storage(hub.storage, False, no_progress, no_progress).findings == ()


def test_a_repair_that_is_killed_leaves_all_or_nothing(tmp_path: Path) -> None:
    storage = tmp_path / "arc.sqlite3"
    with recording(storage) as recorder:
        for start in range(0, 6_000, 300):
            execute_all(
                recorder, [post(f"a{n % 5}", body=str(n), thread_id=f"t{n % 9}") for n in range(start, start + 300)]
            )
        recorder.execute(AcquireLock(agent_id="a", file_path="a.py"))
    program = (
        f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); from cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    done = damaged = 0
    for moment in range(6):
        damage(storage, "UPDATE thread_messages SET from_agent = 'mallory' WHERE event_id % 7 = 0")
        with reading(storage) as connection:
            damaged = connection.execute("SELECT count(*) FROM thread_messages WHERE from_agent = 'mallory'").get
        with subprocess.Popen(
            [sys.executable, "-c", program, "log", "repair", "--storage", str(storage)], stdout=subprocess.DEVNULL
        ) as process:
            time.sleep(0.25 + 0.12 * moment)  # the moment itself is what is tried
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        with reading(storage) as connection:
            wrong = connection.execute("SELECT count(*) FROM thread_messages WHERE from_agent = 'mallory'").get
            count = connection.execute("SELECT count(*) FROM thread_messages").get
        assert count == 6_000
        assert wrong in {0, damaged}
        done += wrong == 0
    if not done:
        repair(storage, "op", no_progress, no_progress)
    repair(storage, "op", no_progress, no_progress)
    assert verify_storage(storage, False, no_progress, no_progress).findings == ()


def test_an_index_of_words_that_lacks_some_is_made_anew(tmp_path: Path) -> None:
    storage = tmp_path / "arc.sqlite3"
    with recording(storage) as recorder:
        execute_all(recorder, [post("a", body=f"word{n}") for n in range(50)])
        head = recorder.last_event_id
    filler = Filler(storage, pytest.fail)
    try:
        assert filler.find('said : ("word7")', 0, 10**6, 10, head)
        assert filler.check(count_messages)
        with closing(apsw.Connection(f"{storage}-search")) as connection:
            connection.execute("DELETE FROM words WHERE rowid = 10")
        assert not filler.check(count_messages)
        assert filler.find('said : ("word7")', 0, 10**6, 10, head)
        assert filler.check(count_messages)
    finally:
        filler.stop()
