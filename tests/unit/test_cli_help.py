"""`arc help`: pages of the documentation, and what commands take."""

import re

import pytest

from cli.help import DOCS
from cli.main import main


def helped(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["help", *words]) == 0
    return capsys.readouterr().out


def test_each_topic_that_is_listed_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    topics = re.findall(r"^  ([\w/-]+)  ", helped(capsys=capsys), flags=re.MULTILINE)
    assert {"agents", "glossary", "two-agents", "windows", "which-hub", "mcp"} <= set(topics)
    for topic in topics:
        assert helped(topic, capsys=capsys)


def test_a_page_is_printed_as_it_is_in_the_repository(capsys: pytest.CaptureFixture[str]) -> None:
    assert helped("durability", capsys=capsys) == (DOCS / "explanation" / "durability.md").read_text(encoding="utf-8")


def test_the_help_of_a_command_leads_to_the_page_of_the_same_name(capsys: pytest.CaptureFixture[str]) -> None:
    told = helped("locks", capsys=capsys)
    assert told.startswith("usage: arc locks")
    assert told.endswith("There is a page about it: arc help explanation/locks\n")
    assert helped("explanation/locks", capsys=capsys).startswith("# ")


def test_a_command_below_another_has_its_help_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert helped("log", "show", capsys=capsys).startswith("usage: arc log show")
    assert helped("log", capsys=capsys).startswith("usage: arc log COMMAND")


def test_what_is_neither_says_how_to_list_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "show", "log"]) == 2
    assert capsys.readouterr().err == "arc error: no command or topic is called show log: arc help lists them\n"


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("sandbox", "use-from-a-sandbox"),
        ("durabilty", "durability"),
        ("secret", "erase-a-secret"),
        ("lok", "lock"),
        ("backup", "log backup or arc help back-up-every-night"),
        ("replay", "log replay"),
    ],
)
def test_what_is_neither_is_answered_with_what_is_like_it(
    word: str, near: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["help", word]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"arc error: no command or topic is called {word}: did you mean arc help ")
    assert f"arc help {near}" in told
    assert told.endswith("? arc help lists them\n")
