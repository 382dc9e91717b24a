"""Storages of any size, with a history like that of ten agents at work.

There are 200 threads. In each, one piece of work follows the other: a task is posted, an agent claims it, locks a file
and asks another agent to look at it, who acknowledges that with a reply; it talks about it, another agent asks for the
same claim and is refused, an artifact is shared, lock and claim are given back, and the task is completed. That is 19
events. Every storage ends with one piece of work begun in each thread, so what is open, held and not acknowledged is as
much in a small one as in a large one. The same size always gives the same history, but for times and ids that are
random by nature.
"""

import itertools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock, RefreshLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.deciders.tasks import CompleteTask
from arclog.errors import ArcError
from projections.hub.command_handlers import Command
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from tests.support.recorders import execute_all, recording

AGENTS: Final = tuple(f"agent-{n}" for n in range(10))
CHANNELS: Final = ("general", "backend", "frontend", "review", "release")
THREADS: Final = 200
BATCH: Final = 1_000
"""Calls in one transaction."""
TTL_SEC: Final = 3_600
"""So long that what is held in a small storage is held still when a large one has been made."""
FIRST_TASK: Final = 17
"""The first task of each, after what makes channels and opens sessions; it is done."""
TO_BEGIN_ALL: Final = 4 * THREADS
"""Events that it takes at most to begin a piece of work in each thread."""
TALK: Final = (
    "I take this one; the parser first, then the tests.",
    "The build is green again, see the artifact.",
    "Who owns the migration? I would rather not touch it before the release.",
    "Done with the first half; 14 tests pass, 2 are still red on the second platform.",
    "Looks good to me. One question on the error message: should it name the file?",
    "Yes, it should. I change it.",
    "Rebased on top of the lock changes, nothing else moved.",
    "Found the reason: the cursor was read before the transaction began.",
)


def thread_name(number: int) -> str:
    """The id of one of the threads."""
    return f"thread-{number:03}"


class Work:
    """What happens in one thread: pieces of work, each of two steps.

    Args:
        thread: the thread's number.
    """

    def __init__(self, thread: int) -> None:
        self._thread = thread
        self._piece = 0
        self._task_id = 0
        self._letter_id = 0

    @property
    def has_begun(self) -> bool:
        """Whether a piece of work has begun that is not finished."""
        return bool(self._task_id)

    def next_step(self) -> list[Command]:
        """The calls of the next step; their outcomes are to be told to `learn`."""
        return self._finish() if self._task_id else self._begin()

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of what the calls of the step led to."""
        if self._task_id:
            self._task_id = 0
            self._piece += 1
        else:
            self._task_id, self._letter_id = outcomes[0].event_id or 0, outcomes[-1].event_id or 0

    @property
    def _agent(self) -> str:
        return AGENTS[(self._thread + self._piece) % len(AGENTS)]

    @property
    def _other(self) -> str:
        return AGENTS[(self._thread + self._piece + 3) % len(AGENTS)]

    @property
    def _file(self) -> str:
        return f"src/part_{self._thread}/file_{self._piece % 3}.py"

    def _begin(self) -> list[Command]:
        thread_id, next_id = thread_name(self._thread), f"work-{self._thread}-{self._piece}"
        return [
            self._post(f"Please do piece {self._piece} of {thread_id}.", kind="task"),
            AcquireClaim(owner_agent_id=self._agent, claim_key=next_id, thread_id=thread_id, ttl_sec=TTL_SEC),
            AcquireLock(agent_id=self._agent, file_path=self._file, metadata={"thread_id": thread_id}, ttl_sec=TTL_SEC),
            PostMessage(
                from_agent=self._agent, to_agent=self._other, body="Could you look at this before I go on?", ack=True
            ),
        ]

    def _finish(self) -> list[Command]:
        agent, claim = self._agent, f"work-{self._thread}-{self._piece}"
        return [
            *(self._post(text) for text in TALK),
            PostMessage(from_agent=self._other, to_agent=agent, body="I did: go on.", reply_to=self._letter_id),
            AcquireClaim(owner_agent_id=self._other, claim_key=claim),
            RefreshLock(agent_id=agent, file_path=self._file, ttl_sec=TTL_SEC),
            self._post("The result is attached.", kind="artifact", reply_to=self._task_id),
            ReleaseLock(agent_id=agent, file_path=self._file),
            ReleaseClaim(agent_id=agent, claim_key=claim),
            CompleteTask(agent_id=agent, task_id=self._task_id),
        ]

    def _post(self, body: str, *, kind: str = "chat", reply_to: int | None = None) -> PostMessage:
        return PostMessage(
            from_agent=self._agent,
            channel=CHANNELS[self._thread % len(CHANNELS)],
            thread_id=thread_name(self._thread),
            kind=kind,
            body=body,
            reply_to=reply_to,
        )


def build_storages(folder: Path, sizes: Sequence[int]) -> Iterator[tuple[int, Path]]:
    """Make storages of so many events (or up to 20 more); each is the beginning of the next.

    Args:
        folder: where; the files are `<size>.sqlite3`.
        sizes: numbers of events, growing.

    Yields:
        A size and its storage, as soon as it is there.
    """
    growing = folder / "growing.sqlite3"
    works = [Work(thread) for thread in range(THREADS)]
    turns = itertools.cycle(works)
    for size in sizes:
        with recording(growing) as recorder:
            if size == sizes[0]:
                _open(recorder)
            while (missing := size - TO_BEGIN_ALL - recorder.last_event_id) > 0:
                _go_on(recorder, turns, missing)
            _take_steps(recorder, [work for work in works if not work.has_begun])
            while recorder.last_event_id < size:
                work = next(turns)
                _take_steps(recorder, [work])
                _take_steps(recorder, [work])
        # The last connection is closed, so all of the log is in the one file.
        shutil.copyfile(growing, folder / f"{size}.sqlite3")
        yield size, folder / f"{size}.sqlite3"
    growing.unlink()


def _open(recorder: Recorder) -> None:
    commands: list[Command] = [OpenSession(agent_id=agent, replace=True) for agent in AGENTS]
    commands += [CreateChannel(name=name, created_by=AGENTS[0]) for name in CHANNELS]
    execute_all(recorder, commands)


def _go_on(recorder: Recorder, turns: Iterator[Work], missing: int) -> None:
    """One transaction of steps, each of another thread."""
    works: list[Work] = []
    count = 0
    while count < min(BATCH, missing) and len(works) < THREADS:
        works.append(next(turns))
        count += len(works[-1].next_step())
    _take_steps(recorder, works)


def _take_steps(recorder: Recorder, works: Sequence[Work]) -> None:
    """One transaction with the next step of each."""
    steps = [work.next_step() for work in works]
    answers = iter(execute_all(recorder, [command for step in steps for command in step]))
    for work, step in zip(works, steps, strict=True):
        work.learn([_accepted(answer) for answer in itertools.islice(answers, len(step))])


def _accepted(answer: Outcome | ArcError) -> Outcome:
    if not isinstance(answer, Outcome):
        raise answer
    return answer
