"""What a read costs depends on what it gives, not on how long the log has become."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.deciders.sessions import OpenSession
from arclog.deciders.tasks import CompleteTask
from arclog.errors import ArcError
from arclog.sqlite.connection import open_connection
from arclog.sqlite.reads import Filter, read_from_end
from projections import channels, claims, inbox, locks, message_pages, questions, sessions, tasks, threads
from projections.all_projectors import PROJECTORS
from projections.hub.command_handlers import Command
from projections.hub.recorder import Recorder
from projections.intervals import AsOf, live
from projections.message_pages import MessageQuery
from tests.support.fake_time import FakeTime
from tests.support.plans import STATEMENTS, plan_of, reads_of, scanned_tables, steps_of
from tests.support.recorders import as_of_event, execute_all, recording

SHORT, LONG = 30, 300
"""Rounds of the story in the two logs that are compared; a round is 20 events."""
MOST = 2.0
"""How much more a read may cost when the log is ten times as long."""


def tell_round(recorder: Recorder, number: int) -> None:
    """Twenty events: broadcasts, private messages, leases that come and go, a task that is done."""
    thread, key = f"thread-{number % 8}", number % 6
    commands: list[Command] = [
        PostMessage(
            from_agent=f"agent-{place % 3}", channel=("general", "room")[place % 2], body="hi", thread_id=thread
        )
        for place in range(8)
    ]
    commands += [PostMessage(from_agent="agent-0", to_agent=f"agent-{place}", body="psst") for place in range(3)]
    commands += [PostMessage(from_agent="agent-1", kind="artifact", body="made", thread_id=thread)]
    commands += [PostMessage(from_agent="agent-1", kind="task", body="do", thread_id=thread)]
    commands += [AcquireClaim(owner_agent_id="agent-2", claim_key=f"key-{key}", thread_id=thread)]
    commands += [ReleaseClaim(agent_id="agent-2", claim_key=f"key-{key}")]
    commands += [AcquireLock(agent_id="agent-2", file_path=f"path-{key}", metadata={"thread_id": thread})]
    commands += [ReleaseLock(agent_id="agent-2", file_path=f"path-{key}")]
    commands += [OpenSession(agent_id=f"agent-{number % 3}", replace=True)]
    answers = execute_all(recorder, commands)
    assert not any(isinstance(answer, ArcError) for answer in answers)
    recorder.execute(CompleteTask(task_id=getattr(answers[12], "event_id", 0)))
    recorder.execute(PostMessage(from_agent="agent-0", body="done"))


def make_log(storage: Path, rounds: int) -> None:
    with recording(storage, FakeTime()) as recorder:
        recorder.execute(CreateChannel(name="room"))
        for number in range(rounds):
            tell_round(recorder, number)
        for key in range(3):
            recorder.execute(
                AcquireLock(agent_id="agent-0", file_path=f"path-{key}", metadata={"thread_id": "thread-1"})
            )
            recorder.execute(AcquireClaim(owner_agent_id="agent-0", claim_key=f"key-{key}", thread_id="thread-1"))
        recorder.execute(PostMessage(from_agent="agent-0", kind="task", body="open"))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[apsw.Connection, apsw.Connection]]:
    folder = tmp_path_factory.mktemp("cost")
    for name, rounds in (("short", SHORT), ("long", LONG)):
        make_log(folder / f"{name}.sqlite3", rounds)
    with (
        closing(open_connection(folder / "short.sqlite3", read_only=True)) as short,
        closing(open_connection(folder / "long.sqlite3", read_only=True)) as long,
    ):
        yield short, long


Read = Callable[[apsw.Connection, AsOf, int], object]

READS: dict[str, Read] = {
    "live sessions": lambda c, at, _head: sessions.list_sessions(c, at),
    "a session": lambda c, at, _head: sessions.find_session(c, "agent-1", at),
    "channels": lambda c, at, _head: list(channels.each_channel(c, at)),
    "a channel from its beginning": lambda c, at, _head: page(c, at, channel="room", limit=20),
    "a channel from a cursor": lambda c, at, head: page(c, at, channel="room", since_id=head - 300, limit=20),
    "the end of a channel": lambda c, at, _head: page(c, at, channel="room", tail=True, limit=20),
    "a thread": lambda c, at, _head: page(c, at, thread_id="thread-1", limit=20),
    "the end of a thread": lambda c, at, _head: page(c, at, thread_id="thread-1", tail=True, limit=20),
    "what an agent may see": lambda c, at, _head: page(c, at, agent_id="agent-1", limit=20),
    "the end of what an agent may see": lambda c, at, _head: page(c, at, agent_id="agent-1", tail=True, limit=20),
    "what an agent may see from a cursor": lambda c, at, head: page(c, at, agent_id="a", since_id=head - 50, limit=20),
    "a thread as an agent sees it": lambda c, at, _head: page(
        c, at, agent_id="agent-1", thread_id="thread-1", limit=20
    ),
    "some channels of a stream": lambda c, at, head: page(
        c, at, agent_id="agent-1", channels=("room", "general"), since_id=head - 50, limit=20
    ),
    "a channel of a stream in which little is said": lambda c, at, _head: page(
        c, at, agent_id="a", channels=("quiet", "direct"), limit=4
    ),
    "all of a thread": lambda c, at, _head: message_pages.read_thread_messages(c, "thread-1", at, 0, 20),
    "an inbox": lambda c, at, _head: inbox.read_inbox(c, "agent-1", at, limit=20),
    "the end of an inbox": lambda c, at, _head: inbox.read_inbox(c, "agent-1", at, limit=20, tail=True),
    "the last broadcast": lambda c, at, _head: message_pages.find_latest_broadcast(c, at),
    "the last message of an inbox": lambda c, at, _head: inbox.find_latest(c, "agent-1", at),
    "threads": lambda c, at, _head: threads.list_threads(c, at),
    "active claims": lambda c, at, _head: claims.list_claims(c, at, active_only=True),
    "all claims": lambda c, at, _head: claims.list_claims(c, at),
    "claims of a thread": lambda c, at, _head: claims.list_claims(c, at, thread_id="thread-1"),
    "active claims of a thread": lambda c, at, _head: claims.list_claims(c, at, "thread-1", active_only=True),
    "locks of a thread": lambda c, at, _head: list(locks.each_in_thread(c, "thread-1", at)),
    "a claim": lambda c, at, _head: claims.find_claim(c, "key-1", at),
    "active locks": lambda c, at, _head: locks.list_locks(c, at, active_only=True),
    "all locks": lambda c, at, _head: locks.list_locks(c, at),
    "locks of an agent": lambda c, at, _head: locks.list_locks(c, at, agent_id="agent-0"),
    "active locks of an agent": lambda c, at, _head: locks.list_locks(c, at, "agent-0", active_only=True),
    "a lock": lambda c, at, _head: locks.list_of_key(c, "path-1", at),
    "questions": lambda c, at, _head: list(questions.each_question(c, at)),
    "a task": lambda c, at, _head: tasks.find_task(c, 17, at),
    "the end of the log": lambda c, _at, _head: list(read_from_end(c, 20)),
    "the end of a type": lambda c, _at, _head: list(read_from_end(c, 20, Filter(type="lock.acquired"))),
    "the end of some types": lambda c, _at, _head: list(read_from_end(c, 20, Filter(type="lock."))),
    "the end of a frequent type": lambda c, _at, _head: list(read_from_end(c, 20, Filter(type="message.posted"))),
    "the end of a stream": lambda c, _at, _head: list(read_from_end(c, 20, Filter(stream="channel/room"))),
    "the end of an agent's deeds": lambda c, _at, _head: list(read_from_end(c, 20, Filter(actor="agent-2"))),
    "the end of what an agent did to locks": lambda c, _at, _head: list(
        read_from_end(c, 20, Filter(type="lock.", stream="lock/", actor="agent-2"))
    ),
}


def page(connection: apsw.Connection, at: AsOf, **query: Any) -> message_pages.Page:
    return message_pages.read_messages(connection, MessageQuery(**query), at)


def head_of(connection: apsw.Connection) -> int:
    head = connection.execute("SELECT max(event_id) FROM events").get
    assert isinstance(head, int)
    return head


@pytest.mark.parametrize("name", READS)
def test_a_live_read_costs_the_same_however_long_the_log_is(
    logs: tuple[apsw.Connection, apsw.Connection], name: str
) -> None:
    now = FakeTime().wall()
    short, long = (steps_of(connection, lambda c: READS[name](c, live(now), head_of(c))) for connection in logs)
    assert long <= MOST * short + 200


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.95])
def test_a_read_of_the_past_costs_about_the_same_however_long_the_log_is(
    logs: tuple[apsw.Connection, apsw.Connection], name: str, part: float
) -> None:
    def cost(connection: apsw.Connection) -> int:
        event_id = int(head_of(connection) * part)
        at = as_of_event(connection, event_id)
        return steps_of(connection, lambda c: READS[name](c, at, event_id))

    short, long = map(cost, logs)
    assert long <= MOST * short + 600


OUR_TABLES = {"events", *(table for projector in PROJECTORS for table in projector.tables)}
# Only what is asked for in full may be read from end to end; and the last broadcast is the end of its index.
READ_IN_FULL = {
    ("channels", "list"): {"channels"},
    ("locks", "list_slots"): {"lock_holders"},
    ("places", "list_keys"): {"places"},
    ("tokens", "list_holders"): {"tokens"},
}


@pytest.mark.parametrize("noun", sorted(STATEMENTS.keys() - {"events", "checkpoints"}))
def test_no_query_reads_a_table_from_end_to_end(logs: tuple[apsw.Connection, apsw.Connection], noun: str) -> None:
    for name, sql in reads_of(noun).items():
        scanned = scanned_tables(plan_of(logs[1], sql)) & OUR_TABLES
        assert scanned <= READ_IN_FULL.get((noun, name), set()), f"{name}: {plan_of(logs[1], sql)}"
