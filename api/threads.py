"""Threads over HTTP: what belongs together, and how far it has come."""

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from api.http.as_of import Dated
from api.http.lists import Listed, read_list
from api.http.parameters import Cursor, MaxBytes, clamp_bytes
from api.http.routes import ReadCaller, ReadResult, ReadRoute, Route
from arclog.deciders.fields import MAX_INTEGER
from arclog.errors import NotFound
from arclog.limits import ANSWER_BYTES
from arclog.sqlite.snapshot import Snapshot, together
from projections import claims, locks, tasks, threads
from projections.budget import Budget
from projections.claims import Claim
from projections.encoding import encode_json, json_array
from projections.hub.hub import Hub
from projections.intervals import AsOf
from projections.locks import Lock
from projections.message_pages import read_thread_messages
from projections.messages import Message
from projections.tasks import Task
from projections.threads import Thread


class ThreadsQuery(Listed, frozen=True, kw_only=True):
    """From where on to list the threads."""


class ThreadQuery(Dated, frozen=True, kw_only=True):
    """Which thread to show, and from which of its messages on."""

    thread_id: str
    since_id: Cursor = 0
    max_bytes: MaxBytes = ANSWER_BYTES


Part = Literal["messages", "tasks", "claims", "locks"]


class ThreadDetail(Struct, frozen=True, omit_defaults=True):
    """A thread with all that belongs to it, direct messages included.

    `cut` names the parts of which there is more: the messages go on with `since_id`, each of the others in its list,
    with `thread_id` and `after`.
    """

    thread: Thread
    messages: list[Message]
    tasks: list[Task]
    claims: list[Claim]
    locks: list[Lock]
    cut: tuple[Part, ...] = ()


class _EncodedDetail(Struct, frozen=True, omit_defaults=True):
    """A `ThreadDetail` whose parts are JSON already."""

    thread: Thread
    messages: msgspec.Raw
    tasks: msgspec.Raw
    claims: msgspec.Raw
    locks: msgspec.Raw
    cut: tuple[Part, ...] = ()


async def list_threads(hub: Hub, query: ThreadsQuery, reader: ReadCaller) -> ReadResult:
    """A summary of each thread."""
    return await read_list(hub, query, threads.each_thread, _key, reader.at)


async def show_thread(hub: Hub, query: ThreadQuery, reader: ReadCaller) -> ReadResult:
    """One thread as a whole."""
    return await hub.read_on_thread(_read_thread, query, reader.at)


def _key(thread: Thread) -> str:
    return thread.thread_id


@together
def _read_thread(snapshot: Snapshot, query: ThreadQuery, at: AsOf) -> ReadResult:
    """A thread within the bytes that there are: half of them for its tasks, claims and locks, the rest for messages."""
    thread_id, most = query.thread_id, clamp_bytes(query.max_bytes)
    summary = snapshot.read(threads.get_thread, thread_id, at)
    cut: list[Part] = []
    beside = most // 2

    def encode(part: Part, rows: Iterator[Task] | Iterator[Claim] | Iterator[Lock]) -> msgspec.Raw:
        nonlocal beside
        budget = Budget(beside)
        taken = budget.fill(rows, encode_json)
        beside = max(0, beside - sum(map(len, taken)))
        if budget.spent:
            cut.append(part)
        return msgspec.Raw(json_array(taken))

    found_tasks = encode("tasks", snapshot.read(tasks.each_task, at, thread_id=thread_id))
    found_claims = encode("claims", snapshot.read(claims.each_in_thread, thread_id, at))
    found_locks = encode("locks", snapshot.read(locks.each_in_thread, thread_id, at))
    budget = Budget(most - most // 2 + beside)
    said = snapshot.read(read_thread_messages, thread_id, at, query.since_id, MAX_INTEGER, budget)
    if said.more:
        cut.append("messages")
    detail = _EncodedDetail(
        summary, msgspec.Raw(said.json()), found_tasks, found_claims, found_locks, tuple(sorted(cut))
    )
    known = summary.message_count or any(bytes(part) != b"[]" for part in (found_tasks, found_claims, found_locks))
    if not known:
        raise NotFound("thread", thread_id)
    return ReadResult(encode_json(detail), more=bool(cut))


ROUTES: tuple[Route, ...] = (
    ReadRoute(
        does="Summarise every thread, the one with the newest message first.",
        path="/v1/threads",
        query=ThreadsQuery,
        answer=list_threads,
        result=list[Thread],
        beside=("more",),
    ),
    ReadRoute(
        does="Show one thread with its messages, tasks, claims and locks.",
        path="/v1/threads/{thread_id}",
        query=ThreadQuery,
        answer=show_thread,
        result=ThreadDetail,
        beside=("more",),
    ),
)
