"""The rows of tasks, and how an event changes them.

A row tells by numbers how many of its children and dependencies are not over yet, so what may be ready is found by an
index. Which tasks those numbers belong to when one is over is found from `task_dependents`.
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from arclog.codec import Fact
from arclog.deciders.tasks import TaskState
from arclog.sqlite.queries import Queries
from projections.projector import Writer
from projections.versions import Version, Versioned


class TaskRow(Struct, frozen=True, gc=False):
    """What a row says; times in microseconds, lists as JSON."""

    task_id: int
    parent_task_id: int | None
    channel: str
    thread_id: str | None
    kind: str
    state: TaskState
    created_at: int
    completed_at: int | None
    ended_by: int | None
    opener: str
    assignee: str | None
    priority: int
    not_before: int | None
    max_attempts: int
    attempts: int
    claimed_by: str | None
    claimed_until: int | None
    claim_token: int | None
    is_counted: int
    open_children: int
    open_dependencies: int
    ready_since: int
    deadline: int | None
    default_answer: str | None
    is_question: int
    title: str
    depends_on: str
    needs: str
    options: str

    def holder(self, now: int) -> str | None:
        """Who has the lease on it."""
        return self.claimed_by if self.claimed_until is not None and self.claimed_until >= now else None


class Dependent(Struct, frozen=True, gc=False):
    """Another task that depends on a task."""

    place: str
    task_id: int
    dependent_id: int
    number: int


VERSIONS: Final = Versioned("tasks", TaskRow)
DEPENDENTS: Final = Versioned("task_dependents", Dependent)
SQL: Final = Queries("projections", "tasks.sql", VERSIONS.parts)
DEPENDENTS_SQL: Final = Queries("projections", "dependents.sql", DEPENDENTS.parts)


class TaskChanges:
    """The tasks that one event changes: each gets one new version, however often it is touched."""

    def __init__(self, writer: Writer, event: Fact) -> None:
        self._writer = writer
        self._event = event
        self._rows: dict[int, TaskRow] = {}

    def find(self, task_id: int) -> TaskRow | None:
        """A task as the event leaves it so far."""
        if task_id in self._rows:
            return self._rows[task_id]
        current = self._writer.find(VERSIONS, task_id)
        return None if current is None else current.row

    def set(self, row: TaskRow, **changed: Any) -> TaskRow:  # noqa: ANN401 - columns of any type
        """Change some columns of a task, and give it as it is then."""
        row = self._rows[row.task_id] = replace(row, **changed)
        return row

    def write(self) -> None:
        """Write all that was changed."""
        for task_id, row in self._rows.items():
            self._writer.replace(VERSIONS, task_id, Version(self._event.event_id, row))

    def end(self, task_id: int, state: TaskState, at: int, freed: int | None = None) -> None:
        """A task is over; those that wait for it wait for one less."""
        row = self.find(task_id)
        if row is not None and row.state == "failed" and state == "cancelled":  # it was over before, for all others
            self.set(row, state=state, completed_at=at, ended_by=self._event.event_id)
            return
        if row is None or row.state != "open":
            return
        row = self.set(row, state=state, completed_at=at, ended_by=self._event.event_id)
        if freed is not None and row.claim_token == freed:
            self.free(row)
        if row.parent_task_id is not None:
            self._count(row.parent_task_id, at, children=-1)
        if state == "done":
            for dependent_id in self._dependents(task_id):
                self._count(dependent_id, at, dependencies=-1)

    def reopen(self, task_id: int, at: int) -> None:
        """A task that was over is open again, and waited for again."""
        row = self.find(task_id)
        if row is None or row.state == "open":
            return
        was_done = row.state == "done"
        since = max(at, row.not_before or 0)
        row = self.set(row, state="open", completed_at=None, ended_by=None, attempts=0, ready_since=since)
        self.free(row)
        if row.parent_task_id is not None:
            self._count(row.parent_task_id, at, children=1)
        if was_done:
            for dependent_id in self._dependents(task_id):
                self._count(dependent_id, at, dependencies=1)

    def free(self, row: TaskRow, **changed: Any) -> TaskRow:  # noqa: ANN401 - columns of any type
        """Nobody has the lease on a task any more."""
        return self.set(row, claimed_by=None, claimed_until=None, claim_token=None, is_counted=0, **changed)

    def depend(self, task_id: int, on: int) -> int:
        """A task depends on another from now on.

        Returns:
            How many more it waits for: 1, or 0 where the other is done.
        """
        number = self._writer.count(DEPENDENTS_SQL["find_last"], on)
        place = f"{on}/{number}"
        self._writer.add(DEPENDENTS, place, Version(self._event.event_id, Dependent(place, on, task_id, number)))
        other = self.find(on)
        return 0 if other is not None and other.state == "done" else 1

    def _dependents(self, task_id: int) -> Iterator[int]:
        number = 1
        while (found := self._writer.find(DEPENDENTS, f"{task_id}/{number}")) is not None:
            yield found.row.dependent_id
            number += 1

    def _count(self, task_id: int, at: int, children: int = 0, dependencies: int = 0) -> None:
        row = self.find(task_id)
        if row is None:
            return
        open_children, open_dependencies = row.open_children + children, row.open_dependencies + dependencies
        since = row.ready_since
        if not open_children and not open_dependencies:
            since = max(at, row.not_before or 0)
        self.set(row, open_children=open_children, open_dependencies=open_dependencies, ready_since=since)

    def count_child(self, parent_id: int, at: int) -> None:
        """A task has one more child that is open."""
        self._count(parent_id, at, children=1)
