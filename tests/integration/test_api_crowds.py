"""Callers on other machines have so many connections and open calls, and nobody on this one is counted."""

import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

from api.metrics import PATH
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until

ELSEWHERE = {"Via": "1.1 proxy"}
"""What makes a call count as one of another machine."""
POLL = "/v1/messages?channel=general&since_id=0&timeout=20"


def connect(hub: ServedHub, stack: ExitStack, headers: dict[str, str]) -> http.client.HTTPConnection:
    """One more connection with a call behind it, which stays open."""
    connection = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)))
    connection.request("GET", "/v1/channels", headers=headers)
    return connection


def gauge(hub: ServedHub, name: str) -> float:
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)) as connection:
        connection.request("GET", PATH)
        lines = connection.getresponse().read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"arc_{name} ")).split()[1])


def test_an_address_elsewhere_has_so_many_connections_and_one_that_ends_makes_room(tmp_path: Path) -> None:
    with served_hub(tmp_path, allow_remote=True, max_connections=3) as hub, ExitStack() as stack:
        kept = [connect(hub, stack, ELSEWHERE) for _ in range(3)]
        assert [one.getresponse().read() and one.sock is not None for one in kept] == [True] * 3
        assert gauge(hub, "remote_connections") == 3
        refused = connect(hub, stack, ELSEWHERE).getresponse()
        assert (refused.status, refused.headers["Retry-After"], refused.headers["Connection"]) == (503, "1", "close")
        assert b"too_many_connections" in refused.read()
        assert connect(hub, stack, {}).getresponse().status == 200  # this machine is not counted
        kept[0].close()
        wait_until(lambda: gauge(hub, "remote_connections") == 2, what="one has ended")
        assert connect(hub, stack, ELSEWHERE).getresponse().status == 200


def test_a_connection_that_breaks_off_is_not_counted_any_more(tmp_path: Path) -> None:
    with served_hub(tmp_path, allow_remote=True, max_connections=1) as hub:
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", hub.port)) as sock:
                sock.sendall(b"GET /v1/channels HTTP/1.1\r\nHost: localhost\r\nVia: 1.1 proxy\r\n\r\n")
                assert sock.recv(100).startswith(b"HTTP/1.1 200")
                sock.shutdown(socket.SHUT_WR)
            wait_until(lambda: gauge(hub, "remote_connections") == 0, what="it has ended")


def test_a_sender_elsewhere_has_so_many_open_calls_and_each_that_ends_makes_room(tmp_path: Path) -> None:
    with served_hub(tmp_path, allow_remote=True, max_open_calls=3) as hub, ThreadPoolExecutor(4) as pool:
        polls = [pool.submit(hub.get, POLL, headers=ELSEWHERE) for _ in range(3)]
        wait_until(lambda: gauge(hub, "remote_open_calls") == 3, what="all of them wait")
        refused = hub.get("/v1/channels", headers=ELSEWHERE)
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        assert refused.body["code"] == "too_many_open_calls"
        assert hub.get("/v1/channels").status == 200  # this machine is not counted
        hub.post("/v1/messages", {"from_agent": "a", "body": "wake up"})
        assert [poll.result(20).status for poll in polls] == [200] * 3
        assert hub.get("/v1/channels", headers=ELSEWHERE).status == 200


def test_zero_is_no_limit(tmp_path: Path) -> None:
    with served_hub(tmp_path, allow_remote=True, max_connections=0, max_open_calls=0) as hub, ExitStack() as stack:
        answers = [connect(hub, stack, ELSEWHERE).getresponse() for _ in range(50)]
        assert {answer.status for answer in answers} == {200}
