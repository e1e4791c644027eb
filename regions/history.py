"""What was ever published of one metric: by country, period by period, correction by correction."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from statistics import mode

from django.db.models import QuerySet
from django.utils.translation import gettext

from itsci_site.lib import charts, text
from itsci_site.lib.periods import Period, Precision

from .figures import Figure, Table, Total
from .models import Country, Dated, Metric, Reading, Region, Source

MONTHS = {Precision.MONTH: 1, Precision.QUARTER: 3, Precision.YEAR: 12}


@dataclass(frozen=True, slots=True)
class Part:
    """The regions of one country that report a metric. `total` is None where none is due: a whole country, or no sum."""

    country: Country
    figures: tuple[Figure, ...]
    total: Total | None


def by_country(table: Table, metric: Metric) -> list[Part]:
    """One column of a table, country by country; empty where no region of it reports the metric."""
    if metric not in table.metrics:
        return []
    place = table.metrics.index(metric)
    found = []
    for country in table.countries:
        figures = tuple(figure for row in country.rows if (figure := row.figures[place]))
        if figures:
            total = country.totals[place] if country.divided and metric.additive else None
            found.append(Part(country.country, figures, total))
    return found


def stood_back(region: Region, shown: Iterable[Metric], at: datetime | None = None) -> QuerySet[Metric]:
    """What a region has public readings of that no longer count beside those `shown` (docs/decisions/0009)."""
    public = Reading.objects.published(at).filter(series__region=region)
    return Metric.objects.filter(pk__in=public.values("series__metric")).exclude(pk__in=[metric.pk for metric in shown])


@dataclass(frozen=True, slots=True)
class Correction:
    region: Region
    old: Reading
    new: Reading


@dataclass(frozen=True, slots=True)
class Cell:
    """A region's latest word on a period. What its row says for all stands empty here."""

    region: Region
    reading: Reading | None
    as_of: str = ""
    published_on: date | None = None
    source: int = 0

    @property
    def status(self) -> str:
        """In words, where it is more than a plain report or a missing one."""
        plain = (Reading.Status.REPORTED, Reading.Status.NOT_REPORTED)
        return "" if self.reading is None or self.reading.status in plain else self.reading.get_status_display()


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """One period of every region. The as-of line, the day and the source are those that most of its readings share."""

    period: Period
    as_of: str
    published_on: date
    source: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    region: Region
    line: charts.Line
    latest: Reading | None
    in_words: str
    """What the drawing shows at a glance: where it ends, its highest and its lowest point. Empty with fewer than two values."""


@dataclass(frozen=True, slots=True)
class History:
    regions: tuple[Region, ...]
    periods: tuple[PeriodRow, ...]
    """Newest first."""
    corrections: tuple[Correction, ...]
    """The last one first."""
    drawings: tuple[Drawing, ...]
    """One a region, on a common time axis and a common scale from zero to `top`."""
    top: int
    sources: tuple[Source, ...]
    """Numbered from 1 on by their place."""

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last period, the same where there is one."""
        return str(self.periods[-1].period), str(self.periods[0].period)


def history(regions: Sequence[Region], metric: Metric, at: datetime | None = None, also: Iterable[Dated] = ()) -> History:
    """Everything public at `at`, by default now, about the regions that ever reported a metric; one query.

    A former province stands beside those it was divided into: nothing here is added up. `also`: further figures of the page,
    whose sources are listed with those of the readings.
    """
    public = Reading.objects.published(at).filter(series__metric=metric, series__region__in=regions)
    # Down to the last tie: a dated page is the same every time.
    readings = list(public.select_related("series", "source").order_by("-effective_on", "-published_at", "pk"))
    reporting = {reading.series.region_id for reading in readings}
    regions = [region for region in regions if region.pk in reporting]
    sources = list({dated.source_id: dated.source for dated in [*readings, *also]}.values())
    latest: dict[Period, dict[int, Reading]] = {}
    for reading in readings:
        latest.setdefault(reading.period, {}).setdefault(reading.series.region_id, reading)
    values = [reading.value for by_region in latest.values() for reading in by_region.values() if reading.value is not None]
    top = charts.nice_top(max(values, default=0))
    return History(
        tuple(regions),
        tuple(_row(period, regions, latest[period], sources) for period in latest),
        tuple(_corrections(readings, regions)),
        tuple(_drawings(regions, latest, top)),
        top,
        tuple(sources),
    )


def _row(period: Period, regions: Sequence[Region], by_region: dict[int, Reading], sources: list[Source]) -> PeriodRow:
    said = list(by_region.values())
    as_of = mode(reading.as_of for reading in said)
    published_on = mode(_public_from(reading).date() for reading in said)
    source = mode(sources.index(reading.source) + 1 for reading in said)

    def cell(region: Region) -> Cell:
        reading = by_region.get(region.pk)
        if reading is None:
            return Cell(region, None)
        day, number = _public_from(reading).date(), sources.index(reading.source) + 1
        return Cell(
            region,
            reading,
            "" if reading.as_of == as_of else reading.as_of,
            None if day == published_on else day,
            0 if number == source else number,
        )

    return PeriodRow(period, as_of, published_on, source, tuple(cell(region) for region in regions))


def _public_from(reading: Reading) -> datetime:
    """In UTC, as the database hands it out. Only public readings come here, and they have it."""
    return reading.published_at  # type: ignore[return-value]


def _corrections(readings: list[Reading], regions: Sequence[Region]) -> Iterator[Correction]:
    by_pk = {reading.pk: reading for reading in readings}
    places = {region.pk: region for region in regions}
    for new in sorted(readings, key=_public_from, reverse=True):
        if new.supersedes_id in by_pk:
            yield Correction(places[new.series.region_id], by_pk[new.supersedes_id], new)


def _drawings(regions: Sequence[Region], latest: dict[Period, dict[int, Reading]], top: int) -> Iterator[Drawing]:
    days = [period.first_day.toordinal() for period in latest]
    first, length = min(days, default=0), max(days, default=0) - min(days, default=0)
    for region in regions:
        said = sorted(
            (by_region[region.pk] for by_region in latest.values() if region.pk in by_region), key=lambda one: one.effective_on
        )
        runs = [
            [
                ((one.effective_on.toordinal() - first) / length if length else 0.5, one.value)
                for one in run
                if one.value is not None
            ]
            for run in unbroken(said)
        ]
        yield Drawing(region, charts.line(runs, top), said[-1] if said else None, _in_words(region, said))


def _in_words(region: Region, readings: Sequence[Reading]) -> str:
    known = [reading for reading in readings if reading.value is not None]
    if len(known) < 2:
        return ""
    high, low = max(known, key=_value), min(known, key=_value)
    words = gettext("{place}: {last} in {last_period}; highest {high} in {high_period}, lowest {low} in {low_period}.")
    return words.format(
        place=region.name,
        last=text.number(known[-1].value),
        last_period=known[-1].period,
        high=text.number(high.value),
        high_period=high.period,
        low=text.number(low.value),
        low_period=low.period,
    )


def _value(reading: Reading) -> int:
    return reading.value or 0


def unbroken(readings: Sequence[Reading]) -> list[list[Reading]]:
    """Readings of one series in the order of time, parted where a period was not reported or was left out.

    After the year 2015 comes 2016; what comes after a single day nobody can say, so days are joined.
    """
    runs: list[list[Reading]] = [[]]
    for _reported, group in groupby(readings, key=lambda reading: reading.value is not None):
        runs.append([])
        for reading in group if _reported else ():
            if runs[-1] and _left_out(runs[-1][-1].period, reading.period):
                runs.append([])
            runs[-1].append(reading)
    return [run for run in runs if run]


def _left_out(before: Period, after: Period) -> bool:
    """Does time lie between the end of one period and the start of the next?"""
    if before.precision == Precision.DAY:
        return False
    first = before.first_day
    months = (after.first_day.year - first.year) * 12 + after.first_day.month - first.month
    return months > MONTHS[before.precision]
