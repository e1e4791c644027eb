import re
from itertools import pairwise

import pytest

from itsci_site.lib import charts


@pytest.mark.parametrize(
    ("largest", "top"),
    [(0, 10), (9, 10), (10, 10), (11, 12), (12, 12), (893, 1000), (1000, 1000), (1001, 1200), (17466, 20000), (99999, 100000)],
)
def test_nice_top(largest: int, top: int) -> None:
    assert charts.nice_top(largest) == top


def test_every_scale_holds_its_largest_and_little_more() -> None:
    for largest in [*range(10, 3000), *(10**power + step for power in range(4, 19) for step in (-1, 0, 1))]:
        top = charts.nice_top(largest)
        assert largest <= top <= largest * 1.5
        assert str(top).rstrip("0") in {"1", "12", "15", "2", "25", "3", "4", "5", "6", "8"}


def width(path: str) -> float:
    match = re.fullmatch(r"M0 0H([\d.e+-]+)V10H0z", path)
    assert match, path
    return float(match[1])


@pytest.mark.parametrize(
    ("value", "top", "share"), [(0, 10, 0), (5, 10, 50), (10, 10, 100), (17466, 20000, 87.33), (1, 20000, 0.005)]
)
def test_a_bar_is_as_long_as_its_value(value: int, top: int, share: float) -> None:
    assert width(charts.bar(value, top)) == pytest.approx(share)


def test_a_missing_value_is_no_bar_and_zero_is_an_empty_one() -> None:
    assert charts.bar(None, 10) == ""
    assert charts.bar(0, 10) != ""


def heights(strip: charts.Strip) -> list[float | None]:
    found: list[float | None] = []
    for column in strip.columns:
        match = re.fullmatch(r"M\d+ 60v-([\d.]+)h28v([\d.]+)z", column.path)
        assert match or column.path == "", column.path
        assert match is None or match[1] == match[2]
        found.append(float(match[1]) if match else None)
    return found


def test_strip() -> None:
    strip = charts.strip([("KA", 20), ("MA", None), ("SK", 0), ("NK", 5)], own="SK")
    assert heights(strip) == [60, None, 0, 15]
    assert [column.code for column in strip.columns if column.own] == ["SK"]
    assert [column.label_x for column in strip.columns] == [14, 48, 82, 116]
    assert strip.width == 116 + 14


@pytest.mark.parametrize("values", [[None], [0], [0, None]])
def test_strip_of_nothing(values: list[int | None]) -> None:
    strip = charts.strip([(str(place), value) for place, value in enumerate(values)], own="0")
    assert heights(strip) == values


def test_columns_do_not_touch() -> None:
    strip = charts.strip([(str(number), number) for number in range(10)], own="0")
    assert all(two.label_x - one.label_x > charts.COLUMN for one, two in pairwise(strip.columns))
