"""Faults of one line each, planted in the modules that serve users, and a seed that finds each of them."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from projections.hub import group_commit, presence, recorder, staging, transaction, waiting


@dataclass(frozen=True)
class Fault:
    """One line that is wrong.

    Attributes:
        name: what it does.
        module: where it is.
        right: the line, or a part of it that there is only once.
        wrong: what stands in its place.
        seed: finds it.
    """

    name: str
    module: ModuleType
    right: str
    wrong: str
    seed: int


FAULTS: Final = (
    Fault(
        "a batch of which nobody knows counts as kept",
        recorder,
        "if not self.doubt.resolve(self._side.was_kept):",
        "if self.doubt.resolve(self._side.was_kept) is None:",
        1,
    ),
    Fault(
        "a batch whose lock was lost counts as kept",
        recorder,
        "commit = self._stage_waiting(commit.calls)",
        "return commit",
        1,
    ),
    Fault(
        "what was remembered of a batch that came to nothing is not forgotten",
        staging,
        "        self._context.forget()\n        self._side.writer.memory.clear()",
        "        self._context.forget()\n        self._side.writer.memory.values()",
        3,
    ),
    Fault(
        "callers are told before the flush",
        group_commit,
        "flushed, took_sec = self._flushed(commit)",
        "flushed, took_sec = commit.tell() or self._flushed(commit)",
        12,
    ),
    Fault(
        "calls that came while the lock was waited for are dropped",
        group_commit,
        "self._stage(calls + self._take(self._max_batch - len(calls)))",
        "self._stage((calls + self._take(self._max_batch - len(calls)))[: len(calls)])",
        2,
    ),
    Fault(
        "who waits is told of this hub's commit alone, though another came before it",
        waiting,
        "if after != self.head:",
        "if after < self.head:",
        133,
    ),
    Fault(
        "who waits for a channel is not woken",
        waiting,
        'yield "channel", message.channel',
        'yield "channels", message.channel',
        14,
    ),
    Fault(
        "who waits is shown what it did not ask for",
        waiting,
        "if m.event_id > query.since_id and query.matches(m)]",
        "if m.event_id > query.since_id]",
        5,
    ),
    Fault(
        "who waits does not count as there",
        presence,
        "        if agent_id in self.waiting:\n            return now",
        "        if agent_id in self.waiting:\n            return 0",
        7,
    ),
    Fault(
        "the hub vouches for nobody",
        presence,
        "if now - self.last_here_at(agent, now) < self.interval)",
        "if now - self.last_here_at(agent, now) < 0)",
        42,
    ),
    Fault(
        "a known key is not looked up",
        transaction,
        "(None if call.key is None else self._answer_again(call, call.key))",
        "None",
        51,
    ),
)


@contextmanager
def planted(fault: Fault) -> Iterator[None]:
    """Meanwhile the module has the fault: its functions run the code of the line that is wrong."""
    source = inspect.getsource(fault.module)
    assert source.count(fault.right) == 1, fault
    assert fault.module.__file__ is not None
    changed = compile(source.replace(fault.right, fault.wrong), fault.module.__file__, "exec")
    codes = dict(_codes(changed))
    before: list[tuple[FunctionType, CodeType]] = []
    for function in _functions(fault.module):
        code = codes.get(function.__qualname__)
        if code is not None:
            before.append((function, function.__code__))
            function.__code__ = code
    try:
        yield
    finally:
        for function, code in before:
            function.__code__ = code


def _codes(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    """The code of every function in some code, by its qualified name."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one.co_qualname, one
            yield from _codes(one)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions and methods that a module defines."""
    for value in vars(module).values():
        if isinstance(value, type) and value.__module__ == module.__name__:
            for member in vars(value).values():
                yield from _function_of(member)
        elif getattr(value, "__module__", None) == module.__name__:
            yield from _function_of(value)


def _function_of(value: Any) -> Iterator[FunctionType]:
    inner = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
    if isinstance(inner, FunctionType):
        yield inner
