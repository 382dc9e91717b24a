"""What a commit means to those who did not ask for it: who waits, the index of words, the alarms, and what is erased.

Whoever asked was told by the commit itself, right before.
"""

from arclog.errors import StorageGone
from arclog.sqlite.readers import Readers
from projections.hub.alarms import Alarms
from projections.hub.calls import Commit
from projections.hub.erasing import Erasing
from projections.hub.inspections import Inspections
from projections.hub.recorder import Recorder
from projections.hub.waiting import Waiters
from projections.search.filler import Filler


class Arrivals:
    """Tells of the commits of one hub; used on its event loop.

    Args:
        recorder: who made them, and knows what is wrong with the storage.
        waiters: who waits.
        filler: keeps the index of words; None when there is none.
        alarms: who is told of a storage that fails.
        readers: the connections that read, which are refused when the storage is gone.
        inspections: the checks of the storage, which end then.
        erasing: looks after copies of what was erased.
    """

    def __init__(
        self,
        recorder: Recorder,
        waiters: Waiters,
        filler: Filler | None,
        alarms: Alarms,
        readers: Readers,
        inspections: Inspections,
        erasing: Erasing,
    ) -> None:
        self._recorder = recorder
        self._waiters = waiters
        self._filler = filler
        self._alarms = alarms
        self._readers = readers
        self._inspections = inspections
        self._erasing = erasing

    def tell(self, commit: Commit) -> None:
        """Tell of a commit, or of a batch that came to nothing."""
        self._waiters.deliver(commit.after, commit.head, commit.messages, has_work=commit.has_work)
        if commit.messages and self._filler is not None:
            self._filler.wake()
        if commit.has_erasure:
            self._erasing.clean_after_others()
        trouble = self._recorder.gone or self._recorder.trouble
        if self._alarms.is_news(trouble):
            if isinstance(trouble, StorageGone):
                self._readers.refuse(trouble)
                self._inspections.give_up()
                self._waiters.wake_all()
            self._alarms.tell_trouble(trouble)
