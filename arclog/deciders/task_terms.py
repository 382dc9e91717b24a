"""What may be said of a task when it is opened: who is to do it, when, after what, and how often."""

from collections.abc import Callable, Iterable, Sequence, Sized
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from msgspec import Struct

from arclog.deciders import fields
from arclog.errors import DependencyCycle, InvalidInput
from arclog.events import TaskTerms
from arclog.events.messages import HUMAN
from arclog.limits import MICROSECONDS

MAX_PRIORITY: Final = 4
PRIORITY: Final = 2
MAX_DEPENDENCIES: Final = 1_000
MAX_NEEDS: Final = 32
MAX_OPTIONS: Final = 20
MAX_OPTION_CHARS: Final = 200
MAX_ATTEMPTS: Final = 1_000
ATTEMPTS: Final = 3
"""How many of its leases may lapse before a task has failed, unless it says otherwise."""
MAX_DEADLINE_SEC: Final = 365 * 86_400
_PERSON: Final = frozenset({HUMAN, f"@{HUMAN}"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_human(name: str) -> bool:
    """Whether a name is that of the person who answers questions."""
    return name in _PERSON


class AskedTask(Protocol):
    """What a command says of the task that it opens."""

    @property
    def assignee(self) -> str | None: ...
    @property
    def priority(self) -> int | None: ...
    @property
    def needs(self) -> list[str] | None: ...
    @property
    def not_before(self) -> str | None: ...
    @property
    def max_attempts(self) -> int | None: ...


class Question(Struct, frozen=True, kw_only=True):
    """What a question to a person says beside its text."""

    options: tuple[str, ...] = ()
    default: str | None = None
    deadline: int | None = None
    for_task_id: int | None = None


def decide_terms(
    asked: AskedTask, depends_on: tuple[int, ...], to_agent: str | None, question: Question | None = None
) -> TaskTerms | None:
    """The terms of a task, None when all are as usual.

    Args:
        asked: what is said of it.
        depends_on: the tasks that must be done before, known and in no circle.
        to_agent: the only agent that gets its message, which then is to do it.
        question: what it says as a question to a person.

    Raises:
        InvalidInput: a term cannot be kept.
    """
    priority = PRIORITY if asked.priority is None else asked.priority
    if not 0 <= priority <= MAX_PRIORITY:
        raise InvalidInput("priority", f"must be from 0, the highest, to {MAX_PRIORITY}, not {priority}")
    attempts = ATTEMPTS if asked.max_attempts is None else asked.max_attempts
    if not 1 <= attempts <= MAX_ATTEMPTS:
        raise InvalidInput("max_attempts", f"must be from 1 to {MAX_ATTEMPTS}, not {attempts}")
    needs = tuple(dict.fromkeys(fields.required_id("needs", one) for one in asked.needs or ()))
    if len(needs) > MAX_NEEDS:
        raise InvalidInput("needs", f"must be at most {MAX_NEEDS} capabilities, not {len(needs)}")
    question = question or Question()
    terms = TaskTerms(
        assignee=fields.optional_agent("assignee", asked.assignee) or to_agent,
        priority=priority,
        depends_on=depends_on,
        needs=needs,
        not_before=None if asked.not_before is None else moment("not_before", asked.not_before),
        max_attempts=attempts,
        options=question.options,
        default=question.default,
        deadline=question.deadline,
        for_task_id=question.for_task_id,
    )
    return None if terms == TaskTerms(assignee=to_agent) else terms


def decide_question(
    options: list[str] | None, default: str | None, deadline_sec: float | None, for_task_id: int | None, now: int
) -> Question:
    """What a question says beside its text.

    Raises:
        InvalidInput: its options are too many or too long, its default is none of them, or its deadline is without
            a default.
    """
    kept = tuple(dict.fromkeys(_option(one) for one in options or ()))
    if len(kept) > MAX_OPTIONS:
        raise InvalidInput("options", f"must be at most {MAX_OPTIONS}, not {len(kept)}")
    default = None if default is None or not default.strip() else default.strip()
    if default is not None and kept and default not in kept:
        raise InvalidInput("default", f"must be one of the options {', '.join(kept)}, not {default!r}")
    if deadline_sec is None:
        return Question(options=kept, default=default, for_task_id=for_task_id)
    if default is None:
        raise InvalidInput("default", "is required with a deadline: it counts when nobody has answered by then")
    if not 0 < deadline_sec <= MAX_DEADLINE_SEC:
        raise InvalidInput("deadline_sec", f"must be more than 0 and at most {MAX_DEADLINE_SEC}, not {deadline_sec}")
    return Question(
        options=kept, default=default, deadline=now + round(deadline_sec * MICROSECONDS), for_task_id=for_task_id
    )


def _option(text: str) -> str:
    return fields.required_text("options", text, MAX_OPTION_CHARS)


def check_dependencies(given: Sized) -> None:
    """Refuse too many of the tasks that a new one depends on, before any of them is looked up."""
    fields.check_count("depends_on", given, 0, MAX_DEPENDENCIES, "tasks")


def known_dependencies(given: Sequence[int], known: frozenset[int]) -> tuple[int, ...]:
    """The tasks that a new one depends on, each once.

    Args:
        given: their ids, as the request has them.
        known: those that there are.

    Raises:
        InvalidInput: one is unknown, or there are too many.
    """
    check_dependencies(given)
    wanted = tuple(dict.fromkeys(given))
    for one in wanted:
        if one not in known:
            raise InvalidInput("depends_on", f"names task {one}, which is unknown")
    return wanted


def check_order(start: int, waits_for: Callable[[int], Iterable[int]], blocked: Iterable[int]) -> None:
    """Refuse what would wait for itself.

    Args:
        start: the task whose dependencies are new.
        waits_for: what a task waits for, directly.
        blocked: those that wait for `start`: itself, and all tasks that it is a part of.

    Raises:
        DependencyCycle: it does.
    """
    goal = frozenset(blocked)
    came_from: dict[int, int] = {}
    todo = [start]
    while todo:
        task_id = todo.pop()
        for other in waits_for(task_id):
            if other in goal:
                circle = [other, task_id]
                while circle[-1] != start:
                    circle.append(came_from[circle[-1]])
                raise DependencyCycle(tuple(reversed(circle)))
            if other not in came_from:
                came_from[other] = task_id
                todo.append(other)


def moment(field: str, text: str) -> int:
    """A time in microseconds.

    Raises:
        InvalidInput: it is not one such as 2026-11-22T12:00:00Z.
    """
    try:
        found = datetime.fromisoformat(text.strip())
        if found.tzinfo is not None:
            return max(0, (found - _EPOCH) // timedelta(microseconds=1))
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(field, f"must be a time with its zone, such as 2026-11-22T12:00:00Z, not {text!r}")
