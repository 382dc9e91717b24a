"""`arc mcp` on Windows, over its standard streams."""

import json
from typing import Any

import pytest

from tests.support.hub_process import CHECKOUT
from tests.support.windows_python import WindowsPython

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]

OPENING = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
ENDS_WITHIN_SEC = 20


def test_a_host_opens_calls_and_leaves(windows: WindowsPython) -> None:
    with windows.hub() as hub:
        server = windows.start(
            *("-P", CHECKOUT / "arc" / "__main__.py", "mcp", "--agent", "ada", "--base-url", hub.url)
        )
        assert server.stdin is not None
        assert server.stdout is not None

        def ask(number: int, method: str, params: Any) -> Any:
            assert server.stdin is not None
            assert server.stdout is not None
            message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            server.stdin.write(json.dumps(message).encode() + b"\n")
            server.stdin.flush()
            line = server.stdout.readline()
            assert not line.endswith(b"\r\n")
            return json.loads(line)["result"]

        assert ask(1, "initialize", OPENING)["protocolVersion"] == "2025-06-18"
        server.stdin.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
        assert len(ask(2, "tools/list", {})["tools"]) > 10
        said = {"name": "arc_post_message", "arguments": {"channel": "general", "body": "Grüße → 世界 🎉"}}
        assert not ask(3, "tools/call", said).get("isError")
        bodies = [message["body"] for message in hub.get("/v1/messages?since_id=0&channel=general").result]
        assert "Grüße → 世界 🎉" in bodies
        server.communicate(timeout=ENDS_WITHIN_SEC)
        assert server.returncode == 0
        assert "ada" not in [one["agent_id"] for one in hub.get("/v1/agents").result]
