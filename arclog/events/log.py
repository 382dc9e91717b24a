"""What is done to the log itself, apart from adding to it."""

from typing import ClassVar

from msgspec import Struct


class ErasedEvent(Struct, frozen=True, gc=False):
    """An event whose texts were erased, and what stands in its place from then on (`arclog.erasure`)."""

    event_id: int
    data: bytes


class LogAnchored(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The digest of an event is kept outside the storage from now on, so that a log that was rewritten shows.

    Attributes:
        anchored_by: who had it done.
        event_id: the event.
        digest: its digest.
        place: where that is kept: `git:` and a repository, or a file.
    """

    type: ClassVar[str] = "log.anchored"

    anchored_by: str
    event_id: int
    digest: bytes
    place: str

    @property
    def actor(self) -> str:
        return self.anchored_by

    def stream(self, event_id: int) -> str:
        return "log/anchors"


class TablesRepaired(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Tables that did not follow from the log were made again from it.

    Attributes:
        repaired_by: who had it done.
        tables: which tables; those of a projection are made together.
        keys: whether the index of idempotency keys was made again too.
    """

    type: ClassVar[str] = "tables.repaired"

    repaired_by: str
    tables: tuple[str, ...] = ()
    keys: bool = False

    @property
    def actor(self) -> str:
        return self.repaired_by

    def stream(self, event_id: int) -> str:
        return "log/tables"


class PayloadErased(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """The free texts of some events were erased: in the log, and in everything that follows from it.

    Attributes:
        erased_by: who had it done.
        reason: why.
        events: which events, each with what is left of it.
        message_ids: the messages among what they posted whose texts are gone.
    """

    type: ClassVar[str] = "payload.erased"

    erased_by: str
    reason: str = ""
    events: tuple[ErasedEvent, ...]
    message_ids: tuple[int, ...] = ()

    @property
    def actor(self) -> str:
        return self.erased_by

    def stream(self, event_id: int) -> str:
        return "log/erased"
