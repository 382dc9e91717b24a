"""A log on PostgreSQL, and a batch whose commit is cut, waits for the standby, or never answers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from arclog.errors import LogAway, OutcomeUnknown
from tests.support.lines import a_line
from tests.support.postgresql import Server, new_log
from tests.support.postgresql_recorders import recorder_on, said
from tests.support.recorders import post
from tests.support.waiting import WITHIN_SEC, wait_until

pytestmark = pytest.mark.outer


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[Server, Server]]:
    """The server, each of whose commits waits for a standby, and that."""
    with ExitStack() as stack:
        standby = server.copy()
        stack.callback(standby.stop)
        server.wait_for(standby)
        stack.callback(
            server.sql, "postgres", "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"
        )
        yield server, standby


def commit_waits(server: Server) -> list[str]:
    """The processes of the server whose commit waits for the standby."""
    return server.sql("postgres", "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")


def pause_standby(primary: Server, standby: Server) -> Callable[[], None]:
    """Stop a standby; the returned function lets it go on."""
    import signal

    standby.pause()
    return lambda: standby.pause(signal.SIGCONT)


@pytest.mark.parametrize("end", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_batch_that_only_the_primary_has_is_acknowledged_when_the_standby_has_it_too(
    pair: tuple[Server, Server], tmp_path: Path, end: str
) -> None:
    primary, standby = pair
    url = new_log(primary)
    with recorder_on(url, tmp_path / f"{end}.sqlite3") as recorder:
        recorder.execute(post(body="before"))
        go_on = pause_standby(primary, standby)
        try:
            answers: list[Any] = []
            asks = threading.Thread(
                target=lambda: answers.append(recorder.execute(post(body="once"), "http", "k", b"h"))
            )
            asks.start()
            waiting = wait_until(lambda: commit_waits(primary), what="the commit that waits for its standby")
            primary.sql("postgres", f"SELECT {end}({waiting[0]})")
            wait_until(lambda: recorder.doubt.exists, what="the doubt")
            asks.join(1.0)
            assert answers == []
        finally:
            go_on()
        asks.join(WITHIN_SEC)
        assert [answer.event_id for answer in answers] == [4]
        recorder.execute(post(body="after"))
    assert said(url) == ["before", "once", "after"]
    assert said(url.replace(primary.place, standby.place) + "?target_session_attrs=any") == ["before", "once", "after"]


def test_nothing_is_acknowledged_while_the_standby_is_stopped(pair: tuple[Server, Server], tmp_path: Path) -> None:
    primary, standby = pair
    url = new_log(primary)
    with recorder_on(url, tmp_path / "stopped.sqlite3") as recorder:
        assert recorder.engine.state.is_copied  # type: ignore[attr-defined]
        go_on = pause_standby(primary, standby)
        asks = threading.Thread(target=lambda: recorder.execute(post(body="once")))
        try:
            asks.start()
            wait_until(lambda: commit_waits(primary), what="the commit that waits for its standby")
            asks.join(3)
            assert asks.is_alive()
        finally:
            go_on()
        asks.join(WITHIN_SEC)
    assert said(url) == ["once"]


def test_a_line_that_is_lost_in_the_commit_leaves_a_batch_there_once(server: Server, tmp_path: Path) -> None:
    url = new_log(server)
    with (
        a_line(server.port) as line,
        recorder_on(url.replace(str(server.port), str(line.port)), tmp_path / "lost.sqlite3") as recorder,
    ):
        for number in range(5):
            reset = threading.Timer(0.0005 * number, line.reset)
            reset.start()
            try:
                recorder.execute(post(body=str(number)), "http", str(number), b"h")
            except LogAway:
                reset.join()  # it may cut the next line too
                recorder.execute(post(body=str(number)), "http", str(number), b"h")
            reset.join()
    assert said(url) == [str(number) for number in range(5)]


def test_a_hub_that_ends_while_its_commit_waits_says_that_it_does_not_know(
    pair: tuple[Server, Server], tmp_path: Path
) -> None:
    primary, standby = pair
    url = new_log(primary)
    with recorder_on(url, tmp_path / "ends.sqlite3") as recorder:
        go_on = pause_standby(primary, standby)
        failed: list[Exception] = []

        def ask() -> None:
            try:
                recorder.execute(post(body="once"))
            except OutcomeUnknown as error:
                failed.append(error)

        asks = threading.Thread(target=ask)
        try:
            asks.start()
            wait_until(lambda: commit_waits(primary), what="the commit that waits for its standby")
            recorder.give_up()
            asks.join(WITHIN_SEC)
            assert len(failed) == 1
        finally:
            go_on()
