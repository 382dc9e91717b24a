"""What an agent is told of the leases that it got and holds no longer."""

from api.mcp.holdings import MAX_HOLDINGS, Holdings


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_lease_that_lapsed_is_told_once() -> None:
    clock = Clock()
    holdings = Holdings(clock)
    holdings.hold("locks", "a.py", 10)
    holdings.hold("claims", "work", 30)
    assert holdings.take_lapsed() == []
    clock.now = 11
    assert holdings.take_lapsed() == ["Your lock on a.py has lapsed: ask for it again before you go on."]
    assert holdings.take_lapsed() == []
    assert holdings.kinds() == {"claims"}


def test_a_lease_that_is_prolonged_or_given_back_does_not_lapse() -> None:
    clock = Clock()
    holdings = Holdings(clock)
    holdings.hold("locks", "a.py", 10)
    holdings.hold("locks", "b.py", 10)
    holdings.drop("locks", "b.py")
    holdings.drop("locks", "never")
    clock.now = 5
    holdings.hold("locks", "a.py", 10)
    clock.now = 12
    assert holdings.take_lapsed() == []


def test_what_the_hub_no_longer_lists_is_told_as_lost() -> None:
    holdings = Holdings(Clock())
    holdings.hold("locks", "a.py", 10)
    holdings.hold("locks", "b.py", 10)
    holdings.hold("claims", "a.py", 10)
    (lost,) = holdings.keep_only("locks", {"b.py"})
    assert "your lock on a.py was released" in lost
    assert holdings.keep_only("locks", {"b.py"}) == []
    assert holdings.kinds() == {"locks", "claims"}


def test_leases_without_number_forget_the_one_that_was_taken_longest_ago() -> None:
    clock = Clock()
    holdings = Holdings(clock)
    for number in range(MAX_HOLDINGS + 1):
        holdings.hold("locks", str(number), 10)
    clock.now = 11
    lapsed = holdings.take_lapsed()
    assert len(lapsed) == MAX_HOLDINGS
    assert "lock on 0 " not in " ".join(lapsed)
