"""What time does to tasks: leases that the hub gave lapse, tasks are given up, questions are answered by default.

Settled first in each batch, on whichever hub, and by itself when nobody calls. In between only one number is looked at:
when the next thing is due.
"""

from collections.abc import Callable
from typing import Final

from arclog.deciders import tasks as task_rules
from arclog.events import Event, Notice, TaskCompleted, TaskLapsed
from arclog.sqlite.snapshot import Snapshot
from projections import tasks
from projections.hub.context import Context
from projections.hub.due import Due
from projections.hub.task_handlers import read_failing
from projections.intervals import live
from projections.readiness import find_next_due
from projections.task_rows import TaskRow

Append = Callable[[Event], object]

MOST: Final = 200
"""Tasks of which something becomes in one transaction at most; the rest follows with the next."""


class TaskClock(Due):
    """What is due, as one hub sees it."""

    def __init__(self) -> None:
        super().__init__(lambda snapshot: snapshot.read(find_next_due))

    def settle(self, context: Context, now: int, append: Append) -> None:
        """Do what is due.

        Args:
            context: what it is judged against, in the writer's transaction.
            now: the transaction's time.
            append: takes each event that follows.
        """
        if not self.prepare(context.snapshot, now):
            return
        snapshot, at = context.snapshot, live(now)
        for row in _some(snapshot, "list_lapsed", now):
            lapsed = TaskLapsed(
                task_id=row.task_id,
                agent_id=row.claimed_by or "",
                freed_token=row.claim_token or 0,
                attempt=row.attempts + 1,
            )
            append(lapsed)
        for row in _some(snapshot, "list_exhausted", now):
            append(task_rules.decide_give_up(read_failing(context, row.task_id, at), now))
        for row in _some(snapshot, "list_unanswered", now):
            append(_by_default(row))
        self.prepare(snapshot, now)


def _by_default(row: TaskRow) -> TaskCompleted:
    told = f"Nobody answered question {row.task_id} of {row.opener} in time; the default counts: {row.default_answer}"
    return TaskCompleted(
        task_id=row.task_id,
        thread_id=row.thread_id,
        answer=row.default_answer,
        notice=Notice(
            body=told,
            channel=row.channel,
            thread_id=row.thread_id,
            reply_to=row.task_id,
            metadata={"question": row.task_id, "answer": row.default_answer, "by_default": True},
        ),
    )


def _some(snapshot: Snapshot, query: str, now: int) -> list[TaskRow]:
    found = iter(snapshot.read(tasks.read_rows, query, {"now": now}))
    return [row for row, _place in zip(found, range(MOST), strict=False)]
