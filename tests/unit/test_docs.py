"""Each decision has a number of its own, and every link in the docs leads somewhere."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.support.hub_process import CHECKOUT

DECISIONS = sorted((CHECKOUT / "docs" / "adr").glob("*.md"))
PAGES = [*sorted(CHECKOUT.glob("*.md")), *sorted((CHECKOUT / "docs").rglob("*.md"))]


def test_no_two_decisions_have_the_same_number() -> None:
    numbers = Counter(page.name[:4] for page in DECISIONS)
    assert [number for number, count in numbers.items() if count > 1] == []


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name)
def test_the_title_of_a_decision_has_the_number_of_its_file(page: Path) -> None:
    assert page.read_text().startswith(f"# {int(page.name[:4])}. ")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_test_that_a_promise_names_is_there() -> None:
    named = re.findall(r"`(tests/[^`]+\.py)`", (CHECKOUT / "docs" / "reference" / "reliability.md").read_text())
    assert len(named) > 30
    assert [path for path in named if not (CHECKOUT / path).exists()] == []


JSON = re.compile(r"^```json\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_what_is_shown_as_json_is_json(page: Path) -> None:
    for block in JSON.findall(page.read_text()):
        rest = block.replace("…", "").strip()
        while rest:  # one value, or one a line
            _value, end = json.JSONDecoder().raw_decode(rest)
            rest = rest[end:].lstrip()
