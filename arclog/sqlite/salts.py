"""Salts: the random bytes that go with the free texts of an event (`arclog.erasure`)."""

import os
from collections.abc import Iterator
from typing import Final

from arclog.erasure import SALT_BYTES

AT_A_TIME: Final = 64


def make_salts() -> Iterator[bytes]:
    """A salt for each event; many are drawn at a time, since asking for each costs a twentieth of a post."""
    while True:
        chance = os.urandom(SALT_BYTES * AT_A_TIME)
        for at in range(0, len(chance), SALT_BYTES):
            yield chance[at : at + SALT_BYTES]
