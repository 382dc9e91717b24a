"""Tokens, cookies, and wrong tokens: who passes the gate for calls from other machines."""

from collections.abc import Mapping

import pytest

from api.http.errors import TooManyAttempts, Unauthenticated
from api.http.gate import COOKIE, MAX_ADDRESSES, NEXT_TRY_SEC, SIGNED_IN_SEC, TRIES, Gate, hash_of
from arclog.sender import Principal

TOKEN = "a-token-that-nobody-guesses"
WRONG = "wrong"


class Clock:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class At:
    """A gate, and a clock to go with it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.issued: dict[bytes, Principal] = {}
        self.gate = Gate(hash_of(TOKEN), self.issued.get, lambda: bool(self.issued), self.clock)

    def ask(self, headers: Mapping[bytes, bytes], address: str = "192.0.2.7") -> Principal | None:
        return self.gate.identify(address, headers, remote=True)

    def guess(self, token: str = WRONG, address: str = "192.0.2.7") -> None:
        self.ask({b"authorization": f"Bearer {token}".encode()}, address)

    def guess_wrong(self, times: int, address: str = "192.0.2.7") -> None:
        for _ in range(times):
            with pytest.raises(Unauthenticated):
                self.guess(address=address)


@pytest.fixture
def at() -> At:
    return At()


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_token_opens(at: At, scheme: str) -> None:
    at.ask({b"authorization": f"{scheme} {TOKEN}".encode()})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"authorization": b""},
        {b"authorization": b"Bearer"},
        {b"authorization": b"Bearer "},
        {b"authorization": b"Basic " + TOKEN.encode()},
        {b"authorization": TOKEN.encode()},
        {b"authorization": b"Bearer " + TOKEN.encode() + b"x"},
        {b"authorization": b"Bearer \xff\xfe"},
        {b"cookie": COOKIE + b"=" + TOKEN.encode()},
        {b"cookie": COOKIE + b"="},
        {b"cookie": b";;=;"},
    ],
)
def test_nothing_else_opens(at: At, headers: Mapping[bytes, bytes]) -> None:
    with pytest.raises(Unauthenticated):
        at.ask(headers)


def test_no_refusal_shows_a_token(at: At) -> None:
    with pytest.raises(Unauthenticated) as refused:
        at.guess("a-wrong-one")
    assert "a-wrong-one" not in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_after_some_wrong_tokens_not_even_the_right_one_is_looked_at(at: At) -> None:
    at.guess_wrong(TRIES)
    with pytest.raises(TooManyAttempts) as limited:
        at.guess(TOKEN)
    assert 0 < limited.value.retry_after_sec <= NEXT_TRY_SEC + 1


def test_an_address_that_waited_may_try_once_more(at: At) -> None:
    at.guess_wrong(TRIES)
    at.clock.now += NEXT_TRY_SEC
    at.guess_wrong(1)
    with pytest.raises(TooManyAttempts):
        at.guess(TOKEN)
    at.clock.now += NEXT_TRY_SEC
    at.guess(TOKEN)
    at.guess_wrong(TRIES)  # the right one forgave what was before


def test_other_addresses_are_not_limited_with_one(at: At) -> None:
    at.guess_wrong(TRIES)
    at.guess(TOKEN, "192.0.2.8")


def test_a_network_of_ipv6_is_limited_as_one_address(at: At) -> None:
    for number in range(TRIES):
        at.guess_wrong(1, f"2001:db8::{number:x}")
    with pytest.raises(TooManyAttempts):
        at.guess(TOKEN, "2001:db8::ffff")
    at.guess(TOKEN, "2001:db8:0:1::1")


def test_ten_thousand_addresses_take_no_more_memory_than_some(at: At) -> None:
    for number in range(10_000):
        at.guess_wrong(1, f"10.0.{number // 256}.{number % 256}")
    assert len(at.gate._attempts._over_at) == MAX_ADDRESSES


def test_a_call_without_a_token_is_no_guess(at: At) -> None:
    for _ in range(TRIES * 2):
        with pytest.raises(Unauthenticated):
            at.ask({})
    at.guess(TOKEN)


def test_a_browser_that_signed_in_passes_for_a_month(at: At) -> None:
    cookie = at.gate.sign_in("192.0.2.7", TOKEN.encode())
    at.ask({b"cookie": b"theme=dark; " + COOKIE + b"=" + cookie})
    at.clock.now += SIGNED_IN_SEC + 1
    with pytest.raises(Unauthenticated):
        at.ask({b"cookie": COOKIE + b"=" + cookie})


def test_a_cookie_of_another_hub_opens_nothing(at: At) -> None:
    cookie = At().gate.sign_in("192.0.2.7", TOKEN.encode())
    with pytest.raises(Unauthenticated):
        at.ask({b"cookie": COOKIE + b"=" + cookie})


def test_wrong_tokens_in_the_form_count_like_others(at: At) -> None:
    for _ in range(TRIES):
        with pytest.raises(Unauthenticated):
            at.gate.sign_in("192.0.2.7", b"wrong")
    with pytest.raises(TooManyAttempts):
        at.guess(TOKEN)


def test_a_token_that_was_issued_tells_whose_it_is(at: At) -> None:
    ada = Principal("ada", "id", operator=True)
    at.issued[hash_of("issued-to-ada")] = ada
    assert at.ask({b"authorization": b"Bearer issued-to-ada"}) == ada
    cookie = at.gate.sign_in("192.0.2.7", b"issued-to-ada")
    assert at.ask({b"cookie": COOKIE + b"=" + cookie}) == ada


def test_a_call_of_this_machine_need_prove_nothing_and_may(at: At) -> None:
    assert at.gate.identify("127.0.0.1", {}, remote=False) is None
    at.issued[hash_of("issued-to-ada")] = ada = Principal("ada", "id")
    assert at.gate.identify("127.0.0.1", {b"authorization": b"Bearer issued-to-ada"}, remote=False) == ada
    with pytest.raises(Unauthenticated):
        at.gate.identify("127.0.0.1", {b"authorization": b"Bearer revoked"}, remote=False)


def test_a_token_that_is_meant_for_another_hub_is_passed_over_where_none_was_issued() -> None:
    gate = Gate(None, lambda _digest: None, lambda: False)
    assert gate.identify("127.0.0.1", {b"authorization": b"Bearer of-another-hub"}, remote=False) is None
