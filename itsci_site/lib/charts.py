"""Geometry of the small charts: numbers in, SVG path data out. Every chart starts at zero."""

from collections.abc import Sequence
from dataclasses import dataclass

STEPS = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def nice_top(largest: int) -> int:
    """The top of a scale that holds `largest`: 17,466 -> 20,000, 893 -> 1,000, 11 -> 12; 10 where nothing is larger than 0."""
    if largest < 10:
        return 10
    power = 10 ** (len(str(largest)) - 1)
    return next(int(step * power) for step in STEPS if step * power >= largest)


def bar(value: int | None, top: int) -> str:
    """Path data of a bar in a 100 x 10 box, `top` filling it. Empty for a missing value: a gap is not a bar of no length."""
    if value is None:
        return ""
    return f"M0 0H{value / top * 100:.4g}V10H0z"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a strip. `path` is empty where the value is missing."""

    code: str
    path: str
    label_x: float
    own: bool


@dataclass(frozen=True, slots=True)
class Strip:
    columns: list[Column]
    width: int
    """The height is 60 units, and 16 more for the codes below."""


COLUMN, GAP, HEIGHT = 28, 6, 60


def strip(values: Sequence[tuple[str, int | None]], own: str) -> Strip:
    """Columns of (code, value) in the given order, the largest 60 units high; `own` is the code in focus."""
    largest = max((value for _code, value in values if value is not None), default=0) or 1
    columns = []
    for place, (code, value) in enumerate(values):
        x = place * (COLUMN + GAP)
        height = round((value or 0) / largest * HEIGHT, 1)
        path = "" if value is None else f"M{x} {HEIGHT}v-{height:g}h{COLUMN}v{height:g}z"
        columns.append(Column(code, path, x + COLUMN / 2, code == own))
    return Strip(columns, len(columns) * (COLUMN + GAP) - GAP)


@dataclass(frozen=True, slots=True)
class Line:
    """Path data in a box of 160 x 64; zero lies at 60. `path` joins values, `dots` marks the last and each that is alone."""

    path: str
    dots: str


LINE_WIDTH, ZERO, EDGE = 160, 60, 4


def line(runs: Sequence[Sequence[tuple[float, int]]], top: int) -> Line:
    """Unbroken runs of (place on the time axis from 0 to 1, value), on a scale from zero to `top`. Between runs is a gap."""
    drawn = [
        [f"{EDGE + place * (LINE_WIDTH - 2 * EDGE):.4g} {ZERO - value / top * (ZERO - EDGE):.4g}" for place, value in run]
        for run in runs
    ]
    alone = [run[0] for run in drawn if len(run) == 1]
    last = [run[-1] for run in drawn[-1:] if len(run) > 1]
    path = "".join("M" + "L".join(run) for run in drawn if len(run) > 1)
    return Line(path, "".join(f"M{point}h0" for point in alone + last))
