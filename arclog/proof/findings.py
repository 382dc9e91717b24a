"""Findings: what verification says of a log that is not what it was."""

from typing import Literal

from msgspec import Struct

Place = Literal["log", "keys", "file", "projection", "export", "anchors"]
Problem = Literal[
    "changed",
    "digest_changed",
    "removed",
    "inserted",
    "swapped",
    "renumbered",
    "cut_off",
    "rewritten",
    "unreadable",
    "differs",
    "missing",
    "superfluous",
]


class Finding(Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        place: where it is wrong: in the log, the index of idempotency keys, the file, a projection, an
            export, or in what was anchored outside.
        problem: what kind of wrong it is.
        event_id: the first event that it concerns; None where no event can be named.
        text: what is to be said of it, in one line.
    """

    place: Place
    problem: Problem
    event_id: int | None
    text: str
