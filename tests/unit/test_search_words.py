"""What of a text can be found, and what a question asks for."""

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.search.query import snippet
from projections.search.words import fold, plain, read_question, words_of


@pytest.mark.parametrize(
    ("typed", "match"),
    [
        ("parser", '"parser"*'),
        ("the parser", '"the" AND "parser"*'),
        ("src/auth.py", '"src/auth.py"*'),
        ("can't", '"can\'t"'),
        ("C++", '"C++"'),
        ('"off by one" fix', '"off by one" AND "fix"*'),
        ('fix "off by one"', '"fix" AND "off by one"'),
        ('say "never closed', '"say" AND "never closed"'),
        ("NOT a AND b OR (c", '"NOT" AND "a" AND "AND" AND "b" AND "OR" AND "(c"'),
        ("検索", '"検 索"*'),
        ("a - + * ^", '"a"'),
        ("-- ++", ""),
        ("_ a __", '"a"'),
        ("__", ""),
        ("", ""),
    ],
)
def test_a_question_becomes_quoted_phrases_and_its_last_word_may_go_on(typed: str, match: str) -> None:
    assert read_question(typed).to_match() == match


@given(st.text())
def test_any_text_is_a_question_that_the_index_takes(text: str) -> None:
    index = apsw.Connection(":memory:")
    index.execute("CREATE VIRTUAL TABLE words USING fts5(body, tokenize = 'unicode61')")
    match = read_question(text).to_match()
    assert not match or index.execute("SELECT count(*) FROM words WHERE words MATCH ?", (match,)).get == 0


def test_cjk_characters_are_words_of_their_own_and_compatibility_forms_are_one() -> None:
    assert fold("全文 search").split() == ["全", "文", "search"]
    assert fold("\uff21\uff22\uff76\uff9e").split() == ["AB", "ガ"]


def test_words_are_compared_without_case_and_accents() -> None:
    assert plain("Ünïcode ÇA") == "unicode ca"
    assert words_of("src/auth_v2.py") == ["src", "auth", "v2", "py"]


@given(st.text())
def test_a_plain_text_has_its_characters_at_the_same_places(text: str) -> None:
    assert len(plain(text)) == len(text)


@pytest.mark.parametrize(
    ("said", "words", "shown"),
    [
        ("fix the parser now", ["parser"], "fix the [parser] now"),
        ("fix the Parsers", ["parser"], "fix the [Parser]s"),
        ("a comparser", ["parser"], "a comparser"),
        ("全文検索を直した", ["検", "索"], "全文[検索]を直した"),
        ("café", ["cafe"], "[café]"),
        ("nothing here", [], "nothing here"),
        ("x " * 100 + "needle" + " y" * 100, ["needle"], "…" + ("x " * 25) + "[needle]" + (" y" * 52) + "…"),
    ],
)
def test_a_snippet_shows_the_part_where_the_words_are(said: str, words: list[str], shown: str) -> None:
    assert snippet(said, words) == shown
