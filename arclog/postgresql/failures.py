"""What the server's errors mean for the log; the codes are those of PostgreSQL's documentation, appendix A."""

from typing import Final

from arclog.errors import LogAway, LogReplaced, StorageBusy, StorageDamaged, StorageError, StorageFull

ANOTHER_EVENT: Final = "AR001"
"""Our own: the log has another event at a place than the copy that asks."""
IDLE_TOO_LONG: Final = "25P03"
"""The session was ended since its transaction did nothing for too long: nothing of it was kept."""
LOCKED_TOO_LONG: Final = "55P03"
"""A lock was waited for too long."""
_FULL: Final = frozenset({"53100", "53200"})
_AWAY: Final = frozenset({"25006", "57P01", "57P02", "57P03", "57P05", "53300", "08006", "08003", "08001"})
"""A server that is a standby by now, that ends or begins, or has no connection left."""


class ServerRefused(Exception):
    """The server refused a statement; the transaction is over.

    Attributes:
        code: its SQLSTATE.
        place: how many statements before it, in the same round trip, were carried out.
    """

    def __init__(self, code: str, text: str, place: int = 0) -> None:
        super().__init__(text)
        self.code = code
        self.place = place


class LineLost(Exception):
    """The connection is over.

    Attributes:
        code: the SQLSTATE that the server gave as the reason; empty where it gave none.
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


def storage_error_of(refused: ServerRefused, where: str, after: int = 0) -> StorageError:
    """What a refusal means.

    Args:
        refused: what the server said.
        where: where the log is.
        after: the event that the hub's copy ends with.
    """
    match refused.code:
        case code if code == LOCKED_TOO_LONG:
            return StorageBusy("another hub holds the log's lock: try again in a moment")
        case code if code == ANOTHER_EVENT:
            return LogReplaced(after)
        case code if code in _FULL:
            return StorageFull(f"no space left for the log at {where}: free some space there, then try again")
        case code if code in _AWAY:
            return LogAway(str(refused))
        case code if code.startswith("XX"):
            return StorageDamaged(f"the log at {where} is damaged ({refused})")
        case "42501":
            return StorageError(f"this hub's role may not use the log at {where}: {refused}")
        case "3F000" | "42P01" | "42883":
            return StorageError(f"there is no log at {where}", advice="create_log")
        case code:
            return StorageError(f"the log at {where} failed: {refused} ({code})")
