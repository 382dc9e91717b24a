"""Who is asking when nobody gave a name: the session of the host that this process works for.

Two windows of one host are two agents, and the hooks, the command and the MCP server of one window are one. So a name
is made from the host and its session, as in `claude-3f2a`. Which session that is, is told by, in this order:

1. an id that the host gives to its hooks, its shell and its MCP servers alike, in the environment;
2. the nearest ancestor process that is a known host: its pid, and when it started, since pids come back;
3. for Codex, whose MCP servers get neither, the thread's id: in the shell's environment, and with each call of a tool.

It is hashed, so that nobody learns a session's id from the name of an agent.
"""

from __future__ import annotations

import hashlib
import os
import sys

from arc.harnesses import HARNESSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SESSION_VARIABLES = tuple((one.host, one.session_variable) for one in HARNESSES.values() if one.session_variable)
"""Hosts that give the id of a session, and where."""
PROCESS_VARIABLES = tuple((one.host, one.process_variable) for one in HARNESSES.values() if one.process_variable)
"""Hosts that give their own pid, and where."""
PROGRAMS = {program: one.host for one in HARNESSES.values() for program in one.programs}
"""Names of programs, and the hosts that they are."""
ONE_SERVER_A_THREAD = frozenset(one.host for one in HARNESSES.values() if one.many_windows)
"""Hosts with one process for many windows, and an MCP server for each: the process names no window."""
SHORT = 4
SUB_AGENT_CHARS = 6
KIND_CHARS = 24
MAX_ANCESTORS = 32
PROC = "/proc"
ASK_WITHIN_SEC = 2.0


class HostSession:
    """A session of a host.

    Attributes:
        harness: the host's short name, as in `claude`; `mcp` for one that is not known.
        session: what tells this session from the host's others, hashed; `None` when it is known only by its process.
        pid: the process that lives as long as the session, 0 when there is none to look at.
        started: when that process started, as the machine has it.
        machine: where that process runs; hashed, with the machine's start in it.
        adapter: the process that speaks for the session's agent, if it is one of its own; 0 if not.
    """

    __slots__ = ("adapter", "harness", "machine", "pid", "session", "started")

    def __init__(self, harness: str, session: str | None, pid: int = 0, adapter: int = 0) -> None:
        self.harness = harness
        self.session = session
        self.pid = pid
        self.started = find_start(pid) if pid else None
        self.machine = name_machine()
        self.adapter = adapter

    @property
    def name(self) -> str:
        """The name of the session's agent."""
        return f"{self.harness}-{(self.session or _hash(f'{self.pid} {self.started}'))[:SHORT]}"

    def to_metadata(self) -> dict[str, Any]:
        """What the agent's session at the hub says of it."""
        said = {"harness": self.harness, "session": self.session, "pid": self.pid, "started": self.started}
        said |= {"machine": self.machine}
        if self.adapter:
            said |= {"adapter": self.adapter, "adapter_started": find_start(self.adapter)}
        return {name: value for name, value in said.items() if value}

    def to_process(self) -> dict[str, Any] | None:
        """The process while which the session's agent counts as present; `None` where the system does not tell."""
        pid = self.pid or self.adapter
        started = find_start(pid) if pid else None
        boot_id = find_boot_id()
        if boot_id is None or started is None or not started.isdigit():
            return None
        return {"pid": pid, "started": int(started), "boot_id": boot_id}

    def is_same(self, said: Mapping[str, Any]) -> bool:
        """Whether the metadata of an agent's session speak of this session."""
        if said.get("harness") != self.harness:
            return False
        if self.session and said.get("session"):
            return bool(self.session == said["session"])
        # A hook says no machine; that a process elsewhere has the same number and start is not to be expected.
        where = (said.get("pid"), said.get("started"), said.get("machine", self.machine))
        return bool(self.pid) and where == (self.pid, self.started, self.machine)


def find_host_session(environment: Mapping[str, str] = os.environ) -> HostSession | None:
    """The session of the host that this process was started by; None when no host is known."""
    host, pid = find_host_process()
    for harness, variable in SESSION_VARIABLES:
        given = environment.get(variable)
        if given:
            return HostSession(harness, _hash(given), pid if host == harness else 0)
    for harness, variable in PROCESS_VARIABLES:
        given = environment.get(variable, "")
        if given.isascii() and given.isdigit() and find_start(int(given)):
            return HostSession(harness, None, int(given))
    return HostSession(host, None, pid) if host else None


def of_thread(harness: str, thread_id: str, adapter: int) -> HostSession:
    """The session of a host that names it with each call, to the process `adapter`."""
    return HostSession(harness, _hash(thread_id), adapter=adapter)


def name_sub_agent(parent: str, session: str, kind: str = "") -> str:
    """The name of a sub-agent that was given none.

    Args:
        parent: whose it is.
        session: the host's id of it.
        kind: what kind of sub-agent it is, as the host calls it, where all that speak of it know that.
    """
    word = "".join(char if char.isascii() and char.isalnum() else "-" for char in kind.lower())[:KIND_CHARS].strip("-")
    return f"{parent}.{word or 'agent'}-{_hash(session)[:SUB_AGENT_CHARS]}"


def find_host_process() -> tuple[str, int]:
    """The nearest ancestor of this process that is a known host.

    Returns:
        Its short name and its pid; an empty name and 0 when there is none.
    """
    pid = _find_parent()
    for _ in range(MAX_ANCESTORS):
        if pid <= 1:
            break
        parent, words = _look_at(pid)
        for word in words:
            harness = PROGRAMS.get(os.path.basename(word).lower().removesuffix(".js").removesuffix(".exe"))
            if harness:
                return harness, pid
        pid = parent
    return "", 0


def is_dead(said: Mapping[str, Any]) -> bool:
    """Whether a process that an agent's session belongs to ran on this machine and is gone."""
    if said.get("machine") != name_machine():
        return False
    for pid, started in ((said.get("pid"), said.get("started")), (said.get("adapter"), said.get("adapter_started"))):
        if isinstance(pid, int) and started and find_start(pid) != started:
            return True
    return False


def name_machine() -> str:
    """This machine since it started, and the part of it whose processes can be seen from here; hashed."""
    parts = [os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", sys.platform)]
    try:
        parts.append(find_boot_id() or "")
        parts.append(os.readlink(f"{PROC}/self/ns/pid"))
    except OSError:  # a machine without /proc
        pass
    return _hash(" ".join(parts))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


if sys.platform == "win32":
    from arc.windows import find_start as find_start  # noqa: PLC0414 - it is part of this module
    from arc.windows import look_at as _look_at

    def _find_parent() -> int:
        return _look_at(os.getpid())[0]  # `os.getppid` asks for more than Wine has

    def find_boot_id() -> str | None:
        """None: hubs look after the processes of Linux alone."""
        return None
else:

    def _find_parent() -> int:
        return os.getppid()

    def find_boot_id() -> str | None:
        """Which boot of which machine this is; `None` on one without /proc."""
        try:
            with open(f"{PROC}/sys/kernel/random/boot_id", encoding="ascii") as boot:
                return boot.read().strip()
        except OSError:
            return None

    def find_start(pid: int) -> str | None:
        """When a process started, as a text that no other under the same pid has; None when it is gone."""
        try:
            with open(f"{PROC}/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            return None if os.path.isdir(f"{PROC}/self") else _ask("lstart", pid)
        return None if fields[0] in "ZX" else fields[19]

    def _look_at(pid: int) -> tuple[int, list[str]]:
        """The parent of a process, and the words that may name its program: its own name and its first arguments."""
        try:
            with open(f"{PROC}/{pid}/stat", encoding="utf-8", errors="replace") as stat:
                before, _, after = stat.read().rpartition(")")
            with open(f"{PROC}/{pid}/cmdline", "rb") as arguments:
                words = [os.fsdecode(word) for word in arguments.read().split(b"\0")[:2]]
        except OSError:
            if os.path.isdir(f"{PROC}/self"):
                return 0, []
            parent, command = _ask("ppid", pid) or "0", _ask("args", pid) or ""
            return int(parent), command.split()[:2]
        return int(after.split()[1]), [before.partition("(")[2], *words]

    def _ask(what: str, pid: int) -> str | None:
        """What `ps` says of a process, where there is no /proc."""
        import subprocess

        try:
            done = subprocess.run(
                ["ps", "-o", f"{what}=", "-p", str(pid)],  # noqa: S607 - wherever it is on this machine
                capture_output=True,
                text=True,
                timeout=ASK_WITHIN_SEC,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip() or None
