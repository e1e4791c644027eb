"""figures.table() beside the same answers worked out in plain Python from every row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from itsci_site.lib.publishing import Status
from regions import figures
from regions.models import Metric, Reading, Region, Series, Succession
from tests.factories import (
    FUTURE,
    PAST,
    correct,
    make_country,
    make_metric,
    make_reading,
    make_region,
    make_series,
    make_succession,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 1, tzinfo=UTC)
YEAR = timedelta(days=366)


def in_order() -> list[Region]:
    return list(Region.objects.published().in_order())


@dataclass
class Sums:
    value: int | None
    reported: int
    expected: int


def latest(region: Region, metric: Metric, at: datetime) -> Reading | None:
    """The last public word on a region and metric: the newest period, and of that the newest row."""
    public = [
        reading
        for reading in Reading.objects.all()
        if reading.series.region_id == region.pk
        and reading.series.metric_id == metric.pk
        and reading.published_at is not None
        and reading.published_at <= at
    ]
    public.sort(key=lambda reading: (reading.effective_on, reading.published_at or at))
    return public[-1] if public else None


def counted(regions: list[Region], metric: Metric, at: datetime) -> list[Region]:
    """The regions that report a metric; of a former province and its successors those that speak of the later period."""
    reporting = {series.region_id for series in Series.objects.all() if series.metric_id == metric.pk}
    found = [region for region in regions if region.pk in reporting]

    def period(region: Region) -> date:
        reading = latest(region, metric, at)
        return reading.effective_on if reading else date.min

    for link in Succession.objects.all():
        former = [region for region in found if region.pk == link.predecessor_id]
        parts = [region for region in found if region.pk == link.successor_id]
        for one, other in zip(former, parts, strict=False):
            found.remove(one if period(other) > period(one) else other)
    return found


def summed(regions: Iterable[Region], metric: Metric, at: datetime) -> Sums:
    found = [latest(region, metric, at) for region in regions]
    values = [reading.value for reading in found if reading and reading.value is not None]
    return Sums(sum(values) if metric.additive and values else None, len(values), len(found))


def rank(value: int, values: Iterable[int | None]) -> int:
    return 1 + sum(other is not None and other > value for other in values)


def assert_same(table: figures.Table, regions: list[Region], metrics: list[Metric], at: datetime) -> None:
    """Every cell, rank, subtotal and total of `table` is what plain Python makes of the rows."""
    assert list(table.metrics) == metrics
    assert [row.region for row in table.rows] == regions
    for place, metric in enumerate(metrics):
        reporting = counted(regions, metric, at)
        values = {region: reading.value if (reading := latest(region, metric, at)) else None for region in reporting}
        for row in table.rows:
            figure = row.figures[place]
            if row.region not in reporting:
                assert figure is None
                continue
            assert figure is not None
            assert figure.reading == latest(row.region, metric, at)
            assert figure.value == values[row.region]
            assert figure.of == len(reporting)
            if figure.value is not None:
                assert figure.rank == rank(figure.value, values.values())
                assert figure.value <= table.tops[place]
        total = table.totals[place]
        assert Sums(total.value, total.reported, total.expected) == summed(reporting, metric, at)
        for country in table.countries:
            ours = [region for region in reporting if region.country == country.country]
            total = country.totals[place]
            assert Sums(total.value, total.reported, total.expected) == summed(ours, metric, at)


@pytest.fixture
def awkward() -> tuple[list[Region], list[Metric]]:
    """Two countries and four metrics with all that can be awkward in them. In the order of the page."""
    first, second = make_country(order=1), make_country(order=2)
    former = make_region(first, order=1, kind=Region.Kind.FORMER_PROVINCE)
    east, west = make_region(first, order=2), make_region(first, order=3)
    successor = make_region(first, order=4)
    silent = make_region(first, order=5)  # reports nothing at all
    whole = make_region(second, order=1, kind=Region.Kind.COUNTRY)
    make_succession(former, successor)
    miners, sites, prices, empty = (
        make_metric(order=1),
        make_metric(order=2),
        make_metric(order=3, additive=False),
        make_metric(order=4),
    )
    for region in (former, east, west, successor, whole):
        make_series(region, miners)
    for region in (former, east, whole):
        make_series(region, prices)
    make_series(east, sites)
    make_series(west, sites)
    make_series(whole, empty)

    def series(region: Region, metric: Metric) -> Series:
        return Series.objects.get(region=region, metric=metric)

    make_reading(series(former, miners), 500, date(2016, 1, 1))
    make_reading(series(former, miners), 700, date(2017, 1, 1))
    make_reading(series(successor, miners), 650, date(2018, 1, 1), PAST + YEAR)  # the same people, later
    make_reading(series(east, miners), 700, date(2017, 1, 1))  # a tie
    make_reading(series(east, miners), None, date(2015, 1, 1))
    make_reading(series(east, miners), 800, date(2014, 1, 1), published_at=PAST + YEAR)  # an older period, told later
    make_reading(series(west, miners), 400, date(2016, 1, 1))
    make_reading(series(west, miners), None, date(2017, 1, 1))  # the latest word is "not reported"
    wrong = make_reading(series(whole, miners), 90, date(2017, 1, 1))
    worse = correct(wrong, 900, PAST + YEAR)
    correct(worse, 99, PAST + 3 * YEAR)
    make_reading(series(former, prices), 12)
    make_reading(series(east, prices), 8)
    make_reading(series(whole, prices), 8)
    make_reading(series(east, sites), 0)  # a zero that was counted
    make_reading(series(east, sites), 5, date(2019, 1, 1), published_at=None)  # a draft
    make_reading(series(west, sites), 6, date(2019, 1, 1), published_at=FUTURE)
    return [former, east, west, successor, silent, whole], [miners, sites, prices, empty]


def test_as_of_now(awkward: tuple[list[Region], list[Metric]]) -> None:
    regions, metrics = awkward
    table = figures.table(in_order())
    assert_same(table, regions, metrics, NOW)
    # The same in figures, so that the recomputation above is itself held to something.
    assert [row.figures[0].value if row.figures[0] else "-" for row in table.rows] == ["-", 700, None, 650, "-", 99]
    assert [row.figures[1].value if row.figures[1] else "-" for row in table.rows] == ["-", 0, None, "-", "-", "-"]
    assert [(total.value, total.reported, total.expected) for total in table.totals] == [
        (1449, 3, 4), (0, 1, 2), (None, 3, 3), (None, 0, 1),
    ]  # fmt: skip
    assert table.row(regions[4]).figures == (None, None, None, None)  # silent


@pytest.mark.parametrize(
    "at",
    [PAST - timedelta(seconds=1), PAST, PAST + YEAR, PAST + 3 * YEAR, FUTURE - timedelta(seconds=1), FUTURE],
)
def test_what_the_site_said_on_a_day(awkward: tuple[list[Region], list[Metric]], at: datetime) -> None:
    regions, metrics = awkward
    assert_same(figures.table(in_order(), known_at=at), regions, metrics, at)


@pytest.mark.parametrize(
    ("at", "value"),
    [(PAST - YEAR, None), (PAST, 90), (PAST + YEAR, 900), (PAST + 2 * YEAR, 900), (PAST + 3 * YEAR, 99), (None, 99)],
)
def test_a_chain_of_corrections(at: datetime | None, value: int | None) -> None:
    series = make_series()
    correct(correct(make_reading(series, 90), 900, PAST + YEAR), 99, PAST + 3 * YEAR)
    assert only_figure(at).value == value


def only_figure(at: datetime | None = None) -> figures.Figure:
    table = figures.table(in_order(), known_at=at)
    figure = table.rows[0].figures[0]
    assert len(table.rows) == 1 and figure
    return figure


def test_a_correction_can_withdraw_a_value() -> None:
    first = make_reading(make_series(), 90)
    correct(first, None, PAST + YEAR)
    assert only_figure().value is None


def test_a_correction_that_is_a_draft_changes_nothing() -> None:
    first = make_reading(make_series(), 90)
    correct(first, 91, published_at=None)
    assert only_figure().reading == first


def test_missing_is_never_zero() -> None:
    series, metric = make_series(), Metric.objects.get()
    nothing = only_figure()
    assert (nothing.value, nothing.reading, nothing.bar, nothing.rank_in_words) == (None, None, "", "")
    assert nothing.as_of == "nothing published yet"
    make_reading(series, None)
    missing = only_figure()
    assert (missing.value, missing.bar, missing.as_of) == (None, "", "2017")
    assert figures.table(in_order()).total(metric) == figures.Total(metric, None, 0, 1, missing.width)


def test_zero_is_reported() -> None:
    metric = make_series().metric
    make_reading(Series.objects.get(), 0)
    assert only_figure().value == 0
    total = figures.table(in_order()).total(metric)
    assert total and (total.value, total.coverage) == (0, "")


def test_a_metric_that_does_not_add_up_has_no_total() -> None:
    metric = make_metric(additive=False)
    for value in (3, 4):
        make_reading(make_series(metric=metric), value)
    table = figures.table(in_order())
    totals = [table.totals[0], *(country.totals[0] for country in table.countries)]
    assert [(total.value, total.reported, total.expected) for total in totals] == [(None, 2, 2), (None, 1, 1), (None, 1, 1)]


@pytest.mark.parametrize(
    ("reported", "expected", "english", "french"),
    [
        (6, 6, "", ""),
        (5, 6, "partial: 5 of 6 regions reported", "5 régions sur 6"),
        (0, 1, "partial: 0 of 1 region reported", "0 région sur 1"),
    ],
)
def test_partial_coverage_is_said(reported: int, expected: int, english: str, french: str) -> None:
    metric = make_metric()
    for number in range(expected):
        make_reading(make_series(metric=metric), 1 if number < reported else None)
    total = figures.table(in_order()).totals[0]
    assert total.coverage == english
    with translation.override("fr"):
        assert french in total.coverage and bool(total.coverage) == bool(english)


def divided(metric: Metric, former: dict[int, int | None], *parts: dict[int, int | None] | None) -> list[Region]:
    """A former province and its successors, each with values by year; for None a successor that does not report the metric."""
    country = make_country()
    regions = [make_region(country, order=order) for order in range(len(parts) + 1)]
    for region, years in zip(regions, (former, *parts), strict=True):
        if region != regions[0]:
            make_succession(regions[0], region)
        if years is not None:
            series = make_series(region, metric)
            for year, value in years.items():
                make_reading(series, value, date(year, 1, 1))
    return regions


@pytest.mark.parametrize(
    ("former", "parts", "shown", "total", "coverage"),
    [
        ({2017: 30}, ({2017: 10}, {2017: 21}), [30, "-", "-"], 30, (1, 1)),  # the same period: the former province
        ({2017: 30}, ({2016: 10}, {2016: 21}), [30, "-", "-"], 30, (1, 1)),
        ({2017: 30}, ({2018: 10}, {2018: 21}), ["-", 10, 21], 31, (2, 2)),
        ({2017: 30}, ({2018: 10}, {2016: 21}), ["-", 10, 21], 31, (2, 2)),  # each its own latest, as any region
        ({2017: 30}, ({2018: 10}, {}), ["-", 10, None], 10, (1, 2)),
        ({2017: 30}, ({2018: 10}, None), ["-", 10, "-"], 10, (1, 2)),  # a part that nobody reports is missing all the same
        ({2017: 30}, ({2018: None}, {2017: 21}), ["-", None, 21], 21, (1, 2)),  # "not reported" is a word on 2018
        ({2017: 30}, ({}, {}), [30, "-", "-"], 30, (1, 1)),
        ({2017: None}, ({2016: 10}, {2016: 21}), [None, "-", "-"], None, (0, 1)),
        ({2017: 30, 2019: 33}, ({2018: 10}, {2018: 21}), [33, "-", "-"], 33, (1, 1)),
        ({}, ({2016: 10}, {}), ["-", 10, None], 10, (1, 2)),
        ({}, ({}, {}), [None, "-", "-"], None, (0, 1)),
    ],
)
def test_a_former_province_and_its_successors(
    former: dict[int, int | None],
    parts: tuple[dict[int, int | None] | None, ...],
    shown: list[object],
    total: int | None,
    coverage: tuple[int, int],
) -> None:
    regions = divided(make_metric(), former, *parts)
    table = figures.table(regions)
    assert [row.figures[0].value if row.figures[0] else "-" for row in table.rows] == shown
    for sums in (table.totals[0], table.countries[0].totals[0]):
        assert (sums.value, (sums.reported, sums.expected)) == (total, coverage)
    of = sum(cell != "-" for cell in shown)
    assert {figure.of for row in table.rows for figure in row.figures if figure} == {of}


def test_each_metric_is_handed_over_by_itself() -> None:
    miners, sites = make_metric(order=1), make_metric(order=2)
    regions = divided(miners, {2017: 30}, {2018: 28})
    for region, value in zip(regions, (3, 2), strict=True):
        make_reading(make_series(region, sites), value)
    assert [total.value for total in figures.table(regions).totals] == [28, 3]


def test_a_successor_is_alone_where_the_former_province_is_not_asked_for() -> None:
    regions = divided(make_metric(), {2017: 30}, {2017: 10}, {2018: 21})
    assert figures.table(regions[:1]).totals[0].value == 30
    assert figures.table(regions[1:]).totals[0].value == 31
    assert figures.table(regions[1:2]).totals[0].expected == 1


@pytest.mark.parametrize(
    ("years", "counts"),
    [
        ((2017, 2017, 2017), 0),
        ((2017, 2016, 2018), 2),
        ((2016, 2017, 2017), 1),
        ((2017, None, 2018), 2),
        ((2018, None, 2017), 0),
    ],
)
def test_a_successor_divided_in_its_turn_never_counts_twice(years: tuple[int | None, ...], counts: int) -> None:
    metric, country = make_metric(), make_country()
    regions = [make_region(country, order=order) for order in range(3)]
    make_succession(regions[0], regions[1])
    make_succession(regions[1], regions[2])
    for region, year in zip(regions, years, strict=True):
        if year:
            make_reading(make_series(region, metric), 5, date(year, 1, 1))
    table = figures.table(regions)
    assert [place for place, row in enumerate(table.rows) if row.figures[0]] == [counts]
    assert (table.totals[0].value, table.totals[0].expected) == (5, 1)


def test_a_former_province_counts_again_as_at_a_day_before_its_successors_were_public() -> None:
    former, part = divided(make_metric(), {2017: 30}, {})
    make_reading(part.series.get(), 28, date(2018, 1, 1), PAST + YEAR)
    assert figures.table([former, part]).totals[0].value == 28
    assert figures.table([former, part], known_at=PAST + YEAR - timedelta(seconds=1)).totals[0].value == 30


def test_ranks_leave_room_for_ties_and_skip_the_missing() -> None:
    metric, country = make_metric(), make_country()
    for value in (8, None, 11, 8, 2):
        make_reading(make_series(make_region(country), metric), value)
    ranked = figures.table(in_order()).ranked()
    assert [(figure.value, figure.rank) for figure in ranked] == [(11, 1), (8, 2), (8, 2), (2, 4), (None, 5)]
    assert [figure.rank_in_words for figure in ranked] == [
        "First of five regions", "Second of five regions", "Second of five regions", "Fourth of five regions", "",
    ]  # fmt: skip


def test_other_metrics_and_regions_stay_out() -> None:
    region, elsewhere = make_region(), make_region()
    asked, other = make_metric(), make_metric()
    for place in (region, elsewhere):
        for metric in (asked, other):
            make_reading(make_series(place, metric), 5)
    table = figures.table([region], [asked])
    assert list(table.metrics) == [asked]
    assert [total.value for total in table.totals] == [5]


def test_no_regions_and_no_metrics() -> None:
    assert figures.table([]) == figures.Table((), (), (), ())
    table = figures.table([make_region()], [])
    assert (table.metrics, table.totals, table.ranked()) == ((), (), [])


def test_the_region_of_a_withdrawn_page_is_not_in_the_order() -> None:
    make_region(status=Status.WITHDRAWN)
    make_region(public_from=None)
    make_region(public_from=FUTURE)
    shown = make_region()
    assert in_order() == [shown]


def test_each_figure_says_its_own_as_of_where_they_differ() -> None:
    region = make_region()
    for year in (2016, 2017):
        make_reading(make_series(region, make_metric(order=year)), 1, date(year, 1, 1))
    table = figures.table(in_order())
    assert table.as_of == ""
    assert [figure.as_of for figure in table.rows[0].figures if figure] == ["2016", "2017"]
    assert figures.table(in_order(), Metric.objects.order_by("pk")[:1]).as_of == "2016"


def queries(ask: Callable[[], object]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        ask()
    return len(captured)


def read_all() -> None:
    """What the pages read of a table."""
    table = figures.table(in_order())
    for row in table.rows:
        for figure in row.figures:
            if figure:
                assert figure.code and figure.as_of and figure.reading and figure.reading.source.name
                figures.strip(table, figure)
    assert [total.coverage for total in table.totals]


def test_the_queries_do_not_grow_with_regions_or_history() -> None:
    metric, country = make_metric(), make_country()
    series = make_series(make_region(country), metric)
    make_reading(series, 1)
    alone = queries(read_all)
    for year in range(1968, 2017):
        make_reading(series, year, date(year, 1, 1))
    assert Reading.objects.count() == 50
    assert queries(read_all) == alone
    for _more in range(2):
        make_reading(make_series(make_region(make_country()), metric), 2)
    make_reading(make_series(Region.objects.latest("pk"), make_metric()), 3)
    assert queries(read_all) == alone == 4
