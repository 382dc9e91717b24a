"""Flushes: how often a process, its threads and its children flush the disk, as strace counts it."""

import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.benchmarks.peers.senders import Writable
from tests.support.waiting import wait_until

_CALLS: Final = "fsync,fdatasync,sync_file_range,msync"
COUNTED_SEC: Final = 1.0


def count_flushes(peer: Writable) -> float | None:
    """Flushes for one write of one sender; None where strace cannot tell. What is done beside the writes counts too."""
    if shutil.which("strace") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "calls"
        command = ["strace", "-f", "--seccomp-bpf", "-e", f"trace={_CALLS}", "-o", str(log)]
        pids = [part for pid in (peer.pid, *_children_of(peer.pid)) for part in ("-p", str(pid))]
        tracer = subprocess.Popen([*command, *pids], stderr=subprocess.PIPE, text=True)
        try:
            assert tracer.stderr is not None
            if "attached" not in tracer.stderr.readline():
                return None
            time.sleep(0.2)  # until all threads are traced; those that are not yet would only count too few
            writes = peer.write_for(COUNTED_SEC, 1)
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
        wait_until(log.exists, what="the calls that strace saw")
        flushes = sum("resumed" not in line and ("sync" in line) for line in log.read_text().splitlines())
    return flushes / writes if writes else None


def _children_of(pid: int) -> list[int]:
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in told.split()]
