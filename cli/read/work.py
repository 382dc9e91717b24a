"""What the commands that read tasks ask for and show: a tree that a person can read."""

from __future__ import annotations

from cli.options import count, cursor
from cli.read.view import Parameter, View, field, second

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from cli.read.view import Row

MARKS: Final = {"open": "○", "claimed": "◐", "done": "●", "failed": "✗", "cancelled": "◌"}
MAX_DEPTH: Final = 20


def _who(row: Row) -> object:
    if row.get("claimed_by"):
        return row["claimed_by"]
    return f"for {row['assignee']}" if row.get("assignee") else None


def _since(row: Row) -> object:
    return second("completed_at" if row["completed_at"] else "created_at")(row)


def _waits(row: Row) -> object:
    """What it waits for: its reasons where they were asked for, else what it depends on."""
    if row.get("not_ready"):
        return "; ".join(row["not_ready"])
    if row["status"] != "open" or not row.get("waits_for"):
        return None
    tasks = row.get("open_dependencies") or []
    parts = row["waits_for"] - len(tasks)
    said = [f"task {task_id}" for task_id in tasks]
    return ", ".join([*said, f"{parts} part{'s' if parts > 1 else ''} of it"] if parts > 0 else said)


def _title(row: Row) -> object:
    state = row.get("state", row["status"])
    return f"{'  ' * row.get('depth', 0)}{MARKS.get(str(state), str(state))} {row.get('title') or ''}"


COLUMNS: Final = (
    ("task", field("task_id")),
    ("title", _title),
    ("state", lambda row: row.get("state", row["status"])),
    ("who", _who),
    ("priority", lambda row: row.get("priority")),
    ("since", _since),
    ("waits for", _waits),
)


class TaskTree(View):
    """A list of tasks, in which the parts of a task stand below it."""

    def print_rows(self, rows: Sequence[Row]) -> None:
        """Print the tasks as a tree."""
        super().print_rows(list(as_tree(rows)))


def as_tree(rows: Sequence[Row]) -> Iterator[Row]:
    """The rows in the order of a tree, what has no parent among them at the top.

    Each has its `depth`, and as `open_dependencies` what it depends on that is not done, as far as that is among them.
    """
    known = {row["task_id"]: row.get("state", row["status"]) for row in rows}
    below: dict[Any, list[Row]] = {}
    for row in rows:
        below.setdefault(row["parent_task_id"] if row["parent_task_id"] in known else None, []).append(row)
    waiting = [(row, 0) for row in reversed(below.get(None, []))]
    while waiting:
        row, depth = waiting.pop()
        before = [one for one in row.get("depends_on") or [] if known.get(one, "done") != "done"]
        yield {**row, "depth": min(depth, MAX_DEPTH), "open_dependencies": before}
        waiting += ((child, depth + 1) for child in reversed(below.get(row["task_id"], [])))


class One(View):
    """One thing, a line for each of its fields."""

    def print_rows(self, rows: Any) -> None:  # noqa: ANN401 - decoded JSON
        """Print the fields that say something."""
        from cli.tables import print_line

        for name, value in rows.items():
            if value not in (None, [], ""):
                shown = ", ".join(map(str, value)) if isinstance(value, list) else value
                print_line(f"{name.replace('_', ' '):<15}{shown}")


class Text(View):
    """A text that the hub has made."""

    def print_rows(self, rows: Any) -> None:  # noqa: ANN401 - decoded JSON
        """Print it line by line."""
        from cli.tables import printable

        for line in rows["text"].splitlines():
            print(printable(line))


class Ready(View):
    """What is ready, in the order in which it is given."""

    def implied(self, asked: dict[str, Any]) -> dict[str, object]:
        """Only what is ready."""
        return {"ready": True}


TASKS: Final = TaskTree(
    "/v1/tasks",
    COLUMNS,
    parameters=(
        Parameter("--status", into="status", choices=("open", "done"), help="only open tasks, or only finished ones"),
        Parameter(
            "--state", into="state", choices=("open", "done", "failed", "cancelled"), help="only tasks in this state"
        ),
        Parameter("--parent-id", into="parent_id", type=count, metavar="N", help="only children of this task"),
        Parameter("--channel", into="channel", help="only of this channel"),
        Parameter("--thread-id", into="thread_id", metavar="ID", help="only of this thread"),
        Parameter("--explain", into="explain", action="store_true", help="all open tasks, and why they wait"),
    ),
    key="task_id",
)

READY: Final = Ready(
    "/v1/tasks",
    COLUMNS,
    parameters=(
        Parameter("--agent", into="agent_id", metavar="ID", help="for this agent (for one with every capability)"),
    ),
    key="task_id",
)

TASK: Final = One(
    "/v1/tasks/{task}",
    COLUMNS,
    parameters=(Parameter("task", type=count, metavar="TASK", help="the task's id"),),
)

DIGEST: Final = Text(
    "/v1/digest",
    (),
    parameters=(
        Parameter("agent", into="agent_id", metavar="AGENT", help="who was away"),
        Parameter(
            "--since", into="since", type=cursor, metavar="N", help="after this event (the agent's own last one)"
        ),
        Parameter("--max-chars", into="max_chars", type=count, metavar="N", help="how long it may be (800)"),
    ),
)
