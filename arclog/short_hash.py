"""SHA-256 of short inputs, by whatever computes it quickest on this machine.

`hashlib` gives that of OpenSSL, made for long inputs: of a hash over 150 bytes, half the time goes into setting it up.
The interpreter has one of its own that needs no setting up, but that knows no instructions of the processor for SHA. It
checks a log a tenth faster where there are none, and not where there are; so the two are timed, in half a millisecond.
"""

import contextlib
import hashlib
import importlib
import time
from collections.abc import Callable
from functools import cache
from typing import Final, Protocol

MAX_SHORT_BYTES: Final = 250
"""Inputs that are longer are for OpenSSL in any case."""

_OWN: Final = ("_sha2", "_sha256")
"""Where the interpreter keeps its own: since Python 3.12, and before. Not every build has it."""
_SAMPLE: Final = bytes(150)
_ROUNDS: Final = 5
_HASHES: Final = 40


class _Hash(Protocol):
    def digest(self) -> bytes: ...


Sha256 = Callable[[bytes], _Hash]


@cache
def find_quickest() -> Sha256:
    """The SHA-256 for inputs of up to `MAX_SHORT_BYTES`."""
    candidates: list[Sha256] = [hashlib.sha256]
    for module in _OWN:
        with contextlib.suppress(ImportError):
            candidates.append(importlib.import_module(module).sha256)
    return min(candidates, key=_time)


def _time(sha256: Sha256) -> float:
    """Seconds that some hashes took, the least of several rounds."""
    spans: list[float] = []
    for _ in range(_ROUNDS):
        began_at = time.perf_counter()
        for _ in range(_HASHES):
            sha256(_SAMPLE).digest()
        spans.append(time.perf_counter() - began_at)
    return min(spans)
