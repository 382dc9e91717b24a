"""What an agent leaves behind: given what it held when its session is over, then one event and who is told."""

from arclog.deciders.claims import HeldClaim
from arclog.deciders.expiry import MAX_NAMED_CHARS, Expiring, decide_expiry
from arclog.deciders.locks import HeldLock
from arclog.events import FreedClaim, FreedLock, Notice, SessionExpired

NOW = 1_000_000_000


def expire(*held: HeldClaim | HeldLock) -> SessionExpired:
    claims = tuple(one for one in held if isinstance(one, HeldClaim))
    locks = tuple(one for one in held if isinstance(one, HeldLock))
    return decide_expiry(Expiring("a", "s-1", NOW - 1, claims, locks), NOW)


def claim(key: str, token: int, thread: str | None = None, task: int | None = None) -> HeldClaim:
    return HeldClaim(key, "a", token, NOW + 1, thread, task)


def lock(path: str, token: int, thread: str | None = None) -> HeldLock:
    return HeldLock(path, "a", token, NOW + 1, thread)


def test_an_agent_that_held_nothing_only_loses_its_session() -> None:
    assert expire() == SessionExpired(agent_id="a", session_id="s-1", last_seen_at=NOW - 1)


def test_everything_that_is_taken_back_is_named_with_its_grant() -> None:
    expired = expire(claim("k", 8), lock("p", 9))
    assert expired.claims == (FreedClaim("k", 8),)
    assert expired.locks == (FreedLock("p", 9),)


def test_a_claim_that_was_all_of_a_thread_is_told_as_it_always_was() -> None:
    held = HeldClaim("task-7", "a", 8, NOW + 1, "t", 7, "room")
    assert expire(held).notices == (
        Notice(
            body="Released claim task-7: its owner a is gone.",
            channel="room",
            thread_id="t",
            reply_to=7,
            metadata={"recovery": True, "stale_agent_id": "a", "claim_key": "task-7", "task_message_id": 7},
        ),
    )


def test_a_lock_that_was_all_of_a_thread_is_told_as_it_always_was() -> None:
    assert expire(HeldLock("src/a.py", "a", 9, NOW + 1, "t", "room")).notices == (
        Notice(
            body="Released the lock on src/a.py: its owner a is gone.",
            channel="room",
            thread_id="t",
            metadata={"recovery": True, "stale_agent_id": "a", "file_path": "src/a.py"},
        ),
    )


def test_each_thread_is_told_once_and_what_is_outside_threads_shares_a_notice() -> None:
    held: list[HeldClaim | HeldLock] = [
        lock("p1", 3),
        claim("k1", 4, "t1", 7),
        lock("p2", 5, "t1"),
        lock("p3", 6),
        claim("k2", 7, "t2"),
    ]
    outside, in_t1, in_t2 = expire(*held).notices
    assert (outside.thread_id, in_t1.thread_id, in_t2.thread_id) == (None, "t1", "t2")
    assert outside.body == "Released 2 locks: their owner a is gone.\nlock p1\nlock p3"
    assert outside.metadata == {"recovery": True, "stale_agent_id": "a", "locks": ["p1", "p3"]}
    assert in_t1.body == "Released 1 claim and 1 lock: their owner a is gone.\nclaim k1\nlock p2"
    assert in_t1.metadata == {
        "recovery": True,
        "stale_agent_id": "a",
        "claims": [{"claim_key": "k1", "task_message_id": 7}],
        "locks": ["p2"],
    }
    assert in_t1.reply_to is None
    assert in_t2.metadata["claim_key"] == "k2"


def test_what_shares_a_notice_is_told_where_all_of_it_would_be() -> None:
    here, there = (HeldLock(p, "a", n, NOW + 1, None, c) for p, n, c in (("p1", 3, "room"), ("p2", 4, "hall")))
    assert [notice.channel for notice in expire(here, there).notices] == ["general"]
    also_here = HeldLock("p3", "a", 5, NOW + 1, None, "room")
    assert [notice.channel for notice in expire(here, also_here).notices] == ["room"]


def test_a_recovery_without_a_channel_is_told_in_general() -> None:
    assert [notice.channel for notice in expire(claim("k", 8), lock("p", 9, "t")).notices] == ["general", "general"]


def test_a_notice_of_very_much_counts_what_its_text_leaves_out_and_names_all_of_it_beside() -> None:
    paths = [f"src/{number}/{'x' * 90}" for number in range(500)]
    (notice,) = expire(*(lock(path, number) for number, path in enumerate(paths, 1))).notices
    assert len(notice.body) < MAX_NAMED_CHARS + 200
    assert notice.body.endswith(" more")
    assert notice.metadata["locks"] == paths
