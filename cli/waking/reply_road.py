"""The road back: a socket to which a window of Claude Code sends a message with its own `SendMessage`.

It writes one line and waits until the connection is closed, which it takes for the receipt. Only processes of the same
user reach the socket: it lies in a folder that is theirs alone.
"""

import asyncio
import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

MAX_LINE_BYTES: Final = 2**20
WITHIN_SEC: Final = 4.0
OWN: Final = 0o700
_TAG: Final = re.compile(r"^<cross-session-message\b[^>]*>\n?|\n?</cross-session-message>\s*$")

Take = Callable[[str], Awaitable[None]]


class ReplyRoad:
    """A socket that takes messages.

    Args:
        take: called with the text of each.

    Attributes:
        path: where it is; empty while it is not open.
    """

    def __init__(self, take: Take) -> None:
        self.path = ""
        self._take = take
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Take messages from now on; where no socket can be had, the road stays closed."""
        if not hasattr(asyncio, "start_unix_server"):
            return
        with contextlib.suppress(OSError):
            folder = _own_folder()
            _sweep(folder)
            path = folder / f"{os.getpid()}.sock"
            path.unlink(missing_ok=True)
            self._server = await asyncio.start_unix_server(self._hear, path, limit=MAX_LINE_BYTES)
            self.path = str(path)

    def close(self) -> None:
        """Take no more."""
        if self._server is not None:
            self._server.close()
            Path(self.path).unlink(missing_ok=True)
            self._server, self.path = None, ""

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(WITHIN_SEC):
                text = read_message(await reader.readline())
                if text:
                    await self._take(text)
        except (OSError, ValueError, TimeoutError):
            return
        finally:
            writer.close()


def read_message(line: bytes) -> str:
    """The text of one line; empty when it is no message.

    Raises:
        ValueError: it is no JSON.
    """
    frame = json.loads(line)
    message = frame.get("message") if isinstance(frame, dict) and frame.get("type") == "user" else None
    content = message.get("content") if isinstance(message, dict) else None
    return _TAG.sub("", content).strip() if isinstance(content, str) else ""


if sys.platform == "win32":

    def _own_id() -> int:
        raise OSError("this system has no sockets in folders")

else:

    def _own_id() -> int:
        return os.getuid()


def _own_folder() -> Path:
    """A folder for sockets that nobody else can look into.

    Raises:
        OSError: there is none.
    """
    run = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(run, "arc") if run and Path(run).is_dir() else Path(tempfile.gettempdir(), f"arc-{_own_id()}")
    folder.mkdir(mode=OWN, exist_ok=True)
    held = folder.lstat()
    if folder.is_symlink() or held.st_uid != _own_id() or held.st_mode & 0o077:
        raise PermissionError(f"{folder} is not this user's alone")
    return folder


def _sweep(folder: Path) -> None:
    """Take away what processes left that are gone."""
    for path in folder.glob("*.sock"):
        if path.stem.isdigit() and not _is_there(int(path.stem)):
            path.unlink(missing_ok=True)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
