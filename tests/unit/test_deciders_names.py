"""Names that could be taken for others are refused; plain ones in any language are not."""

import pytest

from arclog.deciders.fields import agent
from arclog.errors import InvalidInput


@pytest.mark.parametrize(
    "name",
    [
        "ada",
        "claude-3f2a",
        "a b",
        "a/b.c:1",
        "Zoë",
        "Ære",
        "Иван-2",
        "Ωμέγα",
        "太郎さん",
        "한국어",
        "שרה",
        "علي 7",
        "ada🙂",
    ],
)
def test_a_plain_name_passes(name: str) -> None:
    assert agent("agent_id", name) == name


@pytest.mark.parametrize("name", ["system", "System", "SYSTEM", " sYsTeM ", "ｓｙｓｔｅｍ", "ſystem"])
def test_the_hub_s_own_name_is_taken_in_every_case(name: str) -> None:
    with pytest.raises(InvalidInput, match="own name"):
        agent("agent_id", name)


@pytest.mark.parametrize(
    "name", ["\u202eadmin", "admin\u200b", "ad\u00admin", "a\u2066b", "a\ufe0fb", "a\u3164b", "a\u115fb", "a\ue000b"]
)
def test_what_cannot_be_seen_is_no_part_of_a_name(name: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be seen"):
        agent("agent_id", name)


@pytest.mark.parametrize("name", ["аdmin", "admιn", "раypal", "Ⅰvan-Иван"])
def test_letters_of_scripts_that_are_not_written_together_are_no_name(name: str) -> None:
    with pytest.raises(InvalidInput, match="must not mix"):
        agent("agent_id", name)


@pytest.mark.parametrize("space", ["\u00a0", "\u2003", "\u3000"])
def test_a_space_that_only_looks_like_one_is_refused(space: str) -> None:
    with pytest.raises(InvalidInput, match="not the usual one"):
        agent("agent_id", f"a{space}b")
