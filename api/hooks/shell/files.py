"""What commands that name files, or processes, would do."""

from collections.abc import Iterator, Sequence
from typing import Final

from api.hooks.shell.deeds import Deed
from api.hooks.shell.words import Word

_DISCARDS: Final = frozenset({"rm", "unlink", "shred", "truncate"})
_WRITES_LAST: Final = frozenset({"cp", "install", "ln", "rsync"})
_WRITES_ALL: Final = frozenset({"tee", "touch"})

KILLERS: Final = frozenset({"pkill", "killall", "killall5", "skill", "fuser", "kill"})
_READS: Final = frozenset({"cat", "head", "tail", "nl", "less", "more", "bat", "sed", "awk", "grep", "rg", "tac"})
_LOOKS: Final = frozenset({"-0", "-l", "--list", "-V", "--version", "--help"})


def file_deeds(name: str, arguments: Sequence[Word], folder: str) -> Iterator[Deed]:
    """Commands that write files which their arguments name."""
    known = [word.text for word in arguments if word.text is not None]
    plain = tuple(text for text in known if not text.startswith("-"))
    if name in _DISCARDS and plain:
        yield Deed(name, "discard", folder, plain)
    elif name in _WRITES_LAST and len(plain) > 1:
        yield Deed(name, "write", folder, plain[-1:])
    elif (name == "mv" and len(plain) > 1) or (name in _WRITES_ALL and plain):
        yield Deed(name, "write", folder, plain)
    elif name in {"sed", "perl"} and any(text == "--in-place" or (text[:1] == "-" and "i" in text) for text in known):
        yield Deed(f"{name} -i", "write", folder, plain[1:] or plain)
    elif name == "dd":
        yield from (Deed("dd", "write", folder, (text[3:],)) for text in known if text.startswith("of="))
    elif name == "patch":
        yield Deed("patch", "write", folder, plain[:1] or None)
    elif name in _READS and plain:
        yield Deed(name, "read", folder, plain)


def kill_deeds(name: str, arguments: Sequence[Word], folder: str) -> Iterator[Deed]:
    """Commands that end all processes, or those of a name; to end one by its id is fine."""
    texts = [word.text if word.text is not None else word.raw for word in arguments]
    if name in {"pkill", "killall", "killall5", "skill"}:
        if not _LOOKS.intersection(texts):
            yield Deed(name, "kill", folder)
    elif name == "fuser":
        if any(text.startswith("-") and "k" in text for text in texts):
            yield Deed("fuser -k", "kill", folder)
    elif any(text == "-1" for text in texts[1:]) or texts == ["-1"]:
        yield Deed("kill -1", "kill", folder)
    elif any("pgrep" in text or "pidof" in text for text in texts):
        yield Deed("kill of processes by name", "kill", folder)
