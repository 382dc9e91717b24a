"""What a value in a request may be: the rules that every command shares."""

import re
from collections.abc import Sized
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import Struct

from arclog.deciders.names import find_deception
from arclog.deciders.secrets import Rule as SecretRule
from arclog.errors import InvalidInput
from arclog.events import SYSTEM, JsonObject
from arclog.limits import (
    LONGEST_LEASE_SEC,
    MAX_ATTACHMENT_CHARS,
    MAX_ATTACHMENTS,
    MAX_BODY_CHARS,
    MAX_TTL_SEC,
    MAX_WAIT_SEC,
    MICROSECONDS,
    MIN_TTL_SEC,
)

MAX_ID_CHARS: Final = 256
MAX_PATH_CHARS: Final = 4096
MAX_METADATA_BYTES: Final = 65_536
MAX_INTEGER: Final = 2**53 - 1
"""The greatest integer that every JSON reader keeps exactly (RFC 8259, section 6)."""
MAX_JSON_DEPTH: Final = 64
MAX_ASKED_WAIT_SEC: Final = 365 * 86_400
MAX_REASON_CHARS: Final = 1_000
MAX_KNOWN_IDS: Final = 4_096
"""Ids that are known to be good; the same few come with nearly every call."""
MAX_KNOWN_PATHS: Final = 1_024

_find_control = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]").search
_encode_json = msgspec.json.Encoder().encode


class Limits(Struct, frozen=True):
    """How much one message may hold, and what it may not, as set when the hub was started."""

    max_body_chars: int = MAX_BODY_CHARS
    max_attachment_chars: int = MAX_ATTACHMENT_CHARS
    max_attachments: int = MAX_ATTACHMENTS
    secrets: SecretRule = "refuse"

    @property
    def max_request_bytes(self) -> int:
        """The size of a request's body beyond which it is not read."""
        return self.max_body_chars + self.max_attachment_chars * self.max_attachments + 65_536


@lru_cache(MAX_KNOWN_IDS)
def required_id(field: str, value: str) -> str:
    """An id, without surrounding white space; as `required_text`, of at most 256 characters."""
    return required_text(field, value, MAX_ID_CHARS)


def required_text(field: str, value: str, most: int) -> str:
    """`value` without surrounding white space.

    Raises:
        InvalidInput: it is empty, longer than `most` characters, or holds control characters.
    """
    value = value.strip()
    if not value:
        raise InvalidInput(field, "is required and must not be blank")
    if len(value) > most:
        raise InvalidInput(field, f"must be at most {most} characters, not {len(value)}")
    # Printable text holds none, and is recognised much faster.
    if not value.isprintable() and _find_control(value) is not None:
        raise InvalidInput(field, "must not contain control characters")
    return value


def optional_id(field: str, value: str | None) -> str | None:
    """Like `required_id`, but None when the value is absent or blank."""
    if value is None or not value.strip():
        return None
    return required_id(field, value)


@lru_cache(MAX_KNOWN_IDS)
def agent(field: str, value: str) -> str:
    """The id of an agent that makes a call; nobody may speak as the hub itself."""
    value = required_id(field, value)
    if value.isascii():
        if value.lower() == SYSTEM:
            raise InvalidInput(field, f"must not be {SYSTEM!r}, which is the hub's own name")
        return value
    problem = find_deception(value)
    if problem:
        raise InvalidInput(field, problem)
    return value


def optional_agent(field: str, value: str | None) -> str | None:
    """Like `agent`, but None when the value is absent or blank."""
    if value is None or not value.strip():
        return None
    return agent(field, value)


@lru_cache(MAX_KNOWN_PATHS)
def file_path(field: str, value: str) -> str:
    """The path of a file, as the caller writes it."""
    return required_text(field, value, MAX_PATH_CHARS)


def text(field: str, value: str, most: int) -> str:
    """A text of at most `most` characters."""
    if len(value) > most:
        raise InvalidInput(field, f"must be at most {most} characters, not {len(value)}")
    return value


def metadata(value: JsonObject | None) -> JsonObject:
    """The caller's own object, or an empty one.

    Raises:
        InvalidInput: it is longer than 64 KB as JSON or holds what JSON readers cannot keep.
    """
    if not value:
        return {}
    size = len(to_checked_json("metadata", value))
    if size > MAX_METADATA_BYTES:
        raise InvalidInput("metadata", f"must be at most {MAX_METADATA_BYTES} bytes as JSON, not {size}")
    return value


def to_checked_json(field: str, value: object) -> bytes:
    """`value` as JSON, after a look at what is inside it.

    Raises:
        InvalidInput: it is nested deeper than 64 levels, or holds an integer beyond 64 bits or half a surrogate pair.
    """
    check_json(field, value)
    return _encode_json(value)


def check_json(field: str, value: object) -> None:
    """Refuse a JSON value that some reader could not keep: depth over 64, integers over 64 bits, lone surrogates."""
    level: list[object] = [value]
    for _depth in range(MAX_JSON_DEPTH):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item)
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
            elif isinstance(item, str):
                if not item.isascii():
                    _check_text(field, item)
            elif isinstance(item, int) and not -(2**63) <= item < 2**64:
                raise InvalidInput(field, "holds an integer that does not fit into 64 bits")
        if not inner:
            return
        level = inner
    raise InvalidInput(field, f"is nested deeper than {MAX_JSON_DEPTH} levels")


def _check_text(field: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(field, "holds half of a surrogate pair, which is not text") from None


def check_count(field: str, given: Sized, least: int, most: int, what: str) -> None:
    """Refuse a list that is too short or too long.

    Args:
        field: its name.
        given: the list.
        least: how many items it has at least.
        most: how many at most.
        what: what they are, in the plural.

    Raises:
        InvalidInput: it is.
    """
    if not least <= len(given) <= most:
        bounds = f"from {least} to {most}" if least else f"at most {most}"
        raise InvalidInput(field, f"must be {bounds} {what}, not {len(given)}")


def integer(field: str, value: int | None) -> int | None:
    """An id of something, from 0 to 2^53 - 1."""
    if value is not None and not 0 <= value <= MAX_INTEGER:
        raise InvalidInput(field, f"must be an integer from 0 to {MAX_INTEGER}")
    return value


@lru_cache(64)
def ttl(ttl_sec: float) -> int:
    """A lease's length in microseconds, a day at most.

    Raises:
        InvalidInput: it is shorter than 5 seconds or longer than ten years.
    """
    if not MIN_TTL_SEC <= ttl_sec <= MAX_TTL_SEC:
        raise InvalidInput("ttl_sec", f"must be from {MIN_TTL_SEC} to {MAX_TTL_SEC} seconds, not {ttl_sec}")
    return round(min(ttl_sec, LONGEST_LEASE_SEC) * MICROSECONDS)


def wait(wait_sec: float) -> int:
    """How long a call waits, in microseconds; a minute at most, whatever was asked for.

    Raises:
        InvalidInput: it is less than nothing, or longer than a year.
    """
    if not 0 <= wait_sec <= MAX_ASKED_WAIT_SEC:
        raise InvalidInput("wait_sec", f"must be from 0 to {MAX_ASKED_WAIT_SEC} seconds, not {wait_sec}")
    return round(min(wait_sec, MAX_WAIT_SEC) * MICROSECONDS)


def reason(value: str) -> str:
    """Why somebody does what others will ask about."""
    return required_text("reason", value, MAX_REASON_CHARS)
