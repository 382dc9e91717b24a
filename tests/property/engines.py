"""The engines on which properties are tried: the storage's own file, and a log that is kept elsewhere."""

from collections.abc import Callable

import pytest

from arclog.engine import Engine
from tests.support.fake_time import FakeTime
from tests.support.memory_engine import MemoryLog

EngineFor = Callable[[FakeTime], Engine | None]
"""Makes what keeps the log of one recorder; None for the storage's own file."""


def in_one_file(time: FakeTime) -> Engine | None:
    """The storage's own file."""
    return None


def in_memory(time: FakeTime) -> Engine | None:
    """A log that is kept elsewhere, and followed by the storage."""
    return MemoryLog().join(time)


on_each_engine = pytest.mark.parametrize("engine_for", [in_one_file, in_memory])
"""Try a property on each engine in turn."""
