"""Times as they go over the wire."""

import pytest

from projections.times import optional_timestamp, parse_timestamp, timestamp


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (999_999, "1970-01-01T00:00:00.999999Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (1_800_000_000_123_456, "2027-01-15T08:00:00.123456Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
    ],
)
def test_a_moment_is_told_in_utc_to_the_microsecond_and_read_back(moment: int, text: str) -> None:
    assert timestamp(moment) == text
    assert parse_timestamp(text) == moment


def test_texts_sort_as_the_moments_do() -> None:
    moments = [0, 1, 999_999, 1_000_000, 1_000_001, 1_800_000_000_000_000]
    assert sorted(map(timestamp, moments)) == [timestamp(moment) for moment in moments]


def test_no_moment_has_no_text() -> None:
    assert optional_timestamp(None) is None
    assert optional_timestamp(0) == timestamp(0)


@pytest.mark.parametrize(
    ("text", "moment"),
    [("1970-01-01T01:00:00+01:00", 0), ("1970-01-01T00:00:01Z", 1_000_000), ("1969-12-31T23:59:59.5-00:00", -500_000)],
)
def test_any_zone_and_any_precision_is_read(text: str, moment: int) -> None:
    assert parse_timestamp(text) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "2027-01-15T08:00:00", "2027-01-15"])
def test_a_time_without_a_zone_or_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"zone|isoformat"):
        parse_timestamp(text)
