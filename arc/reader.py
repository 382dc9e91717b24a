"""What an agent can look at without moving anything, and the carrying of calls that everything else rests on."""

from __future__ import annotations

from arc.errors import ArcError
from arc.preconditions import relied_on
from arc.urls import query as query_of
from arc.urls import segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from arc.shapes import (
        Channel,
        Claim,
        Digest,
        Hit,
        Lock,
        Message,
        Receipt,
        Session,
        Task,
        Thread,
        ThreadSummary,
        Transport,
    )

WAIT_GRACE_SEC = 5.0
"""How much longer than the hub a waiting call waits: the hub answers at its time-out, and the answer has to travel."""


class Reader:
    """Reads that move no cursor.

    Args:
        agent_id: who asks.
        timeout: seconds to wait for an answer.
        transport: what carries the calls.
    """

    def __init__(self, agent_id: str, timeout: float, transport: Transport) -> None:
        self.agent_id = agent_id
        self.timeout = timeout
        self._transport = transport

    def messages(
        self,
        *,
        channel: str | None = None,
        thread_id: str | None = None,
        since_id: int | None = None,
        limit: int = 100,
        tail: bool = False,
        timeout: float = 0.0,
    ) -> list[Message]:
        """The broadcasts of a channel, a thread, or both: those after `since_id`, or the last ones with `tail`.

        Args:
            channel: the channel, if it is to be one.
            thread_id: the thread, if it is to be one.
            since_id: the id after which to begin; without it, at the first.
            limit: the most messages to return, at most 500.
            tail: the last `limit` messages instead of the first, unless `since_id` is given.
            timeout: seconds to wait while there is nothing, at most 60.
        """
        query: dict[str, Any] = {"channel": channel, "thread_id": thread_id, "since_id": since_id, "limit": limit}
        query |= {"tail": 1 if tail else None, "timeout": timeout or None}
        found: list[Message] = self._read("messages", query, wait_sec=timeout)
        return found

    def events(
        self,
        *,
        channel: str | None = None,
        thread_id: str | None = None,
        since_id: int = 0,
        limit: int = 100,
        exclude_self: bool = False,
        timeout: float = 0.0,
        cursor: str | None = None,
        peek: bool = False,
    ) -> list[Message]:
        """What this agent may see, broadcasts and messages to it, after `since_id`.

        Args:
            channel: only messages of this channel.
            thread_id: only messages of this thread.
            since_id: the id after which to begin.
            limit: the most messages to return, at most 500.
            exclude_self: leave out what this agent itself posted; a page may then be short while more follows.
            timeout: seconds to wait while there is nothing, at most 60.
            cursor: go on where the cursor of this name stands, which the hub keeps for this agent; a new one begins at
                the newest 100 messages. It is moved to `since_id` before, if that is given, and to the last message
                that is returned.
            peek: do not move the cursor to the last message that is returned.
        """
        query: dict[str, Any] = {"agent_id": self.agent_id, "since_id": since_id, "limit": limit, "timeout": timeout}
        query |= {"channel": channel, "thread_id": thread_id, "exclude_self": 1 if exclude_self else None}
        query |= {"cursor": cursor, "peek": 1 if peek else None}
        found: list[Message] = self._read("events", query, wait_sec=timeout)
        return found

    def inbox(
        self, *, since_id: int | None = None, limit: int = 100, tail: bool = False, unacked: bool = False
    ) -> list[Message]:
        """The messages to this agent after `since_id`, or the last ones with `tail`.

        Args:
            since_id: the id after which to begin.
            limit: the most messages to return, at most 500.
            tail: the last messages instead of the first.
            unacked: only those that this agent is to acknowledge and has not.
        """
        query = {"since_id": since_id, "limit": limit, "tail": 1 if tail else None, "unacked": 1 if unacked else None}
        found: list[Message] = self._read(f"inbox/{segment(self.agent_id)}", query)
        return found

    def digest(self, *, since: int | None = None, max_chars: int = 800) -> Digest:
        """What changed while this agent was away: `lines`, each with its event, and all of it as `text`.

        Args:
            since: the event after which; this agent's own last one, unless given.
            max_chars: how long the text may be.
        """
        found: Digest = self._read("digest", {"agent_id": self.agent_id, "since": since, "max_chars": max_chars})
        return found

    def receipts(self, *, message_id: int | None = None, overdue: bool = False) -> list[Receipt]:
        """What this agent asked others to acknowledge, and they have not; or how it stands with one message.

        Args:
            message_id: the message, if it is to be one.
            overdue: only that whose time is over.
        """
        if message_id is not None:
            one: list[Receipt] = self._read(f"messages/{int(message_id)}/receipts")
            return one
        query = {"from_agent": self.agent_id, "overdue": 1 if overdue else None}
        found: list[Receipt] = self._read("receipts", query)
        return found

    def search(
        self,
        q: str,
        *,
        from_agent: str | None = None,
        to_agent: str | None = None,
        channel: str | None = None,
        thread_id: str | None = None,
        kind: str | None = None,
        before: int | None = None,
        limit: int = 20,
        best: bool = False,
    ) -> list[Hit]:
        """Messages with all words of `q`, the newest first; the last word may go on, quoted text stands as it is.

        Args:
            q: the words.
            from_agent: only what this agent said.
            to_agent: only what was said to this agent alone.
            channel: only in this channel.
            thread_id: only in this thread.
            kind: only messages of this kind.
            before: only messages with smaller ids, to go on.
            limit: the most hits to return, at most 100.
            best: those that answer best first, of the newest 5,000 that do.
        """
        query: dict[str, Any] = {"q": q, "from": from_agent, "to": to_agent, "channel": channel, "kind": kind}
        query |= {"thread_id": thread_id, "before": before, "limit": limit, "order": "best" if best else None}
        found: list[Hit] = self._read("search", query)
        return found

    def claims(self, *, thread_id: str | None = None, active_only: bool = False) -> list[Claim]:
        """The claims, oldest first."""
        query = {"thread_id": thread_id, "active_only": 1 if active_only else None}
        found: list[Claim] = self._read("claims", query)
        return found

    def locks(self, *, agent_id: str | None = None, active_only: bool = False) -> list[Lock]:
        """The locks, oldest first; of one agent if it is named."""
        query = {"agent_id": agent_id, "active_only": 1 if active_only else None}
        found: list[Lock] = self._read("locks", query)
        return found

    def tasks(
        self,
        *,
        parent_id: int | None = None,
        status: str | None = None,
        state: str | None = None,
        channel: str | None = None,
        thread_id: str | None = None,
        ready: bool = False,
        explain: bool = False,
    ) -> list[Task]:
        """The tasks by id: the children of one, the `open` or `done` ones, those of a channel or a thread.

        Args:
            parent_id: only children of this task.
            status: only those that are `open`, or `done` in the sense of over.
            state: only those that are `open`, `done`, `failed` or `cancelled`.
            channel: only of this channel.
            thread_id: only of this thread.
            ready: only those that this agent can do now, in the order in which `next_task` gives them.
            explain: all that are open, each with `not_ready`: why this agent cannot do it now.
        """
        query: dict[str, Any] = {"parent_id": parent_id, "status": status, "state": state, "channel": channel}
        query |= {"thread_id": thread_id, "ready": 1 if ready else None, "explain": 1 if explain else None}
        query["agent_id"] = self.agent_id if ready or explain else None
        found: list[Task] = self._read("tasks", query)
        return found

    def get_thread(self, thread_id: str) -> Thread:
        """One thread with its messages, tasks, claims and locks; 404 when nothing is known of it."""
        thread: Thread = self._read(f"threads/{segment(thread_id)}")
        return thread

    def threads(self) -> list[ThreadSummary]:
        """All threads in figures, the one with the newest message first."""
        found: list[ThreadSummary] = self._read("threads")
        return found

    def agents(self, *, capability: str | None = None) -> list[Session]:
        """The live sessions by agent id; those with a capability if it is named."""
        found: list[Session] = self._read("agents", {"capability": capability})
        return found

    def channels(self) -> list[Channel]:
        """The channels by name."""
        found: list[Channel] = self._read("channels")
        return found

    def _change(
        self,
        route: str,
        required: dict[str, Any],
        optional: dict[str, Any] | None = None,
        *,
        wait_sec: float | None = None,
    ) -> Any:  # noqa: ANN401 - decoded JSON
        """POST the fields that are set, and return the result."""
        given = {name: value for name, value in (optional or {}).items() if value is not None}
        longer = None if not wait_sec else max(self.timeout, wait_sec + WAIT_GRACE_SEC)
        return self._call("POST", f"/v1/{route}", {**required, **given}, timeout_override=longer)["result"]

    def _read(self, route: str, query: dict[str, Any] | None = None, *, wait_sec: float | None = None) -> Any:  # noqa: ANN401
        """GET with the parameters that are set, and return the result."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        longer = None if wait_sec is None else max(self.timeout, wait_sec + WAIT_GRACE_SEC)
        path = f"/v1/{route}?{query_of(given)}" if given else f"/v1/{route}"
        return self._call("GET", path, timeout_override=longer)["result"]

    def _call(
        self, method: str, path: str, payload: dict[str, Any] | None = None, *, timeout_override: float | None = None
    ) -> dict[str, Any]:
        """The hub's envelope; a refusal is raised. What changes something relies on what `RelyingOn` says."""
        if method == "POST" and relied_on():
            payload = {**(payload or {}), **relied_on()}
        envelope = self._transport.call(method, path, payload, timeout_override=timeout_override)
        if not envelope.get("ok"):
            raise ArcError.from_envelope(envelope, envelope.get("status", 400))
        return envelope
