"""Several hubs on one file: whatever they race for, there is exactly one winner, and the log says who."""

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from arclog.deciders.claims import AcquireClaim
from arclog.deciders.hub import HubState
from arclog.deciders.locks import AcquireLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.errors import SessionCollision
from arclog.events import ClaimAcquired, LockAcquired, MessagePosted, SessionOpened
from projections.hub.command_handlers import Command
from projections.hub.recorder import Recorder
from tests.support.recorders import check_storage, events_in, recording

KEYS = 200


def race(storage: Path, hubs: int, story: Callable[[int, Recorder], None]) -> None:
    """Run `story` on as many recorders at once, each in a thread of its own."""
    barrier = threading.Barrier(hubs, timeout=60)
    errors: list[Exception] = []

    def run(number: int) -> None:
        try:
            with recording(storage, hub=HubState(hub_id=f"hub-{number}")) as recorder:
                barrier.wait()
                story(number, recorder)
        except Exception as error:  # noqa: BLE001 - collected for the assertion below
            errors.append(error)
            barrier.abort()

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(hubs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("hubs", [2, 4])
@pytest.mark.parametrize("what", ["lock", "claim"])
@pytest.mark.parametrize("keys", [KEYS, pytest.param(12_500, marks=pytest.mark.soak)])
def test_whatever_two_hubs_race_for_is_granted_once(tmp_path: Path, hubs: int, what: str, keys: int) -> None:
    storage = tmp_path / "arc.sqlite3"
    granted: list[tuple[int, int]] = []

    def ask(number: int, key: int) -> Command:
        if what == "lock":
            return AcquireLock(agent_id=f"agent-{number}", file_path=f"p{key}")
        return AcquireClaim(owner_agent_id=f"agent-{number}", claim_key=f"k{key}")

    def story(number: int, recorder: Recorder) -> None:
        granted.extend((key, number) for key in range(keys) if recorder.execute(ask(number, key)).acquired)

    race(storage, hubs, story)
    assert sorted(key for key, _number in granted) == list(range(keys))
    grants = [event.data for event in events_in(storage) if isinstance(event.data, LockAcquired | ClaimAcquired)]
    assert len(grants) == keys
    check_storage(storage)


def test_a_session_that_two_hubs_race_for_is_opened_once(tmp_path: Path) -> None:
    storage = tmp_path / "arc.sqlite3"
    collisions: list[str] = []

    def story(number: int, recorder: Recorder) -> None:
        for key in range(20):
            try:
                recorder.execute(OpenSession(agent_id=f"agent-{key}"))
            except SessionCollision:
                collisions.append(f"agent-{key}")

    race(storage, 2, story)
    opened = [event.data.agent_id for event in events_in(storage) if isinstance(event.data, SessionOpened)]
    assert sorted(opened) == sorted(collisions) == sorted(f"agent-{key}" for key in range(20))
    check_storage(storage)


def test_one_request_that_is_sent_to_two_hubs_under_one_key_is_done_once(tmp_path: Path) -> None:
    storage = tmp_path / "arc.sqlite3"
    answers: list[bytes] = []

    def story(number: int, recorder: Recorder) -> None:
        for key in range(KEYS):
            command = PostMessage(from_agent="a", body=str(key), thread_id="t")
            answers.append(recorder.execute(command, "http", f"key-{key}", b"hash").result)

    race(storage, 2, story)
    bodies = [event.data.body for event in events_in(storage) if isinstance(event.data, MessagePosted)]
    assert sorted(bodies, key=int) == [str(key) for key in range(KEYS)]
    assert set(Counter(answers).values()) == {2}
    check_storage(storage)


CONTENDER = """
import sys, json
from pathlib import Path
from arclog.deciders.locks import AcquireLock
from arclog.deciders.hub import HubState
from tests.support.recorders import recording
storage, name, keys = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
with recording(storage, hub=HubState(hub_id=name)) as recorder:
    print("ready", flush=True)
    sys.stdin.readline()
    granted = [key for key in range(keys) if recorder.execute(AcquireLock(agent_id=name, file_path=f"p{key}")).acquired]
    print(json.dumps(granted), flush=True)
"""


def test_whatever_two_processes_race_for_is_granted_once(tmp_path: Path) -> None:
    storage = tmp_path / "arc.sqlite3"
    contenders = [
        subprocess.Popen(
            [sys.executable, "-c", CONTENDER, storage, name, str(KEYS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    try:
        for contender in contenders:
            assert contender.stdout is not None
            assert contender.stdout.readline() == "ready\n"
        for contender in contenders:
            assert contender.stdin is not None
            contender.stdin.write("go\n")
            contender.stdin.flush()
        granted = [json.loads(contender.communicate(timeout=60)[0]) for contender in contenders]
    finally:
        for contender in contenders:
            contender.kill()
            contender.wait()
    assert sorted(granted[0] + granted[1]) == list(range(KEYS))
    owners = {
        event.data.file_path: event.data.agent_id
        for event in events_in(storage)
        if isinstance(event.data, LockAcquired)
    }
    assert owners == {f"p{key}": name for name, keys in zip(("one", "two"), granted, strict=True) for key in keys}
    check_storage(storage)


def test_any_number_of_hubs_may_make_one_storage_at_the_same_moment(tmp_path: Path) -> None:
    for place in range(15):
        storage = tmp_path / f"{place}.sqlite3"
        race(storage, 6, lambda *_given: None)
        check_storage(storage)
