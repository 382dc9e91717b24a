"""A real hub: `python -m arc` in a process of its own."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from tests.support.ports import find_free_port
from tests.support.waiting import wait_until

CHECKOUT = Path(__file__).resolve().parents[2]
STOP_WITHIN_SEC = 10.0


@dataclass(frozen=True)
class Answer:
    """One answer of the hub."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: Any  # decoded JSON

    @property
    def result(self) -> Any:
        """The `result` of a success; a failure fails the test and shows what the hub said."""
        assert self.body["ok"], f"{self.status}: {self.body['error']}"
        return self.body["result"]


class Running(Protocol):
    """A process, as far as it is asked for here."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def send_signal(self, number: int, /) -> None: ...
    def kill(self) -> None: ...
    def wait(self, timeout: float = ..., /) -> int: ...


@dataclass
class HubProcess:
    """One hub process, its storage and its spool. Starting it again after `stop` or `kill` keeps both."""

    home: Path
    storage: Path
    spool_dir: Path
    port: int = field(default_factory=find_free_port)
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    program: Sequence[str] = (sys.executable, "-m", "arc")
    process: Running | None = None
    host: str = "127.0.0.1"

    @classmethod
    def at(cls, home: Path, *options: str, **environment: str) -> "HubProcess":
        """A hub, not yet started, that keeps everything in the folder `home`."""
        return cls(home, home / "arc.sqlite3", home / ".arc-relay", options=options, environment=environment)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def output(self) -> str:
        """What all runs of this hub printed."""
        return (self.home / f"hub-{self.port}.log").read_text(errors="replace")

    def start(self) -> "HubProcess":
        """Start the process and wait until it answers."""
        arguments = ["--port", str(self.port), "--storage", str(self.storage)]
        arguments += ["--spool-dir", str(self.spool_dir), "--quiet", *self.options]
        surroundings = os.environ | {"PYTHONPATH": str(CHECKOUT), **self.environment}
        with (self.home / f"hub-{self.port}.log").open("ab") as log:
            self.process = self.spawn(arguments, surroundings, log)
        wait_until(self._answers, within_sec=60, what=f"the first answer of the hub on port {self.port}")
        return self

    def spawn(self, arguments: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Running:
        """Start the process.

        Args:
            arguments: what follows the program.
            environment: its whole environment.
            log: where its output goes.
        """
        return subprocess.Popen(
            [*self.program, *arguments],
            cwd=self.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
    ) -> Answer:
        """One request on a connection of its own.

        Args:
            method: the HTTP method.
            path: path and query, encoded.
            body: a JSON value, or the bytes to send as they are; None sends no body.
            headers: further headers.
            timeout: seconds of silence after which the call raises `TimeoutError`.
        """
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            payload = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, payload, dict(headers or {}))
            response = connection.getresponse()
            text = response.read()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, json.loads(text))
        finally:
            connection.close()

    def get(self, path: str, *, timeout: float = 30) -> Answer:
        return self.call("GET", path, timeout=timeout)

    def post(self, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> Answer:
        return self.call("POST", path, body, headers=headers)

    def stop(self) -> int:
        """End the process with SIGTERM, with SIGKILL when that takes too long, and return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End the process with SIGKILL, as a crash would."""
        return self._end(signal.SIGKILL)

    def _end(self, by: signal.Signals) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(by)
        try:
            code = self.process.wait(STOP_WITHIN_SEC)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process = None
        return code

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the hub ended with {self.process.returncode}:\n{self.output}"
        try:
            return self.get("/v1/hub-info").status == 200
        except OSError:
            return False
