"""Random histories: commands of every kind, by a few agents on a few things, with time passing between them.

A history is a list of steps. A step that names a task or a session does so by its place among those that there are when
it is its turn, so that most histories make sense and all of them shrink well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from hypothesis import strategies as st

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, RefreshClaim, ReleaseClaim
from arclog.deciders.hub import (
    CancelShutdown,
    ChangeNetwork,
    FireShutdown,
    InitiateShutdown,
    StartHub,
    StopHub,
)
from arclog.deciders.locks import AcquireLock, RefreshLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.picking import TakeNextTask
from arclog.deciders.questions import AnswerQuestion
from arclog.deciders.receipts import AcknowledgeMessages
from arclog.deciders.sessions import CloseSession, OpenSession, RenameSession
from arclog.deciders.task_batches import NewTask, OpenTasks
from arclog.deciders.tasks import AssignTask, CancelTask, CompleteTask, FailTask, HandOverTask, ReopenTask
from arclog.deciders.wakes import AcknowledgeWake, ReportWake, RequestWake
from arclog.errors import ArcError, StorageError, UnexpectedFailure
from arclog.events.messages import TASK_KINDS, TextAttachment
from projections.hub.command_handlers import Command
from projections.hub.outcomes import Outcome
from projections.hub.recorder import Recorder
from tests.support.fake_time import FakeTime
from tests.support.recorders import see

AGENTS = ("a", "b", "c")
CHANNELS = ("general", "direct", "room", "hall")
THREADS = ("t1", "t2")
KEYS = ("k1", "k2")
PATHS = ("p1", "p2")


class Pass(msgspec.Struct, frozen=True):
    """Time passes."""

    seconds: float


class Read(msgspec.Struct, frozen=True):
    """An agent reads, which changes nothing and shows that it is there."""

    agent_id: str


Step = Pass | Read | Command

_agents = st.sampled_from(AGENTS)
_callers = st.sampled_from((*AGENTS, *AGENTS, "system", " "))
_maybe_agents = st.sampled_from((*AGENTS, None, None))
_threads = st.sampled_from(("t1", *THREADS, None))
_ttls = st.sampled_from((5, 20, 60, 300, 1))
_metadata = st.sampled_from(
    (None, {"thread_id": "t1"}, {"thread_id": "t2", "channel": "room"}, {"channel": "hall"}, {"channel": 5, "ä": [1.5]})
)
_places = st.integers(0, 9)
_maybe_places = st.sampled_from((None, None, 0, 0, 1, 1, 2, 9))
_kinds = st.sampled_from(
    (
        "chat",
        "chat",
        "notice",
        "artifact",
        "task",
        "task",
        "task_request",
        "task_request",
        "task_result",
        "task_result",
        "shout",
    )
)

_posts: st.SearchStrategy[Command] = st.builds(
    PostMessage,
    from_agent=_callers,
    to_agent=_maybe_agents,
    channel=st.sampled_from((None, None, None, "general", "room", "nowhere")),
    kind=_kinds,
    body=st.sampled_from(("hi", "hi", "", "ä\n\x00")),
    attachments=st.sampled_from((None, None, [TextAttachment("x")])),
    reply_to=_maybe_places,
    thread_id=_threads,
    metadata=_metadata,
    parent_task_id=st.sampled_from((None, None, None, 0, 1)),
)
# Most random posts open no request and answer none; these do.
_requests: st.SearchStrategy[Command] = st.builds(
    PostMessage,
    from_agent=_agents,
    to_agent=_maybe_agents,
    kind=st.just("task_request"),
    body=st.just("?"),
    thread_id=_threads,
)
_results: st.SearchStrategy[Command] = st.builds(
    PostMessage,
    from_agent=_agents,
    to_agent=_maybe_agents,
    kind=st.just("task_result"),
    body=st.just("!"),
    reply_to=st.integers(0, 3),
    thread_id=_threads,
)
_claims: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        AcquireClaim,
        owner_agent_id=_callers,
        claim_key=st.sampled_from((*KEYS, None)),
        task_message_id=_maybe_places,
        thread_id=_threads,
        ttl_sec=_ttls,
        metadata=_metadata,
    ),
    st.builds(RefreshClaim, claim_key=st.sampled_from(KEYS), owner_agent_id=_agents, ttl_sec=_ttls),
    st.builds(ReleaseClaim, claim_key=st.sampled_from(KEYS), agent_id=_agents),
)
_locks: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        AcquireLock, agent_id=_callers, file_path=st.sampled_from((*PATHS, "")), ttl_sec=_ttls, metadata=_metadata
    ),
    st.builds(RefreshLock, agent_id=_agents, file_path=st.sampled_from(PATHS), ttl_sec=_ttls),
    st.builds(ReleaseLock, agent_id=_agents, file_path=st.sampled_from(PATHS)),
)
_tasks: st.SearchStrategy[Command] = st.builds(CompleteTask, task_id=_places, agent_id=_maybe_agents)
_sessions: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        OpenSession,
        agent_id=_callers,
        display_name=st.sampled_from((None, "Ada")),
        capabilities=st.sampled_from((None, ["code"], ["code", "test"])),
        metadata=_metadata,
        replace=st.booleans(),
    ),
    st.builds(RenameSession, agent_id=_agents, display_name=st.sampled_from(("Bo", ""))),
    st.builds(CloseSession, session_id=st.sampled_from("01239")),
)
_channels: st.SearchStrategy[Command] = st.builds(
    CreateChannel, name=st.sampled_from((*CHANNELS, "")), created_by=_maybe_agents, metadata=_metadata
)
_hub: st.SearchStrategy[Command] = st.one_of(
    st.builds(StartHub, version=st.just("1.0.0")),
    st.builds(StopHub),
    st.builds(InitiateShutdown, delay_sec=st.sampled_from((60, 0.5, -1))),
    st.builds(CancelShutdown),
    st.builds(FireShutdown),
    st.builds(ChangeNetwork, allow_remote=st.booleans()),
)
_time: st.SearchStrategy[Step] = st.builds(Pass, st.sampled_from((0.000001, 1, 5, 15, 20, 31, 60, 121, 300)))

commands: st.SearchStrategy[Command] = st.one_of(
    _posts, _posts, _requests, _results, _claims, _claims, _locks, _locks, _tasks, _sessions, _sessions, _channels, _hub
)
_reads: st.SearchStrategy[Step] = st.builds(Read, agent_id=_agents)
steps: st.SearchStrategy[Step] = st.one_of(commands, commands, commands, commands, _time, _reads)


def histories(most: int = 40) -> st.SearchStrategy[list[Step]]:
    """Histories of up to `most` steps: short ones, to which failures shrink, and such as fill half of that or more."""
    return st.one_of(st.lists(steps, min_size=1, max_size=6), st.lists(steps, min_size=most // 2, max_size=most))


_options = st.sampled_from((None, None, ["yes", "no"]))
_work: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        PostMessage,
        from_agent=_agents,
        kind=st.just("task"),
        body=st.just("work\nmore"),
        thread_id=_threads,
        parent_task_id=_maybe_places,
        assignee=_maybe_agents,
        priority=st.sampled_from((None, None, 0, 4, 9)),
        depends_on=st.lists(st.integers(0, 6), max_size=3),
        needs=st.sampled_from((None, None, ["code"], ["code", "test"])),
        not_before=st.sampled_from((None, None, "2000-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "soon")),
        max_attempts=st.sampled_from((None, 1, 2)),
    ),
    st.builds(
        PostMessage,
        from_agent=_agents,
        to_agent=st.just("human"),
        kind=st.just("task_request"),
        body=st.just("which?"),
        options=_options,
        default=st.sampled_from((None, "yes", "maybe")),
        deadline_sec=st.sampled_from((None, 10, 100)),
        for_task_id=_maybe_places,
    ),
    st.builds(
        PostMessage,
        from_agent=st.sampled_from(("a", "human")),
        kind=st.just("task_result"),
        body=st.just("yes"),
        reply_to=st.integers(0, 6),
    ),
    st.builds(
        OpenTasks,
        agent_id=_agents,
        thread_id=_threads,
        tasks=st.lists(
            st.builds(
                NewTask,
                body=st.just("part"),
                ref=st.sampled_from((None, "x", "y")),
                parent=st.sampled_from((None, None, "x", "y")),
                depends_on=st.sampled_from((None, None, ["x"], ["y"])),
            ),
            min_size=1,
            max_size=3,
        ),
    ),
)
_deeds: st.SearchStrategy[Command] = st.one_of(
    st.builds(TakeNextTask, agent_id=_agents, ttl_sec=_ttls),
    st.builds(TakeNextTask, agent_id=_agents, ttl_sec=_ttls, capabilities=st.just(["code", "test"])),
    st.builds(FailTask, task_id=_places, agent_id=_agents, reason=st.just("why")),
    st.builds(CancelTask, task_id=_places, agent_id=_maybe_agents),
    st.builds(ReopenTask, task_id=_places, agent_id=_maybe_agents),
    st.builds(AssignTask, task_id=_places, agent_id=_agents, assignee=_maybe_agents),
    st.builds(HandOverTask, task_id=_places, agent_id=_agents, to_agent_id=_agents),
    st.builds(
        AnswerQuestion,
        question_id=st.integers(0, 6),
        answer=st.just("no"),
        agent_id=st.sampled_from((None, "human", "a")),
    ),
    _tasks,
)
_work_steps: st.SearchStrategy[Step] = st.one_of(_work, _work, _deeds, _deeds, _claims, _sessions, _time)


def work_histories(most: int = 40) -> st.SearchStrategy[list[Step]]:
    """Histories of tasks: opened, taken, done and otherwise ended."""
    return st.lists(_work_steps, min_size=1, max_size=most)


class Played(msgspec.Struct):
    """One command of a history, as it went.

    Attributes:
        command: what it became when its places were filled in.
        result: its answer or refusal.
        first: the first event that the call may have appended.
    """

    command: Command
    result: Outcome | ArcError
    first: int


class Player:
    """Plays histories on a recorder and remembers what there is to refer to."""

    def __init__(self, recorder: Recorder, time: FakeTime) -> None:
        self.recorder = recorder
        self.time = time
        self.tasks: list[int] = []
        self.sessions: list[str] = []
        self.letters: list[int] = []
        self.wakes: list[int] = []

    def play(self, history: list[Step]) -> list[Played]:
        """Play all steps; faults of the storage are raised, refusals are kept."""
        return [played for step in history if (played := self.step(step)) is not None]

    def step(self, step: Step, key: str | None = None, request: bytes | None = None) -> Played | None:
        """Let time pass, have an agent read, or have one command executed."""
        if isinstance(step, Pass):
            self.time.pass_sec(step.seconds)
            return None
        if isinstance(step, Read):
            see(self.recorder, step.agent_id)
            return None
        return self.execute(self.fill_in(step), key, request)

    def execute(self, command: Command, key: str | None = None, request: bytes | None = None) -> Played:
        """Have a command executed whose places are filled in."""
        first = self.recorder.last_event_id + 1
        try:
            outcome = self.recorder.execute(command, "http", key, request)
        except ArcError as refusal:
            if isinstance(refusal, StorageError | UnexpectedFailure):
                raise
            return Played(command, refusal, first)
        self._remember(command, outcome)
        return Played(command, outcome, first)

    def fill_in(self, command: Command) -> Command:
        """The command with the ids of tasks and sessions that there are."""
        filled: dict[str, Any] = {}
        for field in ("reply_to", "parent_task_id", "task_id", "task_message_id", "for_task_id", "question_id"):
            place = getattr(command, field, None)
            if place is not None and place < len(self.tasks):
                filled[field] = self.tasks[place]
        if isinstance(command, PostMessage) and command.body == "thanks" and self.letters:
            filled["reply_to"] = self.letters[(command.reply_to or 0) % len(self.letters)]
        if isinstance(command, AcknowledgeMessages):
            filled["ids"] = [self.letters[one] for one in command.ids if one < len(self.letters)] or command.ids
        if isinstance(command, ReportWake | AcknowledgeWake) and command.wake_id < len(self.wakes):
            filled["wake_id"] = self.wakes[-1 - command.wake_id]
        if isinstance(command, PostMessage) and command.depends_on:
            filled["depends_on"] = [self.tasks[one] if one < len(self.tasks) else one for one in command.depends_on]
        if isinstance(command, CloseSession) and int(command.session_id) < len(self.sessions):
            filled["session_id"] = self.sessions[-1 - int(command.session_id)]
        return msgspec.structs.replace(command, **filled)

    def _remember(self, command: Command, outcome: Outcome) -> None:
        match command:
            case PostMessage() if command.kind in TASK_KINDS and outcome.event_id not in self.tasks:
                assert outcome.event_id is not None
                self.tasks.append(outcome.event_id)
            case PostMessage(ack=True) if outcome.event_id is not None:
                self.letters.append(outcome.event_id)
            case RequestWake() if outcome.event_id is not None:
                self.wakes.append(outcome.event_id)
            case OpenTasks():
                opened = msgspec.json.decode(outcome.result)
                self.tasks += [task["task_id"] for task in opened if task["task_id"] not in self.tasks]
            case OpenSession():
                self.sessions.append(msgspec.json.decode(outcome.result)["session_id"])
            case _:
                pass


@contextmanager
def fresh_storage(folder: Path) -> Iterator[Path]:
    """A place for one more storage below `folder`, gone afterwards."""
    with TemporaryDirectory(dir=folder) as place:
        yield Path(place) / "arc.sqlite3"
