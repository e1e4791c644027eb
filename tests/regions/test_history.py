"""The history of a metric: what joins, what breaks, what is said once a row. Geometry of its drawings."""

from datetime import UTC, date, datetime

import pytest

from itsci_site.lib import charts
from itsci_site.lib.periods import Period, Precision
from regions.history import NOTHING, Said, history, unbroken
from tests import factories

YEAR, QUARTER, MONTH, DAY = Precision.YEAR, Precision.QUARTER, Precision.MONTH, Precision.DAY


def reading(day: str, precision: Precision, value: int | None = 1) -> Said:
    return Said(1, 1, Period(date.fromisoformat(day), precision), NOTHING, value, "reported", factories.PAST, 1, None)


@pytest.mark.parametrize(
    ("periods", "runs"),
    [
        ([], []),
        ([("2015-01-01", YEAR, 1)], [1]),
        ([("2015-01-01", YEAR, 1), ("2016-01-01", YEAR, 0)], [2]),
        ([("2015-01-01", YEAR, 1), ("2017-01-01", YEAR, 1)], [1, 1]),
        ([("2015-01-01", YEAR, 1), ("2016-01-01", YEAR, None), ("2017-01-01", YEAR, 1)], [1, 1]),
        ([("2015-01-01", YEAR, None), ("2016-01-01", YEAR, None)], []),
        ([("2015-10-01", QUARTER, 1), ("2016-01-01", QUARTER, 1), ("2016-07-01", QUARTER, 1)], [2, 1]),
        ([("2015-12-01", MONTH, 1), ("2016-01-01", MONTH, 1), ("2016-03-01", MONTH, 1)], [2, 1]),
        ([("2015-01-01", YEAR, 1), ("2016-01-01", QUARTER, 1), ("2016-04-01", QUARTER, 1)], [3]),
        ([("2015-03-04", DAY, 1), ("2016-11-30", DAY, 1)], [2]),
    ],
)
def test_a_line_breaks_where_a_period_is_missing(periods: list[tuple[str, Precision, int | None]], runs: list[int]) -> None:
    assert [len(run) for run in unbroken([reading(*period) for period in periods])] == runs


@pytest.mark.parametrize(
    ("runs", "path", "dots"),
    [
        ([], "", ""),
        ([[(0.5, 10)]], "", "M80 4h0"),
        ([[(0, 0), (1, 10)]], "M4 60L156 4", "M156 4h0"),
        ([[(0, 5)], [(0.5, 0), (1, 10)]], "M80 60L156 4", "M4 32h0M156 4h0"),
        ([[(0, 0), (0.5, 10)], [(1, 5)]], "M4 60L80 4", "M156 32h0"),
    ],
)
def test_values_are_joined_on_a_scale_from_zero(runs: list[list[tuple[float, int]]], path: str, dots: str) -> None:
    assert charts.line(runs, 10) == charts.Line(path, dots)


@pytest.mark.django_db
def test_a_row_says_once_what_its_readings_share() -> None:
    metric = factories.make_metric()
    series = [factories.make_series(metric=metric) for _number in range(3)]
    first, second = factories.make_source(), factories.make_source()
    for one in series[:2]:
        factories.make_reading(one, 5, source=first, period_note_en="undated")
    later = datetime(2021, 2, 3, tzinfo=UTC)
    factories.make_reading(series[2], 6, published_at=later, source=second)
    (row,) = history([one.region for one in series], metric).periods
    assert (row.as_of, row.published_on, row.source) == ("2017, undated", factories.PAST.date(), 2)
    assert [(cell.as_of, cell.published_on, cell.source) for cell in row.cells] == [
        ("", None, 0),
        ("", None, 0),
        ("2017", later.date(), 1),
    ]


@pytest.mark.django_db
def test_only_what_is_public_counts_and_a_correction_replaces_its_period() -> None:
    metric = factories.make_metric()
    series, other = factories.make_series(metric=metric), factories.make_series()
    old = factories.make_reading(series, 5)
    new = factories.correct(old, 50, datetime(2021, 1, 1, tzinfo=UTC))
    factories.make_reading(series, 777, date(2018, 1, 1), None)
    factories.make_reading(series, 777, date(2019, 1, 1), factories.FUTURE)
    factories.make_reading(other, 777)
    found = history([series.region, other.region], metric)
    assert [[cell.reading.pk for cell in row.cells if cell.reading] for row in found.periods] == [[new.pk]]
    assert {pk: found.readings[pk] for pk in found.readings} == {old.pk: old, new.pk: new}
    assert [(one.old, one.new) for one in found.corrections] == [(old, new)]
    assert (found.top, found.regions) == (50, (series.region,))
    before = history([series.region], metric, datetime(2020, 6, 1, tzinfo=UTC))
    assert [[cell.reading.pk for cell in row.cells if cell.reading] for row in before.periods] == [[old.pk]]
    assert (before.corrections, before.top) == ((), 10)
