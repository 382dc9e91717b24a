"""Erasing: after the log has lost some texts, nothing that this hub can reach keeps a copy.

    the event       the texts are gone from the log and the tables, in one transaction
    memory          what connections have read is forgotten
    the server      where the log is on one, its table is written again
    search          the index is merged again without them
    the relay       responses and requests that hold them are written again (`on_erased`)
    the WAL         is emptied into the file
    a scan          looks for the bytes in every file of the storage; if they still lie somewhere, the file is
                    rewritten (VACUUM), and looked through again

What if the hub dies in between? The event is in the log, so the next start does all of it again, but for the scan,
which nobody can do without the texts; so the file is rewritten in any case. A hub with a copy of a log elsewhere does
the same after what another hub erased.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import asdict, replace

from arclog.deciders.log import EraseTexts, check_ids
from arclog.engine import RemoteEngine
from arclog.errors import StorageError
from arclog.proof.copies import find_copies, pieces_of
from arclog.sqlite.erasing import empty_wal, find_cleaned, find_holding, note_cleaned, rewrite
from arclog.sqlite.readers import Readers
from projections.encoding import encode_json
from projections.erasing import Erased, find_erased, find_last_erasure, read_texts
from projections.hub.calls import Call
from projections.hub.outcomes import Outcome
from projections.recent import forget_messages
from projections.search.filler import Filler

BEYOND_REACH: Final = (
    "backups and exports that were made before",
    "what agents and their hosts have read, and keep",
    "what a disk, or a filesystem with snapshots, keeps of blocks that were overwritten",
)
"""What no hub can reach; every receipt says so."""
ON_SERVER: Final = "the write-ahead log of the log's server, its archives and its backups"
"""What is besides where the log is on a server."""
NOT_LET: Final = "it lets no hub erase: its owner has to create it once more, for the role of its hubs"
MAX_ELSEWHERE: Final = 100

_decode: Final = msgspec.json.Decoder(Erased).decode

Redact = Callable[[Sequence[str], Sequence[int]], Awaitable[list[Path]]]
"""Takes texts, and what messages said, out of files that are not the storage's own; gives all that may hold them."""


class Receipt(Erased, frozen=True):
    """What was erased, and what was found when copies of it were looked for.

    Attributes:
        scanned: the files that were looked through; none where there was nothing long enough to look for, or all of
            it had been erased before.
        copies: the files in which something of it lies still.
        elsewhere: other events that say the same; their texts are not erased.
        wal_emptied: whether the write-ahead log was emptied; a reader that stays keeps it from being.
        rewritten: whether the file had to be rewritten.
        log_scrubbed: whether the server that keeps the log has no copy in its tables either; None where there is none.
        log_trouble: why it was not scrubbed.
        beyond_reach: what this hub cannot reach.
    """

    scanned: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    elsewhere: tuple[int, ...] = ()
    wal_emptied: bool = False
    rewritten: bool = False
    log_scrubbed: bool | None = None
    log_trouble: str | None = None
    beyond_reach: tuple[str, ...] = BEYOND_REACH


class Erasing:
    """Carries erasures out on one hub; used on its event loop.

    Args:
        storage: the log's file.
        readers: the way to read it.
        filler: keeps the index of words; None when there is none.
        remote: what keeps the log, where that is not the storage's file.

    Attributes:
        on_erased: called with each erasure, to take it out of files that are not the storage's own.
    """

    def __init__(self, storage: Path, readers: Readers, filler: Filler | None, remote: RemoteEngine | None) -> None:
        self._remote = remote
        self._beyond_reach = BEYOND_REACH if remote is None else (ON_SERVER, *BEYOND_REACH)
        self.on_erased: list[Redact] = []
        self._storage = storage
        self._readers = readers
        self._filler = filler
        self._one_at_a_time = asyncio.Lock()
        self._cleaned_to = 0
        """The last erasure whose copies were looked after here."""
        self._cleaning: set[asyncio.Task[None]] = set()
        """What looks after the copies of what other hubs erased."""

    async def erase(self, call: Call, command: EraseTexts, execute: Callable[[Call], Awaitable[Outcome]]) -> Outcome:
        """Have texts erased, and all copies with them.

        Args:
            call: the call.
            command: what it asks for.
            execute: has it judged and recorded.

        Returns:
            The outcome, whose result is a `Receipt`.

        Raises:
            ArcError: the call was refused, or could not be kept.
        """
        check_ids(command)  # they are looked up here before the call is judged
        texts = await asyncio.to_thread(self._readers.read_whole, read_texts, command.ids)
        outcome = await execute(call)
        async with self._one_at_a_time:
            found = await self._clean(texts)
        erased = _decode(outcome.result)
        return replace(
            outcome, result=encode_json(Receipt(**asdict(erased), **found._asdict(), beyond_reach=self._beyond_reach))
        )

    async def resume(self) -> None:
        """After a start: look after the copies of what was erased by a hub that died before it had."""
        self._cleaned_to = await asyncio.to_thread(self._readers.read, find_cleaned)
        if await asyncio.to_thread(self._readers.read, find_last_erasure) > self._cleaned_to:
            await self._clean(None)

    def clean_after_others(self) -> None:
        """Another hub erased something: where the storage is a copy of the log, look after what it has of that."""
        if self._remote is not None:
            task = asyncio.ensure_future(self._clean_after_others())
            self._cleaning.add(task)
            task.add_done_callback(self._cleaning.discard)

    async def close(self) -> None:
        """Let what is being done come to its end."""
        if self._cleaning:
            await asyncio.wait(self._cleaning)

    async def _clean_after_others(self) -> None:
        async with self._one_at_a_time:
            with contextlib.suppress(StorageError):  # others tell of it, and the next start tries again
                if await asyncio.to_thread(self._readers.read, find_last_erasure) > self._cleaned_to:
                    await self._clean(None, scrubs=False)

    async def _clean(self, texts: list[str] | None, *, scrubs: bool = True) -> "FoundCopies":
        """Look after all copies.

        Args:
            texts: what is looked for; None where nobody knows any more, so that the file has to be rewritten.
            scrubs: whether those on the log's server are this hub's to look after.
        """
        forget_messages()
        last, messages = await asyncio.to_thread(self._readers.read_whole, find_erased, self._cleaned_to)
        others = [path for redact in self.on_erased for path in await redact(texts or [], messages)]
        trouble = await asyncio.to_thread(self._scrub, last) if scrubs else None
        found = await asyncio.to_thread(self._clean_storage, texts, messages, last, others, trouble)
        self._cleaned_to = last
        return found

    # On another thread ----------------------------------------------------------------------------------------------

    def _clean_storage(
        self, texts: list[str] | None, messages: Sequence[int], last: int, others: list[Path], trouble: str | None
    ) -> "FoundCopies":
        pieces = pieces_of(texts or [])
        if self._filler is not None:
            with contextlib.suppress(StorageError):  # it is thrown away with what it holds, and filled again
                self._filler.erase(messages)
        emptied, rewritten = empty_wal(self._storage), False
        paths = [*sorted(self._storage.parent.glob(f"*{self._storage.stem}*")), *others]
        copies = find_copies(paths, pieces)
        elsewhere = tuple(find_holding(self._storage, copies.get(str(self._storage), ()), MAX_ELSEWHERE))
        if texts is None or (str(self._storage) in copies and not elsewhere):
            rewrite(self._storage)
            emptied, rewritten = empty_wal(self._storage), True
            copies = find_copies(paths, pieces)
        if trouble is None:  # else the next start tries again
            note_cleaned(self._storage, last)
        scanned = tuple(map(str, paths)) if pieces else ()
        scrubbed = None if self._remote is None else trouble is None
        return FoundCopies(scanned, tuple(sorted(copies)), elsewhere, emptied, rewritten, scrubbed, trouble)

    def _scrub(self, last: int) -> str | None:
        """Leave nothing where the log is, if that is not the storage; why that did not go."""
        if self._remote is None:
            return None
        try:
            return None if self._remote.scrub(last) else NOT_LET
        except StorageError as error:
            return str(error)


class FoundCopies(NamedTuple):
    """What was found of copies: see `Receipt`."""

    scanned: tuple[str, ...]
    copies: tuple[str, ...]
    elsewhere: tuple[int, ...]
    wal_emptied: bool
    rewritten: bool
    log_scrubbed: bool | None
    log_trouble: str | None
