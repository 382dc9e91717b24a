"""How a hub is run."""

from pathlib import Path

from msgspec import Struct

from arclog.deciders.fields import Limits
from arclog.deciders.hub import HubState
from arclog.limits import PRESENCE_TTL_SEC
from projections.hub.roots import FindTree, find_no_tree
from projections.hub.tuning import Tuning


class Settings(Struct, frozen=True, kw_only=True):
    """How a hub is run.

    Attributes:
        storage: the log's file.
        limits: how much one message may hold.
        presence_ttl_sec: how long an agent may be silent before its session ends.
        host: the address that the hub listens on.
        port: its port.
        allow_remote: whether other machines may call.
        loopback: whether `host` is this machine only.
        version: the hub's version, for the log.
        search: whether an index of words is kept, a file beside the storage.
        network_token: SHA-256 of the token that calls from other machines need; None where they need none.
        proxies: the addresses of proxies whose word on where a call comes from is taken.
        rate: how many calls a second each sender on another machine may make; 0 for any number.
        max_connections: how many connections each address of another machine may have at a time; 0 for any number.
        max_open_calls: how many calls each sender there may have at a time that wait for their answers; 0 likewise.
        unsafe_filesystem: the type of the storage's filesystem, where its locks cannot be relied on.
        root: the folder that paths are relative to; the storage's own unless given.
        tuning: how long it waits, and how much it does at once.
        find_tree: finds the working tree of a repository that a folder is in.
    """

    storage: Path
    limits: Limits = Limits()
    presence_ttl_sec: float = PRESENCE_TTL_SEC
    host: str = "127.0.0.1"
    port: int = 0
    allow_remote: bool = False
    loopback: bool = True
    version: str = ""
    search: bool = True
    network_token: bytes | None = None
    proxies: frozenset[str] = frozenset()
    rate: float = 100.0
    max_connections: int = 1_000
    max_open_calls: int = 1_000
    unsafe_filesystem: str | None = None
    root: Path | None = None
    tuning: Tuning = Tuning()
    find_tree: FindTree = find_no_tree

    def state_of(self, hub_id: str) -> HubState:
        """What a hub that is run so knows of itself when it begins."""
        return HubState(
            hub_id=hub_id,
            allow_remote=self.allow_remote,
            listen_host=self.host,
            port=self.port,
            loopback=self.loopback,
            version=self.version,
        )
