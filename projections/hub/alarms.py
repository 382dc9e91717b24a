"""Alarms: those who asked are told when the storage fails, and when the log turns out to be damaged."""

from collections.abc import Callable

from arclog.errors import StorageError
from arclog.proof.findings import Finding


class Alarms:
    """Whom to tell; used on the event loop.

    Attributes:
        on_damage: called with each thing that turns out to be wrong with the log.
        on_trouble: called when the storage fails in a new way, and with None when it takes writes again.
    """

    def __init__(self) -> None:
        self.on_damage: list[Callable[[Finding], None]] = []
        self.on_trouble: list[Callable[[StorageError | None], None]] = []
        self._trouble: StorageError | None = None

    def is_news(self, trouble: StorageError | None) -> bool:
        """Whether the storage fails in another way than was told last, or takes writes again."""
        return (trouble and trouble.code) != (self._trouble and self._trouble.code)

    def tell_trouble(self, trouble: StorageError | None) -> None:
        """The storage fails, or takes writes again."""
        self._trouble = trouble
        for callback in self.on_trouble:
            callback(trouble)

    def tell_damage(self, finding: Finding) -> None:
        """Something is wrong with the log."""
        for callback in self.on_damage:
            callback(finding)
