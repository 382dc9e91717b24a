"""A search as of an event finds what a search in a fork finds that ends there; after texts were erased, too."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.locks import AcquireLock
from arclog.deciders.log import EraseTexts
from arclog.deciders.sessions import OpenSession
from arclog.deciders.task_batches import NewTask, OpenTasks
from arclog.deciders.tasks import FailTask
from arclog.errors import ArcError
from arclog.events.messages import TextAttachment
from projections.hub.command_handlers import Command
from projections.hub.recorder import Recorder
from projections.intervals import live
from projections.moments import find_moment
from projections.moving.transfer import fork
from projections.search.filler import Filler
from projections.search.query import Hit, SearchQuery, find_ids, read_hits
from tests.support.fake_time import FakeTime
from tests.support.recorders import TTL_SEC, post, reading, recording

WORDS = (
    *("parser", "lexer", "auth", "authentication", "café", "naïve", "src/auth.py", "C++", "can't"),
    *("разбор", "позиция", "строка", "المحلل", "موضعه", "解析器", "位置", "検索", "コメント", "構文"),
)
QUESTIONS = (
    *(
        "parser",
        "auth",
        "cafe",
        "naive",
        "src/auth.py",
        '"parser lexer"',
        "parser auth",
        "разб",
        "موضع",
        "解析",
        "検索",
    ),
    *("コメント 位置", "c++", "task", "gone", "glue"),
)
NARROWED: tuple[dict[str, Any], ...] = (
    *({}, {}, {"from_agent": "ada"}, {"to_agent": "bob"}, {"channel": "room"}, {"thread_id": "t1"}, {"kind": "task"}),
    *({"limit": 2}, {"order": "best"}, {"after": 40}, {"before": 40}),
)
MOMENTS = 5
"""Events of a log at which it is searched."""


def next_command(chance: random.Random, tasks: list[int]) -> Command:
    """Something is said, by one of the ways in which that happens; some of it the hub says itself."""
    agent = chance.choice(("ada", "bob", "cy"))
    body = " ".join(chance.choices(WORDS, k=chance.randrange(1, 6)))
    thread = chance.choice((None, "t1", "t2"))
    return chance.choice(
        (
            post(agent, body=body, thread_id=thread),
            post(agent, body=body, channel="room", attachments=[TextAttachment(chance.choice(WORDS))]),
            post(agent, body=body, to_agent=chance.choice(("bob", "cy")), thread_id=thread),
            post(agent, body=body, kind="task", priority=chance.randrange(5)),
            OpenTasks(agent_id=agent, tasks=[NewTask(body=body), NewTask(body=chance.choice(WORDS))], channel="room"),
            FailTask(task_id=chance.choice(tasks or [0]), agent_id=agent, reason=f"no glue, {body}"),
            OpenSession(agent_id=agent, replace=True),
            AcquireLock(agent_id=agent, file_path="a.py", metadata={"thread_id": "t1"}),
        )
    )


def talk(recorder: Recorder, time: FakeTime, chance: random.Random, count: int) -> list[int]:
    """So many commands, and now and then a silence that is too long; the ids of all tasks."""
    tasks: list[int] = []
    for _ in range(count):
        time.pass_sec(TTL_SEC + 1 if chance.random() < 0.05 else 0.5)
        command = next_command(chance, tasks)
        try:
            outcome = recorder.execute(command)
        except ArcError:
            continue
        if getattr(command, "kind", None) == "task" and outcome.event_id is not None:
            tasks.append(outcome.event_id)
    return tasks


def erase_some(recorder: Recorder, filler: Filler, chance: random.Random, count: int) -> None:
    """Erase what some events say, as far as they say anything."""
    for event_id in chance.sample(range(1, recorder.last_event_id + 1), count):
        try:
            recorder.execute(EraseTexts(ids=[event_id], reason="it was a secret"))
        except ArcError:
            continue
        filler.erase([event_id])


@contextmanager
def filling(storage: Path) -> Iterator[Filler]:
    filler = Filler(storage, pytest.fail)
    try:
        yield filler
    finally:
        filler.stop()


def search(storage: Path, filler: Filler, query: SearchQuery, event_id: int | None = None) -> list[Hit]:
    with reading(storage) as connection:
        at = live(0) if event_id is None else find_moment(connection, event_id)
        return read_hits(connection, find_ids(filler, query, at), query, at)


def check_forks(storage: Path, filler: Filler, head: int, chance: random.Random) -> int:
    """Search at some moments, and in forks that end there.

    Returns:
        How many hits both had.
    """
    hits = 0
    for event_id in chance.sample(range(3, head + 1), MOMENTS):
        forked = storage.with_name(f"fork-{event_id}.sqlite3")
        fork(storage, forked, event_id)
        with filling(forked) as filler_of_fork:
            for question in QUESTIONS:
                query = SearchQuery(q=question, **chance.choice(NARROWED))
                found = search(storage, filler, query, event_id)
                assert found == search(forked, filler_of_fork, query), (question, query, event_id)
                hits += len(found)
        for file in storage.parent.glob(f"{forked.name}*"):
            file.unlink()
    return hits


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(4, 100))])
def test_a_search_as_of_an_event_is_the_search_in_a_fork_that_ends_there(tmp_path: Path, seed: int) -> None:
    storage, time, chance = tmp_path / "arc.sqlite3", FakeTime(), random.Random(seed)  # noqa: S311 - the same each time
    with filling(storage) as filler:
        with recording(storage, time) as recorder:
            recorder.execute(CreateChannel(name="room"))
            talk(recorder, time, chance, 80)
            head = recorder.last_event_id
        assert check_forks(storage, filler, head, chance) > MOMENTS
        with recording(storage, time) as recorder:
            erase_some(recorder, filler, chance, 20)
            talk(recorder, time, chance, 10)
            head = recorder.last_event_id
        assert check_forks(storage, filler, head, chance) > MOMENTS
