"""Plots of cost against size: small SVG files, written by hand, for light and dark pages."""

import math
from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from tests.benchmarks.figures import Curve

WIDTH: Final = 760
HEIGHT: Final = 320
LEFT: Final = 64
RIGHT: Final = 240
TOP: Final = 36
BOTTOM: Final = 44
COLORS: Final = ("#2f6fde", "#d9622b", "#2a9d6f", "#8a56c7", "#b8860b")
DECADES: Final = 20.0
"""Costs that differ by more than this factor get a logarithmic scale."""
LABEL_GAP: Final = 15.0

_STYLE: Final = (
    "text{font:12px system-ui,sans-serif;fill:#444}.title{font-weight:600;font-size:13px}"
    ".grid{stroke:#ccc;stroke-width:.5}"
    "@media(prefers-color-scheme:dark){text{fill:#bbb}.grid{stroke:#555}}"
)


def plot(title: str, curves: Sequence[Curve]) -> str:
    """An SVG image of some curves, which share their unit.

    Args:
        title: what is shown.
        curves: none of them empty.
    """
    sizes = sorted({size for curve in curves for size, _cost in curve.points})
    costs = [cost for curve in curves for _size, cost in curve.points]
    across = _Scale(math.log10(sizes[0]), math.log10(sizes[-1]), LEFT, WIDTH - RIGHT)
    logarithmic = max(costs) > DECADES * max(min(costs), 1e-9)
    ticks = _decades(costs) if logarithmic else _steps(max(costs))
    up = _Scale(_value(ticks[0], logarithmic), _value(ticks[-1], logarithmic), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<text class="title" x="{LEFT}" y="18">{escape(title)}</text>',
    ]
    for tick in ticks:
        y = up(_value(tick, logarithmic))
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:,g}</text>')
    for size in sizes:
        x = across(math.log10(size))
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size:,}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">events in the storage</text>'
    )
    labels: list[tuple[float, str, str]] = []
    for curve, color in zip(curves, COLORS * len(curves), strict=False):
        places = [(across(math.log10(size)), up(_value(cost, logarithmic))) for size, cost in curve.points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline fill="none" stroke="{color}" stroke-width="2" points="{line}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in places]
        labels.append((places[-1][1], curve.of, color))
    parts += _spread(labels)
    return "\n".join([*parts, "</svg>", ""])


class _Scale:
    """Maps a range of values to a range of places."""

    def __init__(self, low: float, high: float, first: float, last: float) -> None:
        self._low, self._first = low, first
        self._factor = (last - first) / ((high - low) or 1.0)

    def __call__(self, value: float) -> float:
        return self._first + (value - self._low) * self._factor


def _value(cost: float, logarithmic: bool) -> float:
    return math.log10(max(cost, 1e-9)) if logarithmic else cost


def _decades(costs: Sequence[float]) -> list[float]:
    first, last = math.floor(math.log10(max(min(costs), 1e-9))), math.ceil(math.log10(max(costs)))
    return [10.0**exponent for exponent in range(first, last + 1)]


def _steps(highest: float) -> list[float]:
    """Five or so round numbers from 0 to beyond `highest`."""
    rough = max(highest, 1e-9) / 4
    magnitude = 10 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= rough)
    return [step * number for number in range(math.ceil(highest / step) + 1)]


def _spread(labels: list[tuple[float, str, str]]) -> list[str]:
    """Labels at the right ends of their lines, moved apart where they would overlap."""
    parts: list[str] = []
    free = -math.inf
    for y, text, color in sorted(labels):
        place = max(y, free)
        free = place + LABEL_GAP
        x = WIDTH - RIGHT + 10
        parts.append(f'<circle cx="{x}" cy="{place:.1f}" r="4" fill="{color}"/>')
        parts.append(f'<text x="{x + 9}" y="{place + 4:.1f}">{escape(text)}</text>')
    return parts
