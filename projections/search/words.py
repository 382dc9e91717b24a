"""Words as the index has them: what of a text can be found, and what a question asks for.

SQLite's `unicode61` cuts a text into words at everything that is neither a letter nor a digit, and folds case and
diacritics. Chinese, Japanese and their like have no blanks between words, so each of their characters becomes a word of
its own, and a run of them is asked for as a phrase. (Trigrams would miss every word of two characters, such as 検索.)

A question is never handed to FTS5 as it is: of `src/auth.py`, `C++` and `can't` its syntax makes errors. Each word, and
each text in double quotes, becomes a quoted phrase; the last word may be the beginning of one.
"""

import re
import unicodedata
from typing import Final

from msgspec import Struct

MIN_BEGINNING: Final = 2
"""A shorter last word is looked for as it is: too many words begin with one letter."""
MAX_WORDS: Final = 32
"""Words of a question that are looked for; who asks for more asks for nothing that anybody wrote."""

_ALONE: Final = re.compile(
    "(["
    "\u2e80-\u2fdf\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
    "])"
)
"""Characters that are words by themselves: CJK ideographs, kana and bopomofo (Unicode 16, chapter 18)."""
_PART: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')


class Question(Struct, frozen=True):
    """What somebody looks for.

    Attributes:
        phrases: each a run of words that must stand in the text, folded as `fold` does.
        open: whether the last phrase may go on: `auth` then finds `authentication`.
    """

    phrases: tuple[str, ...]
    open: bool

    def to_match(self) -> str:
        """The question as FTS5 takes it; empty when it asks for nothing."""
        quoted = ['"' + phrase.replace('"', '""') + '"' for phrase in self.phrases]
        if quoted and self.open:
            quoted[-1] += "*"
        return " AND ".join(quoted)


def fold(text: str) -> str:
    """A text as it is put into the index: compatibility forms unified, CJK characters apart, no NUL."""
    if text.isascii():
        return text.replace("\0", " ")
    return _ALONE.sub(r" \1 ", unicodedata.normalize("NFKC", text).replace("\0", " "))


def read_question(text: str) -> Question:
    """What a person's question asks for.

    Args:
        text: words, and texts in double quotes; anything goes.

    Returns:
        The phrases that all must be found; those without a letter or digit are left out.
    """
    phrases: list[str] = []
    is_open = False
    for match in _PART.finditer(text):
        said = match[1] if match[2] is None else match[2]
        phrase = " ".join(fold(said).split())
        words = words_of(phrase)
        if not words:
            continue
        phrases.append(phrase)
        last = words[-1]
        is_open = match[2] is not None and (len(last) >= MIN_BEGINNING or is_word_alone(last))
        if len(phrases) == MAX_WORDS:
            break
    return Question(tuple(phrases), is_open)


def plain(text: str) -> str:
    """A text without case and diacritics, character by character, to find again what the index has found.

    Each character becomes at most one, so a place in the result is the same place in the text.
    """
    return text.lower() if text.isascii() else "".join(_plain_char(char) for char in text)


def _plain_char(char: str) -> str:
    folded = unicodedata.normalize("NFKD", char)[:1].casefold()
    return folded if len(folded) == 1 else char


def words_of(phrase: str) -> list[str]:
    """The words of a folded phrase, as `plain` has them."""
    return re.findall(r"\w+", plain(phrase).replace("_", " "))


def is_word_alone(char: str) -> bool:
    """Whether a character is a word by itself, as those of Chinese and Japanese are."""
    return _ALONE.match(char) is not None
