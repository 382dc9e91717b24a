"""`ArcError`: what all errors of the hub are."""

from typing import ClassVar, Literal

Advice = Literal[
    "answer_question",
    "be_a_person",
    "begin_again",
    "cancel_shutdown",
    "create_channel",
    "create_log",
    "cut_off",
    "import_database",
    "listen_elsewhere",
    "name_log",
    "new_storage",
    "other_storage",
    "read_stream",
    "restore_backup",
    "restore_or_fork",
    "stop_users",
    "verify",
]
"""What somebody can do about an error. How that is done, each carrier says in its own words (`api.hints`)."""


class ArcError(Exception):
    """Anything that the hub refuses or cannot do. `str(error)` says what happened.

    Args:
        message: what happened, and what to change in the request.
        advice: what can be done about it by other calls.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str = "", *, advice: Advice | None = None) -> None:
        super().__init__(message)
        self.advice = advice
