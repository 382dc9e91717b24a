"""What a check found."""

from collections.abc import Callable

from msgspec import Struct


class CheckResult(Struct, frozen=True):
    """One line of the report.

    Attributes:
        ok: whether all is well; None for what could not be tried, or may be what is wanted.
        what: what was looked at, and how it is.
        advice: what to do about it; empty where nothing is to be done.
        mend: puts it right without harm to anything else, for `--fix`; None where that is for a person to do.
    """

    ok: bool | None
    what: str
    advice: str = ""
    mend: Callable[[], object] | None = None
