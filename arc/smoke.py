"""The smoke test: three agents, over HTTP or a relay, that see and answer each other.

    smoke-a   opens the room, posts a task in the thread, waits for b's artifact and c's decision, says that it passed
    smoke-b   waits for the task, claims it, posts the artifact, releases, waits for c's decision, confirms
    smoke-c   waits for the task and the artifact, looks at the claims, posts the decision

The roles may run in any order, on both sides of a sandbox's wall, and beside the same roles of Arc 0.1.1.
"""

from __future__ import annotations

import time

from arc.client import ArcClient
from arc.defaults import SPOOL_DIR
from arc.errors import ArcError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from arc.shapes import Message

PAGE = 500
VERDICT = "verified"
INBOX_LOOK_SEC = 0.05


class SmokeError(RuntimeError):
    """The smoke test failed; the text says where."""


class _Room:
    """What one role sees and does in the thread of the smoke test."""

    task = "task"
    """The kind of the first message."""

    def __init__(
        self, client: ArcClient, channel: str, thread_id: str, claim_key: str, *, timeout_sec: float, look_sec: float
    ) -> None:
        self.client = client
        self.channel = channel
        self.thread_id = thread_id
        self.claim_key = claim_key
        self._give_up_at = time.monotonic() + timeout_sec
        self._look_sec = look_sec
        self._messages: list[Message] = []
        self._reached = 0

    def open(self) -> None:
        """Make the room."""
        self.client.create_channel(self.channel)

    def say(self, kind: str, body: str) -> int:
        """Tell the others something; the id of the message."""
        return self.client.post(self.channel, body, kind=kind, thread_id=self.thread_id)["id"]

    def finish(self, task_id: int) -> None:
        """Leave nothing to be done."""
        self.client.complete_task(task_id)

    def claim(self) -> str:
        """Claim the work; who has it."""
        return self.client.claim(self.claim_key, thread_id=self.thread_id)["owner_agent_id"]

    def owners(self) -> list[str]:
        """Who has claimed what there is to do."""
        return [claim["owner_agent_id"] for claim in self.client.claims(thread_id=self.thread_id)]

    def wait_for(self, *wanted: tuple[str, str, str]) -> None:
        """Wait until each wanted message is there: sender, kind, and a part of the body."""
        while not all(any(_is(message, one) for message in self._messages) for one in wanted):
            left_sec = self._give_up_at - time.monotonic()
            if left_sec <= 0:
                message = f"timed out waiting for messages on thread {self.thread_id}"
                raise SmokeError(message)
            said = self._listen(min(left_sec, self._look_sec))
            self._reached = said[-1]["id"] if said else self._reached
            self._messages += [message for message in said if self._belongs(message)]

    def _listen(self, timeout_sec: float) -> list[Message]:
        """What was said since."""
        return self.client.messages(thread_id=self.thread_id, since_id=self._reached, limit=PAGE, timeout=timeout_sec)

    def _belongs(self, message: Message) -> bool:
        """Whether a message is part of this meeting."""
        return True


class _Aside(_Room):
    """The same by direct messages: no room, no thread and no task is left that others would see."""

    task = "chat"

    def open(self) -> None:
        """There is nothing to be made."""

    def say(self, kind: str, body: str) -> int:
        about, message_id = {"meeting": self.thread_id}, 0
        for other in sorted(_ROLES.keys() - {self.client.agent_id}):
            message_id = self.client.dm(other, body, kind=kind, metadata=about)["id"]
        return message_id

    def finish(self, task_id: int) -> None:
        """Nothing is left to be done."""

    def claim(self) -> str:
        return self.client.claim(self.claim_key)["owner_agent_id"]

    def owners(self) -> list[str]:
        return [one["owner_agent_id"] for one in self.client.claims() if one["claim_key"] == self.claim_key]

    def _listen(self, timeout_sec: float) -> list[Message]:
        said = self.client.inbox(since_id=self._reached, limit=PAGE)
        if not said:
            time.sleep(min(timeout_sec, INBOX_LOOK_SEC))
        return said

    def _belongs(self, message: Message) -> bool:
        return message["metadata"].get("meeting") == self.thread_id


def run_smoke_agent(
    *,
    role: str,
    transport_name: str,
    base_url: str | None = None,
    relay_dir: str | Path = SPOOL_DIR,
    channel: str = "smoke-room",
    thread_id: str = "smoke-relay-001",
    claim_key: str = "smoke-claim-001",
    timeout_sec: float = 120.0,
    poll_interval_sec: float = 1.0,
    aside: bool = False,
) -> int:
    """Play one role of the smoke test to its end.

    Args:
        role: `smoke-a`, `smoke-b` or `smoke-c`; also the agent's id.
        transport_name: `http` or `relay`.
        base_url: where the hub listens, for `http`.
        relay_dir: the spool, for `relay`.
        channel: the room.
        thread_id: the thread in it; a new one for each run.
        claim_key: what b claims.
        timeout_sec: seconds to wait for the others.
        poll_interval_sec: seconds that one look at the hub waits.
        aside: whether the three meet by direct messages, which leaves no room, thread or task. Then all three
            must do so.

    Returns:
        0.

    Raises:
        SmokeError: the role or transport is unknown, the hub refused, or the others did not come in time.
    """
    play = _ROLES.get(role)
    if play is None:
        message = f"unknown role: {role}"
        raise SmokeError(message)
    if transport_name not in {"http", "relay"}:
        message = f"unknown transport: {transport_name}"
        raise SmokeError(message)
    step = "open session"
    try:
        over_relay = transport_name == "relay"
        answer_within_sec = min(timeout_sec, 30.0)
        client = (
            ArcClient.over_relay(role, relay_dir, timeout=answer_within_sec)
            if over_relay
            else ArcClient(role, base_url, timeout=answer_within_sec)
        )
        with client:
            client.register()
            step = "smoke test"
            kind = _Aside if aside else _Room
            room = kind(client, channel, thread_id, claim_key, timeout_sec=timeout_sec, look_sec=poll_interval_sec)
            play(room, transport_name)
    except ArcError as refused:
        message = f"{step} failed: {refused}"
        raise SmokeError(message) from refused
    return 0


def _play_a(room: _Room, transport_name: str) -> None:
    room.open()
    task_id = room.say(room.task, "smoke task from smoke-a")
    room.wait_for(("smoke-b", "artifact", ""), ("smoke-c", "notice", VERDICT))
    room.finish(task_id)
    room.say("notice", "smoke-a saw both agents: the smoke test passed")


def _play_b(room: _Room, transport_name: str) -> None:
    room.wait_for(("smoke-a", room.task, ""))
    owner = room.claim()
    if owner != room.client.agent_id:
        message = f"claim {room.claim_key} is held by {owner}: use another claim key, or wait"
        raise SmokeError(message)
    room.say("artifact", f"smoke-b reached the hub over {transport_name}")
    room.client.release(room.claim_key)
    room.wait_for(("smoke-c", "notice", VERDICT))
    room.say("notice", f"smoke-b confirms: {transport_name} works")


def _play_c(room: _Room, transport_name: str) -> None:
    room.wait_for(("smoke-a", room.task, ""), ("smoke-b", "artifact", ""))
    owners = ", ".join(room.owners()) or "nobody"
    room.say("notice", f"smoke-c {VERDICT} what both others posted (claimed by {owners})")


_ROLES: dict[str, Callable[[_Room, str], None]] = {"smoke-a": _play_a, "smoke-b": _play_b, "smoke-c": _play_c}


def _is(message: Message, wanted: tuple[str, str, str]) -> bool:
    sender, kind, part = wanted
    return message["from_agent"] == sender and message["kind"] == kind and part in message["body"]
