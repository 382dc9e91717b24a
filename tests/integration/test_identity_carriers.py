"""The right one is always meant: two agents on one connection, in one batch, in each other's MCP session."""

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_identity import ADA, BOB, bearer, issue
from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.served_hub import ServedHub, served_hub

TOKENS = {"ada": ADA, "bob": BOB}
OPENING = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ServedHub]:
    with served_hub(tmp_path) as served:
        for agent_id, token in TOKENS.items():
            issue(served, agent_id, token)
        yield served


def principals_of(hub: ServedHub) -> list[tuple[str, str]]:
    """Of each message who said it, and whose token proved that."""
    tokens = {token["token_id"]: token["agent_id"] for token in hub.get("/v1/tokens").result}
    events = hub.get("/v1/log?type=message.posted&limit=500").result
    return [(event["actor"], tokens[event["metadata"]["token"]]) for event in events]


def test_calls_of_two_agents_on_one_connection_are_each_their_own(hub: ServedHub) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port)) as connection:
        for number in range(40):
            agent_id = ("ada", "bob")[number % 2]
            said = json.dumps({"from_agent": agent_id, "body": f"{number}"})
            connection.request("POST", "/v1/messages", said, bearer(TOKENS[agent_id]))
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 201
            connection.request("POST", "/v1/messages", said, bearer(TOKENS[("bob", "ada")[number % 2]]))
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 403
            connection.request("POST", "/v1/messages", said)  # what came before on the connection proves nothing
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 403
    assert principals_of(hub) == [("ada", "ada"), ("bob", "bob")] * 20


def test_calls_of_two_agents_at_the_same_moment_are_each_their_own(hub: ServedHub) -> None:
    def say(agent_id: str) -> None:
        for number in range(50):
            body = {"from_agent": agent_id, "body": f"{number}"}
            assert hub.post("/v1/messages", body, headers=bearer(TOKENS[agent_id])).status == 201

    threads = [threading.Thread(target=say, args=(agent_id,)) for agent_id in ("ada", "bob", "ada", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = principals_of(hub)
    assert len(found) == 200
    assert all(actor == proved for actor, proved in found)


def test_each_line_of_a_batch_is_judged_by_itself(hub: ServedHub) -> None:
    lines = [{"from_agent": agent_id, "body": "x"} for agent_id in ("ada", "bob", "ada", "carl")]
    body = "\n".join(map(json.dumps, lines)).encode()
    with closing(http.client.HTTPConnection("127.0.0.1", hub.port)) as connection:
        connection.request("POST", "/v1/messages:batch", body, bearer(ADA))
        answers = [json.loads(line) for line in connection.getresponse().read().splitlines()]
    assert [answer["ok"] for answer in answers] == [True, False, True, False]
    assert {answer["code"] for answer in answers if not answer["ok"]} == {"forbidden"}
    assert principals_of(hub) == [("ada", "ada")] * 2


def test_an_mcp_session_is_no_token(hub: ServedHub) -> None:
    def call(headers: dict[str, str], tool: str, **arguments: Any) -> dict[str, Any]:
        asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
        answer = hub.post("/mcp?agent=ada", asked, headers=headers)
        return answer.body if isinstance(answer.body, dict) else {}

    opened = hub.post("/mcp?agent=ada", OPENING, headers=bearer(ADA))
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
    for number in range(5):
        mine = call(session | bearer(ADA), "arc_post_message", channel="general", body=f"{number}")
        assert not mine["result"].get("isError")
        for stolen in (session | bearer(BOB), session):
            theirs = call(stolen, "arc_post_message", channel="general", body="stolen")
            assert "error" in theirs or theirs.get("result", {}).get("isError")
    bodies = [event["data"]["body"] for event in hub.get("/v1/log?type=message.posted").result]
    assert bodies == ["0", "1", "2", "3", "4"]
    assert all(actor == proved == "ada" for actor, proved in principals_of(hub))


@pytest.mark.skipif(sys.platform != "linux", reason="process lists are read from /proc")
def test_a_token_stands_in_no_list_of_processes_and_in_no_output(tmp_path: Path) -> None:
    hub = HubProcess.at(tmp_path).start()
    try:
        arc = [sys.executable, "-P", str(CHECKOUT / "arc" / "__main__.py")]
        issued = subprocess.run(
            [*arc, "token", "issue", "ada", "--base-url", hub.url], capture_output=True, text=True, check=True
        )
        token = json.loads(issued.stdout)["token"]
        surroundings = os.environ | {"ARC_TOKEN": token}
        waiting = [*arc, "poll", "--agent", "ada", "--timeout", "5", "--base-url", hub.url]
        with subprocess.Popen(waiting, env=surroundings, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as polling:
            subprocess.run([*arc, "post", "--agent", "ada", "--base-url", hub.url, "x"], env=surroundings, check=True)
            lists = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
            out, err = polling.communicate()
        assert lists
        assert not any(token.encode() in one for one in lists)
        assert token.encode() not in out + err
        assert token not in hub.output
        for path in ("/v1/log", "/v1/tokens", "/v1/hub-info", "/v1/agents", "/v1/health", "/openapi.json"):
            assert token not in json.dumps(hub.get(path).body)
        for file in tmp_path.rglob("*"):
            assert not file.is_file() or token.encode() not in file.read_bytes(), file
    finally:
        hub.stop()
