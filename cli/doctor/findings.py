"""What a check found."""

from msgspec import Struct


class Finding(Struct, frozen=True):
    """One line of the report.

    Attributes:
        ok: whether all is well; None for what could not be tried, or may be what is wanted.
        what: what was looked at, and how it is.
        advice: what to do about it; empty where nothing is to be done.
    """

    ok: bool | None
    what: str
    advice: str = ""
