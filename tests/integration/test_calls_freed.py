"""What a call leaves in memory: nothing that waits for Python's collector."""

import gc
from collections.abc import Callable
from pathlib import Path

import pytest

from arclog.deciders.locks import AcquireLock, ReleaseLock
from arclog.deciders.messages import PostMessage
from arclog.errors import ArcError
from projections.hub.command_handlers import Command
from projections.hub.hub import Hub
from tests.support.hubs import on_hubs

CALLS = 100


def lock(number: int) -> Command:
    path = f"src/{number // 2}.py"
    return ReleaseLock(agent_id="a", file_path=path) if number % 2 else AcquireLock(agent_id="a", file_path=path)


@pytest.mark.parametrize(
    "command",
    [
        lambda _number: PostMessage(from_agent="a", body="hello"),
        lambda _number: PostMessage(from_agent="a", body=""),
        lock,
        lambda _number: ReleaseLock(agent_id="a", file_path="never/held.py"),
    ],
    ids=["post", "post that is refused", "lock", "release that is refused"],
)
def test_a_call_is_freed_as_soon_as_it_was_told(storage: Path, command: Callable[[int], Command]) -> None:
    async def carry_out(hub: Hub, number: int) -> None:
        try:
            await hub.execute(command(number))
        except ArcError:
            return

    async def story(hub: Hub) -> None:
        for number in range(10):  # what is remembered from then on
            await carry_out(hub, number)
        gc.collect()
        gc.disable()
        try:
            for number in range(CALLS):
                await carry_out(hub, number)
            assert gc.collect() < CALLS
        finally:
            gc.enable()

    on_hubs(storage, story)
