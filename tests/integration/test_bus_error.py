"""Memory that is cut off under several threads at once: the process ends, and one line says why."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, logging, mmap, sys, threading, time
from pathlib import Path
from cli.hubs.bus_error import tell_bus_error


class Slow(logging.StreamHandler):  # the first has written and not ended yet while the others come to it
    def handle(self, record):
        super().handle(record)
        time.sleep(0.2)


logging.basicConfig(format="%(message)s", handlers=[Slow()])
storage = Path(sys.argv[1])
tell_bus_error(storage)
with storage.with_name(storage.name + "-shm").open("r+b") as file:
    file.truncate(32768)
    memory = mmap.mmap(file.fileno(), 32768)
    file.truncate(0)
touch = ctypes.CDLL(None).memset  # which lets the other threads go on, as SQLite does
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
together = threading.Barrier(8)


def fail():
    together.wait()
    touch(ctypes.c_void_p(address), 0, 8)


for _ in range(8):
    threading.Thread(target=fail).start()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a file that is mapped cannot be cut on Windows")
def test_threads_that_all_reach_for_shared_memory_that_is_gone_end_the_hub_with_one_line(tmp_path: Path) -> None:
    storage = tmp_path / "arc.sqlite3"
    storage.with_name("arc.sqlite3-shm").touch()
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(storage)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("arc.sqlite3-shm was cut short while the storage")
    assert line.endswith("start it again with arc ensure")
