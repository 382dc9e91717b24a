"""A thousand agents that wait for messages cost a hub next to nothing, and each hears of what comes."""

import socket
import sys
import time
from contextlib import ExitStack

import pytest

from api.http.listening import allow_many_connections
from tests.support.hub_process import HubProcess
from tests.support.process_cost import processor_sec
from tests.support.waiting import wait_until

MEASURED_SEC = 1.5
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc: run it on Linux")


def count_waiters(hub: HubProcess) -> int:
    """How many readers wait, as the hub says to whoever measures it."""
    with socket.create_connection(("127.0.0.1", hub.port), 30) as connection, connection.makefile("rb") as answer:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return int(float(next(line for line in answer if line.startswith(b"arc_waiters ")).split()[1]))


def measure_share(pid: int) -> float:
    """The share of a core that a process takes of which nobody asks anything."""
    before, began_at = processor_sec(pid), time.monotonic()
    time.sleep(MEASURED_SEC)  # the time itself is what is measured
    return (processor_sec(pid) - before) / (time.monotonic() - began_at)


@pytest.mark.parametrize("count", [1_000, pytest.param(5_000, marks=pytest.mark.soak)])
def test_agents_that_wait_cost_a_fiftieth_of_a_core_at_most_and_each_hears_what_comes(
    hub: HubProcess, count: int
) -> None:
    allow_many_connections()
    since = hub.post("/v1/messages", {"from_agent": "teller", "body": "before"}).result["id"]
    with ExitStack() as stack:
        pollers = [stack.enter_context(socket.create_connection(("127.0.0.1", hub.port), 100)) for _ in range(count)]
        for number, poller in enumerate(pollers):
            path = f"/v1/events?agent_id=p{number}&since_id={since}&timeout=60"
            poller.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        wait_until(lambda: count_waiters(hub) == count, what="all of them to wait")
        assert hub.process is not None
        share = min(measure_share(hub.process.pid) for _ in range(3))
        hub.post("/v1/messages", {"from_agent": "teller", "body": "here it is"})
        missed = 0
        for poller in pollers:
            with poller.makefile("rb") as answer:
                missed += b'"here it is"' not in answer.read()
    print(f"\n{count} pollers: {100 * share:.2f} % of a core while nothing comes, {missed} missed")  # noqa: T201
    assert missed == 0
    assert share <= 0.02
