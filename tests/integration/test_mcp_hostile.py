"""Whatever a host sends is answered, and the next good request is served as ever."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from api.mcp import lines
from tests.support.mcp_hostile import hostile_messages
from tests.support.mcp_hosts import line_host
from tests.support.served_hub import served_hub

COUNTS = [300, pytest.param(10_000, marks=pytest.mark.soak)]


def owes_an_answer(message: bytes) -> bool:
    """Whether JSON-RPC has an answer to it: all but notifications, which have a method and no id."""
    try:
        value = json.loads(message)
    except (ValueError, RecursionError):
        return True
    return not (isinstance(value, dict) and "id" not in value and isinstance(value.get("method"), str))


@pytest.mark.parametrize("count", COUNTS)
def test_every_hostile_line_is_answered_with_json(tmp_path: Path, count: int) -> None:
    log = tmp_path / "host.log"
    with served_hub(tmp_path) as hub, line_host(hub.url, "alice", log) as host:
        host.open()
        owed = 0
        for message in hostile_messages(count):
            if message.strip():
                host.send(message.replace(b"\n", b" "))
                owed += owes_an_answer(message)
        heard = [host.hear() for _ in range(owed)]
        assert owed > count * 0.9
        assert all(message["jsonrpc"] == "2.0" and "id" in message for message in heard)
        told = Counter("result" if "result" in message else message["error"]["code"] for message in heard)
        assert set(told) <= {"result", -32700, -32600, -32601, -32602}
        assert min(told["result"], told[-32700], told[-32600]) > 10, told
        assert host.ask("ping")["result"] == {}
        assert host.close() == 0
        assert host.hear() is None
    assert "Traceback" not in log.read_text()


@pytest.mark.parametrize("count", COUNTS)
def test_every_hostile_post_is_answered_with_json_and_no_5xx(tmp_path: Path, count: int) -> None:
    with served_hub(tmp_path) as hub:
        for message in hostile_messages(count):
            answer = hub.call("POST", "/mcp?agent=alice", message)
            assert answer.status in {200, 202, 400, 404}, (message[:200], answer)
            if answer.status != 202:
                replies = answer.body if isinstance(answer.body, list) else [answer.body]
                assert all(reply["jsonrpc"] == "2.0" for reply in replies)
        assert hub.get("/v1/hub-info").status == 200


def test_a_line_that_is_too_long_is_refused_without_being_kept(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub, line_host(hub.url, "alice", tmp_path / "host.log") as host:
        host.open()
        long = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"' + b"x" * lines.MAX_LINE_BYTES + b'"}}'
        host.send(long)
        assert host.hear()["error"]["code"] == -32600
        assert host.ask("ping")["result"] == {}


def test_the_headers_of_arc_0_1_1s_framing_are_told_apart(tmp_path: Path) -> None:
    with served_hub(tmp_path) as hub, line_host(hub.url, "alice", tmp_path / "host.log") as host:
        host.send(b"Content-Length: 58\r")
        assert "one line of JSON" in host.hear()["error"]["message"]


def test_what_is_printed_beside_the_protocol_does_not_reach_the_host(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import atexit; atexit.register(print, 'noise')\n")
    with served_hub(tmp_path) as hub, line_host(hub.url, "alice", tmp_path / "host.log", path=tmp_path) as host:
        host.open()
        assert host.close() == 0
        assert host.hear() is None
    assert "noise" in (tmp_path / "host.log").read_text()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, 200),
    ],
)
def test_web_pages_of_other_sites_may_not_call_it(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with served_hub(tmp_path) as hub:
        assert hub.post("/mcp?agent=alice", message, headers=headers).status == status


@pytest.mark.parametrize("agent", ["", "system", "a" * 300, "%00", "%ff"])
def test_a_host_must_name_an_agent_that_can_be(tmp_path: Path, agent: str) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with served_hub(tmp_path) as hub:
        answer = hub.post(f"/mcp?agent={agent}", message)
    assert answer.status == 400
    assert answer.body["id"] == 1
    assert "agent" in answer.body["error"]["message"]


MODERN: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
HEADERS = {"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "arc_whoami"}


@pytest.mark.parametrize(
    ("headers", "meta", "code"),
    [
        ({}, {}, None),
        ({"Mcp-Name": "=?base64?YXJjX3dob2FtaQ==?="}, {}, None),
        ({"Mcp-Name": "=?base64?!?="}, {}, -32020),
        ({"Mcp-Name": "arc_inbox"}, {}, -32020),
        ({"Mcp-Method": "tools/list"}, {}, -32020),
        ({"Mcp-Protocol-Version": "2099-01-01"}, {}, -32020),
        (
            {"Mcp-Protocol-Version": "2099-01-01"},
            {"io.modelcontextprotocol/protocolVersion": "2099-01-01"},
            -32022,
        ),
        ({}, {"io.modelcontextprotocol/protocolVersion": None}, -32020),
    ],
)
def test_headers_that_contradict_the_body_are_refused(
    tmp_path: Path, headers: dict[str, str], meta: dict[str, Any], code: int | None
) -> None:
    params = {"name": "arc_whoami", "_meta": MODERN | meta}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    with served_hub(tmp_path) as hub:
        answer = hub.post("/mcp?agent=alice", message, headers=HEADERS | headers)
    assert answer.status == (200 if code is None else 400)
    assert answer.body.get("error", {}).get("code") == code


def test_a_request_of_the_new_era_without_its_envelope_is_refused(tmp_path: Path) -> None:
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with served_hub(tmp_path) as hub:
        answer = hub.post("/mcp?agent=alice", message, headers=HEADERS)
        message |= {"method": "x", "params": {"_meta": MODERN}}
        unknown = hub.post("/mcp?agent=alice", message, headers=HEADERS | {"Mcp-Method": "x"})
    assert (answer.status, answer.body["error"]["code"]) == (400, -32602)
    assert (unknown.status, unknown.body["error"]["code"]) == (404, -32601)


@pytest.mark.parametrize("method", ["PUT", "HEAD", "PATCH", "OPTIONS"])
def test_other_methods_of_http_are_refused(tmp_path: Path, method: str) -> None:
    with served_hub(tmp_path) as hub:
        answer = hub.call(method, "/mcp?agent=alice")
    assert answer.status == 405
    assert answer.headers["allow"] == "POST, GET, DELETE"
