"""What an agent is told of the leases that it got and holds no longer."""

from api.mcp.held_leases import MAX_HELD, HeldLeases


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_lease_that_lapsed_is_told_once() -> None:
    clock = Clock()
    held = HeldLeases(clock)
    held.add("locks", "a.py", 10)
    held.add("claims", "work", 30)
    assert held.take_lapsed() == []
    clock.now = 11
    assert held.take_lapsed() == ["Your lock on a.py has lapsed: ask for it again before you go on."]
    assert held.take_lapsed() == []
    assert held.kinds() == {"claims"}


def test_a_lease_that_is_prolonged_or_given_back_does_not_lapse() -> None:
    clock = Clock()
    held = HeldLeases(clock)
    held.add("locks", "a.py", 10)
    held.add("locks", "b.py", 10)
    held.drop("locks", "b.py")
    held.drop("locks", "never")
    clock.now = 5
    held.add("locks", "a.py", 10)
    clock.now = 12
    assert held.take_lapsed() == []


def test_what_the_hub_no_longer_lists_is_told_as_lost() -> None:
    held = HeldLeases(Clock())
    held.add("locks", "a.py", 10)
    held.add("locks", "b.py", 10)
    held.add("claims", "a.py", 10)
    (lost,) = held.keep_only("locks", {"b.py"})
    assert "your lock on a.py was released" in lost
    assert held.keep_only("locks", {"b.py"}) == []
    assert held.kinds() == {"locks", "claims"}


def test_leases_without_number_forget_the_one_that_was_taken_longest_ago() -> None:
    clock = Clock()
    held = HeldLeases(clock)
    for number in range(MAX_HELD + 1):
        held.add("locks", str(number), 10)
    clock.now = 11
    lapsed = held.take_lapsed()
    assert len(lapsed) == MAX_HELD
    assert "lock on 0 " not in " ".join(lapsed)
