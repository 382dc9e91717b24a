"""What the guard adds to a tool of the real Claude Code, beside a hook over HTTP that does nothing, in turns."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import chdir
from itertools import pairwise
from pathlib import Path

import pytest

from cli.main import main
from tests.support.harness_programs import find_program, run_turn
from tests.support.hub_process import HubProcess
from tests.support.scripted_model import Step, scripted_model

pytestmark = [pytest.mark.outer, pytest.mark.soak, pytest.mark.timeout(900)]

TURNS = 8
TOOLS = 20
MOST_MS = 10.0


EMPTY = """
import asyncio, re, sys
async def answer(reader, writer):
    while head := await reader.readuntil(b"\\r\\n\\r\\n"):
        await reader.readexactly(int(re.search(rb"(?i)content-length: *(\\d+)", head)[1]))
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
async def serve():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(serve())
"""
"""A process of its own that answers every hook with nothing, as fast as can be."""


@pytest.fixture
def empty_hook() -> Iterator[str]:
    """Where a hook answers nothing."""
    process = subprocess.Popen(
        [sys.executable, "-c", EMPTY], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def repository(repository: Path) -> Path:
    """One for the real Claude Code."""
    if find_program("claude-code") is None:
        pytest.skip("claude is not installed: set ARC_TEST_HARNESSES to a folder that has it")
    return repository


def tool_times(repository: Path, home: Path, turn: int) -> list[float]:
    """Milliseconds from each answer of the model, which names a tool, to the request with the tool's result."""
    asked: list[float] = []
    steps = [
        Step("write", f"turn-{turn}-{number}.py", new="A = 1\n", before=lambda: asked.append(time.perf_counter()))
        for number in range(TOOLS)
    ]
    with scripted_model(steps, str(repository)) as model:
        said = run_turn("claude-code", repository, home, model.url)
    assert len(asked) == TOOLS, said
    return [(after - before) * 1000 for before, after in pairwise(asked)]


def test_a_tool_takes_less_than_ten_milliseconds_more_than_with_a_hook_that_does_nothing(
    repository: Path, empty_hook: str
) -> None:
    hub = HubProcess.at(repository).start()
    try:
        with chdir(repository):
            assert main(["setup", "claude-code"]) == 0
        settings = repository / ".claude" / "settings.local.json"
        ours = settings.read_text()
        assert hub.url in ours
        empty = json.loads(ours.replace(hub.url, empty_hook))
        empty["hooks"]["SessionStart"][0]["hooks"][0]["command"] = "true"
        guarded: list[float] = []
        unguarded: list[float] = []
        for turn in range(2 * TURNS):
            is_guarded = turn % 4 in {1, 2}  # each is as often the first of a pair
            settings.write_text(ours if is_guarded else json.dumps(empty))
            taken = tool_times(repository, repository.parent / "home", turn)
            (guarded if is_guarded else unguarded).extend(taken)
        assert len(hub.get("/v1/log?type=file.written&limit=1000").result) == TURNS * TOOLS
    finally:
        hub.stop()
    without, with_it = statistics.median(unguarded), statistics.median(guarded)
    more = with_it - without
    figures = f"a tool with an empty hook {without:.1f} ms, with the guard {with_it:.1f} ms: {more:.1f} ms more"
    sys.stdout.write(f"{figures} (medians of {len(guarded)} tools each, in turns)\n")
    assert more < MOST_MS
