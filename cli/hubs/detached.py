"""Processes that live on when the process that started them ends: no shared terminal, no inherited handle."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

if sys.platform == "win32":

    def start_detached(command: Sequence[str], folder: Path, output: BinaryIO) -> "subprocess.Popen[bytes]":
        """Start a command that no Ctrl-C and no closed console reaches.

        It has a console without a window rather than none, or what it starts itself would open one.

        Args:
            command: the program and its arguments.
            folder: its working directory.
            output: where what it prints goes.
        """
        apart = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        try:
            return _start(command, folder, output, apart | subprocess.CREATE_BREAKAWAY_FROM_JOB)
        except PermissionError:  # this process is in a job that lets nobody go: the hub ends with it
            return _start(command, folder, output, apart)

    def _start(command: Sequence[str], folder: Path, output: BinaryIO, flags: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, creationflags=flags
        )

else:

    def start_detached(command: Sequence[str], folder: Path, output: BinaryIO) -> "subprocess.Popen[bytes]":
        """Start a command in a session of its own.

        Args:
            command: the program and its arguments.
            folder: its working directory.
            output: where what it prints goes.
        """
        return subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
