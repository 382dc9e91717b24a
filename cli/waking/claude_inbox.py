"""The inbox of a window of Claude Code: a socket on which its own MCP servers, hooks and shells can reach it.

The form of what is written there is not documented; it was seen on 2.1.332, which calls it protocol 1. A window that
speaks another one is not called this way. What is sent begins a turn where the window is idle, and else comes with the
next result of a tool. A window that asks nobody for permissions holds it back until its user has looked.
"""

import contextlib
import json
import os
import socket
import stat
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from arc.harnesses import CLAUDE_INBOX

SOCKET: Final = "CLAUDE_CODE_MESSAGING_SOCKET"
TOKEN: Final = "CLAUDE_CODE_MESSAGING_TOKEN"  # noqa: S105 - the name of a variable
HOME: Final = "CLAUDE_CONFIG_DIR"
PROTOCOL: Final = 1
WITHIN_SEC: Final = 3.0
MAX_NOTE_BYTES: Final = 100_000


class Road(Protocol):
    """A way to call the agent of one window."""

    @property
    def name(self) -> str:
        """What the log calls it."""
        ...

    def is_known(self) -> bool:
        """Whether the harness's version is one whose way in is known."""
        ...

    def call(self, text: str, reply_to: str) -> None:
        """Call the agent.

        Args:
            text: what its model is to read.
            reply_to: the socket on which a reply is taken; empty where there is none.

        Raises:
            OSError: it could not be called.
        """
        ...


class ClaudeInbox:
    """The inbox of one window.

    Args:
        path: its socket.
        token: what opens it.
        notes: the folder in which the program says which windows are there.
    """

    name = CLAUDE_INBOX

    def __init__(self, path: str, token: str, notes: Path) -> None:
        self._path = path
        self._token = token
        self._notes = notes

    def is_known(self) -> bool:
        """Whether the window says of itself that it speaks the protocol that is known here, on this socket of ours."""
        try:
            held = os.lstat(self._path)
            note = self._notes / f"{Path(self._path).stem}.json"
            with note.open("rb") as file:
                said = json.loads(file.read(MAX_NOTE_BYTES))
        except (OSError, ValueError):
            return False
        if not _is_own_socket(held) or not isinstance(said, dict):
            return False
        return said.get("peerProtocol") == PROTOCOL and said.get("messagingSocketPath") == self._path

    def call(self, text: str, reply_to: str) -> None:
        """Write what the model is to read; the window has taken it when it has closed the connection.

        The window does not show its model whence a message came, so the text says where an answer is taken.
        """
        if reply_to:
            text = f"{text}\nAnswer with Arc's tools, or with SendMessage to uds:{reply_to}"
        frames: list[dict[str, object]] = [
            {"type": "auth", "token": self._token},
            {
                "type": "user",
                "msgV": PROTOCOL,
                "msg_id": str(uuid.uuid4()),
                "from": f"uds:{reply_to or '/none'}",
                "priority": "next",
                "message": {"role": "user", "content": text},
            },
        ]
        _send(self._path, "".join(f"{json.dumps(frame)}\n" for frame in frames).encode())


if sys.platform == "win32":  # it has no such sockets, so `find_inbox` finds none

    def _is_own_socket(held: os.stat_result) -> bool:
        return False

    def _send(path: str, lines: bytes) -> None:
        raise OSError(f"{path} is no socket")

else:

    def _is_own_socket(held: os.stat_result) -> bool:
        return stat.S_ISSOCK(held.st_mode) and held.st_uid == os.getuid()

    def _send(path: str, lines: bytes) -> None:
        with socket.socket(socket.AF_UNIX) as inbox:
            inbox.settimeout(WITHIN_SEC)
            inbox.connect(path)
            inbox.sendall(lines)
            with contextlib.suppress(OSError):
                inbox.shutdown(socket.SHUT_WR)
                while inbox.recv(4096):
                    pass


def find_inbox(environment: Mapping[str, str] = os.environ) -> ClaudeInbox | None:
    """The inbox of the window that this process works for; None where there is none."""
    path, token = environment.get(SOCKET), environment.get(TOKEN)
    if not path or not token or not hasattr(socket, "AF_UNIX"):
        return None
    home = Path(environment[HOME]) if environment.get(HOME) else Path.home() / ".claude"
    return ClaudeInbox(path, token, home / "sessions")
