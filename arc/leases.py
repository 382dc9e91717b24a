"""Claims and locks, as an agent asks for them: at once or in their turn, held, handed over, given back."""

from __future__ import annotations

import time

from arc.errors import ArcError
from arc.reader import WAIT_GRACE_SEC, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from arc.shapes import Claim, Lock

LONGEST_CALL_SEC = 50.0
"""How long one call waits at most; to wait longer, call again: the place is kept."""


class Leases(Reader):
    """What `ArcClient` does with claims and locks."""

    # Claims ---------------------------------------------------------------------------------------------------------

    def claim(
        self,
        claim_key: str,
        *,
        thread_id: str | None = None,
        task_message_id: int | None = None,
        ttl_sec: int = 300,
        metadata: dict[str, Any] | None = None,
        wait_sec: float = 0.0,
    ) -> Claim:
        """Ask for a claim. It is this agent's if `owner_agent_id` in the answer says so; else that is who holds it.

        Args:
            claim_key: the name of the work.
            thread_id: the thread that it belongs to.
            task_message_id: the message that describes it.
            ttl_sec: seconds until it lapses, at least 5; asking again extends it.
            metadata: whatever else belongs to it.
            wait_sec: seconds to wait for it where another has it.

        Raises:
            ArcError: 409 `deadlock` where waiting would be one.
        """
        required = {"owner_agent_id": self.agent_id, "claim_key": claim_key, "ttl_sec": ttl_sec}
        fields = {"thread_id": thread_id, "task_message_id": task_message_id, "metadata": metadata}
        claim: Claim = self.ask("claims", required, fields, wait_sec)["result"]
        return claim

    def refresh_claim(self, claim_key: str, ttl_sec: int = 300, *, fencing_token: int | None = None) -> Claim:
        """Let a claim of this agent last `ttl_sec` seconds from now.

        Raises:
            ArcError: 404 when it is not this agent's, or lapsed; 409 when it is not held under `fencing_token`.
        """
        required = {"claim_key": claim_key, "owner_agent_id": self.agent_id, "ttl_sec": ttl_sec}
        claim: Claim = self._change("claims/refresh", required, {"fencing_token": fencing_token})
        return claim

    def release(self, claim_key: str, *, fencing_token: int | None = None) -> Claim:
        """Give up a claim of this agent; the errors are those of `refresh_claim`."""
        required = {"claim_key": claim_key, "agent_id": self.agent_id}
        claim: Claim = self._change("claims/release", required, {"fencing_token": fencing_token})
        return claim

    def hand_over_claim(self, claim_key: str, to_agent: str) -> Claim:
        """Give a claim of this agent to another, with no moment in between at which it is free."""
        required = {"claim_key": claim_key, "agent_id": self.agent_id, "to_agent_id": to_agent}
        claim: Claim = self._change("claims/handover", required)
        return claim

    # Locks ----------------------------------------------------------------------------------------------------------

    def lock(
        self,
        file_path: str | None = None,
        ttl_sec: int = 300,
        metadata: dict[str, Any] | None = None,
        *,
        paths: list[str] | None = None,
        mode: Literal["exclusive", "shared"] = "exclusive",
        wait_sec: float = 0.0,
    ) -> Lock:
        """Ask for a lock. It is this agent's if `agent_id` in the answer says so; else that is who is in the way.

        Args:
            file_path: a file, a folder, or a pattern such as `src/**`, from the top of the repository or in full.
            ttl_sec: seconds until it lapses, at least 5; asking again extends it.
            metadata: whatever else belongs to it; `thread_id` in it names its thread.
            paths: several of them instead, all or none; the answer is the lock on the first.
            mode: `shared` goes together with other shared locks.
            wait_sec: seconds to wait for it where another has it.

        Raises:
            ArcError: 409 `deadlock` where waiting would be one.
        """
        required: dict[str, Any] = {"agent_id": self.agent_id, "ttl_sec": ttl_sec}
        fields = {"file_path": file_path, "paths": paths, "metadata": metadata}
        fields["mode"] = None if mode == "exclusive" else mode
        lock: Lock = self.ask("locks", required, fields, wait_sec)["result"]
        return lock

    def refresh_lock(
        self, file_path: str | None = None, ttl_sec: int = 300, *, fencing_token: int | None = None
    ) -> Lock:
        """Let a lock of this agent last `ttl_sec` seconds from now; by token alone, all that was granted with it.

        Raises:
            ArcError: 404 when it is not this agent's, or lapsed; 409 when it is not held under `fencing_token`.
        """
        required = {"agent_id": self.agent_id, "ttl_sec": ttl_sec}
        fields = {"file_path": file_path, "fencing_token": fencing_token}
        lock: Lock = self._change("locks/refresh", required, fields)
        return lock

    def unlock(self, file_path: str | None = None, *, fencing_token: int | None = None) -> Lock:
        """Give up a lock of this agent; the errors are those of `refresh_lock`."""
        fields = {"file_path": file_path, "fencing_token": fencing_token}
        lock: Lock = self._change("locks/release", {"agent_id": self.agent_id}, fields)
        return lock

    def hand_over_lock(self, file_path: str, to_agent: str) -> Lock:
        """Give a lock of this agent to another, with no moment in between at which it is free."""
        required = {"agent_id": self.agent_id, "to_agent_id": to_agent, "file_path": file_path}
        lock: Lock = self._change("locks/handover", required)
        return lock

    def ask(self, noun: str, required: dict[str, Any], fields: dict[str, Any], wait_sec: float) -> dict[str, Any]:
        """Ask for a claim or a lock, and wait for it over as many calls as it takes.

        When the time is over, the place in the queue is given up, so that nobody waits for one that does not.

        Args:
            noun: `claims` or `locks`.
            required: fields of the request.
            fields: further fields; what is None is left out.
            wait_sec: seconds to wait.

        Returns:
            The hub's whole envelope: `acquired` says whether this agent has it, `result` is the lease or what is in
            its way; beside them stand `place`, `position` and `ahead` when it waited in vain, and `locks` for several
            paths.

        Raises:
            ArcError: the hub refused.
        """
        body = required | {name: value for name, value in fields.items() if value is not None}
        give_up_at = time.monotonic() + wait_sec
        while True:
            left_sec = max(0.0, give_up_at - time.monotonic())
            step_sec = min(left_sec, LONGEST_CALL_SEC)
            longer = max(self.timeout, step_sec + WAIT_GRACE_SEC) if step_sec else None
            asked = {**body, "wait_sec": step_sec} if step_sec else body
            envelope = self._call("POST", f"/v1/{noun}", asked, timeout_override=longer)
            if envelope.get("acquired") or "place" not in envelope:
                return envelope
            if step_sec >= left_sec:
                self._leave(noun, envelope["place"])
                return envelope

    def change(self, route: str, body: dict[str, Any]) -> Any:  # noqa: ANN401 - as the route has it
        """The result of a change, such as `locks/release`; the fields are the route's own."""
        return self._change(route, body)

    def _leave(self, noun: str, place: int) -> None:
        try:
            self._change(f"{noun}/leave", {"agent_id": self.agent_id, "place": place})
        except ArcError:
            pass  # it was over already
