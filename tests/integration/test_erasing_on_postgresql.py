"""What is erased leaves the server that keeps the log too: its tables, and what lies in their files."""

import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psycopg
import pytest

from arclog.events import PayloadErased
from arclog.postgresql.opening import make_log
from tests.support.hub_process import HubProcess
from tests.support.machines import events_of, machines
from tests.support.postgresql import HUB, Server, needs_postgresql, new_log, serving
from tests.support.postgresql_recorders import database_of, log_at
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.outer, pytest.mark.timeout(180)]

SECRET = "sk-live-QZX9917secretABC42"
WITHOUT_FUNCTIONS = (
    "DROP FUNCTION arc.arc_erase, arc.arc_scrub",
    "DROP TRIGGER events_lose_texts_alone ON arc.events",
    "ALTER TABLE arc.log DROP COLUMN scrubbed_to",
)
"""What makes a log one that a former version made."""


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Server, Server]]:
    """A primary, and a standby that has whatever it has."""
    with ExitStack() as stack:
        primary = stack.enter_context(serving(needs_postgresql()))
        standby = primary.copy()
        stack.callback(standby.stop)
        primary.wait_for(standby)
        yield primary, standby


def say_it(hub: HubProcess) -> list[int]:
    """Post the secret in a short message, in a long one, and in one that the server keeps beside its table."""
    noise = random.Random(1).randbytes(6_000).hex()  # noqa: S311 - too long for a row, and not to be made shorter
    said = []
    for body in (f"the key is {SECRET}", "x" * 3_000 + SECRET, noise + SECRET + noise):
        answer = hub.post("/v1/messages", {"from_agent": "a", "channel": "general", "body": body})
        assert answer.status == 201
        said.append(answer.result["id"])
    return said


def erase(hub: HubProcess, ids: list[int]) -> dict[str, object]:
    receipt: dict[str, object] = hub.post("/v1/log/erase", {"ids": ids, "reason": "a key", "agent_id": "ops"}).result
    return receipt


def holding(server: Server, url: str) -> list[str]:
    """The files of a server that hold the secret, but for the write-ahead log, which is for its operator.

    Other tests have databases of their own there, which are left out.
    """
    server.sql("postgres", "CHECKPOINT")
    (own,) = server.sql(database_of(url), "SELECT oid FROM pg_database WHERE datname = current_database()")
    found = []
    for folder, folders, names in os.walk(server.data):
        if Path(folder) == server.data:
            folders.remove("pg_wal")
        if Path(folder) == server.data / "base":
            folders[:] = [own]
        for path in (Path(folder, name) for name in names):
            with suppress(FileNotFoundError):  # a server's files come and go
                if SECRET.encode() in path.read_bytes():
                    found.append(str(path.relative_to(server.data)))
    return found


def held_by(hub: HubProcess) -> list[Path]:
    """The files of a hub that hold it."""
    found = []
    for path in hub.home.rglob("*"):
        with suppress(FileNotFoundError):  # a hub's files come and go, too
            if path.is_file() and SECRET.encode() in path.read_bytes():
                found.append(path)
    return found


def test_after_it_no_file_of_the_servers_holds_it_and_every_copy_of_the_log_is_the_same(
    pair: tuple[Server, Server], tmp_path: Path
) -> None:
    primary, standby = pair
    url = new_log(primary)
    with machines(tmp_path, url, 2) as (one, two):
        said = say_it(one)
        primary.sql(database_of(url), "ANALYZE", "VACUUM")  # what a server does by itself sooner or later
        assert holding(primary, url)
        digests = [event.digest for event in log_at(url)]

        receipt = erase(two, said)

        assert (receipt["erased"], receipt["log_scrubbed"], receipt["log_trouble"]) == (said, True, None)
        assert holding(primary, url) == []
        wait_until(lambda: holding(standby, url) == [], what="the standby to follow")
        log = log_at(url)
        assert [event.digest for event in log][: len(digests)] == digests
        for hub in (one, two):
            wait_until(lambda hub=hub: hub.get("/v1/health").result["head"] >= len(log), what="the copy")  # type: ignore[misc]
            assert events_of(hub)[: len(log)] == log
            shown = hub.get("/v1/messages?channel=general&limit=10").result
            assert [message["erased"] for message in shown] == [True, True, True]
            wait_until(lambda hub=hub: held_by(hub) == [], what="its files")  # type: ignore[misc]
            assert hub.get("/v1/search?q=secretABC42").result == []
        assert one.post("/v1/messages", {"from_agent": "a", "channel": "general", "body": "on"}).status == 201


def test_a_hub_that_comes_later_has_never_seen_it_and_its_log_is_proved(server: Server, tmp_path: Path) -> None:
    url = new_log(server)
    with machines(tmp_path, url, 1) as (one,):
        erase(one, say_it(one))
        (tmp_path / "later").mkdir()
        with machines(tmp_path / "later", url, 1) as (later,):
            log = log_at(url)
            wait_until(lambda: later.get("/v1/health").result["head"] >= len(log), what="the copy")
            assert events_of(later)[: len(log)] == log
            assert all(SECRET.encode() not in event.data for event in log)
            assert later.get("/v1/health").result["status"] == "ok"


def test_a_log_that_a_former_version_made_says_what_to_do_and_is_scrubbed_once_it_is_done(
    server: Server, tmp_path: Path
) -> None:
    url = new_log(server)
    server.sql(database_of(url), *WITHOUT_FUNCTIONS)
    with machines(tmp_path, url, 1) as (hub,):
        said = say_it(hub)
        receipt = erase(hub, said)
        assert receipt["log_scrubbed"] is False
        assert "its owner has to create it once more" in str(receipt["log_trouble"])
        assert holding(server, url)

        make_log(server.url(database=database_of(url)), HUB)

        assert erase(hub, said)["log_scrubbed"] is True
        assert holding(server, url) == []
        assert all(SECRET.encode() not in event.data for event in log_at(url))


@pytest.mark.parametrize("role", [HUB, "arc_owner"])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE arc.events SET data = '\\x80' WHERE event_id = 3",
        "UPDATE arc.events SET data = '\\x81a6736861323536c420' || sha256('other') WHERE event_id = 3",
        "UPDATE arc.events SET data = '\\x81a6736861323536c420' || sha256(data), actor = 'b' WHERE event_id = 3",
        "SELECT arc.arc_erase(1, ARRAY[3], ARRAY['\\x80'::bytea])",
        "SELECT arc.arc_erase(99, ARRAY[3], ARRAY['\\x80'::bytea])",
    ],
)
def test_nobody_changes_an_event_but_for_what_an_event_of_the_log_erases(
    log_url: str, server: Server, tmp_path: Path, role: str, statement: str
) -> None:
    with machines(tmp_path, log_url, 1) as (hub,):
        say_it(hub)
    before = log_at(log_url)
    with (
        psycopg.connect(server.url(role, database_of(log_url))) as connection,
        pytest.raises((psycopg.errors.RaiseException, psycopg.errors.InsufficientPrivilege)),
    ):
        connection.execute(statement)
    assert log_at(log_url) == before


def test_a_log_that_somebody_reads_for_long_is_scrubbed_when_that_has_ended(server: Server, tmp_path: Path) -> None:
    url = new_log(server)
    with machines(tmp_path, url, 1) as (hub,):
        said = say_it(hub)
        with psycopg.connect(server.url(database=database_of(url))) as backup:
            backup.execute("SELECT count(*) FROM arc.events")
            receipt = erase(hub, said)
            assert (receipt["log_scrubbed"], receipt["erased"]) == (False, said)
            assert "reads" in str(receipt["log_trouble"])
        assert erase(hub, said)["log_scrubbed"] is True
        assert holding(server, url) == []


@pytest.mark.parametrize("role", [HUB, "arc_owner"])
def test_the_table_is_written_again_once_for_each_erasure_of_the_log_and_for_nothing_else(
    server: Server, tmp_path: Path, role: str
) -> None:
    url = new_log(server)

    def where_it_lies() -> list[str]:
        return server.sql(database_of(url), "SELECT pg_relation_filenode('arc.events')")

    with machines(tmp_path, url, 1) as (hub,):
        said = say_it(hub)
        head, before = len(log_at(url)), where_it_lies()
        with psycopg.connect(server.url(role, database_of(url)), autocommit=True) as connection:
            for event_id in (0, head, head + 1, head + 1_000):
                with pytest.raises(psycopg.errors.RaiseException, match="erases nothing"):
                    connection.execute("SELECT arc.arc_scrub(%s)", (event_id,))
            assert where_it_lies() == before
            assert erase(hub, said)["log_scrubbed"] is True
            assert holding(server, url) == []
            after = where_it_lies()
            assert after != before
            (erasure,) = (event.event_id for event in log_at(url) if event.type == PayloadErased.type)
            connection.execute("SELECT arc.arc_scrub(%s)", (erasure,))
            assert where_it_lies() == after
