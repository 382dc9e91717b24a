"""Threads over HTTP: what belongs together, and how far it has come."""

import msgspec
from msgspec import Struct

from api.http.as_of import Dated
from api.http.lists import After, read_list
from api.http.parameters import Cursor
from api.http.routes import Found, Read, Reader, Route
from arclog.deciders.fields import MAX_INTEGER
from arclog.errors import NotFound
from arclog.sqlite.snapshot import Snapshot, together
from projections import claims, locks, tasks, threads
from projections.claims import Claim
from projections.encoding import encode_json
from projections.hub.hub import Hub
from projections.intervals import AsOf
from projections.locks import Lock
from projections.messages import Message, read_thread_messages
from projections.tasks import Task
from projections.threads import Thread


class ThreadsQuery(Dated, frozen=True, kw_only=True):
    """From where on to list the threads."""

    after: After | None = None


class ThreadQuery(Dated, frozen=True, kw_only=True):
    """Which thread to show, and from which of its messages on."""

    thread_id: str
    since_id: Cursor = 0


class ThreadDetail(Struct, frozen=True):
    """A thread with all that belongs to it, direct messages included."""

    thread: Thread
    messages: list[Message]
    tasks: list[Task]
    claims: list[Claim]
    locks: list[Lock]


class _EncodedDetail(Struct, frozen=True):
    """A `ThreadDetail` whose messages are JSON already."""

    thread: Thread
    messages: msgspec.Raw
    tasks: list[Task]
    claims: list[Claim]
    locks: list[Lock]


async def list_threads(hub: Hub, query: ThreadsQuery, reader: Reader) -> Found:
    """A summary of each thread."""
    return await read_list(hub, threads.list_threads, _key, query.after, reader.at)


async def show_thread(hub: Hub, query: ThreadQuery, reader: Reader) -> Found:
    """One thread as a whole."""
    return await hub.read_apart(_read_thread, query.thread_id, query.since_id, reader.at)


def _key(thread: Thread) -> str:
    return thread.thread_id


@together
def _read_thread(snapshot: Snapshot, thread_id: str, since_id: int, at: AsOf) -> Found:
    summary = snapshot.read(threads.get_thread, thread_id, at)
    said = snapshot.read(read_thread_messages, thread_id, at, since_id, MAX_INTEGER)
    detail = _EncodedDetail(
        summary,
        msgspec.Raw(said.json()),
        snapshot.read(tasks.list_tasks, at, thread_id=thread_id),
        snapshot.read(claims.list_in_thread, thread_id, at),
        snapshot.read(locks.list_in_thread, thread_id, at),
    )
    known = summary.message_count or detail.tasks or detail.claims or detail.locks
    if not known:
        raise NotFound("thread", thread_id)
    more = bool(said.ids) and said.ids[-1] < (summary.latest_message_id or 0)
    return Found(encode_json(detail), more)


ROUTES: tuple[Route, ...] = (
    Read(
        does="Summarise every thread, the one with the newest message first.",
        path="/v1/threads",
        query=ThreadsQuery,
        answer=list_threads,
        result=list[Thread],
        beside=("more",),
    ),
    Read(
        does="Show one thread with its messages, tasks, claims and locks.",
        path="/v1/threads/{thread_id}",
        query=ThreadQuery,
        answer=show_thread,
        result=ThreadDetail,
        beside=("more",),
    ),
)
