"""The gate: from other machines anyone who holds a token passes, and any call may prove whom it is from.

A program sends it as `Authorization: Bearer TOKEN`. A browser gets a cookie for it, from `POST /sign-in`, which no
script can read and no other site can send. The hub keeps neither: of the token it knows a hash, and so of each cookie,
in memory alone, so that everybody signs in again after the hub was restarted.

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
from arclog.sender import Principal

COOKIE: Final = b"arc_sign_in"
SIGNED_IN_SEC: Final = 30 * 24 * 3600
MAX_SIGNED_IN: Final = 1000
TRIES: Final = 10
"""How many wrong tokens in a row an address may send."""
NEXT_TRY_SEC: Final = 6.0
"""How soon it may send another after that."""
MAX_ADDRESSES: Final = 4096
HUBS_OWN: Final = Principal("", "network")
"""Who shows the hub's own token: anybody whom its user trusts."""
_IPV6_NETWORK_BITS: Final = 64
"""What one household or server has of the addresses of IPv6."""


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return sha256(token.encode()).digest()


class Gate:
    """Knows the holders of tokens: of the hub's own, and of those that were issued.

    Args:
        token: the hash of the hub's own, which calls from other machines need; None where they need none.
        find_holder: tells whose a token is, by its hash.
        has_tokens: whether any was ever issued.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        token: bytes | None,
        find_holder: Callable[[bytes], Principal | None],
        has_tokens: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = token
        self._find_holder = find_holder
        self._has_tokens = has_tokens
        self._clock = clock
        self._attempts = Attempts(clock)
        self._signed_in: OrderedDict[bytes, tuple[float, Principal]] = OrderedDict()

    def identify(self, address: str, headers: Mapping[bytes, bytes], *, remote: bool) -> Principal | None:
        """Whom a call is proved to be from, by its token, or by the cookie of somebody who has shown one.

        Args:
            address: where the call comes from.
            headers: its headers by name.
            remote: whether it is from another machine.

        Returns:
            Whom; None for a call that proves nothing and need not.

        Raises:
            Unauthenticated: it needs a token and has none, or has a wrong one.
            TooManyAttempts: too many wrong ones came from there.
        """
        wanted = remote and self._token is not None
        scheme, _space, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer" and token.strip():  # a harness without a token sends an empty one
            if not remote and self._token is None and not self._has_tokens():
                return None  # it is meant for another hub
            return self.check(address, token.strip(), remote=remote)
        cookie = _cookie_in(headers.get(b"cookie", b""))
        if cookie is not None:
            until, principal = self._signed_in.get(sha256(cookie).digest(), (0.0, None))
            if until > self._clock():
                return principal
        if wanted:
            raise Unauthenticated(
                "calls from other machines need a token: send it as Authorization: Bearer TOKEN; "
                "arc and its client take it from ARC_TOKEN"
            )
        return None

    def check(self, address: str, token: bytes, *, remote: bool = True) -> Principal:
        """Whose a token is.

        Args:
            address: where it comes from.
            token: the token.
            remote: whether wrong ones are counted.

        Raises:
            Unauthenticated: it is nobody's.
            TooManyAttempts: too many wrong ones came from `address`; this one was not looked at.
        """
        if remote:
            self._attempts.check(address)
        digest = sha256(token).digest()
        holder = self._find_holder(digest)
        if holder is None and self._token is not None and hmac.compare_digest(digest, self._token):
            holder = HUBS_OWN
        if holder is None:
            if remote:
                self._attempts.count(address)
            raise Unauthenticated("this hub does not know the token")
        self._attempts.forgive(address)
        return holder

    def sign_in(self, address: str, token: bytes) -> bytes:
        """Give a browser whose user knows a token a cookie; its value.

        Raises:
            Unauthenticated, TooManyAttempts: as `check`.
        """
        holder = self.check(address, token)
        value = secrets.token_urlsafe(32).encode()
        self._signed_in[sha256(value).digest()] = (self._clock() + SIGNED_IN_SEC, holder)
        if len(self._signed_in) > MAX_SIGNED_IN:
            self._signed_in.popitem(last=False)
        return value


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
