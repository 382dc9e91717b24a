"""Which agent a window of a harness is.

A window's tools and its hooks are one agent: the one whose session at the hub names the window's session, or the
process that the window is. Where nobody registered, its name is made as the command makes it (`claude-3f2a`), so that
those that register later find the same.
"""

import hashlib
from typing import Any, Final

import msgspec

from api.hooks.calls import HookCall
from arclog.deciders.families import SEPARATOR
from arclog.deciders.sessions import OpenSession
from arclog.errors import InvalidInput
from arclog.events.processes import Process
from projections import sessions
from projections.hub.hub import Hub
from projections.sessions import Session

BY: Final = "hook"
"""What opened a session, as its metadata say."""
SHORT: Final = 4
SUB_AGENT_CHARS: Final = 6
KIND_CHARS: Final = 24
MAX_NAMESAKES: Final = 99
MAX_KNOWN: Final = 4096


class Window:
    """A window of a harness.

    Attributes:
        host: the harness's short name.
        session: what tells it from the host's other windows, hashed; empty when it is told by its process.
        process: its process and when that started, as in `4711 8830`; empty where it is not known.
        boot_id: which boot of this machine that was; empty where it is not known.
        agent_id: its agent, where the carrier of the call knows it; else empty.
    """

    __slots__ = ("agent_id", "boot_id", "host", "process", "session")

    def __init__(self, host: str, call: HookCall, process: str, agent_id: str = "", *, by_process: bool) -> None:
        self.host = host
        self.agent_id = agent_id
        pid, started, self.boot_id = (*process.split(" "), "", "", "")[:3]
        self.process = f"{pid} {started}".strip()
        self.session = "" if by_process and process else _hash(call.session)

    @property
    def name(self) -> str:
        """The name of its agent, where no other was given."""
        return f"{self.host}-{(self.session or _hash(self.process))[:SHORT]}"

    @property
    def key(self) -> tuple[str, str]:
        return self.host, f"agent {self.agent_id}" if self.agent_id else self.session or self.process

    def name_sub_agent(self, parent: str, call: HookCall) -> str:
        """The name of the sub-agent that a call is about."""
        letters = (char if char.isascii() and char.isalnum() else "-" for char in call.sub_agent_kind.lower())
        kind = "".join(letters)[:KIND_CHARS].strip("-")
        return f"{parent}{SEPARATOR}{kind or 'agent'}-{_hash(call.sub_agent)[:SUB_AGENT_CHARS]}"

    def to_metadata(self) -> dict[str, Any]:
        """What the agent's session at the hub says of it."""
        host: dict[str, Any] = {"harness": self.host}
        if self.session:
            host["session"] = self.session
        pid, _, started = self.process.partition(" ")
        if pid.isdigit() and started:
            host |= {"pid": int(pid), "started": started}
        return {"by": BY, "host": host}

    def to_process(self) -> Process | None:
        """The process while which its agent counts as present; None where the system does not tell."""
        pid, _, started = self.process.partition(" ")
        if not pid.isdigit() or not started.isdigit() or not self.boot_id:
            return None
        return Process(int(pid), int(started), self.boot_id)

    def is_of(self, session: Session) -> bool:
        """Whether an agent's session is this window's."""
        said = msgspec.json.decode(session.metadata)
        host = said.get("host", said) if isinstance(said, dict) else None  # former hooks said it all on one level
        if not isinstance(host, dict) or host.get("harness") != self.host:
            return False
        if self.session and host.get("session"):
            return bool(host["session"] == self.session)
        return self.is_process_of(host)

    def is_process_of(self, host: dict[str, Any]) -> bool:
        """Whether it runs in the process that an agent's session names."""
        return bool(self.process) and self.process == f"{host.get('pid')} {host.get('started')}"


class Windows:
    """The windows that a hub has met, and their agents."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._known: dict[tuple[str, str], str] = {}

    def find(self, window: Window) -> str:
        """The agent of a window; it may have no session yet."""
        if window.agent_id:
            return window.agent_id
        known = self._known.get(window.key)
        if known is not None:
            return known
        at = self._hub.now()
        named = self._hub.read(sessions.find_session, window.name, at)
        if named is not None and window.is_of(named):
            return self._keep(window, window.name)
        for session in self._hub.read(sessions.list_sessions, at):
            if window.is_of(session):
                return self._keep(window, session.agent_id)
        if named is not None and not _names_host(named):  # registered in the window's own shell, by its name
            return self._keep(window, window.name)
        name, number = window.name, 2
        while number <= MAX_NAMESAKES and self._hub.read(sessions.find_session, name, at) is not None:
            name, number = f"{window.name}-{number}", number + 1
        return self._keep(window, name)

    def forget(self, window: Window) -> None:
        """Look again at the next call, since the agent may have got another name meanwhile."""
        self._known.pop(window.key, None)

    async def open(self, window: Window, transport: str, *, cleared: bool = False) -> str:
        """Register the agent of a window that begins, unless it is there.

        Args:
            window: the window.
            transport: the way that the call came.
            cleared: whether it was there before, with a session that its user has cleared: it goes on as that agent,
                and knows nothing any more.

        Returns:
            The agent.
        """
        self.forget(window)
        before = self._find_cleared(window) if cleared else None
        agent_id = self.find(window) if before is None else self._keep(window, before)
        if before is not None or self._hub.read(sessions.find_session, agent_id, self._hub.now()) is None:
            command = OpenSession(
                agent_id=agent_id,
                metadata=window.to_metadata(),
                process=window.to_process(),
                replace=before is not None,
            )
            await self._hub.execute(command, transport=transport)
        return agent_id

    async def find_sub_agent(self, window: Window, call: HookCall, transport: str) -> str:
        """The sub-agent that a call is about, registered unless it is there; its parent is registered first.

        Where the window's agent is a sub-agent itself, those that it begins count as it.
        """
        parent = self.find(window)
        sub_agent, at = window.name_sub_agent(parent, call), self._hub.now()
        if self._hub.read(sessions.find_session, sub_agent, at) is not None:
            return sub_agent
        if self._hub.read(sessions.find_session, parent, at) is None:
            parent = await self.open(window, transport)
            sub_agent = window.name_sub_agent(parent, call)
        said = {"by": BY, "host": {"harness": window.host, "session": _hash(call.sub_agent)}}
        command = OpenSession(agent_id=sub_agent, parent=parent, metadata=said, replace=True)
        try:
            await self._hub.execute(command, transport=transport)
        except InvalidInput:
            return parent
        return sub_agent

    def _find_cleared(self, window: Window) -> str | None:
        for session in self._hub.read(sessions.list_sessions, self._hub.now()):
            said = msgspec.json.decode(session.metadata)
            host = said.get("host") if isinstance(said, dict) else None
            if isinstance(host, dict) and host.get("harness") == window.host and window.is_process_of(host):
                return session.agent_id
        return None

    def _keep(self, window: Window, agent_id: str) -> str:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[window.key] = agent_id
        return agent_id


def _names_host(session: Session) -> bool:
    """Whether an agent's session says which window it belongs to."""
    said = msgspec.json.decode(session.metadata)
    return isinstance(said, dict) and ("host" in said or "harness" in said)


def _hash(text: str) -> str:
    """As the command hashes it, so that both make one name; nobody learns a session's id from it."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
