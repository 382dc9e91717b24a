"""Locks: given what is known, when a command comes, then an event or a refusal."""

from typing import Any

import pytest

from arclog.deciders.locks import (
    AcquireLock,
    Acquiring,
    HeldLock,
    RefreshLock,
    ReleaseLock,
    decide_acquire,
    decide_refresh,
    decide_release,
)
from arclog.errors import InvalidInput, NotFound
from arclog.events import LockAcquired, LockRefreshed, LockRefused, LockReleased

SECOND = 1_000_000
NOW = 1_000 * SECOND
FREE = Acquiring(None)


def held_by(agent_id: str, expires_at: int = NOW + 60 * SECOND) -> HeldLock:
    return HeldLock("src/a.py", agent_id, 8, expires_at)


def ask(agent_id: str = "a", **given: Any) -> AcquireLock:
    return AcquireLock(**{"agent_id": agent_id, "file_path": "src/a.py"} | given)


def test_a_free_lock_is_granted_for_300_seconds() -> None:
    granted = decide_acquire(FREE, ask(" a ", file_path=" src/a.py ", metadata={"thread_id": "t"}), NOW)
    assert granted == LockAcquired(
        file_path="src/a.py", agent_id="a", expires_at=NOW + 300 * SECOND, metadata={"thread_id": "t"}
    )


def test_its_holder_prolongs_a_lock_and_keeps_the_fencing_token() -> None:
    prolonged = decide_acquire(Acquiring(held_by("a", NOW + SECOND)), ask(metadata={"other": 1}), NOW)
    assert prolonged == LockRefreshed(
        file_path="src/a.py", agent_id="a", expires_at=NOW + 300 * SECOND, fencing_token=8
    )


def test_asking_again_for_a_shorter_time_does_not_shorten_a_lock() -> None:
    prolonged = decide_acquire(Acquiring(held_by("a", NOW + 100 * SECOND)), ask(ttl_sec=5), NOW)
    assert isinstance(prolonged, LockRefreshed)
    assert prolonged.expires_at == NOW + 100 * SECOND


def test_a_lock_that_another_holds_is_refused_and_the_refusal_names_the_grant() -> None:
    assert decide_acquire(Acquiring(held_by("b")), ask(), NOW) == LockRefused(
        file_path="src/a.py", asker_agent_id="a", agent_id="b", fencing_token=8
    )


def test_a_refusal_is_written_once_for_each_grant_and_asker() -> None:
    assert decide_acquire(Acquiring(held_by("b"), already_refused=True), ask(), NOW) is None


def test_a_lock_holds_up_to_and_including_its_last_microsecond() -> None:
    assert isinstance(decide_acquire(Acquiring(held_by("b", NOW)), ask(), NOW), LockRefused)
    assert isinstance(decide_acquire(Acquiring(held_by("b", NOW - 1)), ask(), NOW), LockAcquired)


def test_a_lock_that_lapsed_is_granted_even_where_its_asker_was_refused_before() -> None:
    state = Acquiring(held_by("b", NOW - 1), already_refused=True)
    assert isinstance(decide_acquire(state, ask(), NOW), LockAcquired)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("file_path", {"file_path": " "}),
        ("file_path", {"file_path": "p" * 4097}),
        ("file_path", {"file_path": "p\x00"}),
        ("agent_id", {"agent_id": ""}),
        ("agent_id", {"agent_id": "system"}),
        ("ttl_sec", {"ttl_sec": 4.9}),
        ("metadata", {"metadata": {"n": 2**64}}),
    ],
)
@pytest.mark.parametrize("state", [FREE, Acquiring(held_by("a")), Acquiring(held_by("b"), already_refused=True)])
def test_a_request_that_cannot_be_used_names_its_field(state: Acquiring, field: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        decide_acquire(state, ask(**given), NOW)
    assert caught.value.field == field


def test_a_holder_refreshes_its_lock_for_ttl_sec_from_now() -> None:
    refreshed = decide_refresh(held_by("a"), RefreshLock(agent_id=" a ", file_path=" src/a.py ", ttl_sec=5), NOW)
    assert refreshed == LockRefreshed(file_path="src/a.py", agent_id="a", expires_at=NOW + 5 * SECOND, fencing_token=8)


def test_a_holder_releases_its_lock() -> None:
    released = decide_release(held_by("a"), ReleaseLock(agent_id=" a ", file_path=" src/a.py "), NOW)
    assert released == LockReleased(file_path="src/a.py", agent_id="a", fencing_token=8)


@pytest.mark.parametrize("held", [None, held_by("b"), held_by("a", NOW - 1)])
def test_only_its_active_holder_refreshes_or_releases_a_lock(held: HeldLock | None) -> None:
    with pytest.raises(NotFound, match=r"lock 'src/a\.py' is not held by a"):
        decide_refresh(held, RefreshLock(agent_id="a", file_path="src/a.py"), NOW)
    with pytest.raises(NotFound, match=r"lock 'src/a\.py' is not held by a"):
        decide_release(held, ReleaseLock(agent_id="a", file_path="src/a.py"), NOW)


@pytest.mark.parametrize(
    ("field", "given"),
    [("file_path", {"file_path": ""}), ("agent_id", {"agent_id": "system"}), ("ttl_sec", {"ttl_sec": 1})],
)
def test_a_refresh_or_release_that_cannot_be_used_names_its_field(field: str, given: dict[str, Any]) -> None:
    full = {"agent_id": "a", "file_path": "src/a.py"} | given
    with pytest.raises(InvalidInput) as caught:
        decide_refresh(held_by("a"), RefreshLock(**full), NOW)
    assert caught.value.field == field
    if field != "ttl_sec":
        with pytest.raises(InvalidInput) as caught:
            decide_release(held_by("a"), ReleaseLock(**full), NOW)
        assert caught.value.field == field
