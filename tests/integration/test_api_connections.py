"""Connections as they come: broken, slow, half closed, too large; each gets an answer or an end."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.http.patience import Patience
from api.http.protocol import HubProtocol
from arclog.deciders.fields import Limits
from tests.support.served_hub import ServedHub, read_all, served_hub
from tests.support.slow_clients import is_cut_while_sending
from tests.support.waiting import wait_until

BODY = '{"from_agent":"a","body":"hello \u2602"}'.encode()
POST = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"
POLL = b"GET /v1/events?agent_id=%b&timeout=60&since_id=%d HTTP/1.1\r\nHost: localhost\r\n\r\n"
PLAIN = POST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY)
NOT_ASCII = "GET /v1/inbox/\u00e9\u4e2d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
OFFER = POST + b"Connection: Upgrade, close\r\nUpgrade: h2c\r\nContent-Length: %d\r\n\r\n" % len(BODY)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHub]:
    limits = Limits(max_body_chars=1000, max_attachment_chars=1000, max_attachments=1)
    with served_hub(tmp_path_factory.mktemp("hub"), limits=limits) as served:
        yield served


@pytest.fixture
def arrived(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The pieces that connections got, each told after it was looked at."""
    pieces: list[bytes] = []
    look_at = HubProtocol.data_received

    def tell(connection: HubProtocol, data: bytes) -> None:
        look_at(connection, data)
        pieces.append(data)

    monkeypatch.setattr(HubProtocol, "data_received", tell)
    return pieces


def envelope_of(answer: bytes) -> tuple[int, dict[str, object]]:
    """Status and body of a whole answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"x-arc-instance: " in head.lower(), answer
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Header\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 99999999999999999999999999\r\n\r\n",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
        b"GET /" + b"a" * 200_000,
    ],
)
def test_what_is_no_http_is_told_so(hub: ServedHub, request_bytes: bytes) -> None:
    status, body = envelope_of(hub.exchange(request_bytes))
    assert (400 <= status < 500, body["ok"]) == (True, False)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /v1/chan",
        b"GET /v1/channels HTTP/1.1\r\nHost: loc",
        POST + b"Content-Length: 100\r\n\r\n" + BODY,
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
)
def test_a_request_that_ends_too_early_is_told_so(hub: ServedHub, request_bytes: bytes) -> None:
    status, body = envelope_of(hub.exchange(request_bytes))
    assert (status, body["code"]) == (400, "malformed_request")


def test_a_client_that_will_send_no_more_gets_its_answer(hub: ServedHub) -> None:
    status, body = envelope_of(hub.exchange(POST + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)))
    assert (status, body["ok"]) == (201, True)


def test_a_body_may_come_in_chunks_and_in_pieces(hub: ServedHub) -> None:
    with hub.connect() as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        for byte in BODY:
            connection.sendall(b"1\r\n%c\r\n" % byte)
        connection.sendall(b"0\r\n\r\n")
        assert envelope_of(read_all(connection))[0] == 201


def test_an_old_client_gets_its_answer_and_the_end(hub: ServedHub) -> None:
    with hub.connect() as connection:
        connection.sendall(b"GET /v1/shutdown HTTP/1.0\r\n\r\n")
        assert envelope_of(read_all(connection)) == (200, {"ok": True, "result": None})


def test_requests_may_follow_without_waiting_for_answers(hub: ServedHub) -> None:
    with hub.connect() as connection:
        request = POST + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
        last = b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(request * 5 + last)
        answers = read_all(connection)
    assert answers.count(b"HTTP/1.1 201 Created") == 5
    assert answers.endswith(b'{"ok":true,"result":null}')


def test_a_connection_serves_many_requests(hub: ServedHub) -> None:
    with hub.connect() as connection:
        for _ in range(3):
            connection.sendall(b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert connection.recv(65_536).endswith(b'{"ok":true,"result":null}')


def test_an_offer_of_another_protocol_is_declined(hub: ServedHub) -> None:
    for offer in (b"Upgrade: websocket", b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"):
        head = POST + b"Connection: Upgrade, close\r\n" + offer + b"\r\nContent-Length: %d\r\n\r\n" % len(BODY)
        with hub.connect() as connection:
            connection.sendall(head + BODY)
            assert envelope_of(read_all(connection))[0] == 201


def test_an_offer_after_another_request_is_declined_too(hub: ServedHub) -> None:
    with hub.connect() as connection:
        connection.sendall(
            b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUPGRADE: h2c\r\n\r\n"
            + OFFER
            + BODY
        )
        assert envelope_of(read_all(connection).partition(b'"result":null}')[2])[0] == 201


def test_so_many_offers_at_once_as_fit_are_declined(hub: ServedHub) -> None:
    offer = b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: a\r\n\r\n"
    with hub.connect() as connection:
        connection.sendall(offer * 2000 + OFFER + BODY)
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 2000


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        pytest.param(PLAIN, BODY, 201, id="a plain one"),
        pytest.param(OFFER, BODY, 201, id="an offer of another protocol"),
        pytest.param(
            "GET /v1/inbox/\u00e9\u4e2d HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(),
            b"",
            200,
            id="not ASCII",
        ),
    ],
)
def test_a_head_may_come_in_two_pieces_wherever_it_is_cut_and_the_body_in_a_third(
    hub: ServedHub, arrived: list[bytes], head: bytes, body: bytes, status: int
) -> None:
    for cut in range(1, len(head)):
        arrived.clear()
        with hub.connect() as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number, piece in enumerate((head[:cut], head[cut:]), 1):
                connection.sendall(piece)
                wait_until(lambda: len(arrived) == number)  # all of it: so few bytes are one piece  # noqa: B023
            connection.sendall(body)
            assert envelope_of(read_all(connection))[0] == status, head[cut:]


def test_requests_that_can_be_read_are_answered_before_what_cannot_is_refused(hub: ServedHub) -> None:
    request = POST + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
    with hub.connect() as connection:
        connection.sendall(request * 3 + b"nonsense\r\n\r\n")
        answers = read_all(connection)
    assert answers.count(b"HTTP/1.1 201 Created") == 3
    assert envelope_of(answers[answers.index(b"HTTP/1.1 400") :])[1]["code"] == "malformed_request"


def test_a_request_without_a_host_is_refused_and_the_next_is_answered(hub: ServedHub) -> None:
    with hub.connect() as connection:
        connection.sendall(b"GET /v1/channels HTTP/1.1\r\n\r\n")
        assert envelope_of(connection.recv(65_536))[0] == 400
        connection.sendall(b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(("named", "status"), [("127.0.0.1:1", 200), ("[::1]:1", 200), ("evil.example", 403)])
def test_the_host_of_a_whole_address_counts_more_than_the_header(hub: ServedHub, named: str, status: int) -> None:
    head = f"GET http://{named}/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    assert envelope_of(hub.exchange(head.encode()))[0] == status


def test_what_trails_a_body_is_no_header(hub: ServedHub) -> None:
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n" % (len(BODY), BODY)
    last = b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with hub.connect() as connection:
        connection.sendall(chunked + b"Idempotency-Key: a b\r\nHost: localhost\r\n\r\n" + last)
        answers = read_all(connection)
    assert (answers.count(b"HTTP/1.1 201 Created"), answers.count(b"HTTP/1.1 200 OK")) == (1, 1)


@pytest.mark.parametrize("next_request", [b"", POST, b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_poll_ends_with_its_connection_though_another_request_follows_it(hub: ServedHub, next_request: bytes) -> None:
    with hub.connect() as connection:
        connection.sendall(POLL % (b"pipeliner", hub.say("last")) + next_request)
        wait_until(lambda: "pipeliner" in hub.hub._recorder.presence.waiting, what="the poll to wait")
    wait_until(lambda: "pipeliner" not in hub.hub._recorder.presence.waiting, what="the poll to end")


def test_a_poll_of_a_client_that_will_send_no_more_is_answered(tmp_path: Path) -> None:
    with served_hub(tmp_path, patience=Patience(half_closed_sec=30)) as hub, hub.connect() as connection:
        connection.sendall(POLL % (b"listener", hub.say("last")))
        connection.shutdown(socket.SHUT_WR)
        wait_until(lambda: "listener" in hub.hub._recorder.presence.waiting, what="the poll to wait")
        hub.say("news")
        status, body = envelope_of(read_all(connection))
        assert status == 200
        assert '"body":"news"' in json.dumps(body, separators=(",", ":"))


# Size ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("begin", [POST, POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"GET /"])
def test_a_request_that_is_all_head_is_cut(tmp_path: Path, begin: bytes) -> None:
    piece = b"A" * 65_536 if begin == b"GET /" else b"x-filler: %b\r\n" % (b"A" * 65_536)
    patience = Patience(linger_bytes=1_000_000)
    with served_hub(tmp_path, patience=patience) as hub, hub.connect(timeout=5) as connection:
        connection.sendall(begin)
        assert is_cut_while_sending(connection, piece, times=1000)


@pytest.mark.parametrize("size", [70_000, 200_000, 3_000_000])
def test_a_head_of_more_than_64_kb_is_refused_and_its_client_is_told(hub: ServedHub, size: int) -> None:
    for head in (b"GET /v1/channels HTTP/1.1\r\nHost: localhost\r\nX-Filler: %b\r\n\r\n", b"GET /%b HTTP/1.1\r\n\r\n"):
        with hub.connect() as connection:
            connection.sendall(head % (b"A" * size))
            status, body = envelope_of(read_all(connection))
        assert (status, body["code"]) == (431, "head_too_large")


def test_a_head_of_60_kb_is_read(hub: ServedHub) -> None:
    with hub.connect() as connection:
        request = b"GET /v1/shutdown HTTP/1.1\r\nHost: localhost\r\nX-Filler: %b\r\n\r\n" % (b"A" * 60_000)
        connection.sendall(request * 3 + request.replace(b"X-Filler", b"Connection: close\r\nX-Filler"))
        assert read_all(connection).count(b"HTTP/1.1 200 OK") == 4


def test_a_body_that_announces_itself_too_large_is_refused_unread(hub: ServedHub) -> None:
    most = hub.hub.settings.limits.max_request_bytes
    with hub.connect(timeout=5) as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % (most + 1))
        answer = connection.recv(65_536)
        status, body = envelope_of(answer)
        assert (status, body["code"]) == (400, "request_too_large")
        assert b"connection: close" in answer


def test_a_client_that_asks_first_is_not_told_to_go_on(hub: ServedHub) -> None:
    with hub.connect(timeout=5) as connection:
        connection.sendall(POST + b"Content-Length: 100000000\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 400 ")


def test_a_client_that_asks_first_may_go_on(hub: ServedHub) -> None:
    with hub.connect(timeout=5) as connection:
        connection.sendall(
            POST + b"Connection: close\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(BODY)
        )
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert envelope_of(read_all(connection))[0] == 201


@pytest.mark.parametrize("chunked", [True, False])
def test_the_whole_of_a_body_that_is_too_large_may_be_sent_before_the_answer_is_read(
    hub: ServedHub, chunked: bool
) -> None:
    size = 20_000_000
    with hub.connect() as connection:
        if chunked:
            connection.sendall(
                POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % size + b" " * size + b"\r\n0\r\n\r\n"
            )
        else:
            connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % size + b" " * size)
        assert envelope_of(read_all(connection))[0] == 400


def test_a_body_without_end_is_not_read_for_ever(tmp_path: Path) -> None:
    with served_hub(tmp_path, patience=Patience(linger_bytes=1_000_000)) as hub, hub.connect() as connection:
        connection.sendall(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        assert is_cut_while_sending(connection, b"2710\r\n%b\r\n" % (b" " * 10_000), times=10_000)
