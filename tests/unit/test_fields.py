"""What a value in a request may be."""

from typing import Any

import pytest

from arclog.deciders import fields
from arclog.deciders.fields import Limits
from arclog.errors import InvalidInput

SURROGATE = "\ud800"
CONTROL_CHARACTERS = ["\x00", "\x01", "\t", "\n", "\x1b", "\x1f", "\x7f", "\x80", "\x85", "\x9f", SURROGATE, "\udfff"]


def nested(levels: int, kind: type = dict) -> Any:
    value: Any = kind()
    for _ in range(levels - 1):
        value = {"a": value} if kind is dict else [value]
    return value


def test_an_id_loses_its_surrounding_white_space() -> None:
    assert fields.required_id("agent_id", "  agent a \n") == "agent a"


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u3000"])
def test_a_required_id_must_not_be_blank(blank: str) -> None:
    with pytest.raises(InvalidInput, match="agent_id is required and must not be blank"):
        fields.required_id("agent_id", blank)


@pytest.mark.parametrize("character", CONTROL_CHARACTERS)
def test_an_id_must_not_hold_control_characters_or_half_a_surrogate_pair(character: str) -> None:
    with pytest.raises(InvalidInput, match="must not contain control characters"):
        fields.required_id("name", f"a{character}b")


@pytest.mark.parametrize("text", ["ä", "日本", "😀", "a b", "\u00a0x\u00a0y", "a/b:c@d", "\u200b"])
def test_an_id_may_hold_any_other_text(text: str) -> None:
    assert fields.required_id("name", text) == text.strip()


def test_an_id_has_at_most_256_characters() -> None:
    assert fields.required_id("name", "ä" * 256) == "ä" * 256
    with pytest.raises(InvalidInput, match="name must be at most 256 characters, not 257"):
        fields.required_id("name", "ä" * 257)


def test_white_space_around_an_id_does_not_count() -> None:
    assert fields.required_id("name", " " * 300 + "a") == "a"


def test_a_path_has_at_most_4096_characters() -> None:
    assert len(fields.file_path("file_path", "p" * 4096)) == 4096
    with pytest.raises(InvalidInput, match="file_path must be at most 4096 characters, not 4097"):
        fields.file_path("file_path", "p" * 4097)


@pytest.mark.parametrize("absent", [None, "", "  "])
def test_an_optional_id_that_is_absent_or_blank_is_none(absent: str | None) -> None:
    assert fields.optional_id("thread_id", absent) is None
    assert fields.optional_agent("agent_id", absent) is None


def test_an_optional_id_that_is_given_obeys_the_rules() -> None:
    assert fields.optional_id("thread_id", " t ") == "t"
    with pytest.raises(InvalidInput, match="thread_id"):
        fields.optional_id("thread_id", "a\x00b")


@pytest.mark.parametrize("name", ["system", " system "])
def test_nobody_speaks_as_the_hub(name: str) -> None:
    with pytest.raises(InvalidInput, match="must not be 'system'"):
        fields.agent("from_agent", name)
    with pytest.raises(InvalidInput, match="must not be 'system'"):
        fields.optional_agent("created_by", name)


@pytest.mark.parametrize("value", [None, {}])
def test_absent_metadata_is_an_empty_object(value: dict[str, Any] | None) -> None:
    assert fields.metadata(value) == {}


def test_metadata_has_at_most_64_kb_as_json() -> None:
    frame = len('{"a":""}')
    fits = {"a": "x" * (65_536 - frame)}
    assert fields.metadata(fits) is fits
    with pytest.raises(InvalidInput, match="metadata must be at most 65536 bytes as JSON, not 65537"):
        fields.metadata({"a": "x" * (65_537 - frame)})


def test_metadata_is_measured_in_bytes_not_in_characters() -> None:
    with pytest.raises(InvalidInput, match="at most 65536 bytes"):
        fields.metadata({"a": "ä" * 32_768})


@pytest.mark.parametrize("kind", [dict, list])
def test_json_is_nested_at_most_64_levels_deep(kind: type) -> None:
    fields.check_json("metadata", nested(64, kind))
    with pytest.raises(InvalidInput, match="metadata is nested deeper than 64 levels"):
        fields.check_json("metadata", nested(65, kind))


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 0, 2**53, 1.5, True])
def test_json_may_hold_numbers_that_fit_into_64_bits(number: float) -> None:
    assert fields.metadata({"n": number}) == {"n": number}


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_json_must_not_hold_integers_beyond_64_bits(number: int) -> None:
    with pytest.raises(InvalidInput, match="metadata holds an integer that does not fit into 64 bits"):
        fields.metadata({"deep": [{"n": number}]})


@pytest.mark.parametrize("value", [{"a": SURROGATE}, {SURROGATE: 1}, {"a": [{"b": f"ä{SURROGATE}"}]}])
def test_json_must_not_hold_half_a_surrogate_pair(value: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="metadata holds half of a surrogate pair"):
        fields.metadata(value)


def test_metadata_may_hold_control_characters_since_json_can() -> None:
    value = {"text": "a\x00\x1b\n"}
    assert fields.metadata(value) == value


@pytest.mark.parametrize("value", [None, 0, 1, 2**53 - 1])
def test_an_integer_id_is_from_0_to_2_to_the_53_minus_1(value: int | None) -> None:
    assert fields.integer("reply_to", value) == value


@pytest.mark.parametrize("value", [-1, 2**53, 2**64, -(2**70)])
def test_an_integer_id_that_some_json_reader_would_change_is_refused(value: int) -> None:
    with pytest.raises(InvalidInput, match="reply_to must be an integer from 0 to 9007199254740991"):
        fields.integer("reply_to", value)


@pytest.mark.parametrize(
    ("seconds", "micros"),
    [(5, 5_000_000), (300, 300_000_000), (5.0000019, 5_000_002), (86_400, 86_400_000_000)],
)
def test_a_lease_is_measured_in_microseconds_from_5_seconds_to_a_day(seconds: float, micros: int) -> None:
    assert fields.ttl(seconds) == micros


@pytest.mark.parametrize("seconds", [86_401, 315_360_000])
def test_a_lease_that_is_asked_for_longer_lasts_a_day(seconds: float) -> None:
    assert fields.ttl(seconds) == 86_400_000_000


def test_a_call_waits_as_long_as_it_may() -> None:
    assert (fields.wait(0), fields.wait(2.5), fields.wait(3600)) == (0, 2_500_000, 60_000_000)
    with pytest.raises(InvalidInput, match="wait_sec must be from 0"):
        fields.wait(-1)


@pytest.mark.parametrize("seconds", [4.999, 0, -1, 315_360_000.1, 1e300, float("inf"), float("-inf"), float("nan")])
def test_other_leases_are_refused(seconds: float) -> None:
    with pytest.raises(InvalidInput, match="ttl_sec must be from 5 to 315360000 seconds"):
        fields.ttl(seconds)


def test_a_request_is_read_up_to_what_a_message_may_hold_and_64_kb() -> None:
    assert Limits().max_request_bytes == 128_000 + 256_000 * 32 + 65_536
    assert Limits(max_body_chars=10, max_attachment_chars=20, max_attachments=3).max_request_bytes == 10 + 60 + 65_536
