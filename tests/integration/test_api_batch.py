"""Many messages in one request: each line is a call of its own."""

import http.client
import json
from collections.abc import Callable

import pytest

from tests.support.hub_process import HubProcess


@pytest.fixture
def hub(start_hub: Callable[..., HubProcess]) -> HubProcess:
    """A hub in a process of its own."""
    return start_hub()


def post_lines(hub: HubProcess, *lines: object, key: str | None = None) -> tuple[int, list[dict[str, object]]]:
    """Send lines, and give the status and the answers; a line that is text is sent as it is."""

    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)
    try:
        headers = {} if key is None else {"Idempotency-Key": key}
        connection.request("POST", "/v1/messages:batch", body.encode(), headers)
        response = connection.getresponse()
        text = response.read().decode()
        return response.status, [json.loads(line) for line in text.splitlines()]
    finally:
        connection.close()


def test_each_line_posts_one_message_in_order(hub: HubProcess) -> None:
    status, answers = post_lines(hub, *({"from_agent": "ada", "body": f"line {n}"} for n in range(1200)))
    assert status == 200
    ids = [answer["result"]["id"] for answer in answers]  # type: ignore[index]
    assert ids == list(range(ids[0], ids[0] + 1200))
    page = hub.get("/v1/messages?channel=general&tail=1&limit=2").result
    assert [message["body"] for message in page] == ["line 1198", "line 1199"]


def test_a_line_that_is_refused_does_not_keep_the_others_from_being_posted(hub: HubProcess) -> None:
    _status, answers = post_lines(
        hub,
        {"from_agent": "ada", "body": "one"},
        "{broken",
        {"from_agent": "ada", "body": "two", "channel": "nowhere"},
        "",
        {"from_agent": "ada", "body": "three"},
    )
    assert [(answer["ok"], answer.get("status")) for answer in answers] == [
        (True, None),
        (False, 400),
        (False, 400),
        (True, None),
    ]
    assert [m["body"] for m in hub.get("/v1/messages?channel=general").result] == ["one", "three"]


def test_a_batch_sent_again_under_its_keys_posts_nothing_twice(hub: HubProcess) -> None:
    lines = [{"from_agent": "ada", "body": f"{n}", "idempotency_key": f"k{n}"} for n in range(5)]
    first, again = post_lines(hub, *lines), post_lines(hub, *lines)
    assert again == first
    assert len(hub.get("/v1/messages?channel=general").result) == 5


def test_a_key_whose_name_is_escaped_is_a_key(hub: HubProcess) -> None:
    line = r'{"from_agent": "ada", "body": "one", "idempotency\u005fkey": "k"}'
    first, again = post_lines(hub, line), post_lines(hub, line)
    assert first[1][0]["ok"]
    assert again == first
    assert len(hub.get("/v1/messages?channel=general").result) == 1


def test_one_key_with_two_different_lines_is_refused(hub: HubProcess) -> None:
    _status, answers = post_lines(
        hub,
        {"from_agent": "ada", "body": "one", "idempotency_key": "k"},
        {"from_agent": "ada", "body": "two", "idempotency_key": "k"},
    )
    assert [answer.get("status") for answer in answers] == [None, 422]


def test_too_many_lines_are_refused_as_a_whole(hub: HubProcess) -> None:
    status, answers = post_lines(hub, *("{}" for _ in range(10_001)))
    assert (status, answers[0]["ok"]) == (400, False)


def test_an_empty_batch_is_answered_by_nothing(hub: HubProcess) -> None:
    assert post_lines(hub) == (200, [])


def test_a_batch_sent_again_under_the_key_of_its_request_posts_nothing_twice(hub: HubProcess) -> None:
    lines = [{"from_agent": "ada", "body": f"{n}"} for n in range(5)]
    first = post_lines(hub, *lines, key="k")
    again = post_lines(hub, *(json.dumps(line, indent=None, separators=(" ,", " : ")) for line in lines), "", key="k")
    assert again == first
    assert len(hub.get("/v1/messages?channel=general").result) == 5
    other = post_lines(hub, *lines, key="k2")
    assert [answer["ok"] for answer in other[1]] == [True] * 5
    assert len(hub.get("/v1/messages?channel=general").result) == 10


def test_the_key_of_a_line_goes_before_that_of_its_request(hub: HubProcess) -> None:
    line = {"from_agent": "ada", "body": "one", "idempotency_key": "own"}
    first = post_lines(hub, line, {"from_agent": "ada", "body": "two"}, key="k")
    again = post_lines(hub, {"from_agent": "ada", "body": "zero"}, line, key="l")
    assert again[1][1] == first[1][0]


def test_another_line_in_the_place_of_one_is_another_request(hub: HubProcess) -> None:
    post_lines(hub, {"from_agent": "ada", "body": "one"}, key="k")
    _status, answers = post_lines(hub, {"from_agent": "ada", "body": "two"}, key="k")
    assert [answer.get("status") for answer in answers] == [422]


@pytest.mark.parametrize("value", [{"from_agent": "ada", "body": "x", "metadata": {}}, [{"from_agent": "a"}, {}]])
def test_one_value_over_several_lines_is_refused_once(hub: HubProcess, value: object) -> None:
    for body in (json.dumps(value, indent=2), json.dumps(value, indent=2) + "\n" + json.dumps(value, indent=0)):
        status, answers = post_lines(hub, body)
        assert (status, len(answers), answers[0]["ok"]) == (400, 1, False)
        assert "one JSON object a line" in str(answers[0]["error"])


def test_one_broken_line_is_answered_as_one_line(hub: HubProcess) -> None:
    status, answers = post_lines(hub, "{broken")
    assert (status, [answer["status"] for answer in answers]) == (200, [400])
