"""What a hook costs beside 10,000 locks, from a bare client, in turns with `POST /v1/locks`."""

import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

import arc
from tests.support.served_hub import served_hub

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

LOCKS = 10_000
ROUNDS = 300
SCRIPT = Path(arc.__file__).with_name("arc_hook.py")


class RawClient:
    """One connection that is kept, and as little besides as can be."""

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), 60)

    def post(self, path: str, body: object) -> float:
        """Milliseconds from the first byte sent to the last one received."""
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        request = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
        began_at = time.perf_counter()
        self._connection.sendall(request)
        answer = self._connection.recv(65_536)
        while b"\r\n\r\n" not in answer:
            answer += self._connection.recv(65_536)
        said, _, rest = answer.partition(b"\r\n\r\n")
        assert said.split(b" ", 2)[1] in {b"200", b"201"}, answer
        length = int(next(line.split(b":")[1] for line in said.lower().split(b"\r\n") if b"content-length" in line))
        while len(rest) < length:
            rest += self._connection.recv(65_536)
        return (time.perf_counter() - began_at) * 1000

    def close(self) -> None:
        self._connection.close()


def test_a_hook_costs_little_more_than_a_lock_and_less_where_the_file_is_held(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    with served_hub(tmp_path) as hub:
        client = RawClient(hub.port)
        for place in range(0, LOCKS, 100):
            paths = [f"held/{number}.py" for number in range(place, place + 100)]
            client.post("/v1/locks", {"agent_id": f"other-{place}", "paths": paths, "ttl_sec": 80_000})

        def before(path: str) -> float:
            tool = {"tool_name": "Edit", "tool_input": {"file_path": str(tmp_path / path)}}
            asked = {"session_id": "s", "cwd": str(tmp_path), "hook_event_name": "PreToolUse", **tool}
            return client.post("/v1/hooks/claude-code", asked)

        for folder in ("there", "plain"):
            (tmp_path / folder).mkdir()
        new, there, locks, held = [], [], [], []
        for number in range(ROUNDS):
            for folder in ("there", "plain"):
                (tmp_path / folder / f"{number}.py").write_text("")
            new.append(before(f"free/{number}.py"))
            locks.append(client.post("/v1/locks", {"agent_id": "plain", "file_path": f"plain/{number}.py"}))
            there.append(before(f"there/{number}.py"))
            held.append(before(f"there/{number}.py"))
        client.close()
    created, edited, lock, again = (statistics.median(times) for times in (new, there, locks, held))
    sys.stdout.write(
        f"POST /v1/locks {lock:.2f} ms, a hook on a new file {created:.2f} ms ({created / lock:.2f} x), "
        f"on a free one {edited:.2f} ms ({edited / lock:.2f} x), on a held one {again:.2f} ms\n"
    )
    assert max(created, edited) <= 1.5 * lock
    assert again <= 2.0


def test_the_script_takes_at_most_40_ms_of_the_processor(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    with served_hub(tmp_path) as hub:
        given = {"tool_name": "Edit", "tool_input": {"file_path": str(tmp_path / "a.py")}}
        body = json.dumps({"session_id": "s", "cwd": str(tmp_path), "hook_event_name": "PreToolUse", **given})
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "ARC_URL": hub.url}
        words = [sys.executable, "-I", "-S", str(SCRIPT), "claude-code"]
        taken = []
        for _ in range(25):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(words, input=body.encode(), env=environment, cwd=tmp_path, capture_output=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken.append((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000)
    sys.stdout.write(f"the script: {statistics.median(taken):.1f} ms of the processor as a whole process\n")
    assert statistics.median(taken) <= 40
