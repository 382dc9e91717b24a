"""A log on PostgreSQL, and a batch whose commit is cut, waits for the standby, or never answers."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from arclog.errors import LogAway, OutcomeUnknown
from projections.hub.recorder import Recorder
from tests.support.lines import a_line
from tests.support.postgresql import Server, new_log
from tests.support.postgresql_recorders import recorder_on, said
from tests.support.recorders import events_in, post
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


def start(work: Callable[..., object], *arguments: object) -> threading.Thread:
    """Do something on a thread of its own."""
    thread = threading.Thread(target=work, args=arguments)
    thread.start()
    return thread


def in_order(primary: Server, recorders: Sequence[Recorder], names: Sequence[str]) -> Iterator[tuple[Recorder, str]]:
    """Recorders, each of which is to write something: the next comes when the one before waits for the standby."""
    for count, pair in enumerate(zip(recorders, names, strict=True), 1):
        yield pair
        wait_until(lambda count=count: len(commit_waits(primary)) == count, what="its commit to wait")  # type: ignore[misc]


def said_in(storage: Path) -> list[str]:
    """What a storage has of what was posted."""
    return [getattr(event.data, "body", "") for event in events_in(storage, 2)]


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
            recorder.stop_waiting()
            asks.join(WITHIN_SEC)
            assert len(failed) == 1
        finally:
            go_on()


def test_a_batch_that_waits_for_the_standby_keeps_nobody_from_the_lock_and_is_shown_by_nobody(
    pair: tuple[Server, Server], tmp_path: Path
) -> None:
    primary, standby = pair
    url = new_log(primary)
    names = ("first", "second", "third")
    with ExitStack() as stack:
        recorders = [stack.enter_context(recorder_on(url, tmp_path / f"{name}.sqlite3")) for name in names]
        go_on = pause_standby(primary, standby)
        try:
            asks = [start(one.execute, post(body=name)) for one, name in in_order(primary, recorders, names)]
            assert all(one.is_alive() for one in asks)
            for name in names:
                assert said_in(tmp_path / f"{name}.sqlite3") == [], "nothing is shown that may be lost"
        finally:
            go_on()
        for one in asks:
            one.join(WITHIN_SEC)
    assert said(url) == [*names]
    assert said_in(tmp_path / "third.sqlite3") == [*names]


def test_a_retry_at_another_hub_is_answered_only_when_the_first_call_is_there_for_good(
    pair: tuple[Server, Server], tmp_path: Path
) -> None:
    primary, standby = pair
    url = new_log(primary)
    answers: list[Any] = []

    def ask(recorder: Recorder) -> None:
        answers.append(recorder.execute(post(body="once"), "http", "key", b"hash"))

    with recorder_on(url, tmp_path / "one.sqlite3") as one, recorder_on(url, tmp_path / "two.sqlite3") as two:
        go_on = pause_standby(primary, standby)
        try:
            asks = [start(ask, recorder) for recorder, _name in in_order(primary, [one, two], "12")]
            assert answers == []
        finally:
            go_on()
        for each in asks:
            each.join(WITHIN_SEC)
        assert [answer.event_id for answer in answers] == [3, 3]
    assert said(url) == ["once"]
