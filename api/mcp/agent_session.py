"""An agent's session at a hub: its name, its registration, and how far it has read.

A name that is live elsewhere is not taken over: the second agent that wants it is `NAME-2`, and is told so. It is taken
over where the session there is of the same host session, or of a process that is dead. A second adapter of the same
host session, such as the one that a host starts to look whether it works, shares the session of the first and ends
nothing when it goes.

The session says since when its polls read (`metadata.since_id`), so anyone who has forgotten the cursors begins there
again, also when something else has registered the agent meanwhile: messages may be shown twice then, but none is lost.
A hub that serves the host itself keeps the cursors besides, and goes on from them.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from api.mcp.beginnings import NOT_FOUND, VIA, begins_at, find_last_start, read_latest
from api.mcp.grants import Grant
from api.mcp.held_leases import HeldLeases
from api.mcp.host_session import HostSession
from api.mcp.poll_places import Places, PollPlaces
from api.mcp.port import NO_IDS, HubRefused, Port, reading_at_least
from arclog.events import JsonObject
from arclog.limits import PRESENCE_TTL_SEC

HOOK: Final = "hook"
"""What opened a session, as its metadata say: the host's own hooks, which end it too."""
CONFLICT: Final = 409
LONGEST_BEAT_SEC: Final = 30.0
MAX_NAMESAKES: Final = 99


class AgentSession:
    """One agent at one hub.

    Args:
        agent_id: the name that it was given.
        port: carries its calls.
        host: the session of the host that it works in, where that is known.
        is_dead: whether the process that metadata speak of is known to be gone.
        places: what keeps how far agents have read, where that outlasts this process.
        parent: the agent whose sub-agent it is, if it is one.

    Attributes:
        agent_id: its name.
        parent: the agent whose sub-agent it is, None for none.
        poll_places: how far its polls have read.
        held_leases: what it holds.
        known: names of agents that are known to be, or to have been, here.
        session_id: the session at the hub, once there is one.
        attended: how many streams and waiting calls of its host are open.
        asked: how many requests its host has made.
    """

    def __init__(
        self,
        agent_id: str,
        port: Port,
        host: HostSession | None = None,
        is_dead: Callable[[Mapping[str, Any]], bool] | None = None,
        places: Places | None = None,
        parent: str | None = None,
    ) -> None:
        self.agent_id = agent_id
        self.parent = parent
        self._places = places
        self.poll_places = self._new_places()
        self.held_leases = HeldLeases()
        self.known: set[str] = set()
        self.session_id: str | None = None
        self.port = port
        self.attended = 0
        self.asked = 0
        self.host = host
        self._is_dead = is_dead or _is_unknown
        self._is_ours = False
        self._has_left = False
        self._has_registered = False
        self._instance_id: str | None = None
        self._notices: list[str] = []
        self._giving: set[asyncio.Task[None]] = set()
        self._taking = asyncio.Lock()

    # The session ----------------------------------------------------------------------------------------------------

    async def register(self) -> None:
        """Register the agent for a host that begins; its polls begin with what is said from now on.

        Where its session still lives, its polls go on where they were.

        Raises:
            HubRefused: the hub would not, or is not there.
        """
        async with self._taking:
            with reading_at_least():
                await self._register()

    async def ensure_registered(self) -> None:
        """Make sure that the agent is registered, and that its polls have a place to go on from.

        Raises:
            HubRefused: the hub would not, or is not there.
        """
        if self.is_registered and self.port.is_here(self.agent_id):
            return
        async with self._taking:
            if self._instance_id not in {None, self.port.instance_id}:
                self._forget_storage()
            with reading_at_least():
                if self.host is not None and not self._has_registered:
                    await self._register()
                if not self.poll_places.begun:
                    await self._resume()
                if self.session_id is None or not self.port.is_here(self.agent_id):
                    await self._come_back()

    @property
    def is_registered(self) -> bool:
        """Whether the agent is registered at the storage that answered last, for all that is known."""
        return self.session_id is not None and self.poll_places.begun and self._instance_id == self.port.instance_id

    async def beat(self) -> None:
        """Ask the hub whether the agent's session lives, which shows it that the agent does; come back if not.

        Raises:
            HubRefused: the hub is not there.
        """
        found = await self._find(self.agent_id, caller=self.agent_id)
        if found is None or self._instance_id != self.port.instance_id:
            self.session_id = None
        await self.ensure_registered()

    async def leave(self) -> None:
        """End the session, if it was opened here, also if it is being opened just now.

        Raises:
            HubRefused: the hub is not there; it ends the session by itself.
        """
        async with self._taking:
            session_id, self.session_id, self._has_left = self.session_id, None, True
            if session_id is not None and self._is_ours:
                await self.close(session_id)

    async def close(self, session_id: str) -> bool:
        """End a session; False when it is over already.

        Raises:
            HubRefused: the hub is not there.
        """
        try:
            await self.port.change("DELETE", "/v1/sessions/{session_id}", {"session_id": session_id}, {})
        except HubRefused as refused:
            if refused.status != NOT_FOUND:
                raise
            return False
        return True

    async def read_beat_sec(self) -> float:
        """How often `beat` is to be called so that the session of an idle agent lives on."""
        info = await self.port.read("/v1/hub-info", NO_IDS)
        ttl_sec: float = info.get("presence_ttl_sec", PRESENCE_TTL_SEC)
        return min(LONGEST_BEAT_SEC, ttl_sec / 3)

    def announce(self, wanted: str) -> None:
        """Tell the agent that its name is not the one that it was given."""
        self._notices = [f"You are agent {self.agent_id}: an agent {wanted} is live elsewhere."]

    @contextmanager
    def attending(self) -> Iterator[None]:
        """While this lasts, a window of the host is known to be there."""
        self.attended += 1
        try:
            yield
        finally:
            self.attended -= 1

    def add_notices(self, notices: Iterable[str]) -> None:
        """Have the agent told something with its next answer."""
        self._notices += notices

    def give_back(self, grants: Iterable[Grant]) -> None:
        """Free what was granted after a wait, since nobody has read of it."""
        for grant in grants:
            self.held_leases.drop(grant.noun, grant.name)
            task = asyncio.ensure_future(self._give_back(grant))
            self._giving.add(task)
            task.add_done_callback(self._giving.discard)

    async def _give_back(self, grant: Grant) -> None:
        try:
            await self.port.change("POST", f"/v1/{grant.noun}/release", NO_IDS, grant.body)
        except HubRefused:
            return  # it is over, or the hub is not there: then it ends by itself

    def take_notices(self) -> list[str]:
        """What the agent is to be told with its next answer, whatever that is about."""
        notices, self._notices = self._notices, []
        if self.held_leases:
            notices += self.held_leases.take_lapsed()
        return notices

    def _new_places(self) -> PollPlaces:
        return PollPlaces(self._places, lambda: self.agent_id)

    # How it is found and opened -------------------------------------------------------------------------------------

    async def _register(self) -> None:
        if self._has_left:  # who comes now is another window, or another day
            self.poll_places = self._new_places()
        latest = await read_latest(self.port, self.agent_id)
        wanted = self.agent_id
        for name in _namesakes(wanted):
            if await self._register_as(name, latest):
                break
        else:
            raise HubRefused(f"{wanted} and {MAX_NAMESAKES} of its namesakes are live: give another name", CONFLICT)
        if self.agent_id != wanted:
            self.announce(wanted)
        self._has_registered = True

    async def _register_as(self, name: str, latest: int) -> bool:
        """Register under a name; False when that is another's."""
        if not self.poll_places.begun:
            self.poll_places.begin(latest)
        try:
            await self._open(name, replace=False)
        except HubRefused as refused:
            if refused.status != CONFLICT:
                raise
        else:
            return True
        found = await self._find(name)
        if found is not None:
            metadata: JsonObject = found["metadata"]
            said = metadata.get("host")
            said = said if isinstance(said, dict) else {}
            is_same = self.host is not None and self.host.is_same(said)
            if not is_same and not self._may_take_over(metadata, said):
                return False
            is_mcp = metadata.get("via") == VIA
            if is_mcp and self.session_id is None:
                self.poll_places.begin(begins_at(metadata, latest), shown=latest)
            if is_same and (is_mcp or metadata.get("by") == HOOK) and not self._is_dead(said):  # shared with its opener
                self.agent_id, self.session_id, self._is_ours = name, found["session_id"], False
                self._instance_id = self.port.instance_id
                return True
        await self._open(name, replace=True)
        return True

    def _may_take_over(self, metadata: JsonObject, said: JsonObject) -> bool:
        """Whether nobody is there any more in a session that still lives."""
        if said:
            return self._is_dead(said)
        return metadata.get("via") == VIA and self.host is None  # by URL, where the hub knows whether its host is there

    async def _come_back(self) -> None:
        """Register again under the same name, and find out what was lost meanwhile."""
        try:
            await self._open(self.agent_id, replace=False)
        except HubRefused as refused:
            if refused.status != CONFLICT:
                raise
            found = await self._find(self.agent_id)  # something else of the same agent has registered it
            self.session_id, self._is_ours = None if found is None else found["session_id"], False
            self._instance_id = self.port.instance_id
        self._notices += await self.held_leases.compare(self.port, self.agent_id)

    async def _resume(self) -> None:
        """Find out where the polls of an agent begin that nothing is known of here."""
        latest = await read_latest(self.port, self.agent_id)
        found = await self._find(self.agent_id)
        if found is not None:
            self.session_id, self._is_ours = found["session_id"], False
        self._instance_id = self.port.instance_id
        if found is not None and found["metadata"].get("via") == VIA:
            self.poll_places.begin(begins_at(found["metadata"], latest), shown=latest)
            return
        since = await find_last_start(self.port, self.agent_id)
        if since is None:
            self.poll_places.begin(latest)
        else:
            self.poll_places.begin(min(since, latest), shown=latest)

    async def _find(self, name: str, caller: str | None = None) -> JsonObject | None:
        """The live session of an agent, which stays alive for being asked for if it is the caller's own."""
        try:
            found = await self.port.read("/v1/agents/{agent_id}", {"agent_id": name, "as": caller or ""})
        except HubRefused as refused:
            if refused.status != NOT_FOUND:
                raise
            return None
        session: JsonObject | None = found["session"]
        return session

    async def _open(self, name: str, *, replace: bool) -> None:
        metadata: JsonObject = {"via": VIA, "since_id": self.poll_places.start}
        if self.host is not None:
            metadata["host"] = self.host.to_metadata()
        body: JsonObject = {"agent_id": name, "replace": replace, "metadata": metadata}
        process = None if self.host is None else self.host.to_process()
        if process is not None:
            body["process"] = process
        if self.parent is not None:
            body["parent"] = self.parent
        opened = await self.port.change("POST", "/v1/sessions", NO_IDS, body)
        self.agent_id, self.session_id, self._is_ours = name, opened["result"]["session_id"], True
        self._has_left = False
        self._has_registered = False
        self._instance_id = self.port.instance_id

    def _forget_storage(self) -> None:
        """The hub has another storage: the old ids mean nothing in it, and nothing is held there."""
        self.poll_places.begin(0)
        self.held_leases = HeldLeases()
        self.known.clear()
        self.session_id = None


def _is_unknown(said: Mapping[str, Any]) -> bool:
    """Nothing is known of any process here, so none counts as dead."""
    return False


def _namesakes(name: str) -> Iterator[str]:
    yield name
    for number in range(2, MAX_NAMESAKES + 1):
        yield f"{name}-{number}"
