"""The diagram of the protocol in the documentation is drawn from its table."""

from pathlib import Path

from arclog.deciders.leases import TRANSITIONS

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "locks.md"


def test_the_page_on_locks_shows_every_step_of_the_protocol_and_no_other() -> None:
    steps = [f"    {step.before} --> {step.after}: {step.by} ({step.when})" for step in TRANSITIONS]
    page = PAGE.read_text()
    drawn = page.split("stateDiagram-v2\n")[1].split("```")[0].splitlines()
    assert [line for line in drawn if "[*]" not in line] == steps


def test_a_step_begins_where_another_ended_or_where_something_is_asked() -> None:
    reached = {"asked", *(step.after for step in TRANSITIONS)}
    assert {step.before for step in TRANSITIONS} <= reached
    assert not any(step.before in {"refused", "over"} for step in TRANSITIONS)
