"""The end of a hub: whoever waits is let go, whoever was heard is answered, and the process ends well."""

import http.client
import json
import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.hub_process import HubProcess
from tests.support.served_hub import read_all, served_hub
from tests.support.waiting import wait_until


@pytest.fixture
def hub(start_hub: Callable[..., HubProcess]) -> HubProcess:
    """A hub in a process of its own."""
    return start_hub()


def test_sigterm_answers_the_polls_that_wait_and_ends_with_0(hub: HubProcess) -> None:
    connections = [socket.create_connection(("127.0.0.1", hub.port), 20) for _ in range(20)]
    for number, connection in enumerate(connections):
        path = f"/v1/events?agent_id=p{number}&timeout=60"
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    began_at = time.monotonic()
    assert hub.stop() == 0
    assert time.monotonic() - began_at < 10
    answers = [read_all(connection) for connection in connections]
    for connection in connections:
        connection.close()
    assert [answer.endswith(b'\r\n\r\n{"ok":true,"result":[]}') for answer in answers] == [True] * 20


def test_sigterm_answers_every_request_that_was_heard(hub: HubProcess) -> None:
    posted: list[int] = []
    lost: list[tuple[bool, OSError | http.client.HTTPException]] = []
    stopping = threading.Event()

    def post_on(number: int) -> None:
        with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)) as connection:
            for count in range(100_000):
                try:
                    connection.request("POST", "/v1/messages", b'{"from_agent":"a%d","body":"%d"}' % (number, count))
                    answer = json.loads(connection.getresponse().read())
                    posted.append(answer["result"]["id"])
                except ConnectionRefusedError:  # the port is closed: nobody heard this one
                    return
                except (OSError, http.client.HTTPException) as error:
                    # A connection that the hub had closed already takes no request: nobody heard this one either.
                    lost.append((stopping.is_set(), error))
                    return

    with ThreadPoolExecutor(8) as threads:
        ends = [threads.submit(post_on, number) for number in range(8)]
        wait_until(lambda: len(posted) > 50, what="posts")
        stopping.set()
        assert hub.stop() == 0
        for end in ends:
            end.result()
    assert all(after for after, _ in lost), lost
    hub.start()
    kept = list_ids(hub)
    assert set(posted) <= set(kept)
    assert len(set(posted)) == len(posted)


def list_ids(hub: HubProcess) -> list[int]:
    """The ids of all messages in the default channel."""
    ids: list[int] = []
    while page := hub.get(f"/v1/messages?channel=general&limit=500&since_id={ids[-1] if ids else 0}").result:
        ids += [message["id"] for message in page]
    return ids


def test_a_request_that_is_sent_as_the_hub_ends_is_still_answered(hub: HubProcess) -> None:
    connections = [socket.create_connection(("127.0.0.1", hub.port), 20) for _ in range(20)]
    for connection in connections:  # each has spoken already: the hub knows them
        connection.sendall(b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    body = b'{"from_agent":"a","body":"late"}'
    request = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    for connection in connections:
        connection.sendall(request)
    assert hub.stop() == 0
    answers = [read_all(connection) for connection in connections]
    for connection in connections:
        connection.close()
    assert [answer.split(b"\r\n")[0] for answer in answers] == [b"HTTP/1.1 201 Created"] * 20


def test_a_shutdown_that_fires_ends_the_process_with_0(hub: HubProcess) -> None:
    assert hub.post("/v1/shutdown", {"delay_sec": 0}).status == 200
    assert hub.process is not None
    assert hub.process.wait(10) == 0
    with pytest.raises(ConnectionRefusedError):
        hub.get("/v1/hub-info")


def test_sigint_ends_the_hub_like_sigterm(start_hub: Callable[..., HubProcess]) -> None:
    hub = start_hub()
    assert hub.process is not None
    hub.process.send_signal(signal.SIGINT)
    assert hub.process.wait(10) == 0
    assert "Traceback" not in hub.output


def test_a_request_that_never_ends_does_not_keep_the_hub(tmp_path: Path) -> None:
    with served_hub(tmp_path, drain_sec=1) as hub:
        connection = hub.connect()
        connection.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{")
        wait_until(lambda: hub.get("/v1/shutdown").status == 200)
        began_at = time.monotonic()
    connection.close()
    assert time.monotonic() - began_at < 5
