"""Secrets at the door: what in a text is a key, for certain or by its looks.

Certain are private keys, and tokens that carry a checksum which fits. They are refused. What only looks like a key is
taken, and marked for people. Nothing is looked up anywhere, and no text leaves the hub.

The checksum of GitHub's and npm's tokens is the CRC-32 of their random part, in base 62, as their last six characters:
https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
"""

import re
from collections.abc import Iterable
from typing import Final, Literal
from zlib import crc32

from arclog.errors import LooksLikeASecret

Rule = Literal["refuse", "mark", "off"]
"""What is done about secrets: those that are certain are refused, or all are marked, or nobody looks."""

_PRIVATE_KEY: Final = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_CHECKED: Final = re.compile(r"\b(?:gh[pousr]|npm)_([0-9A-Za-z]{30})([0-9A-Za-z]{6})\b")
_BY_LOOKS: Final = re.compile(
    r"\b(?:"
    r"(?:gh[pousr]|npm)_[0-9A-Za-z]{36}"
    r"|github_pat_[0-9A-Za-z_]{60,}"
    r"|arc_[0-9a-f]{64}"
    r"|sk-[0-9A-Za-z_-]{20,}"
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|AIza[0-9A-Za-z_-]{35}"
    r"|xox[abeprs]-[0-9A-Za-z-]{10,}"
    r"|glpat-[0-9A-Za-z_-]{20,}"
    r"|hf_[0-9A-Za-z]{30,}"
    r"|eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}"
    r")"
)
_BASE_62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MASKED: Final = "[a secret]"


def find_certain(text: str) -> str | None:
    """What kind of secret a text holds for certain; None where it holds none."""
    if _PRIVATE_KEY.search(text) is not None:
        return "a private key"
    for random, checksum in _CHECKED.findall(text):
        if _checksum(random) == checksum:
            return "an access token"
    return None


def has_one_by_looks(text: str) -> bool:
    """Whether anything in a text looks like a key."""
    return _BY_LOOKS.search(text) is not None or _PRIVATE_KEY.search(text) is not None


def check(field: str, texts: Iterable[str], rule: Rule) -> bool:
    """Refuse texts that hold a secret for certain.

    Args:
        field: how the caller calls them.
        texts: the texts.
        rule: what is done about secrets.

    Returns:
        Whether they are to be marked.

    Raises:
        LooksLikeASecret: they hold one, and `rule` is to refuse it.
    """
    if rule == "off":
        return False
    marked = False
    for text in texts:
        if not _may_hold_one(text):
            continue
        certain = find_certain(text)
        if certain is not None and rule == "refuse":
            raise LooksLikeASecret(field, certain)
        marked = marked or certain is not None or has_one_by_looks(text)
    return marked


def mask(text: str) -> str:
    """A text of the hub's own, which quotes what others wrote, without what looks like a key."""
    return text if not _may_hold_one(text) else _BY_LOOKS.sub(MASKED, text)


def _may_hold_one(text: str) -> bool:
    """Whether a text has the sign of any of them: told in a tenth of the time, which every message takes."""
    return (
        "_" in text
        or ("-" in text and ("sk-" in text or "glpat-" in text or "-----BEGIN " in text))
        or ("A" in text and ("AKIA" in text or "ASIA" in text or "AIza" in text))
        or "xox" in text
        or "eyJ" in text
    )


def _checksum(random: str) -> str:
    """The last six characters of a token, given those before."""
    number, digits = crc32(random.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        digits = _BASE_62[digit] + digits
    return digits
