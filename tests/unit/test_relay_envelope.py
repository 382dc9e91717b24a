"""Rules of the relay's envelopes: what is a request, and what a response says."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.envelope import (
    NotWhole,
    Refused,
    encode_answer,
    encode_refusal,
    idempotency_key,
    parse_request,
    read_status,
    readable,
)

AT = "2026-11-22T12:00:00Z"


def content(**fields: Any) -> bytes:
    return json.dumps({"method": "GET", "path": "/v1/channels", **fields}).encode()


def test_missing_ids_are_the_names_of_the_file_and_the_folder() -> None:
    request = parse_request(content(), "alice", "r1")
    assert (request.request_id, request.agent_id) == ("r1", "alice")
    assert parse_request(content(request_id=" ", agent_id=None), "alice", "r1").request_id == "r1"


def test_ids_of_the_envelope_come_first_and_numbers_are_ids_too() -> None:
    request = parse_request(content(request_id=7, agent_id="a b"), "a_b", "r1")
    assert (request.request_id, request.agent_id) == ("7", "a b")


def test_the_method_may_be_in_any_case() -> None:
    assert parse_request(content(method=" get "), "alice", "r1").method == "GET"


def test_a_byte_order_mark_is_no_part_of_the_json() -> None:
    assert parse_request(b"\xef\xbb\xbf" + content(), "alice", "r1").path == "/v1/channels"


def test_a_body_is_encoded_anew_so_that_it_has_one_reading() -> None:
    request = parse_request(b'{"method":"POST","path":"/v1/x","body":{"a":1,"a":2}}', "alice", "r1")
    assert request.encode_body() == b'{"a":2}'
    assert parse_request(content(), "alice", "r1").encode_body() == b""


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (b"[1]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (content(request_id=["x"]), "request_id must be a string"),
        (content(request_id=True), "request_id must be a string"),
        (content(agent_id=5), "agent_id must be a string"),
        (content(method=None), "needs a method"),
        (content(method=5), "needs a method"),
        (content(method="PUT"), "must be one of GET, POST, DELETE"),
        (content(path=None), "must start with '/'"),
        (content(path="v1/channels"), "must start with '/'"),
        (content(path=["/"]), "must start with '/'"),
        (content(path="/v1/a b"), "percent-encoded"),
        (content(path="/v1/ä"), "percent-encoded"),
        (content(path="/v1/x\r\nHost: evil"), "percent-encoded"),
        (content(path="/v1/x#y"), "percent-encoded"),
        (content(body=[1]), "must be a JSON object when provided"),
        (content(body="x"), "must be a JSON object when provided"),
    ],
)
def test_an_envelope_that_cannot_be_used_is_refused_with_what_is_wrong(wrong: bytes, problem: str) -> None:
    with pytest.raises(Refused, match=problem) as refused:
        parse_request(wrong, "alice", "r1")
    assert refused.value.status == 400
    assert not isinstance(refused.value, NotWhole)


@pytest.mark.parametrize(
    "unfinished",
    [
        b"",
        b" ",
        b"{",
        b'{"method": "GE',
        b'{"method": "GET"',
        b'{"body": "\xc3',
        b'{"a": tru',
        b"\xef\xbb",
        b"\0\0\0",
        b'{"a": \0\0',
    ],
)
def test_what_its_writer_can_complete_may_be_part_of_a_file(unfinished: bytes) -> None:
    with pytest.raises(NotWhole):
        parse_request(unfinished, "alice", "r1")


@pytest.mark.parametrize(
    "broken",
    [
        b"hello",
        b"{} {}",
        b'{"a": }',
        b'{"method": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\xff"}',
        b"\xff\xfe{\0}\0",
        b"1" * 5000,
    ],
)
def test_what_is_not_json_and_cannot_become_it_is_refused(broken: bytes) -> None:
    with pytest.raises(Refused, match="request envelope is") as refused:
        parse_request(broken, "alice", "r1")
    assert not isinstance(refused.value, NotWhole)


@given(st.binary(max_size=200))
def test_no_bytes_do_worse_than_be_refused(noise: bytes) -> None:
    with pytest.raises(Refused):
        parse_request(noise, "alice", "r1")


@given(st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text() | st.lists(st.text()), max_size=5))
def test_no_json_object_does_worse_than_be_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        parse_request(json.dumps(fields).encode(), "alice", "r1")


def test_a_refusal_names_the_request_as_soon_as_its_id_is_known() -> None:
    with pytest.raises(Refused) as refused:
        parse_request(content(request_id="mine", method="PUT"), "alice", "r1")
    assert refused.value.request_id == "mine"


@pytest.mark.parametrize(
    ("path", "method", "waits"),
    [
        ("/v1/events?agent_id=a&timeout=5", "GET", True),
        ("/v1/messages?timeout=5&channel=x", "GET", True),
        ("/v1/messages?channel=timeout", "GET", False),
        ("/v1/claims?timeout=5", "POST", False),
    ],
)
def test_a_get_with_a_timeout_is_a_long_poll(path: str, method: str, waits: bool) -> None:
    assert parse_request(content(path=path, method=method), "alice", "r1").waits is waits


def test_a_key_names_the_sender_and_the_request() -> None:
    assert idempotency_key("alice", "r-1.x_2") == "alice/r-1.x_2"
    assert idempotency_key("alice", "1") != idempotency_key("bob", "1")


@given(st.text(), st.text())
def test_every_key_fits_into_a_header(folder: str, request_id: str) -> None:
    key = idempotency_key(folder, request_id)
    assert 1 <= len(key) <= 200
    assert key.isascii()
    assert key.isprintable()
    assert " " not in key


def test_odd_ids_keep_their_difference() -> None:
    assert len({idempotency_key("alice", odd) for odd in ("a b", "a\nb", "ä", "x" * 300, "x" * 301, "\ud800")}) == 6


def test_a_response_carries_the_hubs_whole_answer() -> None:
    response = json.loads(encode_answer("r1", 201, b'{"ok":true,"result":{"id":5}}', AT))
    envelope = {"ok": True, "result": {"id": 5}}
    assert response == {"request_id": "r1", "ok": True, "status": 201, "body": envelope, "completed_at": AT}


def test_a_response_to_what_the_hub_refused_has_its_error_beside_the_answer() -> None:
    response = json.loads(encode_answer("r1", 404, b'{"ok":false,"error":"no such thing"}', AT))
    assert (response["ok"], response["status"], response["error"]) == (False, 404, "no such thing")
    assert response["body"] == {"ok": False, "error": "no such thing"}


@pytest.mark.parametrize("page", [b"<html>", b"", b"\xff", b"[]", b'{"error":5}', b"[" * 100_000])
def test_an_answer_that_is_not_json_cannot_be_carried(page: bytes) -> None:
    response = json.loads(encode_answer("r1", 200, page, AT))
    assert (response["ok"], response["status"]) == (False, 400)
    assert response["error"].startswith("invalid relay request: ")


def test_a_fault_on_the_way_to_the_hub_keeps_its_status() -> None:
    response = json.loads(encode_answer("r1", 502, b"<html>", AT))
    assert (response["status"], response["body"]["code"]) == (502, "internal_error")


def test_a_refusal_of_the_relay_has_the_shape_of_the_hubs() -> None:
    response = json.loads(encode_refusal("r1", 403, "not yours", AT))
    assert response["body"] == {"ok": False, "error": "not yours", "code": "forbidden"}
    assert (response["request_id"], response["ok"], response["status"]) == ("r1", False, 403)
    assert json.loads(encode_refusal("r1", 400, "broken", AT))["error"] == "invalid relay request: broken"


def test_the_status_of_a_response_file_is_none_when_it_is_no_response() -> None:
    assert read_status(encode_refusal("r1", 403, "not yours", AT)) == 403
    for broken in (b"", b"{}", b"[", b'{"status":"x"}', b"[" * 100_000):
        assert read_status(broken) is None


def test_a_file_name_that_is_not_text_can_be_shown() -> None:
    assert readable("caf\udce9") == "caf\ufffd"
