"""The quickest SHA-256 is still SHA-256."""

import hashlib

import pytest

from arclog import short_hash
from arclog.short_hash import find_quickest


@pytest.mark.parametrize("length", [0, 1, 55, 56, 64, 150, 250, 5000])
def test_the_quickest_hash_says_what_hashlib_says(length: int) -> None:
    data = bytes(number % 251 for number in range(length))
    assert find_quickest()(data).digest() == hashlib.sha256(data).digest()


def test_where_the_interpreter_has_no_hash_of_its_own_there_is_that_of_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_hash, "_OWN", ("no_such_module",))
    assert find_quickest.__wrapped__() is hashlib.sha256
