"""What a hub refuses: a call is wrong, or may not be, or comes at the wrong moment."""

from arclog.errors.arc_error import Advice, ArcError


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
