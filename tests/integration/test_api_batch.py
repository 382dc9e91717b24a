"""Many messages in one request: each line is a call of its own."""

import http.client
import json

from tests.support.hub_process import HubProcess


def post_lines(hub: HubProcess, *lines: object) -> tuple[int, list[dict[str, object]]]:
    """Send lines, and give the status and the answers; a line that is text is sent as it is."""

    body = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=30)
    try:
        connection.request("POST", "/v1/messages:batch", body.encode())
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
