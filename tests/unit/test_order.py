"""The order in which people look for a name."""

import random

from projections.history.entities import natural_order


def test_numbers_are_in_order_of_their_size_and_all_else_by_letters() -> None:
    numbered = ["a-9", "a/file9.py", "a/file10.py", "a/file10/2", "a/file10/11", "a0", "a00", "a01", "a1", "a1b", "a2"]
    names = ["", "7", "10", "a", *numbered, "a" + "1" * 5000, "ab", "b", "b\u0663"]
    mixed = random.Random(1).sample(names, len(names))  # noqa: S311
    assert sorted(mixed, key=natural_order) == names
