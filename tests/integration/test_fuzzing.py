"""Whatever is sent, the answer is JSON, says what to change, and is what the description says; nothing is broken by it.

Each seed is a hub of its own with some hundred calls, so that a failure is repeated by its seed.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from api.app import create_app
from api.http.inprocess import InProcessAnswer, call
from projections.hub.hub import Hub
from tests.support.from_schema import Maker, misfit
from tests.support.hubs import on_hubs
from tests.support.recorders import check_storage

LEFT_OUT = {"/v1/shutdown", "/v1/network", "/v1/stream", "/v1/log/stream", "/v1/messages:batch"}
"""What ends the hub, and what streams; batches take lines."""
HOOK = "/v1/hooks/{harness}"
FIRST = (
    ("/v1/channels", {"name": "room", "created_by": "ada"}),
    ("/v1/sessions", {"agent_id": "ada"}),
    ("/v1/messages", {"from_agent": "ada", "body": "hi there", "thread_id": "t1"}),
    ("/v1/messages", {"from_agent": "bob", "body": "do it", "kind": "task", "thread_id": "t1"}),
    ("/v1/claims", {"owner_agent_id": "ada", "claim_key": "k1"}),
    ("/v1/locks", {"agent_id": "ada", "file_path": "src/a.py"}),
)


def check_answer(document: Any, path: str, method: str, asked: str, answer: InProcessAnswer) -> None:
    assert answer.status < 500, (asked, answer)
    if not answer.headers.get("content-type", "").startswith("application/json"):
        assert answer.status < 400, (asked, answer)
        return
    if path == HOOK and not answer.body:  # it has nothing to say
        return
    said = json.loads(answer.body)
    if answer.status >= 400:
        assert said["ok"] is False, (asked, said)
        assert said["error"].strip(), (asked, said)
        assert said["code"], (asked, said)
        return
    described = document["paths"][path][method]["responses"][str(answer.status)]
    schema = described.get("content", {}).get("application/json", {}).get("schema", {})
    assert misfit(document, schema, said) is None, (asked, misfit(document, schema, said))


async def fuzz(app: ASGIApp, seed: int, rounds: int) -> set[tuple[str, str]]:
    """Send `rounds` requests to each operation, in turns; the operations that were done at least once."""
    document = json.loads((await call(app, "GET", "/openapi.json", b"", (), "http")).body)
    for path, fields in FIRST:
        assert (await call(app, "POST", path, json.dumps(fields).encode(), (), "http")).status < 300
    maker, done = Maker(document, seed), set[tuple[str, str]]()
    operations = [(path, method) for path, ways in document["paths"].items() if path not in LEFT_OUT for method in ways]
    for _ in range(rounds):
        maker.chance.shuffle(operations)
        for path, method in operations:
            asked, body = maker.request(path, method)
            answer = await call(app, method.upper(), asked, body, (), "http")
            check_answer(document, path, method, f"{method} {asked} {body[:300]!r}", answer)
            if answer.status < 300:
                done.add((path, method))
    return done


@pytest.mark.parametrize(
    ("seeds", "rounds"),
    [
        pytest.param(range(4), 20, id="20 an operation"),
        pytest.param(range(1_000, 1_100), 2_000, id="2,000 an operation", marks=[pytest.mark.soak]),
    ],
)
def test_every_operation_answers_whatever_is_asked_as_its_description_says(
    tmp_path: Path, seeds: range, rounds: int
) -> None:
    done = set[tuple[str, str]]()
    for seed in seeds:

        async def story(hub: Hub) -> None:
            done.update(await fuzz(create_app(hub), seed, rounds))  # noqa: B023 - it is run in this very turn

        storage = tmp_path / f"{seed}.sqlite3"
        on_hubs(storage, story)
        check_storage(storage)
    assert len(done) > 45
