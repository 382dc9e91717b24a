"""What stands: what is over leaves nothing behind."""

from arclog.deciders.standing import LEAST_ENDINGS, Standing

LATER = 10**18


def test_leases_given_back_early_do_not_stay_in_memory_until_their_time() -> None:
    standing = Standing()
    standing.grant("lock", ("kept",), "a", "exclusive", 1, 5)
    for token in range(2, 20 * LEAST_ENDINGS):
        standing.grant("lock", ("src/a.py",), "a", "exclusive", token, LATER)
        standing.release(token, ("src/a.py",))
    assert len(standing._endings) <= LEAST_ENDINGS
    assert [one.key for one in standing.end(now=6)] == ["kept"]


def test_leases_that_are_prolonged_end_when_their_time_is_over_however_many_there_are() -> None:
    standing = Standing()
    for token in range(1, 3 * LEAST_ENDINGS):
        standing.grant("lock", (f"src/{token}.py",), "a", "exclusive", token, 10 + token)
        standing.prolong(token, (f"src/{token}.py",), LATER if token % 2 else 5)
    assert sum(1 for _one in standing.end(now=LATER - 1)) == (3 * LEAST_ENDINGS - 1) // 2
    assert sum(1 for _one in standing.end(now=LATER + 1)) == 3 * LEAST_ENDINGS // 2
