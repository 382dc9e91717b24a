"""The queue of a thread of Codex: its own command starts a turn in a window that is idle (seen on 0.171.0)."""

import shutil
import subprocess
from typing import Final

from arc.harnesses import CODEX_QUEUE

WITHIN_SEC: Final = 10.0
PROGRAM: Final = "codex"


class CodexQueue:
    """The queue of one thread.

    Args:
        thread_id: the thread.
        program: the command.
    """

    name = CODEX_QUEUE

    def __init__(self, thread_id: str, program: str) -> None:
        self._thread_id = thread_id
        self._program = program

    def is_known(self) -> bool:
        """Whether this version has the command."""
        try:
            done = subprocess.run(
                [self._program, "queue", "--help"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=WITHIN_SEC,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0 and b"--thread" in done.stdout

    def call(self, text: str, reply_to: str) -> None:
        """Put a text into the queue; Codex knows no road back.

        Raises:
            OSError: it would not take it.
        """
        words = [self._program, "queue", "--thread", self._thread_id, "--message", text]
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=WITHIN_SEC,
                check=False,
            )
        except subprocess.SubprocessError as error:
            raise OSError(str(error)) from None
        if done.returncode:
            raise OSError(done.stderr.decode(errors="replace").strip() or f"it ended with {done.returncode}")


def find_queue(thread_id: str) -> CodexQueue | None:
    """The queue of a thread; None where the command is not to be found."""
    program = shutil.which(PROGRAM)
    return None if program is None else CodexQueue(thread_id, program)
