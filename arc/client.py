"""`ArcClient`: an agent's side of the protocol, over HTTP or over a relay's files."""

from __future__ import annotations

import time

from arc.defaults import SPOOL_DIR
from arc.errors import ArcError
from arc.leases import Leases
from arc.poll_places import PollPlaces
from arc.posting import Posting
from arc.questions import Questions
from arc.tasks import Work
from arc.urls import DEFAULT_URL, segment
from arc.wakes import Waking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Any, Self

    from arc.shapes import Bootstrap, Message, Session, Transport

CLOSE_WITHIN_SEC = 1.0
RELAY_POLL_INTERVAL_SEC = 0.02
CALL_PAGE = 500


class ArcClient(Posting, Leases, Work, Questions, Waking):
    """One agent at one hub. Safe to use from several threads.

    Every method returns the `result` of the hub's answer as plain dicts (`arc.shapes` tells their types) and raises
    `ArcError` when the hub refuses, is not there, or does not answer in time.

    As a context manager it closes itself at the end, which ends the session.

    Args:
        agent_id: who speaks.
        base_url: where the hub listens; by default `ARC_URL` of the environment, else the hub of the working directory,
            else `http://127.0.0.1:6969`. Proxies of the environment are not used.
        timeout: seconds to wait for an answer.
        token: the hub's, for calls from another machine; by default `ARC_TOKEN` of the environment, else what the file
            holds that `ARC_TOKEN_FILE` names, else what lies beside the storage of the working directory.
        transport: what carries the calls instead of HTTP; `base_url` and `timeout` then have no meaning for it.

    Attributes:
        agent_id: who speaks.
        session_id: the session that `register` opened, or None.
    """

    def __init__(
        self,
        agent_id: str,
        base_url: str | None = None,
        timeout: float = 15.0,
        *,
        token: str | None = None,
        transport: Transport | None = None,
    ) -> None:
        if transport is None:
            from arc.http import HttpTransport

            transport = HttpTransport(base_url, timeout, token=token)
        super().__init__(agent_id, timeout, transport)
        self._base_url = DEFAULT_URL if base_url is None else base_url.rstrip("/")
        self.session_id: str | None = None
        self._cursors = PollPlaces()
        self._instance_id: str | None = None  # of the storage that the cursors are places in, where the transport tells

    @property
    def base_url(self) -> str:
        """Where the hub listens, as far as it is known."""
        url: str = getattr(self._transport, "base_url", self._base_url)
        return url

    @classmethod
    def over_relay(cls, agent_id: str, spool_dir: str | Path = SPOOL_DIR, *, timeout: float = 30.0) -> Self:
        """A client that speaks through the files of a relay, for a sandbox without a network.

        Args:
            agent_id: who speaks.
            spool_dir: the relay's spool, relative to the working directory or absolute.
            timeout: seconds to wait for a response.
        """
        from arc.spool import FileRelayClient, RelayTransport

        relay = FileRelayClient(
            agent_id=agent_id, spool_dir=spool_dir, timeout=timeout, poll_interval_sec=RELAY_POLL_INTERVAL_SEC
        )
        return cls(agent_id, timeout=timeout, transport=RelayTransport(relay))

    @classmethod
    def quickstart(
        cls,
        agent_id: str,
        base_url: str | None = None,
        *,
        display_name: str | None = None,
        capabilities: list[str] | None = None,
        timeout: float = 15.0,
    ) -> Self:
        """A client that is registered and stands at the newest message: `poll` returns what comes from now on.

        Args:
            agent_id: who speaks.
            base_url: where the hub listens, as for the class.
            display_name: how people see the agent; by default its id.
            capabilities: what others may look for in `agents`.
            timeout: seconds to wait for an answer.
        """
        client = cls(agent_id, base_url, timeout)
        client.register(display_name=display_name or agent_id, capabilities=capabilities)
        client.bootstrap()
        return client

    def register(
        self,
        *,
        display_name: str | None = None,
        replace: bool = True,
        capabilities: list[str] | None = None,
        metadata: dict[str, Any] | None = None,
        root: str | None = None,
        parent: str | None = None,
    ) -> Session:
        """Open a session. With `replace` it takes the place of a live one; without, that is an `ArcError` (409).

        The paths that the agent names are relative to the folder `root`, else to the hub's own. With `parent` it is
        that agent's sub-agent, and called `parent.name`.
        """
        fields: dict[str, Any] = {"display_name": display_name, "capabilities": capabilities, "metadata": metadata}
        fields |= {"root": root, "parent": parent}
        session: Session = self._change("sessions", {"agent_id": self.agent_id, "replace": replace}, fields)
        self.session_id = session["session_id"]
        return session

    def bootstrap(self) -> Bootstrap:
        """Look around, and put the cursors of all polls at the newest visible message."""
        found: Bootstrap = self._read("bootstrap", {"agent_id": self.agent_id})
        self._notice_reset()
        self._cursors.move_all(found["latest_visible_id"])
        return found

    def whoami(self) -> Bootstrap:
        """The same as `bootstrap`."""
        return self.bootstrap()

    def close(self) -> None:
        """End the session, if any, and let go of the connections. Never raises, and may be called again."""
        session_id, self.session_id = self.session_id, None
        try:
            if session_id is not None:
                path = f"/v1/sessions/{segment(session_id)}"
                self._call("DELETE", path, timeout_override=min(self.timeout, CLOSE_WITHIN_SEC))
        except Exception:  # noqa: BLE001, S110 - a hub that is not there ends the session by itself
            pass
        try:
            getattr(self._transport, "close", lambda: None)()
        except Exception:  # noqa: BLE001, S110 - a transport of the caller's own
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Messages -------------------------------------------------------------------------------------------------------

    def poll(
        self,
        *,
        exclude_self: bool = True,
        timeout: float = 30.0,
        channel: str | None = None,
        thread_id: str | None = None,
        limit: int = 100,
    ) -> list[Message]:
        """The messages, broadcast or to this agent, that no poll with this filter or a wider one has returned yet.

        Each filter (channel, thread, with or without own messages) keeps its own cursor. Polling one channel does not
        take anything from a poll of another channel or of everything; what a poll of everything has returned, a poll
        of one channel does not return again. `bootstrap` puts all cursors at the newest message; a client that
        never called it begins at the first message of the hub, and so does every client after a reset of the hub.

        Args:
            exclude_self: leave out what this agent itself posted.
            timeout: seconds to wait while there is nothing, at most 60; 0 only looks.
            channel: only messages of this channel.
            thread_id: only messages of this thread.
            limit: the most messages to return, at most 500; the rest comes with the next poll.

        Returns:
            The messages in the order of their ids; an empty list when the time is over.
        """
        this = (channel, thread_id, exclude_self)

        def read(*, since_id: int, timeout: float = 0.0) -> list[Message]:
            return self.events(
                channel=channel,
                thread_id=thread_id,
                since_id=since_id,
                limit=limit,
                exclude_self=exclude_self,
                timeout=timeout,
            )

        self._notice_reset()
        try:
            messages = read(since_id=self._cursors.place(this), timeout=timeout)
        except ArcError:
            # A storage that was restored has not come as far as the cursor yet, and its hub says so.
            if not self._notice_reset():
                raise
            messages = read(since_id=0)
        if self._notice_reset():
            messages = read(since_id=0)
        if messages:
            self._cursors.move(this, messages[-1]["id"])
        return messages

    def _notice_reset(self) -> bool:
        """Let all cursors begin again where the hub's storage is no longer the one that they are places in."""
        known, now = self._instance_id, getattr(self._transport, "instance_id", None)
        if now is not None:  # a transport that has no answer yet knows of no reset
            self._instance_id = now
        if known is None or now is None or known == now:
            return False
        self._cursors.move_all(0)
        return True

    def call(
        self,
        to_agent: str,
        body: str,
        *,
        channel: str = "direct",
        timeout: float = 30.0,
        poll_interval: float = 1.0,
        metadata: dict[str, Any] | None = None,
    ) -> Message:
        """Ask another agent: post a `task_request` and wait for the `task_result` that replies to it.

        The result may come directly or as a broadcast. No cursor moves: polls still return it, and all else.

        Args:
            to_agent: who is asked.
            body: the request.
            channel: the label of the request.
            timeout: seconds to wait for the result.
            poll_interval: seconds that one look at the hub waits; a result that comes ends it at once.
            metadata: whatever else belongs to the request.

        Raises:
            ArcError: 408 when there is no result in time.
        """
        give_up_at = time.monotonic() + timeout
        request = self.post(channel, body, kind="task_request", to_agent=to_agent, metadata=metadata)
        seen = request["id"]
        while True:
            left_sec = max(0.0, give_up_at - time.monotonic())
            wait_sec = min(left_sec, max(poll_interval, 0.05))
            messages = self.events(since_id=seen, limit=CALL_PAGE, timeout=wait_sec)
            for message in messages:
                if message["kind"] == "task_result" and message["reply_to"] == request["id"]:
                    return message
                seen = message["id"]
            if left_sec == 0.0 and not messages:
                late = f"RPC to {to_agent} timed out after {timeout}s"
                raise ArcError(late, 408, code="timed_out")
