"""A call from the bytes of its request to those of its answer: microseconds of processor time, without any socket.

python tests/benchmarks/programs/http_cpu.py post:1 post:16 lock:16 pair:16 claim:16

A line is what is asked for, and over how many connections: each asks again when it was answered. The protocol, the
application, the hub and its loop are those that serve users; the storage is in memory, since a flush tells little of
the hub. It runs in an older checkout too, so it looks for what has moved.
"""

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import uvicorn
import uvloop

from api.app import create_app

WARM_UP: Final = 512
CALLS: Final = 4_096
AGENTS: Final = 16
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of its own is made there, since flushes cost little in memory
ACCEPTED: Final = b"HTTP/1.1 20"

Asked = tuple[str, dict[str, object]]


def _post(agent: int, _turn: int) -> Asked:
    body = "The build is green again, see the artifact."
    return "/v1/messages", {"from_agent": f"bench-{agent}", "channel": "general", "body": body}


def _lock(agent: int, _turn: int) -> Asked:
    return "/v1/locks", {"agent_id": f"bench-{agent}", "file_path": f"src/part-{agent}.py"}


def _pair(agent: int, turn: int) -> Asked:
    path, body = _lock(agent, turn)
    return (f"{path}/release" if turn % 2 else path), body


def _claim(agent: int, _turn: int) -> Asked:
    return "/v1/claims", {"owner_agent_id": f"bench-{agent}", "claim_key": f"key-{agent}"}


ASKED: Final[dict[str, Callable[[int, int], Asked]]] = {"post": _post, "lock": _lock, "pair": _pair, "claim": _claim}


def _request(asked: Asked) -> bytes:
    path, fields = asked
    body = json.dumps(fields).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:6969\r\nUser-Agent: bench\r\nAccept: */*\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class _Wire(asyncio.Transport):
    """A transport that gives each answer to `answered`."""

    def __init__(self, answered: Callable[[bytes], None]) -> None:
        super().__init__()
        self.write = answered  # type: ignore[assignment, method-assign]

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 6969)}.get(name, default)

    def is_closing(self) -> bool:
        return False


def _open_hub(folder: Path) -> Any:
    try:
        from projections.hub.hub import Hub
        from projections.hub.settings import Settings

        return Hub(Settings(storage=folder / "arc.sqlite3", port=6969, search=False))
    except ModuleNotFoundError:
        former: Any = __import__("projections.hub", fromlist=["Hub"])
        return former.Hub(former.Settings(storage=folder / "arc.sqlite3", port=6969))


def _serve(app: Any) -> Callable[[], Any]:
    """What makes the protocol of one connection."""
    try:
        from api.http.exchange import Serving
        from api.http.protocol import HubProtocol

        serving, server = Serving(app=app, malformed=b"", head_too_large=b""), uvicorn.Server(uvicorn.Config(app))
        return lambda: HubProtocol(serving, server_state=server.server_state)
    except ModuleNotFoundError:
        former: Any = __import__("api.protocol", fromlist=["HubProtocol"])
        config = uvicorn.Config(app, http=former.HubProtocol, ws="none", lifespan="off", log_config=None)
        config.load()
        state = former.HubServerState(b"")
        return lambda: former.HubProtocol(config=config, server_state=state, app_state={})


async def _run(connect: Callable[[], Any], make: Callable[[int, int], Asked], calls: int, connections: int) -> None:
    loop = asyncio.get_running_loop()
    left, open_calls, done = calls, 0, loop.create_future()

    def begin(agent: int) -> None:
        requests, turn = [_request(make(agent, turn)) for turn in range(2)], 0

        def ask() -> None:
            nonlocal left, open_calls, turn
            if left > 0:
                left, open_calls, turn = left - 1, open_calls + 1, turn + 1
                protocol.data_received(requests[(turn - 1) % 2])
            elif not open_calls and not done.done():
                done.set_result(None)

        def answered(answer: bytes) -> None:
            nonlocal open_calls
            if not answer.startswith(ACCEPTED) and not done.done():
                done.set_exception(AssertionError(answer))  # raised here, it would be the application's to answer
            open_calls -= 1
            loop.call_soon(ask)

        protocol = connect()
        protocol.connection_made(_Wire(answered))
        loop.call_soon(ask)

    for connection in range(connections):
        begin(connection % AGENTS)
    await done


async def _measure(folder: Path, make: Callable[[int, int], Asked], connections: int) -> float:
    hub = _open_hub(folder)
    await hub.start()
    connect = _serve(create_app(hub))
    await _run(connect, make, WARM_UP, connections)
    gc.collect()
    began = time.process_time()
    await _run(connect, make, CALLS, connections)
    took = time.process_time() - began
    await hub.stop()
    return took * 1e6 / CALLS


if __name__ == "__main__":
    for line in sys.argv[1:]:
        what, _, size = line.partition(":")
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as home:
            print(f"{uvloop.run(_measure(Path(home), ASKED[what], int(size))):.2f}")
