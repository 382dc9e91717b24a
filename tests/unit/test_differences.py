"""What is said of a table that does not follow from the log."""

import pytest

from projections.projector import Row
from projections.rebuilding.differences import Difference, tell_difference

LONG = "one word and another, " * 20


@pytest.mark.parametrize(
    ("live", "replayed", "told"),
    [
        ((3, 4, "mallory"), (3, 4, "ada"), "body in the row of event 4 is 'mallory', by the log 'ada'"),
        ((3, 4, None), (3, 4, "ada"), "body in the row of event 4 is None, by the log 'ada'"),
        (
            (3, 4, "x"),
            None,
            "the row of event 4, which does not follow from the log, is there: id=3, event_id=4, body='x'",
        ),
        (None, (3, 4, "x"), "the row of event 4 is not there, by the log it is id=3, event_id=4, body='x'"),
        ((5, 9, "y"), (3, 4, "x"), "the row of event 4 is not there, by the log it is id=3, event_id=4, body='x'"),
    ],
)
def test_it_names_the_column_and_both_values(live: Row | None, replayed: Row | None, told: str) -> None:
    finding = tell_difference(Difference("messages", ("id", "event_id", "body"), live, replayed, 4))
    assert finding.text == f"table messages: {told}"
    assert finding.event_id == 4


def test_long_values_are_shown_where_they_part() -> None:
    live, replayed = f"{LONG}mallory{LONG}", f"{LONG}ada{LONG}"
    text = tell_difference(Difference("messages", ("id", "n", "body"), (1, 1, live), (1, 1, replayed), 1)).text
    assert "is …'e word and another, malloryone word" in text
    assert "by the log …'e word and another, adaone word" in text
    assert len(text) < 300
