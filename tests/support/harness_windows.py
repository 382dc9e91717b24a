"""A window of Claude Code or Codex on a terminal of its own, for what happens only there: it waits for its user."""

import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

from tests.support.harness_programs import CLOSED, find_program

SIZE = struct.pack("HHHH", 45, 150, 0, 0)
"""Lines and columns of the terminal."""
WHERE, TOP = b"\x1b[6n", b"\x1b[1;1R"
"""The question where a terminal's cursor is, without whose answer Codex does not begin; and an answer."""
KEY = "none"
ENDS_WITHIN_SEC = 10


def settle_window(home: Path, repository: Path) -> None:
    """Give a home what lets Claude Code begin in a repository without a question."""
    home.mkdir(exist_ok=True)
    known = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}
    content = {
        "hasCompletedOnboarding": True,
        "theme": "dark",
        "customApiKeyResponses": {"approved": [KEY], "rejected": []},
        "projects": {str(repository): known},
    }
    (home / ".claude.json").write_text(json.dumps(content))


class HarnessWindow:
    """A running window.

    Args:
        terminal: the terminal's other end.
        process: the program.
    """

    def __init__(self, terminal: int, process: subprocess.Popen[bytes]) -> None:
        self._terminal = terminal
        self._process = process
        self._shown: list[bytes] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def shown(self) -> str:
        """All that was written to the terminal, with its control sequences."""
        return b"".join(self._shown).decode(errors="replace")

    def type(self, text: str) -> None:
        """Type a text."""
        os.write(self._terminal, text.encode())

    def close(self) -> None:
        """End the program, and whatever it has started."""
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(ENDS_WITHIN_SEC)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        except ProcessLookupError:
            self._process.wait()
        self._reader.join(ENDS_WITHIN_SEC)
        os.close(self._terminal)

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._terminal, 65_536)
            except OSError:  # the last process has let go of it
                return
            if not part:
                return
            self._shown.append(part)
            if WHERE in part:
                os.write(self._terminal, TOP)


@contextmanager
def claude_window(repository: Path, home: Path, model_url: str, *options: str) -> Iterator[HarnessWindow]:
    """A window of Claude Code that runs until the end of the block."""
    surroundings = {
        "XDG_RUNTIME_DIR": str(home),
        "ANTHROPIC_BASE_URL": model_url,
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_MODEL": "claude-sonnet-4-5",
        "CLAUDE_CODE_TMPDIR": str(home),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
    }
    with _window("claude-code", options, repository, home, surroundings) as window:
        yield window


@contextmanager
def codex_window(repository: Path, home: Path, model_url: str) -> Iterator[HarnessWindow]:
    """A window of Codex that runs until the end of the block, with whatever is set up in its home."""
    provider = f'name = "scripted", base_url = "{model_url}/v1", wire_api = "responses", env_key = "KEY"'
    lines = (
        'model = "gpt-5-codex"',
        'model_provider = "scripted"',
        f"model_providers.scripted = {{ {provider} }}",
        'approval_policy = "never"',
        'sandbox_mode = "danger-full-access"',
        "check_for_update_on_startup = false",
        "features = { plugins = false, remote_plugin = false, apps = false }",
        "analytics.enabled = false",
    )
    settings = home / ".codex" / "config.toml"  # without a provider there it asks its user to sign in
    settings.write_text("\n".join([*lines, settings.read_text()]))
    with _window("codex", ("--dangerously-bypass-hook-trust",), repository, home, {"KEY": KEY}) as window:
        yield window


@contextmanager
def _window(
    harness: str, options: tuple[str, ...], repository: Path, home: Path, more: dict[str, str]
) -> Iterator[HarnessWindow]:
    program = find_program(harness)
    assert program is not None
    proxies = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"), CLOSED)
    surroundings = {
        "PATH": os.pathsep.join([str(Path(program).parent), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "IS_SANDBOX": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        **proxies,
        **more,
    }
    mine, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, SIZE)
    process = subprocess.Popen(
        [program, *options],
        cwd=repository,
        env=surroundings,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    window = HarnessWindow(mine, process)
    try:
        yield window
    finally:
        window.close()
