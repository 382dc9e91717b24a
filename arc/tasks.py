"""An agent's side of work: tasks that it opens, takes, and brings to an end."""

from __future__ import annotations

from arc.reader import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from arc.shapes import Claim, Message, NewTask, Picked, Task


class Work(Reader):
    """The calls about tasks; `ArcClient` has them all."""

    def add_task(
        self,
        body: str,
        *,
        channel: str = "general",
        thread_id: str | None = None,
        parent_task_id: int | None = None,
        assignee: str | None = None,
        priority: int | None = None,
        depends_on: list[int] | None = None,
        needs: list[str] | None = None,
        not_before: str | None = None,
        max_attempts: int | None = None,
    ) -> Message:
        """Open a task by the message that describes it; its first line is the title, its `id` that of the task.

        Args:
            body: what is to be done.
            channel: where it is announced.
            thread_id: the thread that it belongs to.
            parent_task_id: the task that it is part of.
            assignee: the only agent that is to do it.
            priority: from 0, the highest, to 4; 2 unless given.
            depends_on: tasks that must be done before.
            needs: capabilities that an agent must have to do it.
            not_before: a time such as `2026-11-22T12:00:00Z`, before which it is not ready.
            max_attempts: how many of its leases may lapse before it has failed; 3 unless given.
        """
        terms: dict[str, Any] = {"thread_id": thread_id, "parent_task_id": parent_task_id, "assignee": assignee}
        terms |= {"priority": priority, "depends_on": depends_on, "needs": needs, "not_before": not_before}
        terms["max_attempts"] = max_attempts
        required = {"from_agent": self.agent_id, "channel": channel, "kind": "task", "body": body}
        message: Message = self._change("messages", required, terms)
        return message

    def open_tasks(
        self, tasks: list[NewTask], *, channel: str | None = None, thread_id: str | None = None
    ) -> list[Task]:
        """Open several tasks in one request, all of them or none.

        Args:
            tasks: what `add_task` takes for each, as dicts with a `body`; a `ref` in one names it for the `depends_on`
                and the `parent` of others.
            channel: where they are announced.
            thread_id: the thread that they belong to.
        """
        required = {"agent_id": self.agent_id, "tasks": tasks}
        opened: list[Task] = self._change("tasks", required, {"channel": channel, "thread_id": thread_id})
        return opened

    def next_task(
        self,
        *,
        wait_sec: float = 0.0,
        ttl_sec: float = 300,
        capabilities: list[str] | None = None,
        thread_id: str | None = None,
    ) -> Picked | None:
        """Take the next task that is ready for this agent, with the lease on it; None when there is none.

        Args:
            wait_sec: seconds to wait for one, at most 60.
            ttl_sec: seconds until the lease lapses, which counts as an attempt; `refresh_claim` of `task-<id>` prolongs
                it.
            capabilities: what this agent can; those of its session, unless given.
            thread_id: only tasks of this thread.
        """
        fields = {"wait_sec": wait_sec or None, "capabilities": capabilities, "thread_id": thread_id}
        required = {"agent_id": self.agent_id, "ttl_sec": ttl_sec}
        picked: Picked | None = self._change("tasks/next", required, fields, wait_sec=wait_sec)
        return picked

    def get_task(self, task_id: int) -> Task:
        """One task, with `not_ready`: why it is not ready for anybody."""
        task: Task = self._read(f"tasks/{int(task_id)}")
        return task

    def complete_task(self, task_id: int, *, fencing_token: int | None = None) -> Task:
        """Complete a task, and with it its parent when no other child is open. A done task is returned as it is.

        Args:
            task_id: the task.
            fencing_token: that of the lease on it; then 409 when that lease is over.
        """
        return self._decide(task_id, "complete", fencing_token=fencing_token)

    def fail_task(self, task_id: int, reason: str = "", *, fencing_token: int | None = None) -> Task:
        """Say that a task cannot be done; who opened it is told."""
        return self._decide(task_id, "fail", reason=reason, fencing_token=fencing_token)

    def cancel_task(self, task_id: int, reason: str = "") -> Task:
        """Say that a task need not be done any more; its holder is told."""
        return self._decide(task_id, "cancel", reason=reason)

    def reopen_task(self, task_id: int, reason: str = "") -> Task:
        """Open a finished task again."""
        return self._decide(task_id, "reopen", reason=reason)

    def assign_task(self, task_id: int, assignee: str | None) -> Task:
        """Say which agent alone is to do a task; with None, anybody may."""
        return self._decide(task_id, "assign", assignee=assignee)

    def hand_over_task(self, task_id: int, to_agent: str, *, fencing_token: int | None = None) -> Claim:
        """Give a task that this agent has to another, with no moment in between at which it is free.

        Returns:
            The lease on it, the other agent's.
        """
        required = {"agent_id": self.agent_id, "to_agent_id": to_agent}
        claim: Claim = self._change(f"tasks/{int(task_id)}/handover", required, {"fencing_token": fencing_token})
        return claim

    def _decide(self, task_id: int, deed: str, **said: Any) -> Task:  # noqa: ANN401 - fields of the body
        task: Task = self._change(f"tasks/{int(task_id)}/{deed}", {"agent_id": self.agent_id}, said)
        return task
