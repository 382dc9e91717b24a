"""What the changes of a client rely on: they are done only while it holds, else refused with 409."""

from __future__ import annotations

from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType
    from typing import Any, Self

_RELIED_ON: ContextVar[dict[str, Any]] = ContextVar("relied_on", default={})  # noqa: B039 - never changed in place


def relied_on() -> dict[str, Any]:
    """The fields by which the body of a change says what it relies on."""
    return _RELIED_ON.get()


class RelyingOn:
    """A context in which all changes of this thread or asyncio task rely on the same.

    Args:
        require: fencing tokens of this agent that must be present, such as `{"lock/src/a.py": 812}`.
        if_none_since: a stream, such as `task/42` or all below `lock/src/`, and the last event of it that is known.
    """

    def __init__(self, *, require: dict[str, int] | None = None, if_none_since: tuple[str, int] | None = None) -> None:
        self._fields: dict[str, Any] = {} if require is None else {"require": require}
        if if_none_since is not None:
            stream, event_id = if_none_since
            self._fields["if_none_since"] = {"stream": stream, "event_id": event_id}
        self._before: Token[dict[str, Any]] | None = None

    def __enter__(self) -> Self:
        self._before = _RELIED_ON.set(self._fields)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            _RELIED_ON.reset(self._before)
