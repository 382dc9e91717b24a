"""Whether a process is what listens on a port: yes, no, or nobody tells."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from arc.finding.listeners import listens
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/net").exists(), reason="the system does not tell of processes")


def test_it_is_the_process_that_listens_and_no_other() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens(os.getpid(), port) is True
        with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
            assert listens(other.pid, port) is False
            other.communicate(b"\n")


def test_a_process_that_has_ended_listens_nowhere_though_its_parent_has_not_taken_note() -> None:
    ended = subprocess.Popen(["true"])
    state = Path(f"/proc/{ended.pid}/stat")
    wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "Z", what="its end")
    assert listens(ended.pid, 80) is False
    ended.wait()
    assert listens(ended.pid, 80) is False


def test_where_the_system_tells_nothing_nobody_is_taken_for_gone(tmp_path: Path) -> None:
    assert listens(os.getpid(), 80, proc=str(tmp_path)) is None
