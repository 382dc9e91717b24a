"""What commands are judged against, apart from the tables."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.deciders.tokens import Holders
from arclog.events import (
    Event,
    NetworkChanged,
    RulesRaised,
    SessionClosed,
    SessionExpired,
    SessionOpened,
    ShutdownCancelled,
    ShutdownFired,
    ShutdownInitiated,
    TokenIssued,
    TokenRevoked,
)
from arclog.events.channels import ANONYMOUS
from arclog.rules import FIRST
from arclog.sender import Principal
from arclog.sqlite.reads import find_rules
from arclog.sqlite.snapshot import Snapshot
from projections import channels, sessions
from projections.hub.lease_answers import CurrentRows
from projections.hub.lease_memory import LeaseMemory
from projections.hub.roots import Modes, Roots
from projections.intervals import AsOf
from projections.live_writer import LiveWriter
from projections.tokens import read_holders

CONCERNING_CONTEXT: Final[frozenset[type[Event]]] = frozenset(
    {
        NetworkChanged,
        RulesRaised,
        SessionClosed,
        SessionExpired,
        SessionOpened,
        ShutdownCancelled,
        ShutdownFired,
        ShutdownInitiated,
        TokenIssued,
        TokenRevoked,
    }
)
"""Events that change what a hub knows of itself, or remembers of the log."""
_TYPES: Final = frozenset(event_class.type for event_class in CONCERNING_CONTEXT)


class Context:
    """What the rules are judged against, apart from the tables.

    Attributes:
        snapshot: the storage, in the recorder's transaction.
        writer: where its rows go, and who remembers the present ones.
        rows: leases as the writer remembers them.
        limits: how much one message may hold.
        hub: what the hub knows of itself.
        roots: the folders that paths are relative to.
        modes: what the disk said of paths in this transaction.
        leases: who holds what, and who waits.
        known_channels: channels that are known to exist; channels are never removed, so this is never outdated.
        sender: who asks for the command that is judged.
        principal: whom it is proved to be from.
        settle_agent: ends an agent's session if that is over though not ended yet, and frees what it held; whether it
            did. Each transaction gives this and the next (`projections.hub.transaction`).
        settle_orphans: gives up what keeps others waiting at a hub that is dead.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        writer: LiveWriter,
        limits: Limits,
        hub: HubState,
        roots: Roots,
    ) -> None:
        self.attach(snapshot, writer)
        self.limits = limits
        self.hub = hub
        self.roots = roots
        self.modes = Modes()
        self.leases = LeaseMemory(hub.hub_id)
        self.known_channels: set[str] = set()
        self.sender = ANONYMOUS
        self.principal: Principal | None = None
        self._rules: RulesRaised | None = None
        self._holders: Holders | None = None
        self._session_roots: dict[str, str] | None = None
        self.settle_agent: Callable[[str], bool] = _nobody_is_over
        self.settle_orphans: Callable[[], None] = _nobody_waits

    def attach(self, snapshot: Snapshot, writer: LiveWriter) -> None:
        """Go on with another connection."""
        self.snapshot = snapshot
        self.writer = writer
        self.rows = CurrentRows(writer)

    def has_channel(self, name: str, at: AsOf) -> bool:
        """Whether there is a channel of that name."""
        if name in self.known_channels:
            return True
        if self.snapshot.read(channels.find_channel, name, at) is None:
            return False
        self.known_channels.add(name)
        return True

    @property
    def rules(self) -> RulesRaised:
        """The rules that the log follows."""
        if self._rules is None:
            self._rules = self.snapshot.read(find_rules) or RulesRaised(number=FIRST, version="")
        return self._rules

    @property
    def holders(self) -> Holders:
        """Who holds tokens."""
        if self._holders is None:
            self._holders = self.snapshot.read(read_holders)
        return self._holders

    def key_of(self, field: str, path: str, agent_id: str, *, tree: bool = False) -> str:
        """The key of a path that an agent names, relative to the root of its session if that has one.

        What hooks name by themselves, in one working tree, is relative to the hub's root.

        Args:
            field: what the caller calls the path.
            path: as it was sent.
            agent_id: who names it.
            tree: whether only the working tree is meant that it lies in.

        Raises:
            InvalidInput: it is blank, too long, or holds control characters.
            OutsideRoot: it leads out of the root, or lies below none.
        """
        root = None if tree else self.root_of(agent_id)
        return self.roots.key_of(field, path, root, tree=tree, modes=self.modes)

    def load(self) -> None:
        """Read what calls will need, while nobody calls yet."""
        self._session_roots = self._read_roots()

    def root_of(self, agent_id: str) -> str | None:
        """The folder that an agent's paths are relative to; None when that is the hub's own root."""
        if self._session_roots is None:
            self._session_roots = self._read_roots()
        return self._session_roots.get(agent_id)

    def _read_roots(self) -> dict[str, str]:
        found = self.snapshot.read(sessions.list_roots)
        for folder in found.values():
            self.roots.root_of(folder)  # so that paths in full below it are known, no matter who names them
        return found

    def forget(self) -> None:
        """What was remembered of the log may no longer be so."""
        self.known_channels.clear()
        self._rules = None
        self._holders = None
        self._session_roots = None

    def forget_after(self, types: frozenset[str]) -> None:
        """Other hubs appended events of these types: forget what such events may have changed."""
        if not types.isdisjoint(_TYPES):
            self._rules = None
            self._holders = None
            self._session_roots = None

    def forget_rows(self) -> None:
        """What was remembered of the tables is no longer so: something in them was erased."""
        self.writer.memory.clear()

    def learn(self, event: Event) -> None:
        """Keep what an event of `CONCERNING_CONTEXT` changes in what this hub knows of itself, and of the log."""
        match event:
            case RulesRaised():
                self._rules = event
            case TokenIssued() | TokenRevoked():
                self._holders = None
            case SessionOpened(agent_id=agent_id, root=str(root)):
                if self._session_roots is not None:
                    self._session_roots[agent_id] = root
                self.roots.root_of(root)
            case (
                SessionOpened(agent_id=agent_id) | SessionClosed(agent_id=agent_id) | SessionExpired(agent_id=agent_id)
            ):
                if self._session_roots is not None:
                    self._session_roots.pop(agent_id, None)
            case ShutdownInitiated():
                self.hub = replace(self.hub, shutdown_pending=True)
            case ShutdownCancelled() | ShutdownFired():
                self.hub = replace(self.hub, shutdown_pending=False)
            case NetworkChanged(allow_remote=allow_remote):
                self.hub = replace(self.hub, allow_remote=allow_remote)


def _nobody_waits() -> None:
    """Nothing is to be given up."""


def _nobody_is_over(_agent_id: str) -> bool:
    return False
