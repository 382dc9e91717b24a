"""The power fails at any moment: what was acknowledged is there, whole, and nothing is half there."""

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import apsw
import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.hub import HubState
from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.errors import ArcError
from arclog.sqlite.reads import read
from projections.hub.calls import Call
from projections.hub.command_handlers import Command
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.power_cut import Flush, Left, Mark, Step, Wreck, recording_disk
from tests.support.recorders import check_storage, events_in, reading, recording

BATCHES = 40
CHECKPOINTS = (
    apsw.SQLITE_CHECKPOINT_PASSIVE,
    apsw.SQLITE_CHECKPOINT_FULL,
    apsw.SQLITE_CHECKPOINT_RESTART,
    apsw.SQLITE_CHECKPOINT_TRUNCATE,
)
NAME = "arc.sqlite3"


def one_command(chance: random.Random, number: int) -> Command:
    agent = f"a{chance.randrange(4)}"
    path, key = f"src/{chance.randrange(5)}.py", f"k{chance.randrange(5)}"
    kinds: tuple[Command, ...] = (
        PostMessage(from_agent=agent, body="x" * chance.choice((2, 300, 5_000, 40_000)), thread_id=f"t{number % 3}"),
        PostMessage(from_agent=agent, body=f"task {number}", kind="task", thread_id="t"),
        OpenSession(agent_id=agent, replace=True),
        CreateChannel(name=f"room-{number}"),
        AcquireLock(agent_id=agent, file_path=path),
        ReleaseLock(agent_id=agent, file_path=path),
        AcquireClaim(owner_agent_id=agent, claim_key=key),
        ReleaseClaim(agent_id=agent, claim_key=key),
    )
    return chance.choice(kinds)


class Happened(NamedTuple):
    """What was done to the disk, and what was asked for.

    Attributes:
        steps: what was done to the disk; each mark says up to which event the callers know that they were heard.
        batches: what was asked for before each mark.
        events: the digests of the events that came of it.
    """

    steps: list[Step]
    batches: list[list[Command]]
    events: dict[int, bytes]


def ask(recorder: Recorder, number: int, batch: list[Command]) -> None:
    """Have a batch carried out under its keys; a refusal of the rules is an answer like any other."""
    answers: list[Outcome | ArcError] = []
    calls = [
        Call(command, answers.append, "http", f"key-{number}-{place}", b"hash") for place, command in enumerate(batch)
    ]
    recorder.transact(calls).tell()
    assert len(answers) == len(batch)


def let_happen(folder: Path, seed: int) -> Happened:
    """A storage that hubs make, use by turns, leave and use again."""
    chance = random.Random(seed)  # noqa: S311 - chance for tests, not for secrets
    storage, time = folder / NAME, FakeTime()
    batches: list[list[Command]] = []
    with recording_disk() as disk:
        for _ in range(2):
            with ExitStack() as stack:
                hubs = [
                    stack.enter_context(recording(storage, time, hub=HubState(hub_id=f"hub-{number}")))
                    for number in range(chance.choice((1, 2, 4)))
                ]
                disk.mark(hubs[0].last_event_id)
                batches.append([])
                other = apsw.Connection(str(storage))
                for _ in range(BATCHES // 2):
                    number, hub = len(batches), chance.choice(hubs)
                    batches.append([one_command(chance, number) for _ in range(chance.randint(1, 6))])
                    ask(hub, number, batches[number])
                    disk.mark(hub.last_event_id)
                    time.pass_sec(1)
                    if chance.random() < 0.25:
                        other.wal_checkpoint(mode=chance.choice(CHECKPOINTS))
                other.close()
        steps = list(disk.steps)
    return Happened(steps, batches, digests_in(storage))


def digests_in(storage: Path) -> dict[int, bytes]:
    with reading(storage) as connection:
        return {event.event_id: event.digest for event in read(connection, limit=1_000_000)}


def wrecks(steps: list[Step], images: int, chance: random.Random) -> Iterator[tuple[Left, Wreck]]:
    """What may be left after some of the steps: around each flush first, then anywhere, `images` in all."""
    first = next(place for place, step in enumerate(steps) if isinstance(step, Mark))
    asked: list[tuple[int, Left]] = []
    for place, step in enumerate(steps):
        if place > first and isinstance(step, Flush):
            asked += [(place, chance.choice(("none", "all", "some"))), (place + 1, "none")]
    asked += [(chance.randrange(first, len(steps)), "some") for _ in range(images)]
    points: dict[int, list[Left]] = {}
    for place, how_much in chance.sample(asked, images):
        points.setdefault(place, []).append(how_much)
    wreck = Wreck()
    for place, step in enumerate(steps):
        for how_much in points.get(place, ()):
            yield how_much, wreck
        wreck.follow(step)


def check_wreck(folder: Path, wreck: Wreck, happened: Happened, whole: set[int]) -> None:
    """The storage opens, holds what was acknowledged, and whole batches alone; what is asked again is done once."""
    storage, events = folder / NAME, happened.events
    with recording(storage, FakeTime(boot="boot-2")) as recorder:
        last = recorder.last_event_id
        assert last >= wreck.marked
        assert last in whole
        for number in (wreck.marks - 1, wreck.marks):  # the last that was answered, and the one that was on its way
            if 0 <= number < len(happened.batches):
                ask(recorder, number, happened.batches[number])
    found = digests_in(storage)
    assert [found[number] for number in range(1, last + 1)] == [events[number] for number in range(1, last + 1)]
    keys = Counter(event.metadata.key for event in events_in(storage) if event.metadata.key is not None)
    assert [key for key, count in keys.items() if count > 1] == []
    check_storage(storage)


def check_wrecks(home: Path, happened: Happened, images: int, seed: int) -> int:
    """Try so many moments; how many were tried."""
    chance, tried = random.Random(seed), 0  # noqa: S311 - chance for tests, not for secrets
    whole = {step.what for step in happened.steps if isinstance(step, Mark)}
    for how_much, wreck in wrecks(happened.steps, images, chance):
        folder = home / str(tried)
        folder.mkdir()
        wreck.lay(folder, how_much, chance)
        check_wreck(folder, wreck, happened, whole)
        shutil.rmtree(folder)
        tried += 1
    return tried


@pytest.mark.parametrize(
    ("seeds", "images"),
    [
        pytest.param(range(2), 120, id="240 images"),
        pytest.param(range(100, 140), 500, id="20,000 images", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
    ],
)
def test_whenever_the_power_fails_what_was_acknowledged_is_there_and_nothing_is_half_there(
    tmp_path: Path, seeds: range, images: int
) -> None:
    tried = 0
    for seed in seeds:
        home = tmp_path / f"seed-{seed}"
        home.mkdir()
        tried += check_wrecks(home, let_happen(home, seed), images, seed)
    assert tried == len(seeds) * images


def test_a_hub_that_does_not_flush_what_it_acknowledges_would_be_found_out(tmp_path: Path) -> None:
    happened = let_happen(tmp_path, seed=1)
    steps = happened.steps
    begins = next(place for place, step in enumerate(steps) if isinstance(step, Mark))
    unflushed = [
        step
        for place, step in enumerate(steps)
        if place < begins or not (isinstance(step, Flush) and "wal" in step.name)
    ]
    with pytest.raises(AssertionError):
        check_wrecks(tmp_path, happened._replace(steps=unflushed), 120, seed=1)
