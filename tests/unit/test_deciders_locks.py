"""Locks: given what is known, when a command comes, then an event or a refusal."""

from typing import Any

import pytest
from msgspec.structs import replace

from arclog.deciders import held_locks
from arclog.deciders import locks as rules
from arclog.deciders.holdings import Place
from arclog.deciders.locks import (
    Acquired,
    AcquireLock,
    ForceReleaseLock,
    HandOverLock,
    LeaveLockQueue,
    OnLocks,
    RefreshLock,
    ReleaseLock,
    decide_leave,
    named_paths,
)
from arclog.deciders.standing import Standing
from arclog.errors import Conflict, Deadlock, InvalidInput, NotFound, StaleToken
from arclog.events import (
    ClaimReleased,
    LockAcquired,
    LockHandedOver,
    LockLeft,
    LockQueued,
    LockRefreshed,
    LockRefused,
    LockReleased,
)
from arclog.events.leases import Mode, ReleaseReason, Wait
from arclog.events.locks import LockedPath
from arclog.events.rule_numbers import FIRST_RULES, OVERLAP_RULES

SECOND = 1_000_000
NOW = 1_000 * SECOND
MINUTE = 60 * SECOND


def held_by(
    agent_id: str | None,
    expires_at: int = NOW + MINUTE,
    keys: tuple[str, ...] = ("src/a.py",),
    mode: Mode = "exclusive",
) -> Standing:
    """What stands when an agent, or nobody, holds a lock."""
    standing = Standing()
    if agent_id is not None:
        standing.grant("lock", keys, agent_id, mode, 8, expires_at)
    return standing


def waits(standing: Standing, agent_id: str, place: int, keys: tuple[str, ...] = ("src/a.py",)) -> Standing:
    standing.queue(Place(place, "lock", keys, agent_id, "exclusive", NOW + MINUTE, NOW, 300 * SECOND))
    return standing


FREE = held_by(None)


def on(
    standing: Standing, command: AcquireLock | RefreshLock | ReleaseLock | HandOverLock | ForceReleaseLock
) -> OnLocks:
    return OnLocks(standing, {path: path for path in named_paths(command)})


def decide_acquire(standing: Standing, command: AcquireLock, now: int) -> Acquired:
    return rules.decide_acquire(on(standing, command), command, now, "hub-1")


def decide_refresh(standing: Standing, command: RefreshLock, now: int) -> LockRefreshed:
    return held_locks.decide_refresh(on(standing, command), command, now)


def decide_release(standing: Standing, command: ReleaseLock, now: int) -> LockReleased:
    return held_locks.decide_release(on(standing, command), command, now)


def hand_over(standing: Standing, *, live: bool = True, **given: Any) -> LockHandedOver:
    command = HandOverLock(**{"agent_id": "a", "to_agent_id": "c", "file_path": "src/a.py"} | given)
    return held_locks.decide_handover(on(standing, command), command, NOW, receiver_is_live=live)


def ask(agent_id: str = "a", **given: Any) -> AcquireLock:
    return AcquireLock(**{"agent_id": agent_id, "file_path": "src/a.py"} | given)


def test_a_free_lock_is_granted_for_300_seconds() -> None:
    granted = decide_acquire(FREE, ask(" a ", file_path=" src/a.py ", metadata={"thread_id": "t"}), NOW)
    assert granted == LockAcquired(
        file_path="src/a.py", agent_id="a", expires_at=NOW + 300 * SECOND, metadata={"thread_id": "t"}
    )


def test_its_holder_prolongs_a_lock_and_keeps_the_fencing_token() -> None:
    prolonged = decide_acquire(held_by("a", NOW + SECOND), ask(metadata={"other": 1}), NOW)
    assert prolonged == LockRefreshed(
        file_path="src/a.py", agent_id="a", expires_at=NOW + 300 * SECOND, fencing_token=8
    )


def test_asking_again_for_a_shorter_time_does_not_shorten_a_lock() -> None:
    prolonged = decide_acquire(held_by("a", NOW + 100 * SECOND), ask(ttl_sec=5), NOW)
    assert isinstance(prolonged, LockRefreshed)
    assert prolonged.expires_at == NOW + 100 * SECOND


def test_a_lock_that_another_holds_is_refused_and_the_refusal_names_the_grant() -> None:
    assert decide_acquire(held_by("b"), ask(), NOW) == LockRefused(
        file_path="src/a.py", asker_agent_id="a", agent_id="b", fencing_token=8
    )


def test_a_lock_holds_up_to_and_including_its_last_microsecond() -> None:
    assert isinstance(decide_acquire(held_by("b", NOW), ask(), NOW), LockRefused)
    assert isinstance(decide_acquire(held_by("b", NOW - 1), ask(), NOW), LockAcquired)


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
@pytest.mark.parametrize("state", [FREE, held_by("a"), held_by("b")])
def test_a_request_that_cannot_be_used_names_its_field(state: Standing, field: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        decide_acquire(state, ask(**given), NOW)
    assert caught.value.field == field


def test_a_holder_refreshes_its_lock_for_ttl_sec_from_now() -> None:
    refreshed = decide_refresh(held_by("a"), RefreshLock(agent_id=" a ", file_path=" src/a.py ", ttl_sec=5), NOW)
    assert refreshed == LockRefreshed(file_path="src/a.py", agent_id="a", expires_at=NOW + 5 * SECOND, fencing_token=8)


def test_a_holder_releases_its_lock() -> None:
    released = decide_release(held_by("a"), ReleaseLock(agent_id=" a ", file_path=" src/a.py "), NOW)
    assert released == LockReleased(file_path="src/a.py", agent_id="a", fencing_token=8)


@pytest.mark.parametrize("held", [FREE, held_by("b"), held_by("a", NOW - 1)])
def test_only_its_active_holder_refreshes_or_releases_a_lock(held: Standing) -> None:
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


# Several paths, patterns and modes ------------------------------------------------------------------------------------


def test_several_paths_are_one_grant_and_the_event_names_them_all() -> None:
    granted = decide_acquire(FREE, ask(file_path=None, paths=["src/a.py", "docs/**"], mode="shared"), NOW)
    assert isinstance(granted, LockAcquired)
    assert granted.keys == ("src/a.py", "docs/**")
    assert granted.mode == "shared"
    assert granted.stream(9) == "lock/src/a.py"


def test_every_event_names_paths_as_they_were_sent_with_their_keys_where_these_differ() -> None:
    sent = {"src/a.py": "./src/a.py", "docs": "docs", "lib": "lib/"}
    named = ("./src/a.py", "src/a.py", (LockedPath("docs"), LockedPath("lib/", "lib")))
    state = OnLocks(held_by("a", keys=tuple(sent)), sent)
    free = OnLocks(FREE, sent)
    events = (
        rules.decide_acquire(free, ask(), NOW),
        rules.decide_acquire(state, ask(), NOW),
        rules.decide_acquire(OnLocks(held_by("b"), sent), ask(wait_sec=1), NOW),
        held_locks.decide_refresh(state, RefreshLock(agent_id="a", file_path="x"), NOW),
        held_locks.decide_release(state, ReleaseLock(agent_id="a", file_path="x"), NOW),
        held_locks.decide_handover(
            state, HandOverLock(agent_id="a", to_agent_id="c", file_path="x"), NOW, receiver_is_live=True
        ),
        held_locks.decide_force_release(state, ForceReleaseLock(agent_id="o", file_path="x", reason="it hangs"), NOW),
    )
    for event in events:
        assert not isinstance(event, LockRefused)
        assert (event.file_path, event.key, event.others) == named
    assert events[-1].notice.body.count("./src/a.py") == 1  # type: ignore[union-attr]  # its holder is told


@pytest.mark.parametrize(("held", "path", "key"), [("src/a.py", "./src/a.py", "src/a.py"), ("docs", "docs", None)])
def test_a_refusal_names_the_path_as_it_was_sent_with_its_key_where_that_differs(
    held: str, path: str, key: str | None
) -> None:
    state = OnLocks(held_by("b", keys=(held,)), {"src/a.py": "./src/a.py", "docs": "docs"})
    refused = rules.decide_acquire(state, ask(), NOW)
    assert isinstance(refused, LockRefused)
    assert (refused.file_path, refused.key, refused.held) == (path, key, None)


@pytest.mark.parametrize(
    ("reason", "needed"),
    [
        ("released", FIRST_RULES),
        ("owner_gone", FIRST_RULES),
        ("lapsed", OVERLAP_RULES),
        ("forced", OVERLAP_RULES),
        ("undelivered", OVERLAP_RULES),
    ],
)
def test_who_knows_the_first_rules_alone_stops_at_a_release_for_a_reason_that_they_do_not_know(
    reason: ReleaseReason, needed: int
) -> None:
    assert LockReleased(file_path="p", agent_id="a", fencing_token=1, reason=reason).rules == needed
    assert ClaimReleased(claim_key="k", owner_agent_id="a", fencing_token=1, reason=reason).rules == needed
    assert LockReleased(file_path="src/**", agent_id="a", fencing_token=1, reason=reason).rules == OVERLAP_RULES


def test_of_several_paths_one_that_is_held_refuses_all() -> None:
    refused = decide_acquire(held_by("b"), ask(file_path=None, paths=["docs/x", "src/a.py"]), NOW)
    assert isinstance(refused, LockRefused)
    assert (refused.file_path, refused.agent_id, refused.witness) == ("src/a.py", "b", None)


def test_what_overlaps_is_refused_and_the_refusal_says_where_the_two_meet() -> None:
    refused = decide_acquire(held_by("b", keys=("src/*/a.py",)), ask(file_path="src/x/**"), NOW)
    assert isinstance(refused, LockRefused)
    assert (refused.held, refused.witness) == ("src/*/a.py", "src/x/a.py")
    assert refused.stream(9) == "lock/src/*/a.py"


def test_those_who_share_go_together_and_nobody_else_with_them() -> None:
    shared = held_by("b", mode="shared")
    assert isinstance(decide_acquire(shared, ask(mode="shared"), NOW), LockAcquired)
    assert isinstance(decide_acquire(shared, ask(), NOW), LockRefused)
    assert isinstance(decide_acquire(held_by("b"), ask(mode="shared"), NOW), LockRefused)


def test_what_a_pattern_of_its_own_covers_prolongs_that() -> None:
    prolonged = decide_acquire(held_by("a", keys=("src/**",)), ask(), NOW)
    assert prolonged == LockRefreshed(file_path="src/**", agent_id="a", expires_at=NOW + 300 * SECOND, fencing_token=8)


def test_below_a_folder_that_is_held_by_its_name_a_lock_of_its_own_is_granted() -> None:
    assert isinstance(decide_acquire(held_by("a", keys=("src",)), ask(), NOW), LockAcquired)


def test_who_holds_a_file_alone_does_not_lose_that_by_asking_to_share_it_with_more() -> None:
    granted = decide_acquire(held_by("a"), ask(file_path=None, paths=["src/a.py", "docs"], mode="shared"), NOW)
    assert isinstance(granted, LockAcquired)
    assert granted.kept == ("src/a.py",)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("paths", {"paths": []}),
        ("paths", {"paths": ["a"] * 101}),
        ("paths", {"paths": ["a"], "file_path": "b"}),
        ("paths", {"paths": [" "]}),
        ("wait_sec", {"file_path": "a", "wait_sec": -1}),
    ],
)
def test_a_request_for_several_paths_that_cannot_be_used_names_its_field(field: str, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        decide_acquire(FREE, ask(**{"file_path": None} | given), NOW)
    assert caught.value.field == field


def test_a_lease_lasts_a_day_at_most() -> None:
    granted = decide_acquire(FREE, ask(ttl_sec=100_000), NOW)
    assert isinstance(granted, LockAcquired)
    assert granted.expires_at == NOW + 86_400 * SECOND


# Queues -------------------------------------------------------------------------------------------------------------


def test_who_waits_gets_a_place_and_the_call_lasts_a_minute_at_most() -> None:
    queued = decide_acquire(held_by("b"), ask(wait_sec=3_600, ttl_sec=30), NOW)
    assert queued == LockQueued(
        file_path="src/a.py", agent_id="a", wait_until=NOW + MINUTE, ttl=30 * SECOND, hub_id="hub-1"
    )


def test_who_asks_for_the_same_again_goes_on_at_its_place() -> None:
    queued = decide_acquire(waits(held_by("b"), "a", 9), ask(wait_sec=30), NOW)
    assert isinstance(queued, LockQueued)
    assert (queued.place, queued.wait_until) == (9, NOW + 30 * SECOND)


def test_nobody_overtakes_one_that_waits() -> None:
    standing = waits(held_by("b", NOW - 1), "c", 9)
    refused = decide_acquire(standing, ask(), NOW)
    assert isinstance(refused, LockRefused)
    assert (refused.agent_id, refused.fencing_token, refused.is_waiting) == ("c", 9, True)


def test_a_holder_passes_those_who_wait_for_it() -> None:
    standing = waits(held_by("a"), "b", 9, ("src",))
    assert isinstance(decide_acquire(standing, ask(file_path="src/b.py"), NOW), LockAcquired)


def test_a_hook_passes_young_places_and_is_stopped_by_old_ones() -> None:
    standing = waits(held_by("b", keys=("docs/x",)), "c", 9, ("**",))
    assert isinstance(decide_acquire(standing, ask(is_automatic=True), NOW), LockAcquired)
    assert isinstance(decide_acquire(standing, ask(is_automatic=True), NOW + MINUTE), LockRefused)
    assert isinstance(decide_acquire(standing, ask(), NOW), LockRefused)


def test_waiting_for_one_that_waits_for_oneself_is_refused_and_the_circle_is_named() -> None:
    standing = held_by("a")
    standing.grant("claim", ("k",), "b", "exclusive", 9, NOW + MINUTE)
    standing.grant("lock", ("docs",), "c", "exclusive", 10, NOW + MINUTE)
    waits(standing, "b", 11)
    standing.queue(Place(12, "claim", ("k",), "c", "exclusive", NOW + MINUTE, NOW, MINUTE))
    refused = decide_acquire(standing, ask(file_path="docs", wait_sec=5), NOW)
    assert isinstance(refused, LockRefused)
    assert refused.circle == (
        Wait("a", "lock", "docs", "c"),
        Wait("c", "claim", "k", "b", 12),
        Wait("b", "lock", "src/a.py", "a", 11),
    )
    assert decide_acquire(standing, ask(file_path="docs"), NOW) == replace(refused, circle=())


def test_of_two_that_share_a_file_one_waits_to_have_it_alone_and_the_second_is_refused() -> None:
    standing = held_by("a", mode="shared")
    standing.grant("lock", ("src/a.py",), "b", "shared", 9, NOW + MINUTE)
    queued = decide_acquire(standing, ask(wait_sec=5), NOW)
    assert isinstance(queued, LockQueued)
    waits(standing, "a", 10)
    refused = decide_acquire(standing, ask("b", wait_sec=5), NOW)
    assert isinstance(refused, LockRefused)
    assert [(link.agent_id, link.holder) for link in refused.circle] == [("b", "a"), ("a", "b")]


def test_a_place_is_given_up_by_its_agent_alone() -> None:
    standing = waits(held_by("b"), "a", 9)
    queued = LockQueued(file_path="./src/a.py", key="src/a.py", agent_id="a", wait_until=NOW, ttl=1, hub_id="h")
    left = decide_leave(standing, queued, LeaveLockQueue(agent_id="a", place=9), NOW)
    assert left == LockLeft(file_path="./src/a.py", key="src/a.py", agent_id="a", place=9)
    with pytest.raises(NotFound, match="place 9 is not one at which c waits"):
        decide_leave(standing, queued, LeaveLockQueue(agent_id="c", place=9), NOW)


# Tokens, handing over, taking away ------------------------------------------------------------------------------------


def test_a_token_that_is_not_the_present_one_is_stale() -> None:
    standing = held_by("a", keys=("src/a.py", "docs"))
    with pytest.raises(StaleToken, match=r"fencing token 7 is not the current one: a holds src/a\.py under 8"):
        decide_refresh(standing, RefreshLock(agent_id="a", file_path="src/a.py", fencing_token=7), NOW)
    with pytest.raises(StaleToken, match=r"src/a\.py is not held by c"):
        decide_release(standing, ReleaseLock(agent_id="c", file_path="src/a.py", fencing_token=8), NOW)
    with pytest.raises(StaleToken, match="no such grant is held"):
        decide_release(standing, ReleaseLock(agent_id="a", fencing_token=7), NOW)


def test_a_path_acts_on_that_path_and_a_token_on_all() -> None:
    standing = held_by("a", keys=("src/a.py", "docs"))
    one = decide_release(standing, ReleaseLock(agent_id="a", file_path="docs"), NOW)
    every = decide_release(standing, ReleaseLock(agent_id="a", fencing_token=8), NOW)
    assert (one.keys, every.keys) == (("docs",), ("src/a.py", "docs"))


def test_a_lock_is_handed_over_to_one_that_lives_and_serves_its_place() -> None:
    standing = waits(held_by("a"), "c", 9)
    assert hand_over(standing) == LockHandedOver(
        file_path="src/a.py", agent_id="a", to_agent_id="c", fencing_token=8, serves=(9,)
    )
    with pytest.raises(NotFound, match="has no active session"):
        hand_over(standing, live=False)


def test_a_lock_is_not_handed_over_beside_one_that_overlaps_it() -> None:
    standing = held_by("a")
    standing.grant("lock", ("src/**",), "a", "exclusive", 9, NOW + MINUTE)
    with pytest.raises(Conflict, match=r"a would keep src/\*\*, which overlaps src/a.py: hand over both, as one set"):
        hand_over(standing)


def test_a_lock_is_not_handed_over_to_one_that_waits_for_one_that_would_wait_for_it() -> None:
    standing = held_by("a")
    standing.grant("lock", ("docs",), "b", "exclusive", 9, NOW + MINUTE)
    waits(standing, "b", 10)
    waits(standing, "c", 11, ("docs",))
    with pytest.raises(Deadlock, match=r"c waits for b \(docs\), and b waits for c \(src/a.py\)"):
        hand_over(standing)


def test_what_another_holds_is_taken_away_with_a_reason_and_the_event_says_who_did_it() -> None:
    command = ForceReleaseLock(agent_id="operator", reason=" it hangs ", file_path="src/a.py")
    freed = held_locks.decide_force_release(on(held_by("a"), command), command, NOW)
    assert (freed.agent_id, freed.reason, freed.forced_by, freed.why) == ("a", "forced", "operator", "it hangs")
    assert freed.actor == "operator"
    with pytest.raises(NotFound, match="is held by nobody"):
        held_locks.decide_force_release(on(FREE, command), command, NOW)


def test_of_those_who_share_a_token_says_whose_lock_is_taken_away() -> None:
    standing = held_by("a", mode="shared")
    standing.grant("lock", ("src/a.py",), "b", "shared", 9, NOW + MINUTE)
    command = ForceReleaseLock(agent_id="operator", reason="r", file_path="src/a.py")
    with pytest.raises(InvalidInput, match="must say whose lock is meant: a, b share it"):
        held_locks.decide_force_release(on(standing, command), command, NOW)
    named = ForceReleaseLock(agent_id="operator", reason="r", file_path="src/a.py", fencing_token=9)
    assert held_locks.decide_force_release(on(standing, named), named, NOW).agent_id == "b"
