"""What went wrong with the machine, or in the hub itself: nothing of the call was kept."""

from arclog.errors.arc_error import ArcError


class StorageError(ArcError):
    """The log could not be read or written; nothing of the call was kept."""

    code = "storage_unavailable"


class StorageBusy(StorageError):
    """Another process held the log's write lock for too long."""

    code = "storage_busy"


class StorageFull(StorageError):
    """The disk is full."""

    code = "storage_full"


class StorageGone(StorageError):
    """A file of the storage was removed, replaced or cut short while the hub was running.

    Attributes:
        kept: whether all that was committed lies under the storage's path all the same, so that a restart finds it.
    """

    code = "storage_gone"

    def __init__(self, problem: str, kept: bool = False) -> None:
        super().__init__(problem)
        self.kept = kept

    def again(self) -> "StorageGone":
        """The same for another caller: an error that is raised again and again keeps the trace of each time."""
        return StorageGone(str(self), self.kept)


class StorageDamaged(StorageError):
    """What is on disk is not what was written."""

    code = "storage_damaged"


class CutOff(StorageDamaged):
    """A log cannot be copied beyond its last event that is what was recorded.

    Args:
        event_id: the first event that is not.
        last: the last one that is.
    """

    def __init__(self, event_id: int, last: int) -> None:
        problem = f"event {event_id} is not what was recorded: the log can be copied up to event {last} at most"
        super().__init__(problem, advice="cut_off")
        self.last = last


class LogAway(StorageError):
    """What keeps the log cannot be reached; the hub goes on reading from its own storage."""

    code = "log_away"

    def __init__(self, why: str) -> None:
        super().__init__(f"the log cannot be reached, and nothing of this call was kept: {why}; try again in a moment")
        self.why = why


class LockLost(StorageError):
    """The hub held the log's lock for too long, and lost it before its events were in the log."""

    code = "lock_lost"

    def __init__(self) -> None:
        super().__init__("this hub lost the log's lock, and nothing of this call was kept: try again in a moment")


class LogReplaced(StorageError):
    """The log is not the one that this hub's storage is a copy of."""

    code = "log_replaced"

    def __init__(self, event_id: int) -> None:
        super().__init__(
            f"event {event_id} of the log is not the one in this hub's storage: the log was restored or replaced, so "
            "nothing is written",
            advice="new_storage",
        )
        self.event_id = event_id


class FarFromHead(StorageBusy):
    """The hub's copy lacks so many events that it is to read them before it takes the log's lock."""

    def __init__(self) -> None:
        super().__init__("this hub still has much of the log to read: try again in a moment")


class CopyAlone(StorageError):
    """A storage that is a hub's copy of a log elsewhere was to be served as if it were the log."""

    def __init__(self, path: str, where: str) -> None:
        super().__init__(f"{path} is a copy of the log at {where}, and is not served without it", advice="name_log")
        self.where = where


class OutcomeUnknown(StorageError):
    """The log did not say whether it took some events."""

    code = "outcome_unknown"

    def __init__(self) -> None:
        super().__init__(
            "the hub ended before it knew whether this call was kept: ask again with the same idempotency key"
        )


class NotAnArcStorage(StorageError):
    """The file is some other program's, or Arc 0.1.1's, database."""

    code = "not_an_arc_storage"


class OldDatabase(NotAnArcStorage):
    """The file is a database of Arc 0.1.1."""

    def __init__(self, path: str) -> None:
        super().__init__(f"{path} is a database of Arc 0.1.1; it is left as it is", advice="import_database")
        self.path = path


class UnexpectedFailure(ArcError):
    """The hub met a condition that it does not know; nothing of the call was kept."""

    code = "internal_error"

    def __init__(self, cause: Exception) -> None:
        super().__init__(f"the hub failed at this call, and nothing of it was kept; please report it: {cause!r}")
        self.cause = cause
