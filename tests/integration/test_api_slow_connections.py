"""Connections that take their time: each is ended when it stalls, and kept while it waits."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.http.patience import Patience
from arclog.deciders.fields import Limits
from tests.support.served_hub import ServedHub, read_all, served_hub
from tests.support.slow_clients import is_cut_while_sending
from tests.support.waiting import wait_until

POST = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHub]:
    limits = Limits(max_body_chars=1000, max_attachment_chars=1000, max_attachments=1)
    with served_hub(tmp_path_factory.mktemp("hub"), limits=limits) as served:
        yield served


def ends_within(connection: socket.socket, seconds: float) -> bool:
    connection.settimeout(seconds)
    try:
        read_all(connection)
    except TimeoutError:
        return False
    return True


def test_a_connection_that_never_asks_is_ended(tmp_path: Path) -> None:
    with served_hub(tmp_path, patience=Patience(head_sec=0.5)) as hub, hub.connect() as connection:
        assert ends_within(connection, 30)


def test_a_head_that_drips_is_ended_however_steadily(tmp_path: Path) -> None:
    with served_hub(tmp_path, patience=Patience(head_sec=0.5)) as hub, hub.connect() as connection:
        connection.sendall(b"GET /v1/channels HTTP/1.1\r\n")
        assert is_cut_while_sending(connection, b"X-Slow: 1\r\n", times=200, pause_sec=0.05)


def test_a_second_head_has_no_more_time_than_the_first(tmp_path: Path) -> None:
    with served_hub(tmp_path, patience=Patience(head_sec=0.5)) as hub, hub.connect() as connection:
        connection.sendall(b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /v1/shut")
        assert ends_within(connection, 30)


def test_a_body_that_stalls_is_ended(tmp_path: Path) -> None:
    with served_hub(tmp_path, patience=Patience(stall_sec=0.5)) as hub, hub.connect() as connection:
        connection.sendall(POST + b"Content-Length: 100\r\n\r\n{")
        assert ends_within(connection, 30)


def test_an_idle_connection_is_kept_longer_than_a_head_may_take(tmp_path: Path) -> None:
    with served_hub(tmp_path, patience=Patience(head_sec=0.1)) as hub, hub.connect() as connection:
        connection.sendall(b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(65_536)
        assert not ends_within(connection, 2.5)


def test_an_idle_connection_is_kept_for_a_while_only(tmp_path: Path) -> None:
    with served_hub(tmp_path, patience=Patience(idle_sec=0.1)) as hub, hub.connect() as connection:
        connection.sendall(b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(65_536)
        assert ends_within(connection, 30)


def test_a_long_poll_is_not_taken_for_a_stall(tmp_path: Path) -> None:
    with served_hub(tmp_path, patience=Patience(head_sec=0.1, stall_sec=0.1, idle_sec=0.1)) as hub:
        assert hub.get(f"/v1/events?agent_id=a&since_id={hub.say('last')}&timeout=3").result == []


def test_the_limits_end_an_attack_within_twenty_seconds() -> None:
    look_sec = 1.0
    assert Patience().head_sec + 2 * look_sec < 20
    assert Patience().stall_sec + 2 * look_sec < 20


def test_hundreds_may_connect_at_once_while_others_drip(hub: ServedHub) -> None:
    slow = [hub.connect() for _ in range(100)]
    for connection in slow:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
    many = [hub.connect() for _ in range(300)]
    for connection in many:
        connection.sendall(b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert all(read_all(connection).startswith(b"HTTP/1.1 200") for connection in many)
    for connection in (*slow, *many):
        connection.close()
    wait_until(lambda: hub.get("/v1/shutdown").status == 200)
