"""Hubs on a primary and its standby, under load, while machines fail: nothing acknowledged is lost or there twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from arclog.codec import StoredEvent
from arclog.postgresql.address import read_address
from tests.support.cables import SERVER_HOST, a_machine
from tests.support.hub_process import CHECKOUT
from tests.support.lines import a_line
from tests.support.machines import Load, machines, prove
from tests.support.postgresql import HUB, Server, a_folder, needs_postgresql, new_log, serving
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.outer, pytest.mark.timeout(180)]

TIMES = int(os.environ.get("ARC_FAULTS", "10"))
"""How often each fault is played in all; once of that by `make test-all`, the others by `make soak`."""
again = pytest.mark.parametrize("turn", [0, *(pytest.param(turn, marks=pytest.mark.soak) for turn in range(1, TIMES))])


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own, since it may be killed."""
    with serving(needs_postgresql(), in_memory=True) as server:
        yield server


@pytest.fixture
def pair(server: Server) -> Iterator[tuple[Server, Server]]:
    """A primary each of whose commits waits for its standby."""
    standby = server.copy()
    try:
        server.wait_for(standby)
        yield server, standby
    finally:
        standby.stop()


def url_of(*servers: Server, database: str) -> str:
    return f"postgresql://{HUB}@{','.join(server.place for server in servers)}/{database}"


def log_on(url: str) -> list[StoredEvent]:
    from arclog.postgresql.engine import PostgresqlEngine

    engine = PostgresqlEngine(read_address(url))
    try:
        return list(engine.read(0, 10_000_000))
    finally:
        engine.close()


@again
def test_a_primary_is_killed_and_its_standby_promoted(pair: tuple[Server, Server], tmp_path: Path, turn: int) -> None:
    primary, standby = pair
    url = url_of(primary, standby, database=new_log(primary).rpartition("/")[2])
    with machines(tmp_path, url, 3) as hubs, Load(hubs) as load:
        load.wait_for(100)
        primary.kill()
        standby.promote()
        promoted_at = time.monotonic()
        wait_until(lambda: load.count_since(promoted_at), within_sec=30, what="an answer after the promotion")
        back_sec = min(at for at in list(load.answered_at) if at > promoted_at) - promoted_at
        load.wait_for(100)
        load.end()
        sys.stdout.write(
            f"back {back_sec:.2f} s after the promotion; {len(load.posted)} posts, {load.refused} refused meanwhile\n"
        )
        assert back_sec <= 2
        prove(hubs, load, log_on(url))


@again
def test_a_batch_that_others_built_upon_is_lost_with_the_primary_and_judged_anew(
    pair: tuple[Server, Server], tmp_path: Path, turn: int
) -> None:
    """Nobody was answered: neither the hub whose batch it was, nor those that went on from there."""
    primary, standby = pair
    url = url_of(primary, standby, database=new_log(primary).rpartition("/")[2])
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    with machines(tmp_path, url, 3) as hubs, Load(hubs) as load:
        load.wait_for(50)
        standby.pause()
        wait_until(lambda: int(primary.sql("postgres", waiting)[0]) >= 3, what="all hubs to wait for the standby")
        primary.kill()
        standby.pause(signal.SIGCONT)
        standby.promote()
        load.wait_for(100)
        load.end()
        prove(hubs, load, log_on(url))


@again
def test_a_standby_is_stopped_and_nothing_is_acknowledged_meanwhile(
    pair: tuple[Server, Server], tmp_path: Path, turn: int
) -> None:
    primary, standby = pair
    url = new_log(primary)
    with machines(tmp_path, url, 3) as hubs, Load(hubs) as load:
        load.wait_for(100)
        standby.pause()
        try:
            wait_until(
                lambda: primary.sql("postgres", "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"),
                what="a commit that waits",
            )
            stopped_at = time.monotonic() + 0.1  # an answer may be on its way
            time.sleep(12)  # longer than any time-out of a hub
            assert load.count_since(stopped_at) == 0
        finally:
            standby.pause(signal.SIGCONT)
        load.wait_for(100)
        load.end()
        prove(hubs, load, log_on(url))


@again
def test_a_hub_is_stopped_while_it_holds_the_lock(server: Server, tmp_path: Path, turn: int) -> None:
    url = new_log(server)
    holder = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    with machines(tmp_path, url, 3) as hubs, Load(hubs) as load:
        load.wait_for(100)
        victim = hubs[0].process
        assert victim is not None
        for _ in range(200):  # until it happens to hold the lock
            victim.send_signal(signal.SIGSTOP)
            time.sleep(0.05)  # whoever else has it gives it back
            seen = [server.sql("postgres", holder) for _ in range(3)]
            if seen[0] and seen[0] == seen[1] == seen[2]:
                break
            victim.send_signal(signal.SIGCONT)
            time.sleep(0.01)
        else:
            pytest.fail("it never held the lock")
        stopped_at = time.monotonic()
        wait_until(lambda: load.count_since(stopped_at), what="the others to go on")
        assert time.monotonic() - stopped_at < 2 + 0.5 + 0.5
        load.wait_for(50)
        victim.send_signal(signal.SIGCONT)
        load.wait_for(100)
        load.end()
        prove(hubs, load, log_on(url))


@again
def test_the_network_between_a_hub_and_the_server_is_cut(server: Server, tmp_path: Path, turn: int) -> None:
    url = new_log(server)
    with (
        a_line(server.port) as line,
        machines(tmp_path, url.replace(str(server.port), str(line.port)), 1) as cut_off,
        ExitStack() as stack,
    ):
        (tmp_path / "others").mkdir()
        others = stack.enter_context(machines(tmp_path / "others", url, 2))
        hubs = [*cut_off, *others]
        with Load(hubs) as load:
            load.wait_for(100)
            line.cut()
            hub = cut_off[0]
            cut_at = time.monotonic()
            wait_until(lambda: hub.get("/v1/health").result["status"] == "failing", within_sec=30, what="its word")
            path = "/v1/messages?channel=general&limit=1"
            lag = wait_until(lambda: hub.get(path).headers.get("x-arc-lag"), what="a read that says how old it is")
            assert float(lag or 0) >= 2
            refused = hub.post("/v1/messages", {"from_agent": "x", "channel": "general", "body": "x"})
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            assert load.count_since(cut_at + 3) > 0, "the others go on"
            line.mend()
            mended_at = time.monotonic()
            wait_until(lambda: hub.get("/v1/health").result["status"] == "ok", what="its return")
            sys.stdout.write(f"back {time.monotonic() - mended_at:.2f} s after the line\n")
            load.wait_for(100)
            load.end()
            prove(hubs, load, log_on(url))


@again
def test_the_cable_between_a_hub_and_the_server_is_pulled(tmp_path: Path, turn: int) -> None:
    """A real network that nothing gets through, rather than a process between that keeps quiet."""
    with ExitStack() as stack:
        machine = stack.enter_context(a_machine(f"arc{os.getpid() % 10_000}"))
        server = Server(needs_postgresql(), stack.enter_context(a_folder(in_memory=True)))
        stack.callback(server.stop)
        server.make(listens_to=SERVER_HOST)
        url = new_log(server)
        hub = machine.hub(tmp_path, "--log", url.replace("127.0.0.1", SERVER_HOST))
        stack.callback(hub.stop)
        hub.start()
        (tmp_path / "others").mkdir()
        hubs = [hub, *stack.enter_context(machines(tmp_path / "others", url, 2))]
        with Load(hubs) as load:
            load.wait_for(100)
            machine.cut()
            cut_at = time.monotonic()
            wait_until(lambda: hub.get("/v1/health").result["status"] == "failing", within_sec=30, what="its word")
            refused = hub.post("/v1/messages", {"from_agent": "x", "channel": "general", "body": "x"})
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            assert hub.get("/v1/messages?channel=general&limit=1").status == 200
            assert load.count_since(cut_at + 3) > 0, "the others go on"
            machine.mend()
            mended_at = time.monotonic()
            wait_until(lambda: hub.get("/v1/health").result["status"] == "ok", within_sec=30, what="its return")
            sys.stdout.write(f"back {time.monotonic() - mended_at:.2f} s after the cable\n")
            load.wait_for(100)
            load.end()
            prove(hubs, load, log_on(url))


@again
def test_the_server_is_killed_and_started_again(server: Server, tmp_path: Path, turn: int) -> None:
    url = new_log(server)
    with machines(tmp_path, url, 3) as hubs, Load(hubs) as load:
        load.wait_for(100)
        server.kill()
        time.sleep(0.5)  # what it takes to bring a machine back
        server.start()
        back_at = time.monotonic()
        wait_until(lambda: load.count_since(back_at), what="an answer")
        back_sec = min(at for at in list(load.answered_at) if at > back_at) - back_at
        sys.stdout.write(f"back {back_sec:.2f} s after the server\n")
        assert back_sec <= 2
        load.wait_for(100)
        load.end()
        prove(hubs, load, log_on(url))


@again
def test_a_hub_is_killed_again_and_again(server: Server, tmp_path: Path, turn: int) -> None:
    url = new_log(server)
    with machines(tmp_path, url, 3) as hubs, Load(hubs) as load:
        for hub in hubs:
            load.wait_for(60)
            hub.kill()
            load.wait_for(30)
            hub.start()
        load.wait_for(60)
        load.end()
        prove(hubs, load, log_on(url))


@again
def test_a_log_that_is_restored_from_an_older_backup_is_noticed_before_anything_is_acknowledged(
    server: Server, tmp_path: Path, turn: int
) -> None:
    url = new_log(server)
    with machines(tmp_path, url, 2) as hubs:
        with Load(hubs) as load:
            load.wait_for(60)
        head = len(log_on(url))
        server.sql(
            url.rpartition("/")[2],
            "ALTER TABLE arc.events DISABLE TRIGGER ALL",
            f"DELETE FROM arc.events WHERE event_id > {head - 10}",  # noqa: S608 - a number of the test's own
            "ALTER TABLE arc.events ENABLE TRIGGER ALL",
        )
        for hub in hubs:
            answer = hub.post("/v1/messages", {"from_agent": "x", "channel": "general", "body": "x"})
            assert (answer.status, answer.body["code"]) == (503, "log_replaced")
        assert len(log_on(url)) == head - 10


@again
def test_a_hub_that_starts_while_the_server_is_away_serves_its_copy_and_goes_on_when_it_is_back(
    server: Server, tmp_path: Path, turn: int
) -> None:
    url = new_log(server)
    with machines(tmp_path, url, 2) as hubs:
        with Load(hubs) as load:
            load.wait_for(60)
        hub = hubs[0]
        hub.stop()
        server.kill()
        hub.start()
        path = "/v1/messages?channel=general&limit=500"
        assert len(hub.get(path).result) > 10
        wait_until(lambda: hub.get(path).headers.get("x-arc-lag"), what="a read that says how old it is")
        refused = hub.post("/v1/messages", {"from_agent": "x", "channel": "general", "body": "x"})
        assert (refused.status, refused.headers["retry-after"], refused.body["code"]) == (503, "1", "log_away")
        assert hub.get("/v1/health").result["status"] == "failing"
        server.start()
        back_at = time.monotonic()
        wait_until(lambda: hub.get("/v1/health").result["status"] == "ok", what="its return")
        back_sec = time.monotonic() - back_at
        sys.stdout.write(f"back {back_sec:.2f} s after the server\n")
        assert back_sec <= 2
        with Load(hubs, clients=5) as again:
            again.wait_for(60)
        for one in (load, again):
            prove(hubs, one, log_on(url))


# Between the two commits ---------------------------------------------------------------------------------------------

_DIES = """
import os, signal, sys
from pathlib import Path
from arclog.postgresql.address import read_address
from arclog.postgresql.engine import PostgresqlEngine
from tests.support.recorders import post, recording

storage, url, line = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
lines = 0

def count(frame, event, _argument):
    global lines
    if event == "line":
        lines += 1
        if lines == line:
            os.kill(os.getpid(), signal.SIGKILL)
    return count

class Dying(PostgresqlEngine):
    def append(self, events):
        super().append(events)
        if len(events) == 1 and events[0].type == "message.posted":
            sys.settrace(count)
            frame = sys._getframe(1)
            while frame is not None:
                frame.f_trace = count
                frame = frame.f_back

with recording(storage, remote=Dying(read_address(url))) as recorder:
    recorder.execute(post(body="once"), "http", "key", b"hash")
    sys.settrace(None)
print(lines)
"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.soak)])
def test_a_hub_is_killed_at_every_line_between_the_logs_commit_and_its_own(
    server: Server, tmp_path: Path, step: int
) -> None:
    from tests.support.recorders import events_in, post, recording

    killed = 0
    for line in range(1, 400, step):
        url, storage = new_log(server), tmp_path / f"{line}.sqlite3"
        done = subprocess.run(
            [sys.executable, "-c", _DIES, str(storage), url, str(line)],
            cwd=CHECKOUT, env=os.environ | {"PYTHONPATH": str(CHECKOUT)}, check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        killed += 1
        from arclog.postgresql.engine import PostgresqlEngine

        with recording(storage, remote=PostgresqlEngine(read_address(url))) as recorder:
            assert recorder.execute(post(body="once"), "http", "key", b"hash").event_id == 3
        assert len(log_on(url)) == 3
        assert len(events_in(storage)) == 3
    sys.stdout.write(f"killed at {killed} lines\n")
    assert killed > 5
