"""Claims: given what is known, when a command comes, then an event or a refusal."""

from typing import Any

import pytest

from arclog.deciders.claims import (
    AcquireClaim,
    RefreshClaim,
    ReleaseClaim,
    decide_acquire,
    decide_refresh,
    decide_release,
)
from arclog.deciders.standing import Standing
from arclog.errors import InvalidInput, NotFound
from arclog.events import ClaimAcquired, ClaimRefreshed, ClaimRefused, ClaimReleased

SECOND = 1_000_000
NOW = 1_000 * SECOND
FREE = Standing()


def held_by(agent_id: str, expires_at: int = NOW + 60 * SECOND) -> Standing:
    """What stands when an agent holds a claim."""
    standing = Standing()
    standing.grant("claim", ("k",), agent_id, "exclusive", 8, expires_at)
    return standing


def test_a_free_claim_is_granted_for_300_seconds() -> None:
    granted = decide_acquire(FREE, AcquireClaim(owner_agent_id=" a ", claim_key=" k "), NOW)
    assert granted == ClaimAcquired(claim_key="k", owner_agent_id="a", expires_at=NOW + 300 * SECOND)


def test_a_grant_keeps_what_it_is_for() -> None:
    command = AcquireClaim(
        owner_agent_id="a", claim_key="k", task_message_id=7, thread_id=" t ", ttl_sec=5, metadata={"m": 1}
    )
    assert decide_acquire(FREE, command, NOW) == ClaimAcquired(
        claim_key="k",
        owner_agent_id="a",
        expires_at=NOW + 5 * SECOND,
        thread_id="t",
        task_message_id=7,
        metadata={"m": 1},
    )


@pytest.mark.parametrize("key", [None, "", "  "])
def test_a_claim_without_a_key_is_named_after_its_task(key: str | None) -> None:
    granted = decide_acquire(FREE, AcquireClaim(owner_agent_id="a", claim_key=key, task_message_id=42), NOW)
    assert isinstance(granted, ClaimAcquired)
    assert (granted.claim_key, granted.task_message_id) == ("task-42", 42)


def test_a_claim_on_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput, match="claim_key or task_message_id is required"):
        decide_acquire(FREE, AcquireClaim(owner_agent_id="a"), NOW)


def test_its_holder_prolongs_a_claim_and_keeps_the_fencing_token() -> None:
    state = held_by("a", NOW + SECOND)
    command = AcquireClaim(owner_agent_id="a", claim_key="k", thread_id="other", metadata={"other": 1})
    assert decide_acquire(state, command, NOW) == ClaimRefreshed(
        claim_key="k", owner_agent_id="a", expires_at=NOW + 300 * SECOND, fencing_token=8
    )


def test_asking_again_for_a_shorter_time_does_not_shorten_a_claim() -> None:
    state = held_by("a", NOW + 100 * SECOND)
    prolonged = decide_acquire(state, AcquireClaim(owner_agent_id="a", claim_key="k", ttl_sec=5), NOW)
    assert isinstance(prolonged, ClaimRefreshed)
    assert prolonged.expires_at == NOW + 100 * SECOND


def test_a_claim_that_another_holds_is_refused_and_the_refusal_names_the_grant() -> None:
    state = held_by("b")
    assert decide_acquire(state, AcquireClaim(owner_agent_id="a", claim_key="k"), NOW) == ClaimRefused(
        claim_key="k", asker_agent_id="a", owner_agent_id="b", fencing_token=8
    )


def test_a_claim_holds_up_to_and_including_its_last_microsecond() -> None:
    command = AcquireClaim(owner_agent_id="a", claim_key="k")
    assert isinstance(decide_acquire(held_by("b", NOW), command, NOW), ClaimRefused)
    assert isinstance(decide_acquire(held_by("b", NOW - 1), command, NOW), ClaimAcquired)


def test_a_claim_that_lapsed_is_granted_afresh_to_its_old_holder_too() -> None:
    granted = decide_acquire(held_by("a", NOW - 1), AcquireClaim(owner_agent_id="a", claim_key="k"), NOW)
    assert granted == ClaimAcquired(claim_key="k", owner_agent_id="a", expires_at=NOW + 300 * SECOND)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("claim_key", {"claim_key": "k" * 257}),
        ("claim_key", {"claim_key": "k\x00"}),
        ("owner_agent_id", {"owner_agent_id": ""}),
        ("owner_agent_id", {"owner_agent_id": "system"}),
        ("thread_id", {"thread_id": "t\x00"}),
        ("task_message_id", {"task_message_id": -1}),
        ("task_message_id", {"task_message_id": 2**53}),
        ("ttl_sec", {"ttl_sec": 4.9}),
        ("ttl_sec", {"ttl_sec": 1e9}),
        ("metadata", {"metadata": {"n": 2**64}}),
    ],
)
@pytest.mark.parametrize("state", [FREE, held_by("a"), held_by("b")])
def test_a_request_that_cannot_be_used_names_its_field(state: Standing, field: str, given: dict[str, Any]) -> None:
    command = AcquireClaim(**{"owner_agent_id": "a", "claim_key": "k"} | given)
    with pytest.raises(InvalidInput) as caught:
        decide_acquire(state, command, NOW)
    assert caught.value.field == field


def test_a_holder_refreshes_its_claim_for_ttl_sec_from_now() -> None:
    refreshed = decide_refresh(held_by("a"), RefreshClaim(claim_key=" k ", owner_agent_id=" a ", ttl_sec=5), NOW)
    assert refreshed == ClaimRefreshed(claim_key="k", owner_agent_id="a", expires_at=NOW + 5 * SECOND, fencing_token=8)


def test_a_holder_releases_its_claim() -> None:
    released = decide_release(held_by("a"), ReleaseClaim(claim_key=" k ", agent_id=" a "), NOW)
    assert released == ClaimReleased(claim_key="k", owner_agent_id="a", fencing_token=8)


@pytest.mark.parametrize("held", [FREE, held_by("b"), held_by("a", NOW - 1)])
def test_only_its_active_holder_refreshes_or_releases_a_claim(held: Standing) -> None:
    with pytest.raises(NotFound, match="claim 'k' is not held by a"):
        decide_refresh(held, RefreshClaim(claim_key="k", owner_agent_id="a"), NOW)
    with pytest.raises(NotFound, match="claim 'k' is not held by a"):
        decide_release(held, ReleaseClaim(claim_key="k", agent_id="a"), NOW)


@pytest.mark.parametrize(
    ("field", "command"),
    [
        ("claim_key", RefreshClaim(claim_key="", owner_agent_id="a")),
        ("owner_agent_id", RefreshClaim(claim_key="k", owner_agent_id="system")),
        ("ttl_sec", RefreshClaim(claim_key="k", owner_agent_id="a", ttl_sec=1)),
    ],
)
def test_a_refresh_that_cannot_be_used_names_its_field(field: str, command: RefreshClaim) -> None:
    with pytest.raises(InvalidInput) as caught:
        decide_refresh(held_by("a"), command, NOW)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("field", "command"),
    [
        ("claim_key", ReleaseClaim(claim_key=" ", agent_id="a")),
        ("agent_id", ReleaseClaim(claim_key="k", agent_id="system")),
    ],
)
def test_a_release_that_cannot_be_used_names_its_field(field: str, command: ReleaseClaim) -> None:
    with pytest.raises(InvalidInput) as caught:
        decide_release(held_by("a"), command, NOW)
    assert caught.value.field == field
