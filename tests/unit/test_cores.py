"""How many processes can work at once: as many as there are cores for this one, not in the machine."""

import os

import pytest

from arclog.proof.verify import count_cores


def test_only_the_cores_that_may_be_used_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {5}, raising=False)
    assert count_cores() == 1


@pytest.mark.parametrize(("told", "count"), [(8, 8), (None, 1)])
def test_where_the_system_does_not_say_which_those_are_all_are_counted(
    monkeypatch: pytest.MonkeyPatch, told: int | None, count: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: told)
    assert count_cores() == count
