"""Who holds a token is its agent, and nobody else is, whichever way a call comes."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from arc import ArcClient, ArcError
from tests.support.hub_process import Answer, HubProcess
from tests.support.served_hub import ServedHub

ADA, BOB, OPERATOR = (f"arc_token-of-{name}-for-a-test" for name in ("ada", "bob", "the-operator"))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def issue(hub: ServedHub | HubProcess, agent_id: str, token: str, *, operator: bool = False, by: str = "") -> Answer:
    body = {"agent_id": agent_id, "token_sha256": sha256(token.encode()).hexdigest(), "operator": operator}
    return hub.call("POST", "/v1/tokens", body, headers=bearer(by) if by else {})


def post(hub: ServedHub, agent_id: str, token: str = "") -> Answer:
    message = {"from_agent": agent_id, "body": "hello"}
    return hub.call("POST", "/v1/messages", message, headers=bearer(token) if token else {})


def test_a_bound_name_is_its_holder_s_alone(hub: ServedHub) -> None:
    assert post(hub, "ada").status == 201
    assert issue(hub, "ada", ADA).status == 201
    before = hub.get("/v1/health").result["head"]
    assert post(hub, "ada").status == 403
    assert post(hub, " ada ").status == 403
    assert hub.get("/v1/health").result["head"] == before
    assert post(hub, "ada", ADA).status == 201
    assert post(hub, "carl").status == 201


def test_with_another_agent_s_token_nothing_is_done(hub: ServedHub) -> None:
    issue(hub, "ada", ADA)
    issue(hub, "bob", BOB)
    before = hub.get("/v1/health").result["head"]
    assert post(hub, "ada", BOB).status == 403
    assert post(hub, "carl", BOB).status == 403
    lock = {"file_path": "a", "agent_id": "ada"}
    assert hub.post("/v1/locks", lock, headers=bearer(BOB)).status == 403
    assert hub.get("/v1/health").result["head"] == before


def test_a_wrong_token_is_refused_also_on_this_machine(hub: ServedHub) -> None:
    issue(hub, "ada", ADA)
    assert post(hub, "carl", "arc_wrong-token-1234").status == 401


@pytest.mark.parametrize(
    "path",
    [
        "/v1/inbox/ada",
        "/v1/events?agent_id=ada",
        "/v1/stream?agent_id=ada",
        "/v1/digest?agent_id=ada",
        "/v1/bootstrap?agent_id=ada",
    ],
)
def test_what_is_said_to_a_bound_name_is_read_by_its_holder_and_operators(hub: ServedHub, path: str) -> None:
    issue(hub, "ada", ADA)
    issue(hub, "root", OPERATOR, operator=True)
    assert hub.get(path).status == 403
    assert hub.get("/v1/inbox/ada", headers=bearer(ADA)).status == 200
    assert hub.get("/v1/inbox/ada", headers=bearer(OPERATOR)).status == 200
    assert hub.get("/v1/inbox/carl").status == 200


def test_a_session_s_id_gives_no_power_over_an_agent_with_a_token(hub: ServedHub) -> None:
    issue(hub, "ada", ADA)
    session = hub.post("/v1/sessions", {"agent_id": "ada"}, headers=bearer(ADA)).result["session_id"]
    assert hub.post("/v1/sessions", {"agent_id": "ada", "replace": True}).status == 403
    assert hub.call("DELETE", f"/v1/sessions/{session}").status == 403
    assert hub.call("DELETE", f"/v1/sessions/{session}", headers={"X-Arc-Agent": "bob"}).status == 403
    assert hub.call("DELETE", f"/v1/sessions/{session}", headers=bearer(ADA)).status == 200


def test_a_call_that_names_nobody_is_the_holder_s(hub: ServedHub) -> None:
    issue(hub, "ada", ADA)
    made = hub.post("/v1/channels", {"name": "room"}, headers=bearer(ADA))
    event = hub.get(f"/v1/log/{made.headers['x-arc-event']}").result["event"]
    assert event["metadata"]["principal"] == "ada"


def test_the_event_names_the_token_that_proved_it_and_no_event_has_the_token(hub: ServedHub, tmp_path: Path) -> None:
    token_id = issue(hub, "ada", ADA).result["token_id"]
    event_id = post(hub, "ada", ADA).headers["x-arc-event"]
    assert hub.get(f"/v1/log/{event_id}").result["event"]["metadata"]["token"] == token_id
    assert ADA not in json.dumps(hub.get("/v1/log").body)
    assert ADA not in json.dumps(hub.get("/v1/tokens").body)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or ADA.encode() not in path.read_bytes(), path


def test_a_revoked_token_proves_nothing_and_the_name_stays_bound(hub: ServedHub) -> None:
    token_id = issue(hub, "ada", ADA).result["token_id"]
    assert hub.call("DELETE", f"/v1/tokens/{token_id}").status == 200
    assert hub.call("DELETE", f"/v1/tokens/{token_id}").result["revoked_at"]
    assert post(hub, "ada", ADA).status == 401
    assert post(hub, "ada").status == 403
    assert issue(hub, "ada", ADA).status == 400  # a token that was revoked is not issued again
    assert issue(hub, "ada", BOB).status == 201
    assert post(hub, "ada", BOB).status == 201


def test_once_there_is_an_operator_nobody_else_does_what_is_theirs(hub: ServedHub) -> None:
    issue(hub, "root", OPERATOR, operator=True)
    assert issue(hub, "ada", ADA).status == 403
    assert issue(hub, "ada", ADA, by=OPERATOR).status == 201
    assert issue(hub, "carl", BOB, by=ADA).status == 403
    shutdown: dict[str, Any] = {"delay_sec": 600}
    assert hub.post("/v1/shutdown", shutdown).status == 403
    assert hub.post("/v1/shutdown", shutdown, headers=bearer(OPERATOR)).status == 200
    assert hub.post("/v1/shutdown/cancel", {}).status == 403
    assert hub.post("/v1/shutdown/cancel", {}, headers=bearer(OPERATOR)).status == 200
    hub.post("/v1/locks", {"agent_id": "dora", "file_path": "a.py"})
    freed = {"agent_id": "root", "file_path": "a.py", "reason": "she is gone"}
    assert hub.post("/v1/locks/force-release", freed | {"agent_id": "eve"}).status == 403
    assert hub.post("/v1/locks/force-release", freed, headers=bearer(OPERATOR)).status == 200


def test_only_an_operator_is_known_to_be_a_person_and_without_any_a_word_is_taken_as_such(hub: ServedHub) -> None:
    assert post(hub, "@human").result["provenance"] == "unverified-human"
    assert "provenance" not in post(hub, "ada").result
    issue(hub, "root", OPERATOR, operator=True)
    assert post(hub, "root", OPERATOR).result["provenance"] == "human"
    assert "provenance" not in post(hub, "@human").result


def test_tokens_hold_over_a_restart_and_on_every_carrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = HubProcess.at(tmp_path).start()
    try:
        issue(hub, "ada", ADA)
        hub.stop()
        hub.start()
        with ArcClient("ada", hub.url) as nobody, pytest.raises(ArcError) as refused:
            nobody.register()
        assert refused.value.status == 403
        with ArcClient("ada", hub.url, token=ADA) as named:
            named.register()
        monkeypatch.setenv("ARC_TOKEN", ADA)
        with ArcClient("ada", hub.url) as surrounded:
            surrounded.post("general", "by the environment")
        monkeypatch.delenv("ARC_TOKEN")
        with ArcClient.over_relay("ada", hub.spool_dir) as relayed:
            relayed.post("general", "by the folder")
    finally:
        hub.stop()
    assert ADA not in hub.output
