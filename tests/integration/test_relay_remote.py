"""Rules of the way to a hub over HTTP: one answer for one call, whatever the connection does meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from relay import remote
from relay.remote import HttpSend
from relay.send import HubUnreachable

Reply = Callable[[bytes], Awaitable[bytes] | bytes]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each request with what `reply` gives; closes the connection when that is empty."""

    def __init__(self, reply: Callable[[bytes], bytes]) -> None:
        self.reply = reply
        self.requests: list[bytes] = []
        self.connections = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                self.requests.append(head + await reader.readexactly(size))
                answer = self.reply(self.requests[-1])
                if not answer:
                    return
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def run(server: Server, story: Callable[[str], Awaitable[None]]) -> None:
    async def play() -> None:
        async with server.listening() as url:
            await story(url)

    asyncio.run(play())


def test_a_call_goes_to_the_hub_as_it_is_and_its_answer_comes_back() -> None:
    server = Server(lambda _request: b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\n" + b'{"a":1}')

    async def story(url: str) -> None:
        send = HttpSend(f"{url}/prefix/", headers={"X-Extra": "yes"})
        assert await send("POST", "/v1/messages?x=1", b'{"b":2}', {"Idempotency-Key": "k"}) == (404, b'{"a":1}')
        await send.aclose()

    run(server, story)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /prefix/v1/messages?x=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"\r\nX-Extra: yes\r\nIdempotency-Key: k\r\n" in head
    assert body == b'{"b":2}'


def test_answers_in_chunks_are_put_together() -> None:
    chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"

    async def story(url: str) -> None:
        send = HttpSend(url)
        assert await send("GET", "/v1/tasks", b"", {}) == (200, b"abcde")
        await send.aclose()

    run(Server(lambda _request: chunks), story)


def test_a_connection_is_used_again() -> None:
    server = Server(lambda _request: OK)

    async def story(url: str) -> None:
        send = HttpSend(url)
        for _ in range(3):
            await send("GET", "/v1/tasks", b"", {})
        await send.aclose()

    run(server, story)
    assert (server.connections, len(server.requests)) == (1, 3)


def test_a_connection_that_the_hub_closes_is_not_used_again() -> None:
    server = Server(lambda _request: b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}")

    async def story(url: str) -> None:
        send = HttpSend(url)
        for _ in range(2):
            await send("GET", "/v1/tasks", b"", {})
        await send.aclose()

    run(server, story)
    assert server.connections == 2


def test_a_kept_connection_that_died_is_replaced_within_the_call() -> None:
    server = Server(lambda _request: b"" if len(server.requests) == 2 else OK)

    async def story(url: str) -> None:
        send = HttpSend(url)
        for _ in range(2):
            assert await send("POST", "/v1/messages", b"{}", {"Idempotency-Key": "k"}) == (200, b"{}")
        await send.aclose()

    run(server, story)
    assert (server.connections, len(server.requests)) == (2, 3)


def test_what_has_no_key_is_never_sent_twice() -> None:
    server = Server(lambda _request: b"" if len(server.requests) == 2 else OK)

    async def story(url: str) -> None:
        send = HttpSend(url)
        assert await send("POST", "/v1/hooks/codex", b"{}", {}) == (200, b"{}")
        with pytest.raises(HubUnreachable):
            await send("POST", "/v1/hooks/codex", b"{}", {})
        await send.aclose()

    run(server, story)
    assert (server.connections, len(server.requests)) == (2, 2)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"SSH-2.0-OpenSSH\r\n"])
def test_a_hub_that_does_not_answer_is_unreachable(answer: bytes) -> None:
    seen: list[bytes] = []

    def reply(request: bytes) -> bytes:
        seen.append(request)
        return answer

    server = Server(reply)

    async def story(url: str) -> None:
        with pytest.raises(HubUnreachable, match=r"the hub at http://127\.0\.0\.1:\d+ does not answer"):
            async with asyncio.timeout(5):
                await HttpSend(url, request_timeout_sec=0.2)("GET", "/v1/tasks", b"", {})

    run(server, story)
    assert len(seen) == 1


def test_a_port_where_nobody_listens_is_unreachable(free_port: int) -> None:
    with pytest.raises(HubUnreachable):
        asyncio.run(HttpSend(f"http://127.0.0.1:{free_port}")("GET", "/v1/tasks", b"", {}))


def test_many_calls_at_once_do_not_wait_for_each_other() -> None:
    server = Server(lambda _request: OK)

    async def story(url: str) -> None:
        send = HttpSend(url, max_idle=2)
        answers = await asyncio.gather(*(send("GET", "/v1/tasks", b"", {}) for _ in range(20)))
        assert answers == [(200, b"{}")] * 20
        assert len(send._idle) == 2
        await send.aclose()

    run(server, story)


@pytest.mark.parametrize(
    ("path", "sec"),
    [
        ("/v1/events?agent_id=a&timeout=12.5", 12.5),
        ("/v1/events?timeout=900", 60.0),
        ("/v1/events?timeout=-3", 0.0),
        ("/v1/events?timeout=soon", 0.0),
        ("/v1/events", 0.0),
    ],
)
def test_a_long_poll_is_waited_for_as_long_as_it_asks(path: str, sec: float) -> None:
    assert remote._wait_sec(path, b"") == sec


def test_a_change_that_waits_for_its_turn_is_waited_for() -> None:
    assert remote._wait_sec("/v1/locks", b'{"file_path":"a","wait_sec":5}') == 60.0
    assert remote._wait_sec("/v1/locks", b'{"file_path":"a"}') == 0.0


@pytest.mark.parametrize("url", ["", "127.0.0.1:6969", "ftp://x", "http://"])
def test_what_is_no_url_of_a_hub_is_said_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="write it as http://"):
        HttpSend(url)


def test_the_port_follows_from_the_scheme() -> None:
    assert HttpSend("https://hub.example")._port == 443
    assert HttpSend("http://hub.example")._port == 80
