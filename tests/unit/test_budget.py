"""An answer has so many bytes; what does not fit is left for the next, and not even read."""

from collections.abc import Iterator

import pytest

from projections.budget import Budget

ROWS = [b"0123456789"] * 10


@pytest.mark.parametrize(("most", "count"), [(100, 10), (99, 9), (35, 3), (30, 3), (9, 1), (0, 1)])
def test_as_many_rows_are_taken_as_fit_but_one_always(most: int, count: int) -> None:
    budget = Budget(most)
    assert budget.fill(ROWS, bytes) == ROWS[:count]
    assert budget.spent == (count < 10)


def test_no_rows_spend_nothing() -> None:
    budget = Budget(0)
    assert (budget.fill([], bytes), budget.spent) == ([], False)


def test_no_more_rows_are_read_than_the_first_that_does_not_fit() -> None:
    read: list[int] = []

    def rows() -> Iterator[bytes]:
        for number in range(10):
            read.append(number)
            yield b"0123456789"

    Budget(25).fill(rows(), bytes)
    assert read == [0, 1, 2]


def test_after_a_row_that_did_not_fit_no_smaller_one_is_taken() -> None:
    budget = Budget(10)
    assert [budget.takes(size) for size in (5, 6, 1)] == [True, False, False]


@pytest.mark.parametrize(("size", "fit"), [(5, True), (6, False)])
def test_rows_are_taken_together_where_they_all_fit(size: int, fit: bool) -> None:
    budget = Budget(10)
    assert budget.takes(5)
    assert budget.takes_all(size) is fit
    assert [budget.takes(5), budget.takes(1)] == ([False, False] if fit else [True, False])


def test_nothing_more_is_taken_together_once_a_row_did_not_fit() -> None:
    budget = Budget(10)
    assert [budget.takes(5), budget.takes(6), budget.takes_all(1)] == [True, False, False]


def test_rows_that_are_taken_together_leave_no_room_for_a_first_one_that_is_too_large() -> None:
    budget = Budget(10)
    assert [budget.takes_all(5), budget.takes(20)] == [True, False]
