"""Lists that are too long for one answer come in parts, and nothing is lost between two."""

import json

import pytest
from msgspec import Struct

from api.http.lists import encode_rows
from api.http.routes import Found


class Row(Struct):
    name: str


ROWS = [Row(f"row {number}") for number in range(10)]
ONE = len(b'{"name":"row 0"}')


def names(found: Found) -> list[str]:
    return [row["name"] for row in json.loads(found.result)]


def test_a_list_that_fits_is_whole() -> None:
    found = encode_rows(ROWS, 1_000_000)
    assert (names(found), found.more) == ([row.name for row in ROWS], False)


def test_no_rows_are_an_empty_list() -> None:
    assert encode_rows([], 10) == Found(b"[]")


@pytest.mark.parametrize(("most", "count"), [(ONE * 3, 3), (ONE * 3 + 1, 3), (ONE - 1, 1), (0, 1)])
def test_a_list_is_cut_where_it_would_be_too_long_but_has_a_row(most: int, count: int) -> None:
    found = encode_rows(ROWS, most)
    assert (names(found), found.more) == ([row.name for row in ROWS[:count]], True)
