"""The CPython for Windows that `tests.support.windows_setup` made: what runs on it, and hubs that do.

Wine has its ways. Standard streams must be pipes, or CPython does not start. What Windows processes leave behind, and
Wine's own services, hold the standard error of whoever started them: so the services are started first, without it, and
nobody waits for its end.
"""

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from tests.support.arc_command import ArcCommand, Ended
from tests.support.hub_process import CHECKOUT, HubProcess
from tests.support.ports import find_free_port
from tests.support.waiting import wait_until
from tests.support.windows_setup import LABORATORY, as_windows_has_it, environment, words

ARC: Final = CHECKOUT / "arc" / "__main__.py"
RUNS_WITHIN_SEC: Final = 60.0
STARTS_WITHIN_SEC: Final = 60.0


class WindowsPython:
    """Python for Windows in a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def arc(self, *arguments: object, within_sec: float = RUNS_WITHIN_SEC, **variables: str) -> Ended:
        """Run the command `arc`, which must leave no traceback."""
        ended = self.run("-P", ARC, *arguments, within_sec=within_sec, **variables)
        assert "Traceback" not in ended.err, ended.err
        return ended

    def run(self, *arguments: object, within_sec: float = RUNS_WITHIN_SEC, **variables: str) -> Ended:
        """Run Python to its end."""
        return self._end(self.start(*arguments, **variables), arguments, within_sec)

    def _end(self, process: "subprocess.Popen[bytes]", arguments: Sequence[object], within_sec: float) -> Ended:
        assert process.stdout is not None
        late = threading.Timer(within_sec, process.kill)
        late.start()
        out = process.stdout.read()
        code = process.wait()
        in_time = late.is_alive()
        late.cancel()
        err = _hear(process)
        assert in_time, f"{arguments} has not ended within {within_sec:g} s: {out!r} {err}"
        return Ended(code, out.decode("utf-8", "replace"), err)

    def shell(self, *arguments: object, **variables: str) -> Ended:
        """Run a command as it is typed."""
        return self._end(self._start("cmd", "/c", *arguments, **variables), arguments, RUNS_WITHIN_SEC)

    def start(self, *arguments: object, **variables: str) -> "subprocess.Popen[bytes]":
        """Start Python and leave it running. Its pid is Linux's, so to kill it is what TerminateProcess does."""
        return self._start(LABORATORY / "python" / "python.exe", *arguments, **variables)

    def _start(self, *command: object, **variables: str) -> "subprocess.Popen[bytes]":
        start_services()
        return subprocess.Popen(
            ["wine", *words(command)],
            cwd=self.folder,
            env=environment() | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    @contextmanager
    def hub(self, *options: object, storage: str = "arc.sqlite3") -> Iterator[HubProcess]:
        """While this lasts, a hub runs here in the foreground, and is killed at the end, if it is there still."""
        port = find_free_port()
        places = ["--port", port, "--storage", storage, "--spool-dir", ".arc-relay"]
        process = self.start("-P", ARC, *places, *options)
        hub = HubProcess(self.folder, self.folder / storage, self.folder / ".arc-relay", port)
        hub.process = process

        def answers() -> bool:
            assert process.poll() is None, f"the hub ended with {process.returncode}: {_hear(process)}"
            try:
                return hub.get("/v1/hub-info", timeout=5).status == 200
            except OSError:
                return False

        try:
            wait_until(answers, within_sec=STARTS_WITHIN_SEC, what="the first answer of a hub under Wine")
            yield hub
        finally:
            process.kill()
            process.wait()
            if process.stderr is not None and not process.stderr.closed:
                _hear(process)


class WindowsCommand(ArcCommand):
    """The command `arc` on Windows, for tests of the command on any system."""

    def __call__(self, *arguments: object, within_sec: float = RUNS_WITHIN_SEC, **environment: str) -> Ended:
        ended = WindowsPython(self.folder).arc(*arguments, within_sec=within_sec, **environment)
        return Ended(ended.code, ended.out.replace("\r\n", "\n"), ended.err.replace("\r\n", "\n"))

    def inside(self, *parts: str) -> "WindowsCommand":
        return WindowsCommand(super().inside(*parts).folder)


def _hear(process: "subprocess.Popen[bytes]") -> str:
    """What a process has written to its standard error; then its streams are closed here, whoever else holds them."""
    said = bytearray()
    assert process.stderr is not None
    os.set_blocking(process.stderr.fileno(), False)
    with suppress(BlockingIOError):
        while piece := os.read(process.stderr.fileno(), 65_536):
            said += piece
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    return said.decode("utf-8", "replace")


def start_services() -> None:
    """Start what Wine keeps running for some seconds more, without our streams."""
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = subprocess.run(["wineserver", "-p5"], env=environment(), timeout=60, check=False, **quiet)
    if started.returncode == 0:  # it is not 0 where they run already
        subprocess.run(["wine", "cmd", "/c", "exit"], env=environment(), timeout=60, check=False, **quiet)


def end_hubs_below(folder: Path) -> None:
    """End the hubs that a test left in its folder, by process id."""
    place = f"{as_windows_has_it(folder)}\\".encode()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if place in entry.read_bytes():
                os.kill(int(entry.parent.name), signal.SIGKILL)
