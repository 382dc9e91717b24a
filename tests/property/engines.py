"""The engines on which properties are tried: the storage's own file, and a log that is kept elsewhere."""

from collections.abc import Callable

import pytest

from arclog.engine import RemoteEngine
from tests.support import shared_log
from tests.support.fake_time import FakeTime
from tests.support.memory_engine import MemoryLog

EngineFor = Callable[[FakeTime], RemoteEngine | None]
"""Makes what keeps the log of one recorder; None for the storage's own file."""


def in_one_file(time: FakeTime) -> RemoteEngine | None:
    """The storage's own file."""
    return None


def in_memory(time: FakeTime) -> RemoteEngine | None:
    """A log that is kept elsewhere, and followed by the storage."""
    return MemoryLog().join(time)


def on_postgresql(time: FakeTime) -> RemoteEngine | None:
    """A log on a server."""
    return shared_log.engine_on(shared_log.new_url(), time)


on_each_engine = pytest.mark.parametrize(
    "engine_for", [in_one_file, in_memory, pytest.param(on_postgresql, marks=pytest.mark.soak)]
)
"""Try a property on each engine in turn."""
