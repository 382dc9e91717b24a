"""What keeps the events of a log, as its server tells any role: shown to people, and refused where it keeps nothing."""

from msgspec import Struct

from arclog.errors import StorageError


class Durability(Struct, frozen=True):
    """What the server says of how it keeps what is committed.

    Attributes:
        server_version: PostgreSQL's version.
        fsync, full_page_writes, synchronous_commit, synchronous_standby_names, data_checksums: its settings.
        standbys: how many standbys follow it now, synchronous or not.
        is_standby: whether it is one itself, which takes no writes: what it has, it was given for good.
    """

    server_version: str
    fsync: str
    full_page_writes: str
    synchronous_commit: str
    synchronous_standby_names: str
    data_checksums: str
    standbys: int
    is_standby: bool = False

    @property
    def is_copied(self) -> bool:
        """Whether a commit waits until a standby has it."""
        return bool(self.synchronous_standby_names.strip()) and self.synchronous_commit != "local"

    @property
    def summary(self) -> str:
        """What is to be known of it, in one line."""
        copies = (
            f"each commit waits for a standby ({self.synchronous_standby_names})"
            if self.is_copied
            else "one copy only: what is lost with the server's disk is lost"
        )
        checksums = "" if self.data_checksums == "on" else "; without checksums, so damage on its disk is not noticed"
        pages = "" if self.full_page_writes == "on" else "; full_page_writes is off, so a power cut can tear a page"
        return f"PostgreSQL {self.server_version}, {copies}{checksums}{pages}"


def check(durability: Durability, where: str) -> None:
    """Refuse a server that does not keep what it says it kept.

    Raises:
        StorageError: it does not.
    """
    if durability.fsync == "off":
        raise _refusal(where, "fsync is off, so a power cut takes what was acknowledged, or all of it")
    if durability.synchronous_commit == "off":
        raise _refusal(where, "synchronous_commit is off, so it answers before anything is on disk")


def _refusal(where: str, problem: str) -> StorageError:
    return StorageError(f"the server of {where} does not keep what it acknowledges: {problem}; switch it on there")
