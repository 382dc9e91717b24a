"""Requests with a few bytes changed: each gets an answer, and none a fault."""

import http.client
import json
import random
from collections.abc import Iterator
from contextlib import closing

import pytest

from arclog.deciders.fields import Limits
from tests.support.served_hub import ServedHub, served_hub

BODY = '{"from_agent":"a","body":"hello \u2602"}'.encode()
POST = b"POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n"

POSTS = {
    "/v1/messages": b'{"from_agent":"a","to_agent":"b","body":"x","kind":"task","metadata":{"k":[{"z":null}]},'
    b'"attachments":[{"type":"code","content":"ls","language":"sh"},{"type":"file_ref","path":"p","start_line":3}]}',
    "/v1/sessions": b'{"agent_id":"a","display_name":"A","capabilities":["x","y"],"metadata":{"a":1},"replace":true}',
    "/v1/channels": b'{"name":"room","created_by":"a","metadata":{}}',
    "/v1/claims": b'{"owner_agent_id":"a","claim_key":"k","task_message_id":7,"thread_id":"t","ttl_sec":30.5}',
    "/v1/locks/refresh": b'{"agent_id":"a","file_path":"src/a.py","ttl_sec":60}',
    "/v1/tasks/1/complete": b'{"agent_id":"a"}',
}
SPICE = (
    b"null", b"true", b"-1", b"1e999", b"NaN", b"18446744073709551616", b'"\\ud800"', b'"\\u0000"', b"\xff",
    b"\xed\xa0\x80", b"[[[[[[[[", b"{", b'"', b",", b"\\", b"\x1b", b'"system"', b"\xf0\x9f\x9a\x80",
)  # fmt: skip


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedHub]:
    limits = Limits(max_body_chars=1000, max_attachment_chars=1000, max_attachments=1)
    with served_hub(tmp_path_factory.mktemp("hub"), limits=limits) as served:
        yield served


def mutate(chance: random.Random, whole: bytes) -> bytes:
    """`whole` with a few bytes changed, taken away or put in."""
    mutated = bytearray(whole)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(mutated) + 1)
        match chance.randrange(4):
            case 0:
                mutated[place : place + 1] = chance.randbytes(1)
            case 1:
                del mutated[place : place + chance.randint(1, 8)]
            case 2:
                mutated[place:place] = chance.choice(SPICE)
            case _:
                mutated[place:place] = chance.randbytes(chance.randint(1, 8))
    return bytes(mutated)


@pytest.mark.parametrize("count", [500, pytest.param(50_000, marks=pytest.mark.soak)])
def test_mutated_requests_are_all_answered_and_never_with_a_fault(hub: ServedHub, count: int) -> None:
    chance = random.Random(20_260_101)  # noqa: S311 - the same mutations in every run
    whole = POST + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
    for _ in range(count):
        mutated = mutate(chance, whole)
        answer = hub.exchange(mutated, timeout=10)
        assert answer.startswith(b"HTTP/1.1 "), mutated
        assert answer.split()[1][:1] in {b"2", b"4"}, (mutated, answer)
    assert hub.get("/v1/messages?channel=general&limit=500").status == 200


@pytest.mark.parametrize("count", [5_000, pytest.param(700_000, marks=pytest.mark.soak)])
def test_mutated_bodies_are_all_answered_and_leave_the_feeds_valid(hub: ServedHub, count: int) -> None:
    chance = random.Random(20_260_102)  # noqa: S311 - the same mutations in every run
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)) as connection:
        for _ in range(count):
            path, whole = chance.choice(list(POSTS.items()))
            body = mutate(chance, whole)
            connection.request("POST", path, body)
            answer = connection.getresponse()
            envelope = json.loads(answer.read())
            assert answer.status < 500, (path, body, envelope)
            assert envelope["ok"] is (answer.status < 400)
    for path in ("/v1/messages?channel=general&limit=500", "/v1/inbox/b", "/v1/agents", "/v1/claims", "/v1/tasks"):
        assert hub.get(path).status == 200
