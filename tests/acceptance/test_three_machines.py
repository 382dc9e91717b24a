"""The example of three machines does what its page says, played without Docker.

Each container is a process with the command, the environment and the script that `compose.yaml` names, in one namespace
of the network, in which each has a name and an address of its own. What the image of PostgreSQL adds is `_IMAGE`.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.support.hub_process import CHECKOUT
from tests.support.postgresql import a_folder, needs_postgresql
from tests.support.tools import require_tool
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.outer, pytest.mark.timeout(300)]

EXAMPLE: Final = CHECKOUT / "docs/examples/three-machines"
COMPOSE: Final = (EXAMPLE / "compose.yaml").read_text()
NAMES: Final = ("primary", "standby", "hub-1", "hub-2", "hub-3")
DATA: Final = "/var/lib/postgresql/data"

_MOUNTS: Final = f"""
for folder in /var/lib/postgresql /var/run/postgresql; do
    mkdir -p $folder
    mount -t tmpfs none $folder
    chmod 777 $folder
done
mkdir {DATA}; mount --bind "$1" {DATA}; shift
exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"
"""
_IMAGE: Final = f"""
set -eu
export PGDATA={DATA}
echo "$POSTGRES_PASSWORD" > $PGDATA/../password
initdb -D $PGDATA --username="$POSTGRES_USER" --pwfile=$PGDATA/../password --auth-local=trust $POSTGRES_INITDB_ARGS
echo "host all all all scram-sha-256" >> $PGDATA/pg_hba.conf
first=$1; shift
LISTENS= pg_ctl -D $PGDATA -o "$*" -w start
psql -U "$POSTGRES_USER" -d postgres -c "CREATE DATABASE $POSTGRES_DB"
bash "$first"
pg_ctl -D $PGDATA -m fast -w stop
exec postgres "$@"
"""


def command_of(service: str) -> list[str]:
    """What a service runs, as its line in the file has it."""
    block = COMPOSE.split(f"\n  {service}:\n")[1] if service != "hub" else COMPOSE
    found = re.search(r"command: \[(.*)\]", block)
    assert found is not None
    return [word.strip().strip('"') for word in found[1].split(",")]


def environment() -> dict[str, str]:
    """All that the file sets, with its defaults; the owner's password where there are two."""
    found = dict(re.findall(r"^ {4,6}([A-Z_]+): (.+)$", COMPOSE, re.MULTILINE))
    return {name: re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", value) for name, value in found.items()}


class Machines:
    """A namespace in which each machine has its name."""

    def __init__(self, programs: Path, folder: Path, stack: ExitStack) -> None:
        self.name = f"arc3-{os.getpid()}"
        self.folder = folder
        self.stack = stack
        hosts = Path("/etc/netns") / self.name / "hosts"
        subprocess.run(["ip", "netns", "add", self.name], check=True, capture_output=True, text=True)
        stack.callback(subprocess.run, ["ip", "netns", "del", self.name], check=True)
        hosts.parent.mkdir(parents=True)
        stack.callback(hosts.parent.rmdir)
        hosts.write_text("127.0.0.1 localhost\n" + "".join(f"{self.address(name)} {name}\n" for name in NAMES))
        stack.callback(hosts.unlink)
        subprocess.run(["ip", "-n", self.name, "link", "set", "lo", "up"], check=True)
        postgres = folder / "bin/postgres"
        postgres.parent.mkdir()
        postgres.write_text(f'#!/bin/sh\nexec {programs}/postgres "$@" -c listen_addresses="$LISTENS"\n')
        postgres.chmod(0o755)
        self.path = f"{postgres.parent}:{programs}:{os.environ['PATH']}"

    @staticmethod
    def address(name: str) -> str:
        return f"127.0.1.{NAMES.index(name) + 1}"

    def start(self, name: str, command: list[str], **more: str) -> "subprocess.Popen[bytes]":
        """A machine that runs until the end, or until it is killed."""
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                ["ip", "netns", "exec", self.name, *command],
                env=self.environment(**more), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.stack.callback(self.end, process)
        self.stack.callback(lambda: sys.stdout.write(f"{name}:\n{self.log(name)[-3000:]}\n"))
        return process

    def start_server(self, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
        data = self.folder / f"data-{name}"
        data.mkdir(mode=0o700)
        os.chown(data, 65534, 65534)
        words = ["sh", "-ec", _MOUNTS, "sh", str(data), *command]
        return self.start(name, words, LISTENS=self.address(name), POSTGRES_USER="arc_owner")

    def run(self, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["ip", "netns", "exec", self.name, *command],
            env=self.environment(**more), cwd=self.folder, check=False, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def environment(self, **more: str) -> Mapping[str, str]:
        return os.environ | environment() | {"PATH": self.path, "PYTHONPATH": str(CHECKOUT)} | more

    def end(self, process: "subprocess.Popen[bytes]") -> None:
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT if "postgres" in str(process.args) else signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                for pid in (process.pid, *children_of(process.pid)):
                    os.kill(pid, signal.SIGKILL)
                process.wait()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")


@pytest.fixture
def played() -> Iterator[Machines]:
    programs = needs_postgresql()
    require_tool("ip", install="apt-get install iproute2")
    if os.geteuid() != 0:
        pytest.skip("only root may make namespaces")
    with ExitStack() as stack:
        folder = stack.enter_context(a_folder())
        folder.chmod(0o755)
        yield Machines(programs, folder, stack)


def arc(command: list[str], name: str = "") -> list[str]:
    """A command of the file, which names an address of its own where a container has one to itself."""
    words = command[1:] if command[0] == "arc" else command
    return [sys.executable, "-m", "arc", *(Machines.address(name) if word == "0.0.0.0" else word for word in words)]  # noqa: S104


def test_three_agents_meet_each_at_another_machine_and_again_when_the_primary_is_lost(played: Machines) -> None:
    is_ready = [f"{played.path.split(':')[1]}/pg_isready", "-q", "-U", "arc_owner", "-d", "arc", "-h"]
    script = played.folder / "primary.sh"
    script.write_text((EXAMPLE / "primary.sh").read_text())
    first = ["bash", "-c", _IMAGE, "bash", str(script), *command_of("primary")[1:]]
    primary = played.start_server("primary", first)
    wait_until(lambda: played.run(*is_ready, "primary").returncode == 0, within_sec=60, what="the primary")
    script = played.folder / "standby.sh"
    script.write_text((EXAMPLE / "standby.sh").read_text())
    standby = played.start_server("standby", ["bash", str(script)])
    wait_until(lambda: played.run(*is_ready, "standby").returncode == 0, within_sec=60, what="the standby")

    owner = environment()["POSTGRES_PASSWORD"]
    made = played.run(*arc(command_of("log")), PGPASSWORD=owner, ARC_LOG="")
    assert made.returncode == 0, made.stderr
    for hub in NAMES[2:]:
        words = arc(command_of("hub"), hub)
        storage = words.index("--storage") + 1
        words[storage] = str(played.folder / hub / "arc.sqlite3")
        Path(words[storage]).parent.mkdir()
        played.start(hub, [*words, "--port", "6969"], PGPASSWORD=environment()["HUB_PASSWORD"])
    for hub in NAMES[2:]:
        wait_until(lambda hub=hub: "listens on" in played.log(hub), within_sec=60, what=f"{hub} to listen")  # type: ignore[misc]
        assert "each commit waits for a standby" in played.log(hub)

    assert_they_meet(played)
    for pid in (primary.pid, *children_of(primary.pid)):
        os.kill(pid, signal.SIGKILL)
    primary.wait()
    promoted = subprocess.run(
        ["nsenter", "--mount", "--target", str(standby.pid), "setpriv", "--reuid=nobody", "--regid=nogroup",
         "--clear-groups", f"{played.path.split(':')[1]}/pg_ctl", "promote", "-D", f"{DATA}/pgdata"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert promoted.returncode == 0, promoted.stderr
    assert_they_meet(played)


def assert_they_meet(played: Machines) -> None:
    def meet() -> bool:
        done = played.run(*arc(command_of("try")))
        return done.returncode == 0 and done.stdout.startswith("it works: three agents met at")

    wait_until(meet, within_sec=60, what="three agents to meet")


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listed.stdout.split()]
