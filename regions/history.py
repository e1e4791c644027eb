"""What was ever published of one metric: by country, period by period, correction by correction."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter
from statistics import mode
from types import SimpleNamespace
from typing import NamedTuple, TypeVar

from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext

from itsci_site.lib import charts, languages, text
from itsci_site.lib.periods import Period, Precision
from itsci_site.lib.replica import connection
from itsci_site.lib.translated import Words, joined, words

from .figures import Figure, Table, Total
from .models import Country, Dated, Metric, Reading, Region, Source

Row = TypeVar("Row", Reading, Source)
Value = TypeVar("Value")
NOTHING = Words()
PLAIN = frozenset((Reading.Status.REPORTED.value, Reading.Status.NOT_REPORTED.value))
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


class Said(NamedTuple):
    """A reading as a table prints it, without a row's object for each of hundreds of cells."""

    pk: int
    region_id: int
    period: Period
    as_of: Words
    value: int | None
    status: str
    published_at: datetime
    """In UTC, without saying so."""
    source_id: int
    supersedes_id: int | None

    def get_status_display(self) -> str:
        return str(Reading.Status(self.status).label)


@dataclass(frozen=True, slots=True)
class Correction:
    region: Region
    old: Reading
    new: Reading


class Cell(NamedTuple):
    """A region's latest word on a period. What its row says for all stands empty here."""

    region: Region
    reading: Said | None
    as_of: Words = NOTHING
    published_on: date | None = None
    source: int = 0

    @property
    def status(self) -> str:
        """In words, where it is more than a plain report or a missing one."""
        return "" if self.reading is None or self.reading.status in PLAIN else self.reading.get_status_display()


@dataclass(frozen=True, slots=True)
class PeriodRow:
    """One period of every region. The as-of line, the day and the source are those that most of its readings share."""

    period: Period
    as_of: Words
    published_on: date
    source: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    region: Region
    line: charts.Line
    latest: Said | None
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
    readings: "Readings"

    @property
    def span(self) -> tuple[str, str]:
        """The first and the last period, the same where there is one."""
        return str(self.periods[-1].period), str(self.periods[0].period)


def history(regions: Sequence[Region], metric: Metric, at: datetime | None = None, also: Iterable[Dated] = ()) -> History:
    """Everything public at `at`, by default now, about the regions that ever reported a metric; one query.

    A former province stands beside those it was divided into: nothing here is added up. `also`: further figures of the page,
    whose sources are listed with those of the readings.
    """
    known = Readings(regions, metric, at)
    said = known.said()
    reporting = {reading.region_id for reading in said}
    places = {region.pk: region for region in regions if region.pk in reporting}
    by_pk = known.sources() | {dated.source_id: dated.source for dated in also}
    sources = list(by_pk.values())
    numbers = {pk: number for number, pk in enumerate(by_pk, start=1)}
    by_period: dict[int, dict[int, Said]] = {}
    for reading in said:
        by_period.setdefault(id(reading.period), {}).setdefault(reading.region_id, reading)
    latest = list(by_period.values())
    values = [reading.value for by_region in latest for reading in by_region.values() if reading.value is not None]
    top = charts.nice_top(max(values, default=0))
    return History(
        tuple(places.values()),
        tuple(_row(places, by_region, numbers) for by_region in latest),
        tuple(_corrections(said, known, places)),
        tuple(_drawings(places, latest, top)),
        top,
        tuple(sources),
        known,
    )


JSON = "translated_from"
"""Read as text: of most rows nobody asks for it."""
MOMENT = "published_at"
"""Read without its zone."""


def _columns(model: type[models.Model], *unread: str) -> list[str]:
    """Those that a page may print: of a translated field the columns of its languages, not the one they came from."""
    left_out = {*unread, *languages.fields(model)}
    return [field.attname for field in model._meta.concrete_fields if field.attname not in left_out]


def _selected(table: str, names: list[str]) -> str:
    """As what is cheap to read: a moment with its zone takes Python as long as all the rest of its row."""
    cast = {JSON: "::text", MOMENT: " AT TIME ZONE 'UTC'"}
    return ", ".join(f'{table}."{name}"{cast.get(name, "")}' for name in names)


COLUMNS = _columns(Reading, "authors", "approved_by_id", "series_id", "stage")
OF_SOURCES = _columns(Source)
PLACES = {name: place for place, name in enumerate(COLUMNS)}
REGION = len(COLUMNS)
DATED = [name for name in COLUMNS if name in ("effective_on", "precision", JSON) or name.startswith("period_note")]
"""What an as-of line is made from."""
NOTES = [name for name in DATED if name.startswith("period_note")]
dated = itemgetter(*(PLACES[name] for name in DATED))
printed = itemgetter(*(PLACES[name] for name in ("value", "status", "published_at", "source_id", "supersedes_id")))
# As written, not by the ORM: to put these words together takes Django a third of the time that all of it takes.
# Down to the last tie: a dated page is the same every time. A source comes with the first of its readings alone.
ORDER = "reading.effective_on DESC, reading.published_at DESC, reading.id"
READINGS = f"""
SELECT {_selected("reading", COLUMNS)}, region_id, {_selected("source", OF_SOURCES)}
FROM (
    SELECT reading.*, series.region_id, row_number() OVER (PARTITION BY reading.source_id ORDER BY {ORDER}) AS place
    FROM regions_reading AS reading
    JOIN regions_series AS series ON series.id = reading.series_id
    WHERE series.metric_id = %(metric)s AND series.region_id = ANY(%(regions)s)
          AND reading.published_at <= coalesce(%(known_at)s, statement_timestamp())
) AS reading
LEFT JOIN regions_source AS source ON source.id = reading.source_id AND reading.place = 1
ORDER BY {ORDER}
"""  # noqa: S608 - names of columns


class Readings(Mapping[int, Reading]):
    """Rows of readings and their sources, read once; an object of a row, with its source, is made where one is asked for."""

    def __init__(self, regions: Sequence[Region], metric: Metric, at: datetime | None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(READINGS, {"regions": [region.pk for region in regions], "metric": metric.pk, "known_at": at})
            self._rows: dict[int, tuple] = {row[PLACES["id"]]: row for row in cursor.fetchall()}
        firsts = [row[REGION + 1 :] for row in self._rows.values() if row[REGION + 1] is not None]
        self._sources = {source.pk: source for source in [_object(Source, OF_SOURCES, row) for row in firsts]}

    def said(self) -> list[Said]:
        """All of them, those of the latest period first. A period is one object, whatever is noted on it."""
        periods: dict[tuple[date, str], Period] = {}
        as_of: dict[tuple, tuple[Period, Words]] = {}
        found = []
        for pk, row in self._rows.items():
            key = dated(row)
            if (told := as_of.get(key)) is None:
                one = dict(zip(DATED, key, strict=True))
                day = one["effective_on"], one["precision"]
                if (period := periods.get(day)) is None:
                    period = periods[day] = Period(one["effective_on"], Precision(one["precision"]))
                note = NOTHING
                if any(map(one.get, NOTES)):
                    note = words(SimpleNamespace(**one | {JSON: json.loads(one[JSON])}), "period_note")
                told = as_of[key] = (period, joined(str(period), note))
            found.append(Said(pk, row[REGION], *told, *printed(row)))
        return found

    def sources(self) -> dict[int, Source]:
        """By key, that of the latest period first."""
        return dict(self._sources)

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, pk: object) -> bool:
        return pk in self._rows

    def __getitem__(self, pk: int) -> Reading:
        reading = _object(Reading, COLUMNS, self._rows[pk][:REGION])
        reading.source = self.source(pk)
        return reading

    def source(self, pk: int) -> Source:
        """Of a reading."""
        return self._sources[self._rows[pk][PLACES["source_id"]]]


def _object(model: type[Row], names: list[str], values: tuple) -> Row:
    read = dict(zip(names, values, strict=True))
    read[JSON] = json.loads(read[JSON])
    if MOMENT in read:
        read[MOMENT] = read[MOMENT].replace(tzinfo=UTC)
    return model.from_db("default", names, list(read.values()))


def _row(places: dict[int, Region], by_region: dict[int, Said], numbers: dict[int, int]) -> PeriodRow:
    said = list(by_region.values())
    as_of = _most([reading.as_of for reading in said])
    published_on = _most([reading.published_at.date() for reading in said])
    source = _most([numbers[reading.source_id] for reading in said])

    def cell(region: Region, pk: int) -> Cell:
        reading = by_region.get(pk)
        if reading is None:
            return Cell(region, None)
        day, number = reading.published_at.date(), numbers[reading.source_id]
        return Cell(
            region,
            reading,
            NOTHING if reading.as_of == as_of else reading.as_of,
            None if day == published_on else day,
            0 if number == source else number,
        )

    return PeriodRow(said[0].period, as_of, published_on, source, tuple([cell(region, pk) for pk, region in places.items()]))


def _most(values: list[Value]) -> Value:
    """What most of them are, the first of those that are as many."""
    return values[0] if values.count(values[0]) == len(values) else mode(values)


def _corrections(said: list[Said], known: Readings, places: dict[int, Region]) -> Iterator[Correction]:
    for new in sorted(said, key=lambda reading: reading.published_at, reverse=True):
        if new.supersedes_id is not None and new.supersedes_id in known:
            yield Correction(places[new.region_id], known[new.supersedes_id], known[new.pk])


def _drawings(places: dict[int, Region], latest: list[dict[int, Said]], top: int) -> Iterator[Drawing]:
    in_time = sorted(latest, key=lambda by_region: _period(by_region).first_day)
    days = {id(period): period.first_day.toordinal() for period in map(_period, in_time)}
    first, length = min(days.values(), default=0), max(days.values(), default=0) - min(days.values(), default=0)
    along = {key: (day - first) / length if length else 0.5 for key, day in days.items()}
    for pk, region in places.items():
        said = [by_region[pk] for by_region in in_time if pk in by_region]
        runs = [[(along[id(one.period)], one.value) for one in run if one.value is not None] for run in unbroken(said)]
        yield Drawing(region, charts.line(runs, top), said[-1] if said else None, _in_words(region, said))


def _period(by_region: dict[int, Said]) -> Period:
    return next(iter(by_region.values())).period


def _in_words(region: Region, readings: Sequence[Said]) -> str:
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


def _value(reading: Said) -> int:
    return reading.value or 0


def unbroken(readings: Sequence[Said]) -> list[list[Said]]:
    """Readings of one series in the order of time, parted where a period was not reported or was left out.

    After the year 2015 comes 2016; what comes after a single day nobody can say, so days are joined.
    """
    runs: list[list[Said]] = [[]]
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
