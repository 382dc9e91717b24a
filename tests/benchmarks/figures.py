"""What a benchmark gives: figures with their rounds, and targets that are met or not."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

ARC: Final = "Arc"
ARC_011: Final = "Arc 0.1.1"
OTHER: Final = "the other checkout"
NOISE: Final = 1.05
"""What noise can make of equal costs."""
RATE: Final = "/s"
"""The unit of figures of which more is better; of all others less is."""


class Missing(Exception):
    """This machine lacks something that a benchmark needs; the text says what, and how to get it."""


class Figure(Struct, frozen=True):
    """Something measured a number of times.

    Attributes:
        of: whose figure it is.
        unit: what is counted.
        rounds: what each round gave, in order; never empty.
    """

    of: str
    unit: str
    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def lowest(self) -> float:
        return min(self.rounds)

    @property
    def highest(self) -> float:
        return max(self.rounds)

    def __truediv__(self, other: "Figure") -> "Figure":
        """How many times the other one this is, round by round, as the rounds were taken in turns."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return Figure(f"{self.of} / {other.of}", "×", tuple(mine / its for mine, its in pairs if its))


class Target(Struct, frozen=True):
    """One thing that was to be reached.

    Attributes:
        wanted: in words, such as `≥ 8 × 0.1.1`.
        reached: the median; None when it could not be measured.
        unit: of `reached`.
        met: whether it was reached; None when it could not be measured.
        rounds: the spread of `reached`.
    """

    wanted: str
    reached: float | None = None
    unit: str = ""
    met: bool | None = None
    rounds: tuple[float, ...] = ()


class Row(Struct, frozen=True):
    """One line of the table.

    Attributes:
        name: a short name, unique.
        what: what was measured.
        figures: what came out.
        targets: what was wanted.
        notes: what else a reader should know; what was skipped and why among it.
    """

    name: str
    what: str
    figures: tuple[Figure, ...] = ()
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()


class Curve(Struct, frozen=True):
    """The cost of something against the size of the storage.

    Attributes:
        plot: the plot that it belongs to.
        of: what it is the cost of.
        unit: of the cost.
        points: pairs of the number of events and the cost.
    """

    plot: str
    of: str
    unit: str
    points: tuple[tuple[int, float], ...]


def figure(of: str, unit: str, rounds: Iterable[float]) -> Figure:
    """A figure of some rounds."""
    return Figure(of, unit, tuple(rounds))


def at_least(least: float, reached: Figure | None, wanted: str) -> Target:
    """A target that is met from `least` on; `reached` is None when it could not be measured."""
    if reached is None:
        return Target(wanted)
    return Target(wanted, reached.median, reached.unit, reached.median >= least, reached.rounds)


def at_most(most: float, reached: Figure | None, wanted: str) -> Target:
    """A target that is met up to `most`; `reached` is None when it could not be measured."""
    if reached is None:
        return Target(wanted)
    return Target(wanted, reached.median, reached.unit, reached.median <= most, reached.rounds)


def with_other(row: Row) -> Row:
    """A row whose last target is that ours is not worse than the other checkout beyond the spread of both.

    Rows that have no figure of another checkout are given back as they are; CPU has a narrower target of its own.
    """
    rounds = {one.of: one for one in row.figures}
    if ARC not in rounds or OTHER not in rounds or any(OTHER in target.wanted for target in row.targets):
        return row
    ours, other = rounds[ARC], rounds[OTHER]
    is_rate = ours.unit == RATE
    met = ours.highest * NOISE >= other.lowest if is_rate else ours.lowest <= other.highest * NOISE
    target = Target(f"not worse than {OTHER} beyond the spread", ours.median / other.median, "×", met)
    return replace(row, targets=(*row.targets, target))


def is_zero(count: int, wanted: str) -> Target:
    """A target that is met by none of something."""
    return Target(wanted, count, "", count == 0)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed, from 0 to 1."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
