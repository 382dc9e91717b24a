"""How many calls a sender may make: a burst, then its rate, and nobody pays for another."""

import pytest

from api.http.errors import TooManyRequests
from api.http.rates import HELD_SEC, MAX_SENDERS, Rates


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def take(rates: Rates, sender: str, most: int) -> int:
    """How many calls are taken of `most`."""
    for count in range(most):
        try:
            rates.count(sender)
        except TooManyRequests:
            return count
    return most


def test_who_was_silent_has_a_store_and_then_its_rate() -> None:
    clock = Clock()
    rates = Rates(10, clock)
    assert take(rates, "a", 1_000) == 10 * HELD_SEC
    clock.now += 3
    assert take(rates, "a", 1_000) == 30
    clock.now += 1_000
    assert take(rates, "a", 1_000) == 10 * HELD_SEC


def test_a_refusal_says_when_to_come_back_and_then_holds() -> None:
    clock = Clock()
    rates = Rates(2, clock)
    take(rates, "a", 100)
    with pytest.raises(TooManyRequests) as refused:
        rates.count("a")
    clock.now += refused.value.retry_after_sec
    rates.count("a")


def test_nobody_pays_for_another_and_no_limit_is_none() -> None:
    rates = Rates(1, Clock())
    take(rates, "a", 100)
    rates.count("b")
    assert take(Rates(0, Clock()), "a", 10_000) == 10_000


def test_many_senders_take_no_more_memory_than_some() -> None:
    rates = Rates(1, Clock())
    for number in range(3 * MAX_SENDERS):
        rates.count(str(number))
    assert len(rates._full_at) <= MAX_SENDERS
