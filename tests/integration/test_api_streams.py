"""Server-sent events: every message once and in order, from where the client was, for as long as it is there."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import api.sse
from api.http.patience import Patience
from arclog.errors import StorageError
from arclog.limits import HEARTBEAT_SEC
from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHub]:
    with served_hub(tmp_path_factory.mktemp("hub")) as served:
        yield served


class Events:
    """The events of one stream, as they come."""

    def __init__(self, connection: socket.socket) -> None:
        self._lines = connection.makefile("rb")
        self.status = self._lines.readline().split()[1]
        self.headers = dict(line.decode().rstrip("\r\n").split(": ", 1) for line in iter(self._lines.readline, b"\r\n"))

    def _blocks(self) -> Iterator[list[bytes]]:
        """Events and comments; the lines of chunked encoding fall away."""
        block: list[bytes] = []
        for line in self._lines:
            text = line.rstrip(b"\r\n")
            if text.startswith((b"id: ", b"data: ", b":")):
                block.append(text)
            elif not text and line == b"\n":
                yield block
                block = []

    def next_block(self) -> list[bytes]:
        return next(self._blocks())

    def next(self) -> tuple[int, Any]:
        """Id and message of the next event, comments left out."""
        while (block := self.next_block())[0].startswith(b":"):
            pass
        by_name = dict(line.split(b": ", 1) for line in block)
        return int(by_name[b"id"]), json.loads(by_name[b"data"])

    def rest(self) -> bytes:
        return self._lines.read()


@contextmanager
def stream(hub: ServedHub, query: str, *headers: str) -> Iterator[Events]:
    with hub.connect(timeout=20) as connection:
        lines = [f"GET /v1/stream?{query} HTTP/1.1", "Host: localhost", *headers, "", ""]
        connection.sendall("\r\n".join(lines).encode())
        yield Events(connection)


def new(word: str = "a") -> str:
    return f"{word}-{uuid4().hex[:8]}"


def make_channel(hub: ServedHub) -> str:
    channel = new("room")
    hub.post("/v1/channels", {"name": channel})
    return channel


def test_a_stream_tells_the_past_and_then_the_present(hub: ServedHub) -> None:
    channel = make_channel(hub)
    first = hub.say("first", channel=channel)
    with stream(hub, f"agent_id={new()}&channels={channel}") as events:
        assert events.status == b"200"
        assert events.headers["content-type"].startswith("text/event-stream")
        assert events.headers["x-arc-instance"] == hub.hub.instance_id
        event_id, message = events.next()
        assert (event_id, message["id"], message["body"]) == (first, first, "first")
        second = hub.say("second", channel=channel)
        assert events.next()[0] == second


def test_a_stream_goes_on_behind_the_last_event_that_the_client_saw(hub: ServedHub) -> None:
    channel = make_channel(hub)
    ids = [hub.say(str(number), channel=channel) for number in range(4)]
    with stream(hub, f"agent_id=a&channels={channel}&since_id={ids[0]}", f"Last-Event-ID: {ids[2]}") as events:
        assert events.next()[0] == ids[3]


def test_a_stream_begins_behind_its_cursor(hub: ServedHub) -> None:
    channel = make_channel(hub)
    ids = [hub.say(str(number), channel=channel) for number in range(3)]
    with stream(hub, f"agent_id=a&channels={channel}&since_id={ids[1]}") as events:
        assert events.next()[0] == ids[2]


def test_a_stream_shows_what_its_agent_may_see(hub: ServedHub) -> None:
    agent, since = new(), hub.say("before")
    hub.say("for another", to_agent=new())
    mine = hub.say("for me", to_agent=agent)
    hub.post("/v1/messages", {"from_agent": agent, "body": "my own"})
    open_to_all = hub.say("open")
    with stream(hub, f"agent_id={agent}&since_id={since}&exclude_self=1") as events:
        assert [events.next()[0], events.next()[0]] == [mine, open_to_all]


def test_a_stream_of_several_channels_shows_just_these(hub: ServedHub) -> None:
    one, two, other = make_channel(hub), make_channel(hub), make_channel(hub)
    with stream(hub, f"agent_id=a&channels={one},{two}") as events:
        hub.say("x", channel=other)
        first, second = hub.say("x", channel=two), hub.say("x", channel=one)
        assert [events.next()[0], events.next()[0]] == [first, second]


def test_what_is_filtered_out_never_stalls_a_stream(hub: ServedHub) -> None:
    agent, channel = new(), make_channel(hub)
    for _ in range(api.sse.PAGE_ROWS * 3):
        hub.post("/v1/messages", {"from_agent": agent, "body": "my own", "channel": channel})
    seen = hub.say("of another", channel=channel)
    with stream(hub, f"agent_id={agent}&channels={channel}&exclude_self=1") as events:
        assert events.next()[0] == seen


def test_every_message_comes_once_and_in_order(hub: ServedHub) -> None:
    channel = make_channel(hub)
    ids = [hub.say(str(number), channel=channel) for number in range(api.sse.PAGE_ROWS + 5)]
    with stream(hub, f"agent_id=a&channels={channel}") as events:
        ids += [hub.say(str(number), channel=channel) for number in range(20)]
        assert [events.next()[0] for _ in ids] == ids


def test_a_silent_stream_beats(tmp_path: Path) -> None:
    with served_hub(tmp_path, heartbeat_sec=0.05) as hub, stream(hub, "agent_id=a") as events:
        assert [events.next_block() for _ in range(3)] == [[b":"]] * 3


def test_heartbeats_are_frequent_enough() -> None:
    assert HEARTBEAT_SEC <= 15


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("", ()),
        ("agent_id=", ()),
        ("agent_id=a&since_id=x", ()),
        ("agent_id=a&since_id=-1", ()),
        (f"agent_id=a&since_id={2**53}", ()),
        ("agent_id=a", ("Last-Event-ID: x",)),
        ("agent_id=a", (f"Last-Event-ID: {2**53}",)),
        ("agent_id=a&channels=%00", ()),
    ],
)
def test_a_stream_that_cannot_be_is_refused(hub: ServedHub, query: str, headers: tuple[str, ...]) -> None:
    with stream(hub, query, *headers, "Connection: close") as events:
        assert events.status == b"400"
        assert json.loads(events.rest())["ok"] is False


def test_an_agent_is_present_as_long_as_its_stream(hub: ServedHub) -> None:
    agent = new()
    with stream(hub, f"agent_id={agent}&since_id={hub.say('last')}"):
        wait_until(lambda: agent in hub.hub._recorder.presence.waiting, what="the stream to begin")
    wait_until(lambda: agent not in hub.hub._recorder.presence.waiting, what="the stream to end")


def test_a_reader_that_does_not_read_is_ended_and_costs_little(tmp_path: Path) -> None:
    agent = new()
    with served_hub(tmp_path, patience=Patience(stall_sec=1.0)) as hub, hub.connect() as connection:
        channel = make_channel(hub)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = f"GET /v1/stream?agent_id={agent}&channels={channel} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(request.encode())
        wait_until(lambda: agent in hub.hub._recorder.presence.waiting, what="the stream to begin")
        for _ in range(100):
            hub.say("x" * 100_000, channel=channel)
        wait_until(lambda: agent not in hub.hub._recorder.presence.waiting, what="the reader to be ended")


@pytest.mark.parametrize(
    ("path", "waits"), [("/v1/stream?agent_id=a", "wait_for_messages"), ("/v1/log/stream", "wait_for_events")]
)
def test_a_fault_ends_a_stream_as_the_end_of_the_hub_does(
    hub: ServedHub, path: str, waits: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise StorageError("the disk failed")

    monkeypatch.setattr(hub.hub.reading, waits, fail)
    with hub.connect(timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        events = Events(connection)
        assert events.status == b"200"
        connection.sendall(b"GET /v1/hub-info HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        body, _, rest = events.rest().partition(b"0\r\n\r\n")
        assert body.startswith(b"3\r\n:\n\n")
        assert rest.startswith(b"HTTP/1.1 200")
    # A stream of an earlier test that still waits there is told too.
    said = next(record for record in caplog.records if record.name == "arc.api")
    assert (said.levelname, said.exc_info) == ("WARNING", None)
    assert "the disk failed" in said.getMessage()


def test_streams_end_when_the_hub_does(tmp_path_factory: pytest.TempPathFactory) -> None:
    with served_hub(tmp_path_factory.mktemp("hub")) as hub, stream(hub, "agent_id=a") as events:
        assert events.next_block() == [b":"]
        hub.post("/v1/shutdown", {"delay_sec": 0})
        assert events.rest().endswith(b"0\r\n\r\n")
