"""A machine of its own for a hub: a network namespace with two cables, to its log's server and to its agents."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.hub_process import HubProcess
from tests.support.tools import require_tool

SERVER, AGENTS = "198.18.78", "198.18.79"
"""The networks of the two cables; this end is .1, the hub's is .2."""
SERVER_HOST = f"{SERVER}.1"


class Machine:
    """A namespace, for as long as `stack` is open.

    Args:
        name: up to eight letters, which no other namespace has.
        stack: ends it.
    """

    def __init__(self, name: str, stack: ExitStack) -> None:
        self.name = name
        self._cable = f"{name}-s"
        _ip("netns", "add", name)
        stack.callback(_ip, "netns", "del", name)
        for cable, network in ((self._cable, SERVER), (f"{name}-a", AGENTS)):
            _ip("link", "add", cable, "type", "veth", "peer", "name", f"{cable}p", "netns", name)
            _ip("addr", "add", f"{network}.1/24", "dev", cable)
            _ip("link", "set", cable, "up")
            _ip("-n", name, "addr", "add", f"{network}.2/24", "dev", f"{cable}p")
            _ip("-n", name, "link", "set", f"{cable}p", "up")
        _ip("-n", name, "link", "set", "lo", "up")

    def hub(self, home: Path, *options: str) -> HubProcess:
        """A hub there, not yet started, which agents here can reach."""
        host = f"{AGENTS}.2"
        hub = HubProcess.at(home, "--host", host, "--allow-remote", "--no-auth", *options)
        hub.host = host
        hub.program = ["ip", "netns", "exec", self.name, *hub.program]
        return hub

    def cut(self) -> None:
        """Pull the cable to the server: nothing gets through, and nobody is told."""
        _ip("link", "set", self._cable, "down")

    def mend(self) -> None:
        """Put it back; what was sent meanwhile is lost or late, as on any network."""
        _ip("link", "set", self._cable, "up")


@contextmanager
def a_machine(name: str) -> Iterator[Machine]:
    """A namespace; a test that asks is skipped where nobody may make one."""
    require_tool("ip", install="apt-get install iproute2")
    with ExitStack() as stack:
        try:
            machine = Machine(name, stack)
        except subprocess.CalledProcessError as refused:
            pytest.skip(f"this machine lets nobody make namespaces: {refused.stderr}")
        yield machine


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
