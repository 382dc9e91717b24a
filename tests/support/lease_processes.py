"""Hubs that are processes on one storage, called over HTTP and through a relay, killed and stopped by signals."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec

from arc.spool import NO_RESPONSE, FileRelayClient
from arclog.deciders.claims import AcquireClaim, HandOverClaim, LeaveClaimQueue, RefreshClaim, ReleaseClaim
from arclog.deciders.locks import AcquireLock, HandOverLock, LeaveLockQueue, RefreshLock, ReleaseLock
from arclog.deciders.sessions import CloseSession, OpenSession
from arclog.errors import Conflict, Deadlock, NotFound
from projections.hub.command_handlers import Command
from relay.remote import HttpSend
from tests.support.hub_process import CHECKOUT
from tests.support.lease_hubs import TTL_SEC, Answer, Held, Hubs, Waits
from tests.support.ports import find_free_port
from tests.support.relay_thread import serving
from tests.support.shared_time import SharedTime
from tests.support.waiting import wait_until

ROUTES: Final[dict[type, str]] = {
    OpenSession: "/v1/sessions",
    AcquireLock: "/v1/locks",
    RefreshLock: "/v1/locks/refresh",
    ReleaseLock: "/v1/locks/release",
    HandOverLock: "/v1/locks/handover",
    LeaveLockQueue: "/v1/locks/leave",
    AcquireClaim: "/v1/claims",
    RefreshClaim: "/v1/claims/refresh",
    ReleaseClaim: "/v1/claims/release",
    HandOverClaim: "/v1/claims/handover",
    LeaveClaimQueue: "/v1/claims/leave",
}
WITHIN_SEC: Final = 60.0


class Call:
    """A call on a thread of its own.

    Attributes:
        answer: what it is told.
        connection: what it is on, so that it can be given up; None for one through the relay.
    """

    def __init__(self) -> None:
        self.answer: Future[Any] = Future()
        self.connection: http.client.HTTPConnection | None = None


class _Hub:
    """One process, and the relay beside it."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]", relay: ExitStack, spool: Path) -> None:
        self.port, self.process, self.relay, self.spool = port, process, relay, spool


class Processes(Hubs[Call]):
    """A schedule on processes.

    Args:
        home: where the storage, the time and the spools are.
        seed: the schedule follows from it.
        hubs: how many there are.
        stack: ends them.
    """

    WAITS = (50, 55, 60)
    """Longer than a schedule takes: that a call is over, its hub learns from its own clock."""

    def __init__(self, home: Path, seed: int, hubs: int, stack: ExitStack) -> None:
        self.home = home
        self.stack = stack
        self.running: dict[int, _Hub] = {}
        self._calling: list[threading.Thread] = []
        self._over = threading.Event()
        shared = SharedTime(home / "time", makes=True)
        stack.callback(self._end_all)
        super().__init__(seed, hubs, shared)

    def start(self, hub: int, number: int) -> None:
        port, spool = find_free_port(), self.home / f"spool-{number}"
        line = [sys.executable, "-m", "tests.support.shared_time", str(self.home / "arc.sqlite3")]
        line += [str(self.home / "time"), str(port), str(TTL_SEC)]
        with (self.home / "hubs.log").open("ab") as log:
            process = subprocess.Popen(line, cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        relay = ExitStack()
        self.running[hub] = _Hub(port, process, relay, spool)
        wait_until(lambda: self._answers(hub), within_sec=WITHIN_SEC, what="the hub's first answer")
        relay.enter_context(serving(spool, HttpSend(f"http://127.0.0.1:{port}", request_timeout_sec=300)))

    def end(self, hub: int) -> None:
        one = self.running[hub]
        one.process.kill()
        one.process.wait(WITHIN_SEC)
        one.relay.close()

    def pause(self, hub: int) -> None:
        os.kill(self.running[hub].process.pid, signal.SIGSTOP)

    def resume(self, hub: int) -> None:
        os.kill(self.running[hub].process.pid, signal.SIGCONT)

    def ask_hub(self, hub: int, command: Command) -> Answer[Call]:
        asked = command if isinstance(command, AcquireLock | AcquireClaim) and command.wait_sec > 0 else None
        before = 0 if asked is None else self._get(hub, "/v1/health")["head"]
        call = Call()
        through_relay = self.random.random() < 0.3 and not isinstance(command, OpenSession | CloseSession)
        thread = threading.Thread(target=self._carry, args=(hub, command, call, through_relay), daemon=True)
        thread.start()
        self._calling.append(thread)
        if asked is not None:
            what = f"the answer to {command}"
            wait_until(
                lambda: call.answer.done() or self._find_place(hub, asked, before), within_sec=WITHIN_SEC, what=what
            )
            place = self._find_place(hub, asked, before)
            if place is not None and not call.answer.done():
                return Answer(False, None, place, call)
        envelope = call.answer.result(WITHIN_SEC)
        if envelope.get("ok"):
            return Answer(envelope.get("acquired"), envelope["result"])
        error = {"deadlock": Deadlock((), ""), "conflict": Conflict("")}.get(envelope["code"])
        raise error or NotFound("it", envelope["error"])

    def close(self, hub: int, call: Call) -> None:
        if call.connection is not None and call.connection.sock is not None:
            call.connection.sock.shutdown(socket.SHUT_RDWR)
            for _ in range(3):  # each of these is served after what came before it
                self._get(hub, "/v1/hub-info")

    def find_result(self, call: Call) -> Answer[Call] | None:
        with suppress(Exception):
            envelope = call.answer.result(0)
            return Answer(envelope["acquired"], envelope["result"])
        return None

    def wait_for(self, call: Call) -> Answer[Call] | None:
        envelope = call.answer.result(WITHIN_SEC)
        return Answer(envelope["acquired"], envelope["result"])

    def agree(self, hub: int, expected: tuple[list[Held], list[Waits]]) -> None:
        def agrees() -> bool:
            held, waiting = self.see(hub)
            return (sorted(held), sorted(waiting)) == expected

        wait_until(agrees, within_sec=WITHIN_SEC, what=f"hub {hub} to have it as {expected}, not as {self.see(hub)}")

    def look_around(self, hub: int) -> bool:
        self._post(hub, "/v1/locks/release", {"agent_id": "nobody", "file_path": "nothing"})
        return True

    def see(self, hub: int) -> tuple[list[Held], list[Waits]]:
        held: list[Held] = []
        waiting: list[Waits] = []
        for noun, name, owner in (("lock", "key", "agent_id"), ("claim", "claim_key", "owner_agent_id")):
            rows = self._get(hub, f"/v1/{noun}s?active_only=1")
            held += [(r[owner], noun, r[name], r.get("mode", "exclusive"), _micros(r["expires_at"])) for r in rows]
            places = self._get(hub, f"/v1/{noun}s/queue")
            waiting += [(p["agent_id"], tuple(p["keys"])) for p in places]
        return held, waiting

    # Calls ------------------------------------------------------------------------------------------------------------

    def can_be_lost(self, call: Call) -> bool:
        return call.connection is not None

    def _carry(self, hub: int, command: Command, call: Call, through_relay: bool) -> None:
        one = self.running[hub]
        if isinstance(command, CloseSession):
            method, path, body = "DELETE", f"/v1/sessions/{command.session_id}", {}
        else:
            method, path, body = "POST", ROUTES[type(command)], msgspec.to_builtins(command)
        try:
            if through_relay:
                agent = body.get("agent_id") or body["owner_agent_id"]
                relay = FileRelayClient(agent_id=agent, spool_dir=one.spool, timeout=1, poll_interval_sec=0.02)
                request_id, answer = uuid4().hex, None
                while answer is None or (answer["status"] == NO_RESPONSE and not self._over.is_set()):
                    answer = relay.call(method, path, body, request_id=request_id)
                call.answer.set_result(answer["body"])
                return
            call.connection = http.client.HTTPConnection("127.0.0.1", one.port, timeout=300)
            with closing(call.connection):
                call.connection.request(method, path, json.dumps(body))
                call.answer.set_result(json.loads(call.connection.getresponse().read()))
        except Exception as error:  # noqa: BLE001 - a hub that is killed answers nothing
            call.answer.set_exception(error)

    def _find_place(self, hub: int, command: AcquireLock | AcquireClaim, before: int) -> int | None:
        noun = "lock" if isinstance(command, AcquireLock) else "claim"
        for event in self._get(hub, f"/v1/log?after={before}&type={noun}.queued"):
            return int(event["data"].get("place") or event["event_id"])
        return None

    def _answers(self, hub: int) -> bool:
        try:
            return bool(self._get(hub, "/v1/hub-info"))
        except OSError:
            return False

    def _get(self, hub: int, path: str) -> Any:
        return self._call(hub, "GET", path, None)["result"]

    def _post(self, hub: int, path: str, body: object) -> Any:
        return self._call(hub, "POST", path, body)

    def _call(self, hub: int, method: str, path: str, body: object) -> Any:
        with closing(http.client.HTTPConnection("127.0.0.1", self.running[hub].port, timeout=30)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body))
            return json.loads(connection.getresponse().read())

    def _end_all(self) -> None:
        self._over.set()
        for one in self.running.values():
            with suppress(ProcessLookupError):
                os.kill(one.process.pid, signal.SIGCONT)
            one.process.kill()
            one.process.wait(WITHIN_SEC)
            one.relay.close()
        for thread in self._calling:  # none is left to the next test
            thread.join(WITHIN_SEC)
            assert not thread.is_alive()


def _micros(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)
