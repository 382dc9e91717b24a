"""The benchmarks' own arithmetic: medians of rounds, ratios taken in turns, targets, plots."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.benchmarks.figures import Curve, Row, at_least, at_most, figure, is_zero, quantile
from tests.benchmarks.machine import Machine
from tests.benchmarks.plots import plot
from tests.benchmarks.report import Run, in_words, number, write_page


def test_a_ratio_is_taken_round_by_round() -> None:
    ratio = figure("a", "/s", [10, 40, 30]) / figure("b", "/s", [10, 20, 10])
    assert list(ratio.rounds) == [1, 2, 3]
    assert ratio.median == 2


def test_the_median_decides_whether_a_target_is_reached() -> None:
    rates = figure("a", "/s", [1, 9, 10])
    assert at_least(9, rates, "≥ 9").met
    assert not at_least(9.5, rates, "≥ 9.5").met
    assert at_most(9, rates, "≤ 9").met
    assert not at_most(8.5, rates, "≤ 8.5").met


def test_what_could_not_be_measured_is_neither_reached_nor_missed() -> None:
    assert at_least(9, None, "≥ 9").met is None
    assert at_most(9, None, "≤ 9").reached is None


def test_none_of_something_is_a_target_too() -> None:
    assert is_zero(0, "no time-out").met
    assert not is_zero(1, "no time-out").met


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 51), (0.99, 100), (1.0, 100)])
def test_a_quantile_is_one_of_the_values(share: float, value: float) -> None:
    assert quantile(range(100, 0, -1), share) == value


@pytest.mark.parametrize(("value", "text"), [(0.1234, "0.12"), (12.34, "12.3"), (1234.5, "1,234"), (1e6, "1,000,000")])
def test_numbers_have_as_many_digits_as_they_deserve(value: float, text: str) -> None:
    assert number(value) == text


def test_a_figure_shows_its_spread() -> None:
    assert in_words(figure("a", "ms", [3, 1, 2])) == "2.00 ms (1.00 to 3.00)"
    assert in_words(figure("a", "/s", [250])) == "250/s"


def test_the_page_has_a_line_for_each_row_and_an_image_for_each_plot(tmp_path: Path) -> None:
    machine = Machine("Linux", "a processor", 2, 4096, "ext4", 0.5, "3.11", "3.54", 0.0, 1.0, 6.1)
    reads = figure("Arc", "ms", [1, 2, 3])
    rows = [Row("read", "a read", (reads,), (at_most(1, reads, "≤ 1 ms"),)), Row("b", "b", notes=("skipped: no wrk",))]
    curves = [Curve("reads", "a read", "ms", ((1_000, 1.0), (10_000, 1.1)))]
    write_page(Run("2027-01-15", "1.0", 5, 2, 60.0, machine, rows, curves), tmp_path / "performance.md")
    page = (tmp_path / "performance.md").read_text()
    assert "| a read | Arc: 2.00 ms (1.00 to 3.00) | ≤ 1 ms | ✗ 2.00 ms (1.00 to 3.00) |" in page
    assert "<small>skipped: no wrk</small>" in page
    assert "](performance/reads.svg)" in page
    assert (tmp_path / "performance" / "reads.svg").exists()


@pytest.mark.parametrize("costs", [(1.0, 1.5), (1.0, 1000.0), (0.0, 0.0), (7.0,)])
def test_a_plot_is_an_image_with_a_line_for_each_curve(costs: tuple[float, ...]) -> None:
    points = tuple(zip((1_000, 1_000_000), costs, strict=False))
    image = ET.fromstring(plot("Reads & more", [Curve("reads", name, "ms", points) for name in ("<a>", "b")]))  # noqa: S314
    name = "{http://www.w3.org/2000/svg}"
    assert image.findtext(f"{name}title") == "Reads & more"
    assert len(image.findall(f"{name}polyline")) == 2
    assert len(image.findall(f"{name}circle")) == 2 * len(points) + 2
