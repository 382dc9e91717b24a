"""The rules of the hub once more, as a fold in plain Python: the oracle of the histories.

It knows no tables, no transactions and no projectors; it only counts events, and says what must come of each command.
"""

from dataclasses import dataclass, field

from arclog.deciders.channels import CreateChannel
from arclog.deciders.claims import AcquireClaim, RefreshClaim, ReleaseClaim
from arclog.deciders.cursors import MoveCursors
from arclog.deciders.hub import CancelShutdown, ChangeNetwork, FireShutdown, InitiateShutdown, StartHub, StopHub
from arclog.deciders.leases import GiveBack, TellWaiting
from arclog.deciders.locks import AcquireLock, CheckTokens, RefreshLock, ReleaseLock
from arclog.deciders.messages import MESSAGE_KINDS, PostMessage
from arclog.deciders.sessions import CloseSession, OpenSession, RenameSession
from arclog.deciders.tasks import CompleteTask
from arclog.deciders.tokens import IssueToken, RevokeToken
from arclog.deciders.wakes import RequestWake
from arclog.errors import ArcError, InvalidInput, LoopbackOnly, NotFound, SessionCollision
from projections.hub.command_handlers import Command
from tests.property.model_state import Lease, Said, Session, Task

SECOND = 1_000_000
PRESENCE_TTL = 120 * SECOND
INTERVAL = PRESENCE_TTL // 3

Refusal = type[ArcError]
Summary = tuple[str, str | None, int | None, int | None, int | None, int, int, int, int, int, str]
"""Of a thread: its name, channel, root task, last message, last artifact, how many messages, tasks, open tasks, active
claims and active locks it has, and its status."""


@dataclass
class Model:
    """Everything that the rules know.

    `head` is the last event, `now` the time in microseconds since the beginning; events 1 and 2 made the two channels.
    `noticed` is when each agent was there without an event, `acted` when it made its last one, and `left` when it ended
    its session, and by which event.
    """

    now: int = 0
    head: int = 2
    sessions: dict[str, Session] = field(default_factory=dict)
    noticed: dict[str, int] = field(default_factory=dict)
    acted: dict[str, int] = field(default_factory=dict)
    left: dict[str, tuple[int, int]] = field(default_factory=dict)
    vouched_at: int = 0
    ids: dict[str, str] = field(default_factory=dict)
    claims: dict[str, Lease] = field(default_factory=dict)
    locks: dict[str, Lease] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    claimed_threads: set[str] = field(default_factory=set)
    channels: set[str] = field(default_factory=lambda: {"general", "direct"})
    shutdown_pending: bool = False

    def run(self, command: Command) -> "bool | Refusal | None":
        """What comes of a command: a refusal, else for acquires whether it was granted, else None."""
        self._vouch()
        self._end_what_is_over()
        head = self.head
        result = self._judge(command)
        caller = caller_of(command)
        if caller is not None and self.head == head:
            self.read(caller)
        elif caller is not None:
            self.acted[caller] = self.now
            if caller in self.sessions:
                self.sessions[caller].last_seen_at = self.now
        return result

    def read(self, agent: str) -> None:
        """An agent shows that it is there, without an event."""
        self.noticed[agent] = self.now

    def _vouch(self) -> None:
        here = [
            session
            for agent, session in self.sessions.items()
            if agent in self.noticed and self.now - self.noticed[agent] < INTERVAL
        ]
        if here and max(self.vouched_at, min(session.last_seen_at for session in here)) + INTERVAL <= self.now:
            self.head += 1
            self.vouched_at = self.now
            for session in here:
                session.last_seen_at = self.now

    def _end_what_is_over(self) -> None:
        """In the order in which it came to be over, end sessions, and free what those left who did not come back."""
        over = [
            (max(session.last_seen_at, self.noticed.get(agent, 0)) + PRESENCE_TTL + 1, agent)
            for agent, session in self.sessions.items()
        ]
        over += [(max(at, self.acted.get(agent, 0)) + PRESENCE_TTL + 1, agent) for agent, (at, _) in self.left.items()]
        for due_at, agent in sorted(over):
            if due_at > self.now:
                continue
            if agent in self.sessions:
                del self.sessions[agent]
                self._take_back(agent, self.head + 1)
            else:
                _at, event_id = self.left.pop(agent)
                if any(lease.token < event_id for lease in self._held_by(agent)):
                    self._take_back(agent, event_id)

    def _held_by(self, agent: str) -> list[Lease]:
        leases = (*self.claims.values(), *self.locks.values())
        return [lease for lease in leases if lease.owner == agent and lease.is_active(self.now)]

    def _take_back(self, agent: str, before: int) -> None:
        """Free what an agent was granted before an event, in one event that tells each thread once."""
        places: dict[str | None, set[str]] = {}
        held = [lease for lease in self._held_by(agent) if lease.token < before]
        for lease in sorted(held, key=lambda lease: lease.token):
            places.setdefault(lease.thread, set()).add(self._place_of_recovery(lease))
        for lease in held:
            lease.released = True
        for number, (thread, channels) in enumerate(places.items(), self.head + 1):
            self.said.append(Said(number, channels.pop() if len(channels) == 1 else "general", thread))
        self.head += max(1, len(places))

    def _place_of_recovery(self, lease: Lease) -> str:
        place = (self.channel_of(lease.thread) if lease.thread is not None else None) or lease.channel
        return place if isinstance(place, str) and place in self.channels else "general"

    def channel_of(self, thread: str) -> str | None:
        """Where a thread is: where its first root task is, else where it was first spoken in."""
        roots = [task for task in self.tasks.values() if task.thread == thread and task.parent is None]
        spoken = [said for said in self.said if said.thread == thread]
        return roots[0].channel if roots else spoken[0].channel if spoken else None

    def threads(self) -> list[Summary]:
        """The summaries of all threads, as the wire orders them."""
        names = (
            {said.thread for said in self.said} | {task.thread for task in self.tasks.values()} | self.claimed_threads
        )
        found = [self._summary(name) for name in sorted(name for name in names if name is not None)]
        return sorted(found, key=lambda summary: -(summary[3] or 0))

    def _summary(self, thread: str) -> Summary:
        spoken = [said.event_id for said in self.said if said.thread == thread]
        artifacts = [said.event_id for said in self.said if said.thread == thread and said.kind == "artifact"]
        tasks = {task_id: task for task_id, task in self.tasks.items() if task.thread == thread}
        roots = [task_id for task_id, task in tasks.items() if task.parent is None]
        open_tasks = sum(not task.done for task in tasks.values())
        claims, locks = (
            sum(lease.thread == thread and lease.is_active(self.now) for lease in leases.values())
            for leases in (self.claims, self.locks)
        )
        status = "completed" if tasks and not open_tasks else "open" if claims or locks else "waiting"
        return (
            thread,
            self.channel_of(thread),
            min(roots, default=None),
            max(spoken, default=None),
            max(artifacts, default=None),
            len(spoken),
            len(tasks),
            open_tasks,
            claims,
            locks,
            status,
        )

    def _judge(self, command: Command) -> "bool | Refusal | None":
        match command:
            case OpenSession() | RenameSession() | CloseSession():
                return self._handle_session(command)
            case CreateChannel():
                if not command.name:
                    return InvalidInput
                if command.name not in self.channels:
                    self.channels.add(command.name)
                    self.head += 1
                return None
            case PostMessage():
                return self._post(command)
            case AcquireClaim() | AcquireLock():
                return self._handle_acquire(command)
            case RefreshClaim() | RefreshLock() | ReleaseClaim() | ReleaseLock():
                return self._handle_held(command)
            case CompleteTask():
                return self._complete(command.task_id)
            case StartHub() | StopHub() | InitiateShutdown() | CancelShutdown() | FireShutdown() | ChangeNetwork():
                return self._handle_hub(command)
            case _:  # queues and what belongs to them have an oracle of their own, tests/support/lease_model.py
                raise AssertionError(command)

    def _handle_acquire(self, command: AcquireClaim | AcquireLock) -> bool | Refusal:
        match command:
            case AcquireClaim(claim_key=None, task_message_id=None):
                return InvalidInput
            case AcquireClaim():
                key = command.claim_key or f"task-{command.task_message_id}"
                given = (command.metadata or {}).get("channel")
                granted = self._acquire(
                    self.claims, key, command.owner_agent_id, command.ttl_sec, command.thread_id, given
                )
                if granted is True and (thread := self.claims[key].thread) is not None:
                    self.claimed_threads.add(thread)
                return granted
            case AcquireLock():
                told = command.metadata or {}
                place = told.get("thread_id"), told.get("channel")
                return self._acquire(self.locks, command.file_path or "", command.agent_id, command.ttl_sec, *place)

    def _handle_held(self, command: RefreshClaim | RefreshLock | ReleaseClaim | ReleaseLock) -> bool | Refusal | None:
        match command:
            case RefreshClaim():
                return self._refresh(self.claims.get(command.claim_key), command.owner_agent_id, command.ttl_sec)
            case RefreshLock():
                return self._refresh(self.locks.get(command.file_path or ""), command.agent_id, command.ttl_sec)
            case ReleaseClaim():
                return self._release(self.claims.get(command.claim_key), command.agent_id)
            case ReleaseLock():
                return self._release(self.locks.get(command.file_path or ""), command.agent_id)

    def _handle_session(self, command: OpenSession | RenameSession | CloseSession) -> Refusal | None:
        match command:
            case OpenSession(agent_id=agent):
                if not is_agent(agent):
                    return InvalidInput
                if agent in self.sessions and not command.replace:
                    return SessionCollision
                self.sessions[agent] = Session(command.display_name or agent, self.now)
                self.left.pop(agent, None)
                self.head += 1
            case RenameSession(agent_id=agent):
                if not command.display_name:
                    return InvalidInput
                if agent not in self.sessions:
                    return NotFound
                self.sessions[agent].name = command.display_name
                self.head += 1
            case CloseSession(session_id=session_id):
                owner = self.ids.get(session_id)
                if owner is None or owner not in self.sessions:
                    return NotFound
                del self.sessions[owner]
                self.head += 1
                self.left[owner] = self.now, self.head
        return None

    def opened(self, agent: str, session_id: str) -> None:
        """Learn the id that the hub gave to a new session."""
        self.ids = {known: owner for known, owner in self.ids.items() if owner != agent} | {session_id: agent}

    def _post(self, command: PostMessage) -> Refusal | None:
        parent = command.parent_task_id
        channel = command.channel or "general"
        if (
            command.kind not in MESSAGE_KINDS
            or not is_agent(command.from_agent)
            or not (command.body or command.attachments)
            or (command.to_agent is None and channel not in self.channels)
            or (parent is not None and parent not in self.tasks)
        ):
            return InvalidInput
        self.head += 1
        channel = command.channel or ("direct" if command.to_agent else "general")
        said = Said(self.head, channel, command.thread_id, command.kind, command.from_agent, command.to_agent)
        self.said.append(said)
        if command.kind in {"task", "task_request"}:
            self.tasks[self.head] = Task(command.kind, parent, command.thread_id, channel)
        answered = self.tasks.get(command.reply_to) if command.reply_to is not None else None
        if command.kind == "task_result" and answered is not None and answered.kind == "task_request":
            answered.done = True
        return None

    def _acquire(
        self, leases: dict[str, Lease], name: str, agent: str, ttl_sec: float, thread: str | None, channel: object
    ) -> bool | Refusal:
        if not name or not is_agent(agent) or ttl_sec < 5:
            return InvalidInput
        lease, expires_at = leases.get(name), self.now + round(ttl_sec * SECOND)
        if lease is None or not lease.is_active(self.now):
            self.head += 1
            leases[name] = Lease(agent, self.head, expires_at, thread, channel)
            return True
        if lease.owner == agent:
            self.head += 1
            lease.expires_at = max(lease.expires_at, expires_at)
            return True
        if agent not in lease.refused:
            self.head += 1
            lease.refused.add(agent)
        return False

    def _refresh(self, lease: Lease | None, agent: str, ttl_sec: float) -> bool | Refusal:
        if ttl_sec < 5:
            return InvalidInput
        if lease is None or lease.owner != agent or not lease.is_active(self.now):
            return NotFound
        lease.expires_at = self.now + round(ttl_sec * SECOND)
        self.head += 1
        return True

    def _release(self, lease: Lease | None, agent: str) -> Refusal | None:
        if lease is None or lease.owner != agent or not lease.is_active(self.now):
            return NotFound
        lease.released = True
        self.head += 1
        return None

    def _complete(self, task_id: int) -> Refusal | None:
        task = self.tasks.get(task_id)
        if task is None:
            return NotFound
        was_done, task.done = task.done, True
        parent = None if task.parent is None else self.tasks[task.parent]
        siblings = [other for other in self.tasks.values() if other.parent == task.parent]
        rolls_up = parent is not None and not parent.done and all(sibling.done for sibling in siblings)
        if rolls_up or not was_done:
            self.head += 1
        if parent is not None and rolls_up:
            parent.done = True
            self.said.append(Said(self.head, parent.channel, parent.thread))
        return None

    def _handle_hub(
        self, command: StartHub | StopHub | InitiateShutdown | CancelShutdown | FireShutdown | ChangeNetwork
    ) -> Refusal | None:
        match command:
            case InitiateShutdown() if self.shutdown_pending or command.delay_sec < 0:
                return InvalidInput
            case CancelShutdown() if not self.shutdown_pending:
                return InvalidInput
            case ChangeNetwork(allow_remote=True):
                return LoopbackOnly  # the hub of the histories listens on loopback only
            case ChangeNetwork():
                return None
            case FireShutdown() if not self.shutdown_pending:
                return None
            case InitiateShutdown():
                self.shutdown_pending = True
            case CancelShutdown() | FireShutdown():
                self.shutdown_pending = False
            case StartHub() | StopHub():
                pass
        self.head += 1
        if not isinstance(command, StartHub | StopHub):
            self.said.append(Said(self.head, "general"))
        return None


def is_agent(name: str) -> bool:
    """Whether anybody may call under this name; histories try the hub's own and a blank one."""
    return name not in {"system", " "}


def caller_of(command: Command) -> str | None:
    """Whose sign of life a command is."""
    match command:
        case PostMessage():
            return command.from_agent
        case AcquireClaim() | RefreshClaim():
            return command.owner_agent_id
        case CreateChannel():
            return command.created_by
        case RequestWake():
            return command.from_agent
        case IssueToken() | RevokeToken() | CloseSession() | StartHub() | StopHub() | InitiateShutdown():
            return None
        case (
            CancelShutdown()
            | FireShutdown()
            | ChangeNetwork()
            | GiveBack()
            | TellWaiting()
            | CheckTokens()
            | MoveCursors()
        ):
            return None
        case _:
            return command.agent_id
