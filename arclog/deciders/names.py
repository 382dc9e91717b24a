"""Names that could be taken for others: letters of several scripts in one word, and characters that nobody sees.

A letter's Unicode name begins with its script. Plain ASCII is never looked at.
"""

import unicodedata
from typing import Final

from arclog.events.messages import SYSTEM

UNSEEN: Final = frozenset({"Cf", "Cc", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that have no shape: formats such as those of bidirectional text, joiners, private ones."""
OTHER_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks by their category that have no shape either."""
TOGETHER: Final = (
    frozenset({"HIRAGANA", "KATAKANA", "CJK", "LATIN"}),
    frozenset({"HANGUL", "CJK", "LATIN"}),
    frozenset({"BOPOMOFO", "CJK", "LATIN"}),
)
"""Scripts that are written together."""


def find_deception(name: str) -> str:
    """What is wrong with a name that is not plain ASCII; empty when nothing is."""
    for char in name:
        if unicodedata.category(char) in UNSEEN or char in OTHER_UNSEEN or "VARIATION SELECTOR" in _name_of(char):
            return f"must not contain U+{ord(char):04X}, which cannot be seen"
        if char.isspace() and char != " ":
            return f"must not contain U+{ord(char):04X}, a space that is not the usual one"
    if unicodedata.normalize("NFKC", name).casefold() == SYSTEM:
        return f"must not look like {SYSTEM!r}, the hub's own name"
    scripts = {_script_of(char) for char in name if char.isalpha()}
    if len(scripts) > 1 and not any(scripts <= together for together in TOGETHER):
        return f"must not mix letters of {' and '.join(sorted(script.title() for script in scripts))}"
    return ""


def _script_of(char: str) -> str:
    word = _name_of(char).partition(" ")[0].partition("-")[0]
    if word in {"FULLWIDTH", "HALFWIDTH", "MODIFIER", "MATHEMATICAL", "SUPERSCRIPT", "SUBSCRIPT", "CIRCLED"}:
        folded = unicodedata.normalize("NFKC", char)
        return _script_of(folded) if folded != char and len(folded) == 1 else word
    return "LATIN" if word in {"FEMININE", "MASCULINE"} else word


def _name_of(char: str) -> str:
    return unicodedata.name(char, "")
