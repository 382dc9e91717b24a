"""Everything that can go wrong in the log's own terms.

An error is a value: a stable `code`, a message that a person can act on, and typed fields. Which HTTP status a code has
is the business of `api.http.errors` alone.
"""

from typing import ClassVar, Literal

Advice = Literal[
    "answer_question",
    "be_a_person",
    "begin_again",
    "cancel_shutdown",
    "create_channel",
    "create_log",
    "cut_off",
    "import_database",
    "listen_elsewhere",
    "name_log",
    "new_storage",
    "other_storage",
    "read_stream",
    "restore_backup",
    "restore_or_fork",
    "stop_users",
    "verify",
]
"""What somebody can do about an error. How that is done, each carrier says in its own words (`api.hints`)."""


class ArcError(Exception):
    """Anything that the hub refuses or cannot do. `str(error)` says what happened.

    Args:
        message: what happened, and what to change in the request.
        advice: what can be done about it by other calls.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str = "", *, advice: Advice | None = None) -> None:
        super().__init__(message)
        self.advice = advice


# What a caller got wrong --------------------------------------------------------------------------------------------


class InvalidInput(ArcError):
    """A field of a request has a value that cannot be used."""

    code = "invalid_input"

    def __init__(self, field: str, problem: str, *, advice: Advice | None = None) -> None:
        super().__init__(f"{field} {problem}", advice=advice)
        self.field = field
        self.problem = problem


class LoopbackOnly(InvalidInput):
    """Other machines cannot be let in, since the hub listens on an address that only this one can reach."""

    def __init__(self, listen_host: str, port: int) -> None:
        problem = f"cannot be switched on while the hub listens on {listen_host} only"
        super().__init__("allow_remote", problem, advice="listen_elsewhere")
        self.listen_host = listen_host
        self.port = port


class LooksLikeASecret(ArcError):
    """A text holds a key or a token, and would be read by everybody."""

    code = "looks_like_a_secret"

    def __init__(self, field: str, kind: str) -> None:
        super().__init__(
            f"{field} holds {kind}, and everybody who may call reads what is posted: leave it out, and say where it is "
            "kept instead; if it opens nothing, send allow_secret: true"
        )
        self.field = field
        self.kind = kind


class OutsideRoot(InvalidInput):
    """A path leads out of the folder that paths are relative to, or lies elsewhere."""

    def __init__(self, field: str, path: str, root: str) -> None:
        super().__init__(field, f"{path!r} is not below {root}: write it from there (src/a.py) or in full")
        self.path = path
        self.root = root


class CursorBeyondHead(ArcError):
    """A cursor names an event that is not there yet: the storage is not the one that the cursor is a place in."""

    code = "cursor_beyond_head"

    def __init__(self, name: str, cursor: int, head: int) -> None:
        super().__init__(
            f"{name} {cursor} is beyond event {head}, the last one there is: this storage was replaced or restored",
            advice="begin_again",
        )
        self.cursor = cursor
        self.head = head


class NotFound(ArcError):
    """What the request names does not exist, or is not the caller's."""

    code = "not_found"

    def __init__(self, noun: str, name: str | int, problem: str = "is unknown") -> None:
        super().__init__(f"{noun} {name!r} {problem}")
        self.noun = noun
        self.name = name


class SessionCollision(ArcError):
    """The agent already has a live session, and the caller did not ask to replace it."""

    code = "session_collision"

    def __init__(self, agent_id: str) -> None:
        super().__init__(
            f"agent {agent_id!r} already has an active session; "
            "pass replace: true to take it over, or use another agent_id"
        )
        self.agent_id = agent_id


class Conflict(ArcError):
    """Something that another agent has is in the way, or what was required does not hold."""

    code = "conflict"


class ChangedSince(Conflict):
    """Something happened that the caller had not seen when it decided."""

    def __init__(self, stream: str, event_id: int, last: int, what: str) -> None:
        super().__init__(
            f"{stream} has changed since event {event_id}: event {last} is {what}. Nothing was done: look at what "
            f"came, and if you still want this, ask again with event_id {last}",
            advice="read_stream",
        )
        self.stream = stream
        self.event_id = event_id
        self.last = last


class DependencyCycle(ArcError):
    """A task would wait for itself, directly or through others.

    Attributes:
        circle: the ids of the tasks, each of which waits for the next; the last is the first again.
    """

    code = "dependency_cycle"

    def __init__(self, circle: tuple[int, ...]) -> None:
        names = " waits for ".join(f"task {task_id}" for task_id in circle)
        super().__init__(f"depends_on would close a circle: {names}; leave one of them out")
        self.circle = circle


class NotReady(ArcError):
    """A task is not in the state that a call needs."""

    code = "not_ready"


class StaleToken(ArcError):
    """A fencing token is not the current one: the lease that it came with is over, or was granted again."""

    code = "stale_token"

    def __init__(self, noun: str, token: int, problem: str) -> None:
        super().__init__(f"fencing token {token} is not the current one: {problem}; ask for the {noun} again")
        self.token = token


class Deadlock(ArcError):
    """Waiting would close a circle of agents that wait for each other.

    Attributes:
        chain: each agent, the key that it waits for, and who has that; the last waits for the first.
    """

    code = "deadlock"

    def __init__(self, chain: tuple[tuple[str, str, str], ...], advice: str) -> None:
        told = ", and ".join(f"{agent} waits for {holder} ({key})" for agent, key, holder in chain)
        super().__init__(f"this would be a deadlock: {told}; {advice}")
        self.chain = chain


class Forbidden(ArcError):
    """The caller may not do this here."""

    code = "forbidden"


class KeyReused(ArcError):
    """One idempotency key came with two different requests."""

    code = "idempotency_key_reused"

    def __init__(self, key: str, event_id: int) -> None:
        super().__init__(
            f"idempotency key {key!r} was already used for a different request (event {event_id}); "
            "use a new key for a new request"
        )
        self.key = key
        self.event_id = event_id


# What the machine got wrong -----------------------------------------------------------------------------------------


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
            f"the log has another event {event_id} than this hub's storage: it was restored or replaced, so nothing "
            "is written",
            advice="new_storage",
        )
        self.event_id = event_id


class FarFromHead(StorageBusy):
    """The hub's copy lacks so many events that it is to read them before it takes the log's lock."""

    def __init__(self) -> None:
        super().__init__("this hub has much of the log still to read: try again in a moment")


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


class NewerRules(ArcError):
    """The log follows rules that this hub does not know: it shows everything, and decides nothing."""

    code = "newer_rules"

    def __init__(self, number: int, known: int, version: str) -> None:
        super().__init__(
            f"this log follows rules {number}, and this hub knows rules up to {known}: it shows everything and decides "
            f"nothing; run Arc {version} or later on it"
        )
        self.number = number
        self.version = version


class HubStopping(ArcError):
    """The hub is about to end and takes no more calls."""

    code = "hub_stopping"

    def __init__(self) -> None:
        super().__init__("this hub is stopping; try again in a moment or on another hub")
