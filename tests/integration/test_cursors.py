"""A cursor of an agent moves with answers that somebody can have read, and with no others."""

import socket
from pathlib import Path

import pytest

from tests.support.served_hub import ServedHub, served_hub
from tests.support.waiting import wait_until

POLL = b"GET /v1/events?agent_id=a&cursor=c&timeout=20 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
TRIES = 50


def read_on(hub: ServedHub) -> list[str]:
    return [message["body"] for message in hub.get("/v1/events?agent_id=a&cursor=c").result]


def read_when_there(hub: ServedHub) -> list[str]:
    """What is new, which may be a moment later: the hub has to hear first that the connection has ended."""
    told: list[str] = []

    def look() -> bool:
        told.extend(read_on(hub))
        return bool(told)

    wait_until(look, what="the message")
    return told


@pytest.mark.parametrize("answered", [False, True], ids=["before the answer", "with the answer unread"])
def test_a_reader_that_goes_away_takes_nothing_from_its_cursor(tmp_path: Path, answered: bool) -> None:
    with served_hub(tmp_path) as hub:
        read_on(hub)
        for number in range(TRIES):
            said = f"message {number}"
            with hub.connect() as reader:
                reader.sendall(POLL)
                if answered:
                    hub.say(said)
            if not answered:
                hub.say(said)
            told = read_when_there(hub)
            assert told == [said]
        assert read_on(hub) == []


def test_a_reader_that_has_read_is_not_shown_it_again(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub:
        read_on(hub)
        for number in range(TRIES):
            hub.say(f"message {number}")
            assert read_on(hub) == [f"message {number}"]


def test_a_look_at_the_head_of_an_answer_takes_nothing_from_its_cursor(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub:
        read_on(hub)
        hub.say("hello")
        assert hub.exchange(POLL.replace(b"GET", b"HEAD", 1)).startswith(b"HTTP/1.1 200 OK")
        assert read_on(hub) == ["hello"]


def test_answers_to_requests_that_did_not_wait_for_each_other_take_nothing_while_they_are_unread(
    tmp_path: Path,
) -> None:
    one = POLL.replace(b"timeout=20", b"limit=1")
    with served_hub(tmp_path) as hub:
        read_on(hub)
        for number in range(TRIES):
            said = [f"first {number}", f"second {number}"]
            for text in said:
                hub.say(text)
            with hub.connect() as reader:
                reader.sendall(one + one)
                wait_until(lambda: len(reader.recv(65_536, socket.MSG_PEEK).split(b"HTTP/1.1 200")) == 3)
            told = read_when_there(hub)
            assert (told if len(told) == len(said) else told + read_on(hub)) == said
