"""Death at every write-like step of one relay request: after the restart there is one event and one answer.

strace kills the hub with SIGKILL as a thread of its enters its n-th system call of a kind, for every thread, kind and n
that serving one request has. Each request is the first of a new agent, so the making of folders is among the steps.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_process import HubProcess, Running
from tests.support.relay_thread import get_response, hand_in
from tests.support.tools import require_tool
from tests.support.waiting import wait_until

WRITING = ["rename", "renameat", "renameat2", "mkdir", "mkdirat", "unlink", "unlinkat", "link", "linkat", "fchmod"]
WRITING += ["write", "writev", "pwrite64", "pwritev", "sendto", "fsync", "fdatasync", "ftruncate"]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="strace is Linux's: run this on Linux"),
    pytest.mark.timeout(400),
]


@pytest.fixture
def strace() -> str:
    tool = require_tool("strace", install="apt-get install strace")
    allowed = subprocess.run([tool, "-qq", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if allowed.returncode != 0:
        pytest.skip(f"strace may not trace here: run the tests where ptrace is allowed\n{allowed.stderr}")
    return tool


@contextmanager
def tracing(strace: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Trace what runs already; inside, the tracer is attached."""
    tracer = subprocess.Popen([strace, *arguments], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    try:
        line = tracer.stderr.readline()
        assert "attached" in line, line
        yield tracer
    finally:
        tracer.terminate()
        tracer.wait(30)
        tracer.stderr.close()


def threads_of(hub: HubProcess) -> list[int]:
    """The hub's threads in the order of their making, which is the same in every run."""
    assert hub.process is not None
    return sorted(int(name) for name in os.listdir(f"/proc/{hub.process.pid}/task"))  # noqa: PTH208


def ask(hub: HubProcess, agent: str) -> None:
    body = {"from_agent": agent, "channel": "general", "body": f"by {agent}"}
    hand_in(hub.spool_dir, agent, "r1", {"method": "POST", "path": "/v1/messages", "body": body})


def record_steps(strace: str, hub: HubProcess, log: Path) -> list[tuple[int, str]]:
    """The steps of one request: which thread makes which system calls, each pair once."""
    assert hub.process is not None
    with tracing(strace, "-f", "-p", str(hub.process.pid), "-o", str(log), "-e", f"trace={','.join(WRITING)}"):
        threads = threads_of(hub)
        ask(hub, "recorded")
        get_response(hub.spool_dir, "recorded", "r1")
    steps: dict[tuple[int, str], None] = {}
    for line in log.read_text().splitlines():
        thread, _, call = line.partition(" ")
        name = call.strip().partition("(")[0]
        if name in WRITING and int(thread) in threads:
            steps[threads.index(int(thread)), name] = None
    return list(steps)


def wait_for_death_or_answer(process: Running, answer: Path) -> None:
    wait_until(lambda: process.poll() is not None or answer.exists(), what="death or answer")


def messages_of(hub: HubProcess, agent: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = hub.get("/v1/messages?channel=general&tail=1&limit=500").result
    return [row for row in rows if row["from_agent"] == agent]


def test_wherever_the_hub_dies_there_is_one_event_and_one_answer(
    start_hub: Callable[..., HubProcess], strace: str, tmp_path: Path
) -> None:
    hub = start_hub()
    steps = record_steps(strace, hub, tmp_path / "trace")
    assert {name for _, name in steps} >= {"renameat", "mkdirat", "pwrite64", "fdatasync", "write"}
    deaths = 0
    for thread, call in steps:
        for count in range(1, 100):
            agent = f"agent-{thread}-{call}-{count}"
            target = str(threads_of(hub)[thread])
            assert hub.process is not None
            with tracing(strace, "-p", target, "-o", "/dev/null", "-e", f"inject={call}:signal=SIGKILL:when={count}"):
                ask(hub, agent)
                wait_for_death_or_answer(hub.process, hub.spool_dir / "responses" / agent / "r1.json")
            alive = hub.process.poll() is None
            if not alive:
                deaths += 1
                hub.kill()
                hub.start()
            response = get_response(hub.spool_dir, agent, "r1")
            assert response["ok"], response
            assert [row["id"] for row in messages_of(hub, agent)] == [response["body"]["result"]["id"]]
            if alive:
                break  # the request has no more calls of this kind
    print(f"{deaths} deaths over {len(steps)} kinds of step: {steps}")  # noqa: T201
    # Which thread makes a call may differ from one request to the next; each kind of call has killed the hub.
    assert deaths >= len({call for _thread, call in steps})
