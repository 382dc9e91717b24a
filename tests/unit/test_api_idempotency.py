"""A key is a text that can be seen; a request is known again by what it asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.http.headers import HEADERS
from api.http.idempotency import find_key, hash_request
from arclog.errors import InvalidInput


def test_a_call_without_a_key_has_none() -> None:
    assert find_key({HEADERS: {}}) is None


@pytest.mark.parametrize("key", [b"k", b"!~", b"x" * 256])
def test_a_key_is_kept_as_it_came(key: bytes) -> None:
    assert find_key({HEADERS: {b"idempotency-key": key}}) == key.decode()


@pytest.mark.parametrize("key", [b"", b" ", b"a b", b"x" * 257, b"\xc3\xa9", b"a\x7f"])
def test_a_key_that_cannot_be_seen_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidInput, match="Idempotency-Key"):
        find_key({HEADERS: {b"idempotency-key": key}})


# Requests -----------------------------------------------------------------------------------------------------------


def asked(body: bytes, method: bytes = b"POST", path: bytes = b"/v1/messages") -> bytes:
    return hash_request(method, path, body).asked


def test_the_same_json_written_otherwise_is_the_same_request() -> None:
    first = asked(b'{"from_agent":"a","metadata":{"x":1,"y":[1,2]},"body":"\xc3\xa9"}')
    assert first == asked(b' {"body": "\\u00e9",\n "metadata": {"y": [1, 2], "x": 1}, "from_agent": "a"}')
    assert asked(b"") == asked(b"{}")


@pytest.mark.parametrize(
    "other", [b'{"a":2}', b'{"b":1}', b'{"a":1,"b":null}', b'{"a":"1"}', b'{"a":[1]}', b"{}", b'{"a":1.0}']
)
def test_other_json_is_another_request(other: bytes) -> None:
    assert asked(b'{"a":1}') != asked(other)


def test_a_request_is_known_by_its_method_and_path_too() -> None:
    assert len({asked(b"{}"), asked(b"{}", b"DELETE"), asked(b"{}", b"POST", b"/v1/locks")}) == 3


def test_the_order_of_a_list_is_part_of_what_is_asked_for() -> None:
    assert asked(b'{"a":[1,2]}') != asked(b'{"a":[2,1]}')


def test_a_request_is_known_by_its_bytes_as_former_versions_did() -> None:
    written = hash_request(b"POST", b"/v1/messages", b'{"a":1}').written
    assert written.hex() == "8861da2feac1b821987390031c0379ec20ce897478b9ce2b36b185e2482af70d"
    assert written != hash_request(b"POST", b"/v1/messages", b'{"a": 1}').written


@given(st.binary(max_size=60))
def test_any_body_can_be_hashed(body: bytes) -> None:
    assert hash_request(b"POST", b"/", body) == hash_request(b"POST", b"/", body)


@pytest.mark.parametrize(
    "body", [b'{"x":1e999}', b'{"x":99999999999999999999999}', b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"]
)
def test_a_body_with_what_cannot_be_written_again_is_known_by_its_bytes(body: bytes) -> None:
    assert asked(body) == asked(body) != asked(b"{}")
