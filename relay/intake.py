"""What a courier does with files: it takes a request, and leaves an answer."""

from contextlib import suppress
from typing import Final

from msgspec import Struct

from relay.envelope import SERVER_FAULT, NotWhole, Refused, Request, is_same_request, parse_request, read_status
from relay.identity import check_identity
from relay.mailbox import TAKEN, Found, Mailbox, Mark, NotAFile, stem_of
from relay.spool import Spool

MAX_RESPONSE_BYTES: Final = 1 << 20
"""The size up to which an earlier response is read, to see whether it stands; a longer one does not."""


class Unfinished(Struct, frozen=True):
    """A file whose writer may still be at it; `mark` changes when it does."""

    mark: Mark


class Intake:
    """One agent's folders, as its courier uses them.

    Args:
        folder: the folders' name.
        spool: where they lie.
        max_bytes: the size of a request file beyond which it is refused unread.
    """

    def __init__(self, folder: str, spool: Spool, max_bytes: int) -> None:
        self.folder = folder
        self._spool = spool
        self._max_bytes = max_bytes

    def take(self, name: str, *, settled: bool) -> Request | Refused | Unfinished | None:
        """Take a request, so that no other relay serves it too.

        Args:
            name: of a `.json` file, or of a `.work` file that was taken before.
            settled: whether a file that is not whole is to be judged as it is.

        Returns:
            What is asked for; or what is wrong with it; or that its writer has not finished, and then it was not
            taken; or None, when it has its answer already.

        Raises:
            FileNotFoundError: it is gone.
            OSError: it cannot be taken.
        """
        with self._spool.open(self.folder) as mailbox:
            found: Found | None = None
            decision: Request | Refused
            try:
                found = mailbox.read_request(name, self._max_bytes)
                decision = self._judge(name, found)
            except NotAFile as problem:
                decision = Refused(str(problem))
            if isinstance(decision, NotWhole) and found is not None and not settled:
                return Unfinished(found.mark)
            if name.endswith(TAKEN):
                return decision
            stands = self._settle_response(mailbox, stem_of(name), found)
            try:
                taken = mailbox.take(name, found, self._max_bytes)
            except NotAFile as problem:
                return Refused(str(problem))
            if taken is not None and taken is not found:
                return self._judge(name, taken)
            return None if stands else decision

    def list_unanswered(self) -> list[str]:
        """The names of the requests that were taken and have no response: whoever took them died.

        Raises:
            OSError: the folders are gone.
        """
        with self._spool.open(self.folder) as mailbox:
            return mailbox.list_unanswered()

    def mark(self, name: str) -> Mark:
        """What changes when the file does.

        Raises:
            OSError: it is gone.
        """
        with self._spool.open(self.folder) as mailbox:
            return mailbox.mark_request(name)

    def answer(self, stem: str, response: bytes) -> None:
        """Leave a response.

        Raises:
            FileNotFoundError: the folders are gone.
            OSError: it cannot be written.
        """
        with self._spool.open(self.folder) as mailbox:
            mailbox.answer(stem, response)

    def prune(self, now: float) -> None:
        """Delete what was answered long ago, as far as the mount allows it; `now` in seconds since 1970."""
        with suppress(OSError), self._spool.open(self.folder) as mailbox:
            mailbox.prune(now)

    def _judge(self, name: str, found: Found) -> Request | Refused:
        try:
            request = parse_request(found.content, self.folder, stem_of(name))
            check_identity(request, self.folder)
        except Refused as refused:
            return refused
        return request

    def _settle_response(self, mailbox: Mailbox, stem: str, found: Found | None) -> bool:
        """Whether there is a response already that answers this request; one that does not is withdrawn."""
        try:
            status = read_status(mailbox.read_response(stem, MAX_RESPONSE_BYTES))
        except FileNotFoundError:
            return False
        if found is not None and status is not None and status < SERVER_FAULT:
            with suppress(FileNotFoundError, NotAFile):
                earlier = mailbox.read_request(stem + TAKEN, self._max_bytes)
                if is_same_request(found.content, earlier.content):
                    return True
        mailbox.withdraw(stem)
        return False
