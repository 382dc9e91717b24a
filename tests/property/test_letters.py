"""What must be true of receipts, cursors, wakes and tokens after every history; and of receipts what a model says."""

from pathlib import Path

import pytest
from hypothesis import given

from arclog.deciders.messages import PostMessage
from arclog.deciders.receipts import AcknowledgeMessages
from arclog.errors import ArcError
from projections import receipts
from projections.intervals import live
from tests.property.engines import EngineFor, on_each_engine
from tests.property.histories import Played, Step
from tests.property.letters import letter_histories
from tests.property.test_histories import (
    OFTEN,
    SOAK,
    check_as_of,
    check_one_event_for_each_call,
    check_replay,
    check_retries,
    played_on,
)
from tests.support.recorders import events_in, reading


@on_each_engine
@OFTEN
@given(letter_histories())
def test_what_is_true_of_every_history_is_true_of_letters(
    tmp_path: Path, engine_for: EngineFor, history: list[Step]
) -> None:
    check_one_event_for_each_call(tmp_path, engine_for, history)
    check_replay(tmp_path, engine_for, history)
    check_as_of(tmp_path, engine_for, history[:20])
    check_retries(tmp_path, engine_for, history)


@on_each_engine
@OFTEN
@given(letter_histories(60))
def test_what_is_unacknowledged_and_overdue_is_what_a_model_says(
    tmp_path: Path, engine_for: EngineFor, history: list[Step]
) -> None:
    check_receipts(tmp_path, engine_for, history)


@on_each_engine
@pytest.mark.soak
@SOAK
@given(letter_histories(120))
def test_what_is_unacknowledged_and_overdue_is_what_a_model_says_in_many_histories(
    tmp_path: Path, engine_for: EngineFor, history: list[Step]
) -> None:
    check_receipts(tmp_path, engine_for, history)


def check_receipts(folder: Path, engine_for: EngineFor, history: list[Step]) -> None:
    with played_on(folder, engine_for, history) as (storage, played), reading(storage) as connection:
        times = {event.event_id: event.recorded_at for event in events_in(storage)}
        now = max(times.values()) + 50_000_000
        wanted = model_of(played, times)
        for to_agent, from_agent in ((None, None), ("a", None), (None, "b"), ("a", "b")):
            asked = {
                message_id: due
                for message_id, (sender, recipient, due) in wanted.items()
                if to_agent in {None, recipient} and from_agent in {None, sender}
            }
            late = [message_id for message_id, due in asked.items() if due is not None and due < now]
            late.sort(key=lambda message_id: (asked[message_id], message_id))
            found = receipts.list_wanted(connection, live(now), 1_000, to_agent=to_agent, from_agent=from_agent)
            overdue = receipts.list_overdue(connection, live(now), 1_000, to_agent=to_agent, from_agent=from_agent)
            assert [one.message_id for one in found] == sorted(asked)
            assert [one.message_id for one in found if one.overdue] == sorted(late)
            assert [one.message_id for one in overdue] == late


def model_of(played: list[Played], times: dict[int, int]) -> dict[int, tuple[str, str, int | None]]:
    """By message who wants an acknowledgement of whom by when, from what was accepted alone."""
    wanted: dict[int, tuple[str, str, int | None]] = {}
    for call in played:
        if isinstance(call.result, ArcError):
            continue
        match call.command:
            case PostMessage() as said:
                answered = None if said.reply_to is None else wanted.get(said.reply_to)
                if answered is not None and answered[1] == said.from_agent:
                    del wanted[said.reply_to or 0]
                if said.ack and said.to_agent is not None and call.result.event_id is not None:
                    event_id, within = call.result.event_id, said.ack_within_sec
                    due = None if within is None else times[event_id] + round(within * 1_000_000)
                    wanted[event_id] = (said.from_agent, said.to_agent, due)
            case AcknowledgeMessages() as done:
                for message_id in done.ids:
                    if message_id in wanted and wanted[message_id][1] == done.agent_id:
                        del wanted[message_id]
            case _:
                pass
    return wanted
