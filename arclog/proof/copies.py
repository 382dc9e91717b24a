"""Copies: whether some texts lie anywhere in some files, byte for byte.

Run as a program of its own: no descriptor may be opened on a storage in a process that has it open through SQLite,
since closing it would drop SQLite's locks. The texts come over standard input, so that no list of processes shows them.
Needs nothing but the standard library.
"""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

MIN_BYTES: Final = 8
"""Shorter texts are not looked for: they stand everywhere."""
PIECE_BYTES: Final = 48
"""A long text is looked for piece by piece, since what is left of it may be a part."""
MAX_PIECES: Final = 16
MAX_WORDS: Final = 16
LONGEST_SEC: Final = 600.0
_AT_A_TIME: Final = 1 << 22
_WORD: Final = re.compile(r"[^\s\"'`,;()<>\[\]{}]{12,200}")


def pieces_of(texts: Iterable[str]) -> list[bytes]:
    """What to look for, so that no part of some texts is missed: pieces of them, and the long words in them."""
    pieces: dict[bytes, None] = {}
    for text in texts:
        whole = text.encode("utf-8", "surrogatepass")
        count = max(1, -(-len(whole) // PIECE_BYTES))
        step = max(1, count // MAX_PIECES)
        for place in range(0, count, step):
            piece = whole[place * PIECE_BYTES : (place + 1) * PIECE_BYTES]
            if len(piece) >= MIN_BYTES:
                pieces[piece] = None
        words = (word for word in _WORD.findall(text) if any(map(str.isdigit, word)))
        for word, _ in zip(dict.fromkeys(words), range(MAX_WORDS), strict=False):
            pieces[word.encode("utf-8", "surrogatepass")] = None
    return list(pieces)


def find_copies(paths: Iterable[Path], pieces: list[bytes]) -> dict[str, list[bytes]]:
    """The files in which any of `pieces` lies, and which of them, found by another process.

    Raises:
        OSError: that process could not be started, or failed.
    """
    if not pieces:
        return {}
    asked = {"paths": [str(path) for path in paths], "pieces": [base64.b64encode(one).decode() for one in pieces]}
    found = subprocess.run(
        [sys.executable, "-I", "-S", __file__],
        input=json.dumps(asked).encode(),
        capture_output=True,
        timeout=LONGEST_SEC,
        check=False,
    )
    if found.returncode:
        raise OSError(f"looking for copies failed: {found.stderr.decode(errors='replace')[-200:]}")
    numbers: Mapping[str, list[int]] = json.loads(found.stdout)
    return {path: [pieces[number] for number in sorted(some)] for path, some in numbers.items()}


def _look_into(path: str, pieces: list[bytes]) -> list[int]:
    """The numbers of the pieces that lie in a file."""
    found = set[int]()
    longest = max(map(len, pieces))
    for part in _parts(path, longest):
        found.update(number for number, piece in enumerate(pieces) if number not in found and piece in part)
    return sorted(found)


def _parts(path: str, overlap: int) -> Iterator[bytes]:
    before = b""
    with Path(path).open("rb") as file:
        while read := file.read(_AT_A_TIME):
            yield before + read
            before = read[-overlap:]


def main() -> None:
    """Answer what is asked over standard input."""
    asked: dict[str, Any] = json.load(sys.stdin)
    pieces = [base64.b64decode(one) for one in asked["pieces"]]
    found = {path: _look_into(path, pieces) for path in asked["paths"] if Path(path).is_file()}
    json.dump({path: numbers for path, numbers in found.items() if numbers}, sys.stdout)


if __name__ == "__main__":
    main()
