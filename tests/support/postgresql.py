"""PostgreSQL for tests: servers of the machine's own package, on free ports, in temporary folders.

PostgreSQL refuses to run as root; where the tests do, it runs as `nobody`.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.support.ports import find_free_port
from tests.support.waiting import wait_until

OWNER: Final = "arc_owner"
HUB: Final = "arc_hub"
_TEMPLATE: Final = "arc_template"
HINT: Final = "PostgreSQL is not installed (Debian, Ubuntu: apt-get install postgresql)"
_SETTINGS: Final = {
    "listen_addresses": "'127.0.0.1'",
    "shared_buffers": "'32MB'",
    "max_connections": "60",
    "logging_collector": "off",
    "dynamic_shared_memory_type": "'mmap'",
    "wal_level": "replica",
    "max_wal_senders": "8",
    "hot_standby": "on",
    "max_wal_size": "'256MB'",
}


def find_programs() -> Path | None:
    """The folder of the newest server on this machine; None when there is none."""
    if (named := shutil.which("postgres")) is not None:
        return Path(named).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def needs_postgresql() -> Path:
    """The folder of the server's programs; a test that asks is skipped where there is none."""
    pytest.importorskip("psycopg", reason="psycopg is not installed (pip install 'arclog[postgresql]')")
    programs = find_programs()
    if programs is None:
        pytest.skip(HINT)
    return programs


@dataclass
class Server:
    """One server; starting it again keeps its data."""

    programs: Path
    folder: Path
    port: int = field(default_factory=find_free_port)
    process: "subprocess.Popen[bytes] | None" = None
    host: str = "127.0.0.1"
    has_template: bool = False
    """Whether there is a log to be copied for new ones."""

    @property
    def data(self) -> Path:
        return self.folder / f"data-{self.port}"

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"

    def url(self, role: str = OWNER, database: str = "arc", options: str = "") -> str:
        return f"postgresql://{role}@{self.place}/{database}{options}"

    def make(self, *, checksums: bool = True, listens_to: str = "") -> "Server":
        """Make its data folder, empty but for the two roles and their database.

        Args:
            checksums: whether its pages have checksums.
            listens_to: a further address of this machine.
        """
        command: list[object] = [
            self.programs / "initdb",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            "--no-sync",
        ]
        command += [f"--username={OWNER}", f"--pgdata={self.data}", *(["--data-checksums"] if checksums else [])]
        run_as_nobody(command)
        self.set(**_SETTINGS, port=str(self.port), unix_socket_directories=f"'{self.folder}'")
        if listens_to:
            self.set(listen_addresses=f"'127.0.0.1,{listens_to}'")
            with (self.data / "pg_hba.conf").open("a") as file:
                file.write("host all all samenet trust\n")
        self.start()
        self.sql("postgres", f"CREATE ROLE {HUB} LOGIN", "CREATE DATABASE arc ENCODING 'UTF8' TEMPLATE template0")
        return self

    def set(self, **settings: str) -> None:
        """Add to its configuration; the last word counts."""
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())

    def start(self) -> "Server":
        """Start it and wait until it takes connections."""
        with (self.folder / f"log-{self.port}").open("ab") as log:
            self.process = subprocess.Popen(
                as_nobody([self.programs / "postgres", "-D", self.data]), stdout=log, stderr=log, cwd=self.folder
            )
        wait_until(self.is_ready, within_sec=60, what=f"the server on port {self.port}")
        return self

    def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log
        asked = [str(self.programs / "pg_isready"), "-q", "-h", self.host, "-p", str(self.port)]
        return subprocess.run(asked, check=False).returncode == 0

    @property
    def log(self) -> str:
        return (self.folder / f"log-{self.port}").read_text(errors="replace")

    def stop(self) -> None:
        """End it at once, whoever it still waits for."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """End it as a machine that lost its power would, but for what the kernel has of its files."""
        if self.process is None:
            return
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in (self.process.pid, *map(int, children)):
            signal_process(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def pause(self, number: signal.Signals = signal.SIGSTOP) -> None:
        """Stop all of its processes where they are, or let them go on with SIGCONT."""
        assert self.process is not None
        children = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout.split()
        for pid in (self.process.pid, *map(int, children)):
            signal_process(pid, number)

    def sql(self, database: str, *statements: str) -> list[str]:
        """Run statements, each by itself, and return the lines that they print."""
        command = [str(self.programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", self.host]
        command += ["-p", str(self.port), "-U", OWNER, "-d", database]
        for statement in statements:
            command += ["-c", statement]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()

    def copy(self) -> "Server":
        """A standby that follows it, started."""
        standby = Server(self.programs, self.folder)
        name = f"standby_{standby.port}"
        command: list[object] = [self.programs / "pg_basebackup", "-h", self.host, "-p", str(self.port), "-U", OWNER]
        command += ["-D", standby.data, "-c", "fast", "-R", "-X", "stream", "--no-sync"]
        run_as_nobody(command)
        standby.set(
            port=str(standby.port),
            primary_conninfo=f"'host={self.host} port={self.port} user={OWNER} application_name={name}'",
            synchronous_standby_names="''",
        )
        standby.start()
        return standby

    def wait_for(self, standby: "Server") -> None:
        """Have each commit wait for a standby from now on."""
        self.sql("postgres", f"ALTER SYSTEM SET synchronous_standby_names = 'standby_{standby.port}'")
        self.sql("postgres", "SELECT pg_reload_conf()")
        follows = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
        wait_until(lambda: self.sql("postgres", follows) == ["1"], what="the standby to follow")

    def promote(self) -> None:
        """Make it a primary."""
        run_as_nobody([self.programs / "pg_ctl", "promote", "-D", self.data, "-w"])

    def _end(self, by: signal.Signals) -> None:
        if self.process is None:
            return
        self.pause(signal.SIGCONT)
        self.process.send_signal(by)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def signal_process(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended by now."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def as_nobody(command: Sequence[object]) -> list[str]:
    """A command, run as `nobody` where this is root."""
    words = [str(word) for word in command]
    if os.geteuid() != 0:
        return words
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *words]


def run_as_nobody(command: Sequence[object]) -> None:
    done = subprocess.run(as_nobody(command), check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@contextmanager
def a_folder(*, in_memory: bool = False) -> Iterator[Path]:
    """A folder that the server's user may use; pytest's own belong to whoever runs it.

    Args:
        in_memory: whether it may lie in memory, where the system has a folder there.
    """
    memory = Path("/dev/shm")  # noqa: S108 - the system's own
    within = memory if in_memory and memory.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="arc-pg-", dir=within, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        yield folder


@contextmanager
def serving(programs: Path, *, in_memory: bool = False) -> Iterator[Server]:
    """A server with an empty database, and whatever standbys are made of it, ended in the end.

    Args:
        programs: the folder of its programs.
        in_memory: whether its files may lie in memory, where the system has such a folder: a hub refuses a server that
            does not flush, and there flushing costs nothing. One that was killed starts again as quickly, however busy
            the disk is.
    """
    with a_folder(in_memory=in_memory) as folder:
        server = Server(programs, folder)
        try:
            yield server.make()
        finally:
            server.stop()


def new_log(server: Server) -> str:
    """A new log in a database of its own; its URL for the role that hubs have."""
    import psycopg

    from arclog.postgresql.opening import make_log

    name = f"arc_{os.urandom(6).hex()}"
    with psycopg.connect(server.url(database="postgres"), autocommit=True) as owner:
        if not server.has_template:
            owner.execute(f"CREATE DATABASE {_TEMPLATE} ENCODING 'UTF8' TEMPLATE template0")
            make_log(server.url(database=_TEMPLATE), HUB)
            server.has_template = True
        owner.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    with psycopg.connect(server.url(database=name), autocommit=True) as owner:
        owner.execute("UPDATE arc.log SET log_id = gen_random_uuid()::text, origin = 'tests'")
        owner.execute("UPDATE arc.log SET origin = log_id")
    return server.url(HUB, name)


def drop_log(server: Server, url: str) -> None:
    """Remove a log and its database, whoever uses it."""
    import psycopg

    with psycopg.connect(server.url(database="postgres"), autocommit=True) as owner:
        owner.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")
