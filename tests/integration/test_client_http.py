"""The client's connections: kept, opened again, retried when that is safe, and never through a proxy."""

import http.server
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import pytest

from arc.errors import ArcError
from arc.http import KEPT_CONNECTIONS, HttpTransport
from tests.support.waiting import wait_until

OK = {"ok": True, "result": {"id": 1}}
KNOWS_KEYS = {"ok": True, "result": {"extensions": ["event_ids", "idempotency_key"]}}
KNOWS_NO_KEYS = {"ok": True, "result": {"features": ["sse"]}}  # as Arc 0.1.1


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    key: str | None
    body: Any
    connection: object  # the client's address: the same for all requests of one connection


@dataclass
class Play:
    """A server that plays a script: a tuple is status and body, a function is called with the handler."""

    steps: list[Any] = field(default_factory=list)
    seen: list[Request] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, path: str) -> list[Request]:
        return [request for request in self.seen if request.path == path]


def hang_up(handler: http.server.BaseHTTPRequestHandler) -> None:
    """Take the request, and close the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def play() -> Iterator[Play]:
    script = Play()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            key = self.headers.get("Idempotency-Key")
            decoded = json.loads(body) if body else None
            script.seen.append(Request(self.command, self.path, key, decoded, self.client_address))
            step = script.steps.pop(0) if script.steps else (200, OK)
            if callable(step):
                step(self)
                return
            status, content = step
            payload = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.send_header("X-Arc-Instance", "i-1")
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    script.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield script
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def transport(play: Play) -> Iterator[HttpTransport]:
    transport = HttpTransport(play.url, timeout=30)
    yield transport
    transport.close()


def refused(call: Callable[[], object]) -> ArcError:
    with pytest.raises(ArcError) as caught:
        call()
    return caught.value


def test_calls_after_one_another_use_one_connection(play: Play, transport: HttpTransport) -> None:
    for _ in range(3):
        assert transport.call("POST", "/v1/messages", {"body": "ü"}) == OK
    assert len({request.connection for request in play.seen}) == 1
    assert play.seen[0].body == {"body": "ü"}


def test_the_instance_of_the_hub_is_known_from_its_answers(play: Play, transport: HttpTransport) -> None:
    assert transport.instance_id is None
    transport.call("GET", "/v1/x")
    assert transport.instance_id == "i-1"


def test_calls_at_once_use_a_connection_each_and_keep_a_few(play: Play, transport: HttpTransport) -> None:
    together = threading.Barrier(KEPT_CONNECTIONS + 2)

    def wait_for_all(handler: http.server.BaseHTTPRequestHandler) -> None:
        together.wait(30)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n" + b'{"ok": true, "result": [] }')

    play.steps = [wait_for_all] * together.parties
    threads = [threading.Thread(target=transport.call, args=("GET", "/v1/events")) for _ in range(together.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({request.connection for request in play.seen}) == together.parties
    assert len(transport._idle) == KEPT_CONNECTIONS


def test_a_change_carries_a_key_of_its_own_and_a_read_none(play: Play, transport: HttpTransport) -> None:
    for method in ("POST", "POST", "DELETE", "GET"):
        transport.call(method, "/v1/x")
    *keys, none = [request.key for request in play.seen]
    assert none is None
    assert len({key for key in keys if key is not None and len(key) == 32}) == 3


def test_a_kept_connection_that_the_hub_closed_is_opened_again_before_anything_is_sent(
    play: Play, transport: HttpTransport
) -> None:
    def close_after_answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n" + b'{"ok": true, "result": [] }')
        handler.close_connection = True  # without a word in the headers, as when a hub ends

    play.steps = [close_after_answer]
    transport.call("POST", "/v1/messages", {})
    (kept,) = transport._idle
    sock = kept.sock
    assert sock is not None
    wait_until(lambda: sock.recv(1, socket.MSG_PEEK) == b"", what="the end of the connection")
    transport.call("POST", "/v1/messages", {})
    assert [request.path for request in play.seen] == ["/v1/messages"] * 2  # no question about keys, no doubt


def test_a_change_whose_answer_was_lost_is_sent_again_under_its_key(play: Play, transport: HttpTransport) -> None:
    play.steps = [hang_up, (200, KNOWS_KEYS), hang_up, (200, KNOWS_KEYS), (201, OK)]
    assert transport.call("POST", "/v1/messages", {"body": "once"}) == OK
    posts = play.of("/v1/messages")
    assert len(posts) == 3
    assert len({(post.key, str(post.body)) for post in posts}) == 1


def test_a_change_whose_answer_was_lost_is_not_sent_again_to_a_hub_that_knows_no_keys(
    play: Play, transport: HttpTransport
) -> None:
    play.steps = [hang_up, (200, KNOWS_NO_KEYS)]
    error = refused(lambda: transport.call("POST", "/v1/messages", {}))
    assert (error.code, error.status) == ("answer_lost", 503)
    assert "may or may not have done it" in error.error
    assert len(play.of("/v1/messages")) == 1


def test_a_change_whose_answer_was_lost_is_in_doubt_whatever_answers_then(play: Play, transport: HttpTransport) -> None:
    play.steps = [hang_up, (200, "not a hub")]
    assert refused(lambda: transport.call("POST", "/v1/messages", {})).code == "answer_lost"
    play.steps = [hang_up, (200, KNOWS_KEYS), (200, "not a hub")]
    assert refused(lambda: transport.call("POST", "/v1/messages", {})).code == "answer_lost"


def test_a_hub_that_is_stopping_is_not_asked_what_it_knows(play: Play, transport: HttpTransport) -> None:
    play.steps = [hang_up, (503, {"ok": False, "error": "this hub is stopping"}), (200, KNOWS_KEYS), (201, OK)]
    assert transport.call("POST", "/v1/messages", {}) == OK
    assert len(play.of("/v1/messages")) == 2


def test_a_read_is_asked_again_whatever_the_hub_knows(play: Play, transport: HttpTransport) -> None:
    play.steps = [hang_up, hang_up]
    assert transport.call("GET", "/v1/threads") == OK
    assert [request.path for request in play.seen] == ["/v1/threads"] * 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_retries_end(method: str, play: Play) -> None:
    with closing(HttpTransport(play.url, timeout=5, retry_waits_sec=(0.001, 0.001))) as transport:
        play.steps = [hang_up] * 9
        error = refused(lambda: transport.call(method, "/v1/x"))
    assert (error.code, error.status) == ("answer_lost" if method == "POST" else "connection_lost", 503)
    assert len(play.seen) == 3


def test_a_503_is_asked_again_and_returned_in_the_end(play: Play, transport: HttpTransport) -> None:
    stopping = (503, {"ok": False, "error": "this hub is stopping", "code": "hub_stopping"})
    play.steps = [stopping, (201, OK)]
    assert transport.call("POST", "/v1/messages", {}) == OK
    assert len({request.key for request in play.seen}) == 1
    with closing(HttpTransport(play.url, timeout=5, retry_waits_sec=(0.001,))) as impatient:
        play.steps = [stopping, stopping]
        error = refused(lambda: impatient.call("POST", "/v1/messages", {}))
    assert (error.error, error.status, error.code) == ("this hub is stopping", 503, "hub_stopping")


@pytest.mark.parametrize("status", [400, 404, 409, 422, 500, 507])
def test_every_other_refusal_is_an_answer(status: int, play: Play, transport: HttpTransport) -> None:
    play.steps = [(status, {"ok": False, "error": "no"})]
    error = refused(lambda: transport.call("POST", "/v1/messages", {}))
    assert (error.error, error.status) == ("no", status)
    assert len(play.seen) == 1


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"", b"{}", b'{"ok": 1}', b"\xff"])
def test_an_answer_that_is_not_arcs_says_so(content: bytes, play: Play, transport: HttpTransport) -> None:
    play.steps = [(200, content)]
    error = refused(lambda: transport.call("GET", "/v1/x"))
    assert (error.status, error.code) == (502, "not_a_hub")
    assert play.url in error.error


def test_a_hub_that_does_not_answer_in_time_is_a_504(play: Play, transport: HttpTransport) -> None:
    patience = threading.Event()
    play.steps = [lambda _: patience.wait(5)]
    error = refused(lambda: transport.call("POST", "/v1/x", timeout_override=0.05))
    patience.set()
    assert (error.status, error.code, len(play.seen)) == (504, "timed_out", 1)


def test_no_hub_is_a_connection_error_at_once(free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asleep, here = time.sleep, threading.current_thread()

    def sleep(sec: float) -> None:
        if threading.current_thread() is here:  # not one that an earlier test has left
            pytest.fail("a hub that was never there is not waited for")
        asleep(sec)

    monkeypatch.setattr("time.sleep", sleep)
    error = refused(lambda: HttpTransport(f"http://127.0.0.1:{free_port}").call("GET", "/v1/x"))
    assert error.error.startswith("connection error: ")
    assert (error.status, error.code) == (503, "connection_lost")


def test_a_hub_that_starts_again_is_waited_for(play: Play, transport: HttpTransport) -> None:
    transport.call("GET", "/v1/x")
    transport.close()
    with socket.socket() as taken:  # nobody listens on this port, until the hub is back
        taken.bind(("127.0.0.1", 0))
        assert transport._named is not None
        transport._named.port = taken.getsockname()[1]
        back = threading.Timer(0.1, lambda: setattr(transport._named, "port", play.port))
        back.start()
        assert transport.call("POST", "/v1/messages", {}) == OK
        back.join()
    assert len(play.of("/v1/messages")) == 1


def test_an_answer_to_a_body_that_is_too_large_is_read(play: Play) -> None:
    said = b'{"ok": false, "error": "the body is too large"}'
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_early() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 20):  # read on, so that the answer is not lost with a reset
                    pass

        thread = threading.Thread(target=answer_early)
        thread.start()
        with closing(HttpTransport(f"http://127.0.0.1:{server.getsockname()[1]}")) as transport:
            error = refused(lambda: transport.call("POST", "/v1/messages", {"body": "x" * 4_000_000}))
        thread.join()
    assert (error.error, error.status) == ("the body is too large", 400)


def test_proxies_of_the_environment_are_not_used(
    play: Play, transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert transport.call("GET", "/v1/x") == OK


def test_a_path_in_front_of_the_hubs_own_is_kept(play: Play) -> None:
    with closing(HttpTransport(f"{play.url}/arc/")) as transport:
        transport.call("GET", "/v1/x")
    assert [request.path for request in play.seen] == ["/arc/v1/x"]


def test_a_closed_transport_opens_again(play: Play, transport: HttpTransport) -> None:
    transport.call("GET", "/v1/x")
    transport.close()
    transport.close()
    assert transport.call("GET", "/v1/x") == OK
    assert len({request.connection for request in play.seen}) == 2


def test_a_forked_process_does_not_use_its_parents_connections(
    play: Play, transport: HttpTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport.call("GET", "/v1/x")
    child = os.getpid() + 1
    monkeypatch.setattr("os.getpid", lambda: child)
    transport.call("GET", "/v1/x")
    assert len({request.connection for request in play.seen}) == 2


def test_a_body_that_is_not_json_is_never_sent(play: Play, transport: HttpTransport) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        transport.call("POST", "/v1/messages", {"metadata": float("nan")})
    assert play.seen == []


def test_a_path_that_cannot_be_sent_is_refused(play: Play, transport: HttpTransport) -> None:
    assert refused(lambda: transport.call("GET", "/v1/a b")).code == "bad_url"
    assert play.seen == []
