"""Batches: several tasks opened in one request, with dependencies among them; all of them or none."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from arclog.deciders import fields, secrets
from arclog.deciders.fields import Limits
from arclog.deciders.task_terms import decide_terms, known_dependencies
from arclog.erasure import texts_of
from arclog.errors import DependencyCycle, InvalidInput
from arclog.events import GENERAL_CHANNEL, Handling, JsonObject, MessagePosted, TasksOpened

MAX_TASKS: Final = 500
MAX_DEPENDENCIES_TOGETHER: Final = 2_500
"""All rows of a batch are written in one go, and meanwhile everybody else waits."""


class NewTask(Struct, frozen=True, kw_only=True):
    """One task of a batch.

    `ref` is a name for it within the request, by which others may have it in `depends_on`, or as their `parent`.
    """

    body: str
    ref: str | None = None
    parent: int | str | None = None
    depends_on: list[int | str] | None = None
    assignee: str | None = None
    priority: int | None = None
    needs: list[str] | None = None
    not_before: str | None = None
    max_attempts: int | None = None
    metadata: JsonObject | None = None


class OpenTasks(Struct, frozen=True, kw_only=True):
    """Open several tasks."""

    sender_field: ClassVar[str | None] = "agent_id"

    agent_id: str
    tasks: list[NewTask]
    channel: str | None = None
    thread_id: str | None = None
    allow_secret: bool = False

    @property
    def room(self) -> str:
        """The channel in which they are announced."""
        return (self.channel or "").strip() or GENERAL_CHANNEL

    @property
    def named(self) -> set[int]:
        """The tasks outside of the batch that it names."""
        names: set[int] = set()
        for task in self.tasks:
            names.update(one for one in (task.parent, *(task.depends_on or ())) if isinstance(one, int))
        return names


class Opening(Struct, frozen=True):
    """What is known when a batch is opened.

    Attributes:
        first_id: the id that its first task gets.
        known: those of the tasks which it names that there are.
        outside: what the tasks outside of the batch wait for, which the batch's tasks depend on.
        channel_exists: whether its channel is there.
        limits: how much a message may hold.
    """

    first_id: int
    known: frozenset[int]
    outside: Mapping[int, tuple[int, ...]] = {}
    channel_exists: bool = True
    limits: Limits = Limits()


def check_size(command: OpenTasks) -> None:
    """Refuse a batch that is too large, before any task that it names is looked up.

    Raises:
        InvalidInput: it is.
    """
    fields.check_count("tasks", command.tasks, 1, MAX_TASKS, "tasks")
    count = sum(len(task.depends_on or ()) for task in command.tasks)
    if count > MAX_DEPENDENCIES_TOGETHER:
        most = f"at most {MAX_DEPENDENCIES_TOGETHER} dependencies together"
        raise InvalidInput("tasks", f"must have {most}, not {count}: open them in parts")


def decide_open(state: Opening, command: OpenTasks, now: int) -> TasksOpened:
    """Open all the tasks, or say what about one of them cannot be.

    Raises:
        InvalidInput: one of them is no task.
        DependencyCycle: one of them would wait for itself.
    """
    agent_id = fields.agent("agent_id", command.agent_id)
    channel = fields.required_id("channel", command.room)
    thread_id = fields.optional_id("thread_id", command.thread_id)
    check_size(command)
    if not state.channel_exists:
        raise InvalidInput("channel", f"{channel!r} does not exist", advice="create_channel")
    ids = _ids(state, command.tasks)
    known = state.known | frozenset(ids.values())
    messages: list[MessagePosted] = []
    waits: dict[int, list[int]] = {task_id: list(others) for task_id, others in state.outside.items()}
    parents: dict[int, int] = {}
    for place, task in enumerate(command.tasks):
        field = f"tasks[{place}]"
        if not task.body or len(task.body) > state.limits.max_body_chars:
            raise InvalidInput(f"{field}.body", f"must be 1 to {state.limits.max_body_chars} characters")
        own_id = state.first_id + place
        depends_on = known_dependencies(
            [_resolve(f"{field}.depends_on", one, ids) for one in task.depends_on or ()], known
        )
        parent = None if task.parent is None else _resolve(f"{field}.parent", task.parent, ids)
        if parent is not None and parent not in state.known and not state.first_id <= parent < own_id:
            raise InvalidInput(f"{field}.parent", f"must be a known task, or one before it, not {task.parent!r}")
        waits.setdefault(own_id, []).extend(depends_on)
        if parent is not None:
            parents[own_id] = parent
            waits.setdefault(parent, []).append(own_id)
        posted = MessagePosted(
            from_agent=agent_id,
            channel=channel,
            kind="task",
            body=task.body,
            thread_id=thread_id,
            metadata=fields.metadata(task.metadata),
            parent_task_id=parent,
            task=decide_terms(task, depends_on, None),
        )
        if secrets.check(field, texts_of(posted), "off" if command.allow_secret else state.limits.secrets):
            posted = replace(posted, handling=Handling(looks_like_a_secret=True))
        messages.append(posted)
    _check_order(waits, parents)
    return TasksOpened(opened_by=agent_id, messages=tuple(messages))


def _check_order(waits: dict[int, list[int]], parents: dict[int, int]) -> None:
    """Refuse tasks that would wait for each other; a child waits for what its ancestors depend on, too."""
    graph = {task_id: set(others) for task_id, others in waits.items()}
    depends = {task_id: {one for one in others if parents.get(one) != task_id} for task_id, others in waits.items()}
    for task_id, parent in parents.items():
        above: int | None = parent
        while above is not None:
            graph[task_id] |= depends.get(above, set())
            above = parents.get(above)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        # The circle is given from what is waited for to what waits.
        raise DependencyCycle(tuple(reversed(found.args[1]))) from None


def _ids(state: Opening, tasks: Iterable[NewTask]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for place, task in enumerate(tasks):
        if task.ref is not None:
            ref = fields.required_id(f"tasks[{place}].ref", task.ref)
            if ref in ids:
                raise InvalidInput(f"tasks[{place}].ref", f"{ref!r} is the name of another task already")
            ids[ref] = state.first_id + place
    return ids


def _resolve(field: str, name: int | str, ids: dict[str, int]) -> int:
    if isinstance(name, int):
        return name
    found = ids.get(name.strip())
    if found is None:
        raise InvalidInput(field, f"names {name!r}, but no task in this request has that ref")
    return found
