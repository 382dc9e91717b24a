"""The oracle: the log, folded in plain Python, says what everyone may have been told."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from arclog.codec import RecordedEvent
from arclog.deciders.messages import PostMessage
from arclog.events import (
    ClaimAcquired,
    ClaimRefused,
    ClaimReleased,
    HubVouched,
    LockAcquired,
    LockHandedOver,
    LockRefused,
    LockReleased,
    MessagePosted,
    SessionClosed,
    SessionExpired,
    SessionOpened,
)
from projections.message_pages import MessageQuery
from tests.simulation.calls import Asked, Heard, Read
from tests.simulation.world import SECOND
from tests.support.lease_histories import Told, judge
from tests.support.lease_model import Row, clash
from tests.support.linearizability import TooHard

MOST_LOST: Final = 2
"""A history with more calls without an answer is left to the fold alone."""
MOST_TRIED: Final = 4_000


class Wrong(AssertionError):
    """What was told, or kept, cannot be so."""


@dataclass
class Said:
    """One message, as the log has it."""

    event_id: int
    channel: str
    thread_id: str | None
    by: str
    to: str | None
    body: str

    def is_for(self, query: MessageQuery) -> bool:
        """Whether a query asks for it, its cursor apart."""
        if self.to is not None and self.to != query.agent_id:
            return False
        if query.exclude_self and self.by == query.agent_id:
            return False
        if query.channels and self.channel not in query.channels:
            return False
        return query.channel in {None, self.channel} and query.thread_id in {None, self.thread_id}


class Holdings:
    """Who holds which lock or claim, as the log has it: never two whose holds exclude each other."""

    def __init__(self) -> None:
        self._rows: list[Row] = []

    def take(self, event: RecordedEvent) -> None:
        """Take the next event."""
        data = event.data
        match data:
            case LockAcquired():
                for key in data.keys:
                    mode = "exclusive" if key in data.kept else data.mode
                    self._grant(event, Row(event.event_id, "lock", key, data.agent_id, mode, data.expires_at))
            case LockHandedOver():
                moved = self._take_back(data.fencing_token, data.keys)
                for row in moved:
                    self._grant(event, replace(row, token=event.event_id, agent=data.to_agent_id))
            case LockReleased():
                self._take_back(data.fencing_token, data.keys)
            case ClaimAcquired():
                row = Row(event.event_id, "claim", data.claim_key, data.owner_agent_id, "exclusive", data.expires_at)
                self._grant(event, row)
            case ClaimReleased():
                self._take_back(data.fencing_token, (data.claim_key,))
            case SessionExpired():
                self._rows = [row for row in self._rows if row.agent != data.agent_id]
            case _:
                pass

    def _grant(self, event: RecordedEvent, granted: Row) -> None:
        own = (granted.noun, granted.key, granted.agent)
        self._rows = [row for row in self._rows if row.until >= event.recorded_at]
        self._rows = [row for row in self._rows if (row.noun, row.key, row.agent) != own]
        for row in self._rows:
            base, _, key = row.key.partition("/")
            granted_base, _, granted_key = granted.key.partition("/")
            if base == granted_base and clash(replace(row, key=key), replace(granted, key=granted_key)):
                raise Wrong(f"event {event.event_id} grants {granted}, though there is {row}")
        self._rows.append(granted)

    def _take_back(self, token: int, keys: Sequence[str]) -> list[Row]:
        taken = [row for row in self._rows if row.token == token and row.key in keys]
        self._rows = [row for row in self._rows if row not in taken]
        return taken


class Fold:
    """What follows from a log, event by event."""

    def __init__(self, events: Sequence[RecordedEvent], presence_ttl: int) -> None:
        self._ttl = presence_ttl
        self.said: list[Said] = []
        self.keys: Counter[tuple[str, str]] = Counter()
        self.by_key: dict[str, RecordedEvent] = {}
        self.present: dict[str, int] = {}
        """Who has a session, and when there was the last sign of life."""
        self._hub_of: dict[str, str] = {}
        """The hub that vouches for each agent: the last that took it up."""
        self.expired: list[tuple[str, int]] = []
        self._holdings = Holdings()
        self.shown: list[int] = []
        """The events that those who follow the log are shown: that a hub vouches for its agents is no news."""
        self.head = 0
        at = 0
        for event in events:
            if event.event_id != self.head + 1:
                raise Wrong(f"event {event.event_id} follows event {self.head}")
            if event.recorded_at < at:
                raise Wrong(f"event {event.event_id} is older than the one before")
            self.head, at = event.event_id, event.recorded_at
            if not isinstance(event.data, HubVouched):
                self.shown.append(event.event_id)
            self._take(event)

    def _take(self, event: RecordedEvent) -> None:
        data = event.data
        if event.metadata.key is not None:
            self.keys[event.actor, event.metadata.key] += 1
            self.by_key[event.metadata.key] = event
        if event.actor in self.present:
            self.present[event.actor] = event.recorded_at
        match data:
            case MessagePosted():
                self.said.append(
                    Said(event.event_id, data.channel, data.thread_id, data.from_agent, data.to_agent, data.body)
                )
            case SessionOpened():
                self.present[data.agent_id] = event.recorded_at
            case SessionClosed():
                self.present.pop(data.agent_id, None)
            case SessionExpired():
                self._expire(event.recorded_at, data.agent_id)
            case HubVouched():
                self._hub_of |= dict.fromkeys(data.taken_up, data.hub_id)
                for agent in data.given_up:
                    self._hub_of.pop(agent, None)
                for agent, hub in self._hub_of.items():
                    if hub == data.hub_id and agent in self.present:
                        self.present[agent] = event.recorded_at
            case _:
                pass
        self._holdings.take(event)
        for notice in _notices(data):
            self.said.append(
                Said(event.event_id, notice.channel, notice.thread_id, "system", notice.to_agent, notice.body)
            )

    def _expire(self, at: int, agent: str) -> None:
        seen_at = self.present.pop(agent, None)
        if seen_at is not None and at - seen_at <= self._ttl:
            raise Wrong(f"{agent} counts as gone {(at - seen_at) / SECOND} s after its last sign of life")
        self.expired.append((agent, at))


def _notices(data: Any) -> Iterator[Any]:
    notice = getattr(data, "notice", None)
    if notice is not None:
        yield notice
    yield from getattr(data, "notices", ())


def check(
    events: Sequence[RecordedEvent],
    heard: Heard,
    histories: Sequence[list[Told]],
    presence_ttl: int,
    slack_sec: float | None,
    *,
    is_calm: bool,
) -> Fold:
    """See that everything that was told follows from the log, and that nothing that it should have is missing.

    Args:
        events: the log in the end.
        heard: what was asked and told.
        histories: what groups of agents were told of locks and claims.
        presence_ttl: how long an agent may be silent, in microseconds.
        slack_sec: how long what one hub appended may take to reach another; None where that is not promised.
        is_calm: whether nothing went wrong.

    Raises:
        Wrong: it does not.
        NotLinearizable: locks or claims were told that cannot be so.
    """
    fold = Fold(events, presence_ttl)
    for (actor, key), times in fold.keys.items():
        if times > 1:
            raise Wrong(f"{actor}'s call {key} was done {times} times")
    for asked in heard.asked:
        _check_asked(fold, asked)
    _check_order(heard.asked)
    known = _acknowledged(heard)
    for read in heard.reads:
        _check_read(fold, read, known, slack_sec)
    for after, ids in heard.followed:
        if ids != [event_id for event_id in fold.shown if after < event_id][: len(ids)]:
            raise Wrong(f"the log after {after} was shown as {ids}")
    for told in histories:
        _judge(told, is_calm=is_calm)
    return fold


def _judge(told: list[Told], *, is_calm: bool) -> None:
    """What a group was told of locks and claims could be told one call after the other, as far as that can be seen.

    A call without an answer may have happened at any time since, or not; with many of them everything may be.
    """
    if sum(one.got == "lost" for one in told) > MOST_LOST:
        return
    with contextlib.suppress(TooHard):
        judge(told, places_end=not is_calm, most_tried=MOST_TRIED)


def _check_asked(fold: Fold, asked: Asked) -> None:
    """What was acknowledged is there, once, and as it was asked for; what was refused is not."""
    event = fold.by_key.get(asked.key)
    first, again = asked.outcome, asked.again
    is_kept = first is not None and event is not None and event.event_id == first.event_id
    # Who still waits is told what is in the way at that moment, which may be another lease when it asks again.
    is_final = first is not None and first.queue is None
    if first is not None and again is not None and is_kept and is_final and again.result != first.result:
        raise Wrong(f"{asked.key} is told {first}, and under its key again {again}")
    if asked.error is not None and event is not None and not isinstance(event.data, ClaimRefused | LockRefused):
        raise Wrong(f"{asked.key} was refused ({asked.error.code}) and is event {event.event_id}")
    if asked.outcome is None or not isinstance(asked.command, PostMessage):
        if asked.outcome is not None and (asked.outcome.event_id or 0) > fold.head:
            raise Wrong(f"{asked.key} was told event {asked.outcome.event_id}, which is not there")
        return
    if event is None:
        raise Wrong(f"{asked.key} was acknowledged as event {asked.outcome.event_id}, and is not there")
    if event.event_id != asked.outcome.event_id:
        raise Wrong(f"{asked.key} was told event {asked.outcome.event_id}, and is event {event.event_id}")
    assert isinstance(event.data, MessagePosted)
    told = msgspec.json.decode(asked.outcome.result)
    if not (event.data.body == asked.command.body == told["body"] and told["id"] == event.event_id):
        raise Wrong(f"{asked.key} was told something else than event {event.event_id}")


def _check_order(asked: Sequence[Asked]) -> None:
    """What began after something else was answered comes after it in the log."""
    done = sorted((one for one in asked if one.outcome and _is_new(one)), key=lambda one: one.begun_at)
    ended = sorted(done, key=lambda one: one.ended_at)
    place, newest = 0, 0
    for one in done:
        while place < len(ended) and ended[place].ended_at < one.begun_at:
            newest = max(newest, _id_of(ended[place]))
            place += 1
        if _id_of(one) < newest:
            raise Wrong(f"{one.key} is event {_id_of(one)}, and began after event {newest} was acknowledged")


def _is_new(asked: Asked) -> bool:
    return isinstance(asked.command, PostMessage)


def _id_of(asked: Asked) -> int:
    assert asked.outcome is not None
    return asked.outcome.event_id or 0


def _acknowledged(heard: Heard) -> dict[int, Asked]:
    """Which call each message was acknowledged to."""
    return {_id_of(one): one for one in heard.asked if one.outcome is not None}


def _check_read(fold: Fold, read: Read, known: dict[int, Asked], slack_sec: float | None) -> None:
    """A page has all that there is after the cursor, up to where it ends; and it ends late enough."""
    assert read.page is not None
    query, ids = read.query, read.page.ids
    expected = [one for one in fold.said if one.event_id > query.since_id and one.is_for(query)]
    if [one.event_id for one in expected[: len(ids)]] != ids:
        shown = [one.event_id for one in expected[: len(ids) + 2]]
        raise Wrong(f"{read.agent} was shown {ids} after {query.since_id}, where the log has {shown}: {query}")
    for row, one in zip(read.page.rows, expected, strict=False):
        if msgspec.json.decode(row)["body"] != one.body:
            raise Wrong(f"{read.agent} was shown another text than that of event {one.event_id}")
    if len(ids) > query.limit:
        raise Wrong(f"{read.agent} was shown {len(ids)} messages, and asked for {query.limit}")
    if len(ids) == query.limit or len(expected) == len(ids):
        return
    missing = known.get(expected[len(ids)].event_id)
    slack_sec = 0.0 if missing is not None and missing.process == read.process else slack_sec
    if missing is None or slack_sec is None:
        return
    waited_until = read.begun_at if ids else read.begun_at + round(read.wait_sec * SECOND)
    if missing.ended_at + round(slack_sec * SECOND) < waited_until:
        raise Wrong(f"{read.agent} was shown {ids} after {query.since_id}, and not event {_id_of(missing)}")
