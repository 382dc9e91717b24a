"""Every error has one code, and every code one status."""

from collections.abc import Iterator

import msgspec
import pytest

import api.http.errors
import arclog.errors
from api.http.errors import STATUS_OF, MethodNotAllowed, RequestTooLarge
from api.http.responses import MAX_ERROR_CHARS, refusal
from arclog.errors import ArcError, HubStopping, InvalidInput, StorageBusy, StorageFull


def all_errors() -> Iterator[type[ArcError]]:
    for module in (arclog.errors, api.http.errors):
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, ArcError) and thing is not ArcError:
                yield thing


def test_every_error_has_a_status_and_every_status_an_error() -> None:
    assert {error.code for error in all_errors()} == set(STATUS_OF)


def test_a_refusal_is_an_envelope_with_its_code() -> None:
    refused = refusal(InvalidInput("limit", "must be at least 1"))
    assert (refused.status, refused.headers) == (400, ())
    assert msgspec.json.decode(refused.body) == {
        "ok": False,
        "error": "limit must be at least 1",
        "code": "invalid_input",
    }


@pytest.mark.parametrize("error", [StorageBusy("busy"), HubStopping()])
def test_what_passes_says_when_to_try_again(error: ArcError) -> None:
    refused = refusal(error)
    assert (refused.status, refused.headers) == (503, ((b"retry-after", b"1"),))


def test_a_full_disk_has_its_own_status() -> None:
    assert refusal(StorageFull("no space")).status == 507


def test_a_wrong_method_is_told_the_right_ones() -> None:
    refused = refusal(MethodNotAllowed("PUT", "/v1/messages", "GET, POST"))
    assert (refused.status, refused.headers) == (405, ((b"allow", b"GET, POST"),))


def test_a_request_that_is_too_large_ends_its_connection() -> None:
    refused = refusal(RequestTooLarge(100))
    assert (refused.status, refused.headers) == (400, ((b"connection", b"close"),))


def test_a_refusal_quotes_no_more_than_a_little() -> None:
    refused = refusal(InvalidInput("kind", "x" * 1_000_000))
    assert len(refused.body) < MAX_ERROR_CHARS + 100
