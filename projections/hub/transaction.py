"""One transaction while it is written: each call in its turn is judged, and what follows from it is appended.

    a key that is known   -> the first answer again
    the rules             -> a refusal, an answer where things are so already, or an event
    an event              -> the log, the tables, and the answer that it makes

Whatever a call came to, it shows that its agent is there. Nothing of this is on disk before the commit, and nobody is
told anything before that.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from arclog.codec import Metadata, RecordedEvent
from arclog.errors import ArcError, Deadlock, InvalidInput, KeyReused, NewerRules, StorageError
from arclog.events import (
    EVENT_CLASSES,
    ClaimQueued,
    Event,
    HubStopped,
    LockQueued,
    MessagePosted,
    PayloadErased,
    RulesRaised,
    SessionClosed,
    SessionExpired,
)
from arclog.events.channels import ANONYMOUS
from arclog.events.messages import is_of_task
from arclog.keys import KeptKey, owner_of, principal_of
from arclog.limits import MICROSECONDS, PLACE_KEPT_SEC
from arclog.rules import KNOWN, rules_of
from arclog.sender import sender_of
from arclog.sqlite.log import Log
from arclog.sqlite.reads import find_event
from projections import tasks, wakes
from projections.all_projectors import HANDLERS, project
from projections.erasing import erase_rows
from projections.hub import command_handlers
from projections.hub.answers import answer, answer_now
from projections.hub.calls import Call
from projections.hub.clockwork import Clockwork
from projections.hub.context import CONCERNING_CONTEXT, Context
from projections.hub.identity import FOR_OPERATORS, check_identity
from projections.hub.lease_memory import ENDING_SESSIONS
from projections.hub.lease_settling import find_end, settle_leases, settle_orphans
from projections.hub.outcomes import Outcome
from projections.hub.preconditions import check_preconditions
from projections.intervals import live
from projections.messages import POSTING, PostedMessage, post_of, posted_by
from projections.standing_changes import CONCERNING_STANDING
from projections.task_leases import ON_CLAIMS, find_leased


class Transaction:
    """What is written between `begin` and `commit`.

    Every call passes here, so classes are told by `type`, which takes a tenth of what `isinstance` does.

    Args:
        log: the log, in a transaction.
        context: what calls are judged against; it learns from what they bring about.
        clockwork: what is due, and who is noticed to be there.
        known_rules: the newest rules that this hub knows.

    Attributes:
        after: the end of the log before it.
        now: its time, in microseconds of the log's clock.
        messages: what is said in it.
        has_work: whether something became of a task in it.
        has_wakes: whether something became of a wake in it.
        ends: whether the hub ends with it.
    """

    def __init__(self, log: Log, context: Context, clockwork: Clockwork, known_rules: int = KNOWN) -> None:
        self.after = log.head_id
        self.now = log.now()
        self.messages: list[PostedMessage] = []
        self.has_work = False
        self.has_wakes = False
        self.ends = False
        self._log = log
        self.context = context
        context.modes.clear()
        self._clockwork = clockwork
        context.settle_agent = self._settle_agent
        context.settle_orphans = self._settle_orphans
        rules = context.rules
        self._rules = rules.number
        self._newer = NewerRules(rules.number, known_rules, rules.version) if rules.number > known_rules else None
        """Why nothing is decided here: the log follows rules that this hub does not know."""
        self.decides = self._newer is None
        """Whether this hub knows the rules of the log."""
        self._at = live(self.now)

    # What is due ----------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Do what is due, so that no rule meets a session or a lease that is over but not yet ended."""
        if self.decides and self.now >= self._clockwork.next_at:
            self._clockwork.settle(self.context.snapshot, self.now, self.append)
        if self.context.leases.concerns_us:
            self.settle_leases()

    def settle_leases(self) -> None:
        """Write what follows for claims and locks from what has happened, and grant to those whose turn it is.

        To be called only while `leases.concerns_us`; else nothing follows.
        """
        if self.decides:
            settle_leases(self.context.leases, self.context.snapshot, self.now, self.append_ours)

    def _settle_agent(self, agent_id: str) -> bool:
        return self._clockwork.settle_agent(self.context.snapshot, agent_id, self.now, self.append)

    def _settle_orphans(self) -> None:
        settle_orphans(self.context.leases, self.context.snapshot, self.now, self.append_ours)

    # A call ---------------------------------------------------------------------------------------------------------

    def carry_out(self, call: Call) -> Outcome | ArcError:
        """What a call comes to: the answer to be given when this is on disk, or why it is refused.

        Raises:
            StorageError: the storage failed, and with it the transaction.
        """
        if self._newer is not None:
            return self._newer
        try:
            return self._outcome(call)
        except UnicodeEncodeError:
            # Text meets an encoder before it meets the log, so nothing of the call was written.
            return InvalidInput("text", "holds half of a surrogate pair, which is not text")

    def _outcome(self, call: Call) -> Outcome | ArcError:
        result: RecordedEvent | Outcome | ArcError
        if self._clockwork.is_behind:
            self._settle_agent(call.sender)
        try:
            if self.context.holders.bound or call.principal is not None or type(call.command) in FOR_OPERATORS:
                check_identity(self.context, call, self._at)
            result = (None if call.key is None else self._answer_again(call, call.key)) or self._judge(call)
        except StorageError:
            raise
        except ArcError as refusal:
            result = refusal.with_traceback(None)  # which holds this frame, and with it the call
        if type(result) is RecordedEvent:
            try:
                outcome = self._answer(result)
            except Deadlock as refusal:  # which the event is about
                return refusal
            if type(result.data) is SessionClosed:
                self._clockwork.end_sub_agents(self.context.snapshot, result.data.agent_id, self.now, self.append)
            return outcome
        self._see(call)
        return result

    def _answer_again(self, call: Call, key: str) -> Outcome | None:
        """The first answer, if the call's key is known."""
        kept = self._find_kept(call, key)
        if kept is None:
            return None
        if not call.is_of(kept):
            raise KeyReused(key, kept.event_id)
        stored = self.context.snapshot.read(find_event, kept.event_id)
        assert stored is not None
        first = stored.decode()
        if isinstance(first.data, LockQueued | ClaimQueued):
            return self._wait_again(first.data.place or first.event_id, first.data)
        return answer(self.context.snapshot, first, self.context.hub)

    def _wait_again(self, place_id: int, first: LockQueued | ClaimQueued) -> Outcome:
        """For a call that began to wait: how that ended, or the wait goes on where the first call left it."""
        leases = self.context.leases
        place = leases.standing.waiting.get(place_id)
        if place is not None and first.wait_until > self.now:
            if place.hub_id != leases.hub_id:  # where it began to wait: others must know where its call is now
                until = max(first.wait_until, place.expires_at - PLACE_KEPT_SEC * MICROSECONDS)
                self.append_ours(replace(first, place=place_id, passes=(), hub_id=leases.hub_id, wait_until=until))
            return Outcome(b"null", place_id, acquired=False, open_call=leases.open_call(place_id, first.wait_until))
        return find_end(leases, self.context.snapshot, place_id, self.now)

    def _find_kept(self, call: Call, key: str) -> KeptKey | None:
        """What the call's key led to."""
        kept = self._log.find_key(owner_of(call.sender, call.request), key)
        if kept is None and sender_of(call.command) == ANONYMOUS:
            # Before events named their principal, all calls that name nobody shared their keys.
            shared = self._log.find_key(ANONYMOUS, key)
            if shared is not None and call.is_of(shared):
                return shared
        return kept

    def _judge(self, call: Call) -> RecordedEvent | Outcome:
        """The event that the rules accept, appended; or the outcome where there is nothing to append."""
        if call.relies_on is not None:
            check_preconditions(self.context, call.relies_on, call.sender, self.now)
        self.context.sender, self.context.principal = call.sender, call.principal
        handle = command_handlers.HANDLERS[type(call.command)]
        decision = handle(self.context, call.command, self._at)
        if type(decision) is Outcome:
            return decision
        if rules_of(decision) > self._rules:
            self._raise_rules(decision)
            decision = handle(self.context, call.command, self._at)  # with the ids that it gives coming after that
            if type(decision) is Outcome:
                return decision
        principal = principal_of(decision, call.sender)
        token = None if call.principal is None else call.principal.token_id
        return self._record(decision, Metadata(call.transport, call.key, call.request, principal, token))

    def _answer(self, event: RecordedEvent) -> Outcome:
        """What the caller is told whose call became `event`, the last one of the log."""
        data = event.data
        if type(data) is MessagePosted:
            return Outcome(self.messages[-1].json, event.event_id, created=True)
        if type(data) is LockQueued or type(data) is ClaimQueued:
            open_call = self.context.leases.open_call(data.place or event.event_id, data.wait_until)
            return Outcome(b"null", event.event_id, acquired=False, open_call=open_call)
        return answer_now(self.context.rows, self.context.snapshot, event, self.context.hub)

    def _see(self, call: Call) -> None:
        """A call that appended nothing shows all the same that its agent is there."""
        if call.sender != ANONYMOUS:
            self._clockwork.notice(self.context.snapshot, call.sender, self.now)

    # An event -------------------------------------------------------------------------------------------------------

    def append(self, data: Event, metadata: Metadata) -> RecordedEvent:
        """Append an event that no call asked for, and bring every table up to date with it.

        Args:
            data: what happened.
            metadata: how it came to be.
        """
        if rules_of(data) > self._rules:
            self._raise_rules(data)
        return self._record(data, metadata)

    def append_ours(self, data: Event) -> RecordedEvent:
        """Append an event that the hub itself brings about."""
        return self.append(data, Metadata("hub"))

    def _raise_rules(self, data: Event) -> None:
        """Raise the number of the log's rules to that which an event needs."""
        self._rules = rules_of(data)
        self._record(RulesRaised(number=self._rules, version=self.context.hub.version), Metadata("hub"))

    def _record(self, data: Event, metadata: Metadata) -> RecordedEvent:
        event = self._log.append(data, self.now, metadata)
        project(HANDLERS, self.context.writer, event)
        if type(data) is MessagePosted:
            self.messages.append(post_of(event, data))
            if is_of_task(data):
                self.context.leases.learn(event)
                self.has_work = True
            return event
        for react in _REACTIONS[type(data)]:
            react(self, event)
        return event


def _tell(transaction: Transaction, event: RecordedEvent) -> None:
    """Some events post messages, or may."""
    transaction.messages += posted_by(event)


def _forget_texts(transaction: Transaction, event: RecordedEvent) -> None:
    """Texts were erased."""
    assert isinstance(event.data, PayloadErased)
    transaction.context.snapshot.read(erase_rows, event.data)
    transaction.context.forget_rows()


def _learn_leases(transaction: Transaction, event: RecordedEvent) -> None:
    """Something stands otherwise."""
    transaction.context.leases.learn(event)


def _note_end(transaction: Transaction, event: RecordedEvent) -> None:
    """A session ended."""
    assert isinstance(event.data, SessionClosed | SessionExpired)
    transaction.context.leases.gone.add(event.data.agent_id)


def _learn(transaction: Transaction, event: RecordedEvent) -> None:
    """Something is otherwise of the hub, or of the log."""
    transaction.context.learn(event.data)


def _note_work(transaction: Transaction, _event: RecordedEvent) -> None:
    """Something became of a task."""
    transaction.has_work = True


def _note_lease(transaction: Transaction, event: RecordedEvent) -> None:
    """Something became of a claim, which may be the lease on a task."""
    claim_key = event.data.claim_key  # type: ignore[union-attr]  # only events of claims come here
    if find_leased(transaction.context.writer, claim_key) is not None:
        transaction.has_work = True


def _note_wake(transaction: Transaction, _event: RecordedEvent) -> None:
    """Something became of a wake."""
    transaction.has_wakes = True


def _note_last(transaction: Transaction, _event: RecordedEvent) -> None:
    """A hub ends."""
    transaction.ends = True


_REACTIONS: Final[Mapping[type[Event], tuple[Callable[[Transaction, RecordedEvent], None], ...]]] = {
    kind: tuple(
        react
        for kinds, react in (
            (POSTING, _tell),
            ({PayloadErased}, _forget_texts),
            (CONCERNING_STANDING, _learn_leases),
            (ENDING_SESSIONS, _note_end),
            (CONCERNING_CONTEXT, _learn),
            (tasks.PROJECTOR.handlers.keys() - ON_CLAIMS, _note_work),
            (ON_CLAIMS, _note_lease),
            (wakes.PROJECTOR.handlers, _note_wake),
            ({HubStopped}, _note_last),
        )
        if kind in kinds
    )
    for kind in EVENT_CLASSES
}
"""What follows from each type of event beside the rows of the tables; that of messages, of which most are plain, is
told apart before."""
