"""The gate for calls from other machines: whoever holds the hub's token passes.

A program sends it as `Authorization: Bearer TOKEN`. A browser gets a cookie for it, from `POST /sign-in`, which no
script can read and no other site can send. The hub keeps neither: of the token it knows a hash, and so of each cookie,
in memory alone, so that a hub that starts anew has everybody sign in again.

Guessing is slow: after some wrong tokens an address has one try every few seconds, and until then not even the right
one is looked at, so that a try tells nothing.
"""

import hmac
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

from api.http.errors import TooManyAttempts, Unauthenticated

COOKIE: Final = b"arc_sign_in"
SIGNED_IN_SEC: Final = 30 * 24 * 3600
MAX_SIGNED_IN: Final = 1000
TRIES: Final = 10
"""How many wrong tokens in a row an address may send."""
NEXT_TRY_SEC: Final = 6.0
"""How soon it may send another after that."""
MAX_ADDRESSES: Final = 4096
_IPV6_NETWORK_BITS: Final = 64
"""What one household or server has of the addresses of IPv6."""


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return sha256(token.encode()).digest()


class Gate:
    """Lets the holders of a token in.

    Args:
        token: the hash of the token.
        clock: seconds that only grow.
    """

    def __init__(self, token: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = token
        self._clock = clock
        self._attempts = Attempts(clock)
        self._signed_in: OrderedDict[bytes, float] = OrderedDict()

    def admit(self, address: str, headers: Mapping[bytes, bytes]) -> None:
        """Let a call pass that carries the token, or the cookie of somebody who has shown it.

        Args:
            address: where the call comes from.
            headers: its headers by name.

        Raises:
            Unauthenticated: it carries neither, or a wrong one.
            TooManyAttempts: too many wrong ones came from there.
        """
        authorization = headers.get(b"authorization")
        if authorization is None:
            cookie = _cookie_in(headers.get(b"cookie", b""))
            if cookie is not None and self._is_signed_in(cookie):
                return
            raise Unauthenticated(
                "calls from other machines need the hub's token: send it as Authorization: Bearer TOKEN; "
                "arc and its client take it from ARC_TOKEN"
            )
        scheme, _space, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            raise Unauthenticated("the Authorization header must be: Bearer TOKEN")
        self.check(address, token.strip())

    def check(self, address: str, token: bytes) -> None:
        """Let a token pass that is the hub's.

        Raises:
            Unauthenticated: it is not.
            TooManyAttempts: too many wrong ones came from `address`; this one was not looked at.
        """
        self._attempts.check(address)
        if not hmac.compare_digest(sha256(token).digest(), self._token):
            self._attempts.count(address)
            raise Unauthenticated("the token is not this hub's")
        self._attempts.forgive(address)

    def sign_in(self, address: str, token: bytes) -> bytes:
        """Give a browser whose user knows the token a cookie; its value.

        Raises:
            Unauthenticated, TooManyAttempts: as `check`.
        """
        self.check(address, token)
        value = secrets.token_urlsafe(32).encode()
        self._signed_in[sha256(value).digest()] = self._clock() + SIGNED_IN_SEC
        if len(self._signed_in) > MAX_SIGNED_IN:
            self._signed_in.popitem(last=False)
        return value

    def _is_signed_in(self, cookie: bytes) -> bool:
        return self._signed_in.get(sha256(cookie).digest(), 0.0) > self._clock()


class Attempts:
    """Counts the wrong tokens of each address.

    Args:
        clock: seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._over_at: OrderedDict[str, float] = OrderedDict()
        """When all of an address will be forgotten: each wrong token moves it by `NEXT_TRY_SEC`."""

    def check(self, address: str) -> None:
        """Raise `TooManyAttempts` when no further token of an address is to be looked at now."""
        ahead = self._over_at.get(_network_of(address), 0.0) - self._clock()
        if ahead > (TRIES - 1) * NEXT_TRY_SEC:
            raise TooManyAttempts(int(ahead - (TRIES - 1) * NEXT_TRY_SEC) + 1)

    def count(self, address: str) -> None:
        """Count a wrong token."""
        network = _network_of(address)
        self._over_at[network] = max(self._over_at.pop(network, 0.0), self._clock()) + NEXT_TRY_SEC
        if len(self._over_at) > MAX_ADDRESSES:
            self._over_at.popitem(last=False)

    def forgive(self, address: str) -> None:
        """Forget the wrong tokens of an address that has shown the right one."""
        if self._over_at:
            self._over_at.pop(_network_of(address), None)


def _network_of(address: str) -> str:
    """An address, or the network of one of IPv6, of which everybody has more than can be counted."""
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(found.ipv4_mapped or ipaddress.ip_network((found, _IPV6_NETWORK_BITS), strict=False))


def _cookie_in(header: bytes) -> bytes | None:
    for part in header.split(b";"):
        name, _equals, value = part.strip().partition(b"=")
        if name == COOKIE:
            return value
    return None
