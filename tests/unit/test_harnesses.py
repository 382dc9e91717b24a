"""The table of harnesses: the client's, the hub's and the documentation's say the same."""

from pathlib import Path

import pytest

from api.hooks import route
from arc.harnesses import CLAUDE_INBOX, CODEX_QUEUE, HARNESSES

PAGE = Path(__file__).parents[2] / "docs" / "harnesses" / "README.md"


def test_the_hub_knows_the_same_harnesses() -> None:
    assert set(route.HARNESSES) == set(HARNESSES)


@pytest.mark.parametrize("name", HARNESSES)
def test_the_hub_has_the_same_name_for_its_agents_and_knows_its_windows_by_the_same(name: str) -> None:
    ours, hubs = HARNESSES[name], route.HARNESSES[name]
    assert (ours.host, ours.by_process) == (hubs.HOST, hubs.BY_PROCESS)


@pytest.mark.parametrize("name", HARNESSES)
def test_the_hub_knows_each_moment_that_setup_has_it_called_at(name: str) -> None:
    harness = HARNESSES[name]
    for event in harness.events.list_all():
        call = route.HARNESSES[name].read({"hook_event_name": event, "event": event, "prompt": "x"})
        assert call.moment != "other", event


def test_the_page_for_people_has_the_same_table() -> None:
    lines = [line.split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    rows = {cells[0].strip("| `"): cells[1:] for cells in lines}
    assert list(rows) == list(HARNESSES)
    for name, (hooks, form, trust, wake) in rows.items():
        harness = HARNESSES[name]
        assert hooks == f"`{harness.hooks}`"
        assert ("URL" in form) == harness.has_url_hooks
        assert ("plugin" in form) == (harness.form == "plugin")
        assert (trust == "its user") == (name in {"codex", "gemini"})
        assert wake.strip("|` ") == (harness.wake or "arc watch")


def test_the_roads_into_windows_are_those_that_the_table_names() -> None:
    assert {harness.wake for harness in HARNESSES.values() if harness.wake} == {CLAUDE_INBOX, CODEX_QUEUE}
