"""Erasing in the spool: what a relay has written, and the requests that it has taken, lose texts that were erased.

Each file that holds any is written again, whole or not at all, with the texts taken out: it stays JSON, of the same
shape. A request that nobody has taken yet is its sender's, and stays as it is.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from relay.spool import REQUESTS, RESPONSES, Spool

MIN_CHARS: Final = 8
"""Shorter texts stand everywhere; they go only where they are what an erased message said."""
IN_PLACE: Final = "[erased]"
MAX_FILE_BYTES: Final = 1 << 26
_NOTHING_SAID: Final = {"body": "", "attachments": [], "metadata": {}, "erased": True}


class Redaction:
    """What is to be taken out.

    Args:
        texts: the texts that were erased.
        message_ids: the messages that said them.
    """

    def __init__(self, texts: Sequence[str], message_ids: Sequence[int]) -> None:
        self._texts = sorted((text for text in texts if len(text) >= MIN_CHARS), key=len, reverse=True)
        self._ids = frozenset(message_ids)

    def redact(self, content: bytes) -> bytes | None:
        """The content of a file without the texts; None where it holds none of them."""
        try:
            value = msgspec.json.decode(content)
        except msgspec.DecodeError:  # not ours; then byte by byte
            redacted = content
            for text in self._texts:
                redacted = redacted.replace(text.encode(), IN_PLACE.encode())
            return None if redacted == content else redacted
        left = self._without(value)
        return None if left == value else msgspec.json.encode(left)

    def _without(self, value: Any) -> Any:  # noqa: ANN401 - JSON has any shape
        match value:
            case str():
                for text in self._texts:
                    value = value.replace(text, IN_PLACE)
                return value
            case list():
                return [self._without(one) for one in value]
            case {"id": int(message_id), "body": str(), **_rest} if message_id in self._ids:
                return {**value, **_NOTHING_SAID}
            case dict():
                return {name: self._without(one) for name, one in value.items()}
            case _:
                return value


def erase_in(spool: Spool, texts: Sequence[str], message_ids: Sequence[int]) -> list[Path]:
    """Take texts out of everything that a relay keeps in a spool.

    Returns:
        The files that were looked at, by their paths: one that could not be written may hold them still.
    """
    redaction = Redaction(texts, message_ids)
    for name in spool.list_folders():
        with suppress(OSError), spool.open(name, MAX_FILE_BYTES) as folder:
            folder.rewrite(redaction.redact)
    kinds = (spool.path / REQUESTS, spool.path / RESPONSES)
    return [path for kind in kinds for path in sorted(kind.glob("*/*")) if path.is_file() and not path.is_symlink()]
