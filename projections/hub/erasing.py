"""Erasing: after the log has lost some texts, nothing that this hub can reach keeps a copy.

    the event       the texts are gone from the log and the tables, in one transaction
    memory          what connections have read is forgotten
    search          the index is merged again without them
    the relay       responses and requests that hold them are written again (`on_erased`)
    the WAL         is emptied into the file
    a scan          looks for the bytes in every file of the storage; if they still lie somewhere, the file is
                    rewritten (VACUUM), and looked through again

What if the hub dies in between? The event is in the log, so the next start does all of it again, but for the scan,
which nobody can do without the texts.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import asdict, replace

from arclog.deciders.log import EraseTexts, check_ids
from arclog.errors import StorageError
from arclog.proof.copies import find_copies, pieces_of
from arclog.sqlite.erasing import empty_wal, find_cleaned, find_holding, note_cleaned, rewrite
from arclog.sqlite.readers import Readers
from projections.encoding import encode_json
from projections.erasing import Erased, find_last_erasure, read_texts
from projections.hub.calls import Call
from projections.hub.outcomes import Outcome
from projections.recent import forget
from projections.search.filler import Filler

BEYOND_REACH: Final = (
    "backups and exports that were made before",
    "what agents and their hosts have read, and keep",
    "what a disk, or a filesystem with snapshots, keeps of blocks that were overwritten",
)
"""What no hub can reach; every receipt says so."""
ELSEWHERE: Final = "the log on its server, which keeps the texts: only the copies of the hubs lose them"
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
        beyond_reach: what this hub cannot reach.
    """

    scanned: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    elsewhere: tuple[int, ...] = ()
    wal_emptied: bool = False
    rewritten: bool = False
    beyond_reach: tuple[str, ...] = BEYOND_REACH


class Erasing:
    """Carries erasures out on one hub; used on its event loop.

    Args:
        storage: the log's file.
        readers: the way to read it.
        filler: keeps the index of words; None when there is none.
        is_copy: whether the storage is a copy of a log elsewhere.

    Attributes:
        on_erased: called with each erasure, to take it out of files that are not the storage's own.
    """

    def __init__(self, storage: Path, readers: Readers, filler: Filler | None, *, is_copy: bool = False) -> None:
        self._beyond_reach = (ELSEWHERE, *BEYOND_REACH) if is_copy else BEYOND_REACH
        self.on_erased: list[Redact] = []
        self._storage = storage
        self._readers = readers
        self._filler = filler
        self._one_at_a_time = asyncio.Lock()

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
        last, _messages = await asyncio.to_thread(self._readers.read_whole, find_last_erasure)
        if last > await asyncio.to_thread(self._readers.read, find_cleaned):
            await self._clean([])

    async def _clean(self, texts: list[str]) -> "Found":
        forget()
        last, messages = await asyncio.to_thread(self._readers.read_whole, find_last_erasure)
        others = [path for redact in self.on_erased for path in await redact(texts, messages)]
        return await asyncio.to_thread(self._clean_storage, texts, messages, last, others)

    # On another thread ----------------------------------------------------------------------------------------------

    def _clean_storage(self, texts: list[str], messages: Sequence[int], last: int, others: list[Path]) -> "Found":
        pieces = pieces_of(texts)
        if self._filler is not None:
            with contextlib.suppress(StorageError):  # it is thrown away with what it holds, and filled again
                self._filler.erase(messages)
        emptied, rewritten = empty_wal(self._storage), False
        paths = [*sorted(self._storage.parent.glob(f"*{self._storage.stem}*")), *others]
        copies = find_copies(paths, pieces)
        elsewhere = tuple(find_holding(self._storage, copies.get(str(self._storage), ()), MAX_ELSEWHERE))
        if str(self._storage) in copies and not elsewhere:
            rewrite(self._storage)
            emptied, rewritten = empty_wal(self._storage), True
            copies = find_copies(paths, pieces)
        note_cleaned(self._storage, last)
        scanned = tuple(map(str, paths)) if pieces else ()
        return Found(scanned, tuple(sorted(copies)), elsewhere, emptied, rewritten)


class Found(NamedTuple):
    """What was found of copies: see `Receipt`."""

    scanned: tuple[str, ...]
    copies: tuple[str, ...]
    elsewhere: tuple[int, ...]
    wal_emptied: bool
    rewritten: bool
