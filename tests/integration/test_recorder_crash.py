"""A hub that is killed comes back with every call that it acknowledged, in order, and with nothing half-done."""

import subprocess
import sys
import threading
from itertools import islice, pairwise
from pathlib import Path

import apsw
import pytest

from arclog.deciders.messages import PostMessage
from arclog.digest import GENESIS
from arclog.events import MessagePosted
from arclog.sqlite.reads import read
from projections.rebuilding.differences import find_differences
from projections.rebuilding.rebuild import replay_into
from tests.support.chains import find_break
from tests.support.recorders import events_in, reading, recording

# Writes batches of calls of several kinds for as long as it lives, and prints each acknowledged event id and its body.
VICTIM = """
import sys
from itertools import count
from pathlib import Path
from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from projections.hub.calls import Call
from tests.support.recorders import recording
name = sys.argv[2]
with recording(Path(sys.argv[1])) as recorder:
    print("ready", flush=True)
    for number in count():
        commands = [
            PostMessage(from_agent=name, body=f"{name}-{number}-a", thread_id="t"),
            AcquireLock(agent_id=name, file_path=f"p{number % 5}"),
            AcquireClaim(owner_agent_id=name, claim_key=f"k{number % 3}", thread_id="t"),
            PostMessage(from_agent=name, body=f"{name}-{number}-b", kind="task", thread_id="t"),
        ]
        if number % 2:
            commands += [ReleaseLock(agent_id=name, file_path=f"p{number % 5}")]
            commands += [ReleaseClaim(agent_id=name, claim_key=f"k{number % 3}")]
        told = []
        recorder.transact([Call(command, told.append) for command in commands]).tell()
        sys.stdout.write(f"{told[0].event_id} {name}-{number}-a\\n{told[3].event_id} {name}-{number}-b\\n")
        sys.stdout.flush()
"""


def kill_under_load(storage: Path, name: str, after: int) -> dict[int, str]:
    """Run a victim, kill it when it has acknowledged `after` events; those that it did acknowledge, by their ids."""
    victim = subprocess.Popen([sys.executable, "-c", VICTIM, storage, name], stdout=subprocess.PIPE, text=True)
    assert victim.stdout is not None
    with victim.stdout as output:
        assert output.readline() == "ready\n"
        lines = list(islice(output, after))
        victim.kill()
        lines += output
        victim.wait()
    whole = [line.split() for line in lines if line.endswith("\n")]
    return {int(event_id): body for event_id, body in whole}


def check_after_crash(storage: Path, acknowledged: dict[int, str]) -> None:
    with recording(storage) as recorder:
        assert recorder.execute(PostMessage(from_agent="survivor", body="still here")).created
    events = events_in(storage)
    assert [event.event_id for event in events] == list(range(1, len(events) + 1))
    assert all(earlier.recorded_at <= later.recorded_at for earlier, later in pairwise(events))
    posted = {event.event_id: event.data.body for event in events if isinstance(event.data, MessagePosted)}
    assert acknowledged.items() <= posted.items()
    with reading(storage) as connection:
        assert connection.pragma("integrity_check") == "ok"
        assert find_break(GENESIS, read(connection, limit=1_000_000)) is None
        replayed = apsw.Connection(":memory:")
        replay_into(connection, replayed, len(events))
        assert list(find_differences(connection, replayed)) == []
    batches = [body.rsplit("-", 1)[0] for body in posted.values() if body != "still here"]
    assert all(batches.count(batch) == 2 for batch in set(batches[-20:])), "half a batch was kept"


@pytest.mark.parametrize("after", [0, 37, 150])
def test_nothing_that_was_acknowledged_is_lost_by_a_kill(tmp_path: Path, after: int) -> None:
    storage = tmp_path / "arc.sqlite3"
    acknowledged: dict[int, str] = {}
    for round_number in range(2):
        acknowledged |= kill_under_load(storage, f"victim-{round_number}", after)
        check_after_crash(storage, acknowledged)


def test_one_of_two_hubs_that_is_killed_takes_nothing_of_the_other_with_it(tmp_path: Path) -> None:
    storage = tmp_path / "arc.sqlite3"
    results: dict[str, dict[int, str]] = {}

    def run(name: str, after: int) -> None:
        results[name] = kill_under_load(storage, name, after)

    threads = [threading.Thread(target=run, args=arguments, daemon=True) for arguments in (("one", 40), ("two", 120))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert not results["one"].keys() & results["two"].keys()
    check_after_crash(storage, results["one"] | results["two"])


@pytest.mark.soak
def test_hundreds_of_kills_lose_nothing(tmp_path: Path) -> None:
    storage = tmp_path / "arc.sqlite3"
    acknowledged: dict[int, str] = {}
    for round_number in range(300):
        acknowledged |= kill_under_load(storage, f"victim-{round_number}", round_number * 7 % 200)
        if round_number % 10 == 9:
            check_after_crash(storage, acknowledged)
