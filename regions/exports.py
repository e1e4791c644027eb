"""Every public reading as open data: columns, rows, and the regions' outlines with their latest figures.

Call what queries inside `past()` (versions.py) and give it the moment; the rows of a long history stream from a cursor of the
database, so that memory does not grow with it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.exports import Column, moment, plain, record
from itsci_site.lib.periods import Precision
from itsci_site.lib.replica import atomic

from . import figures
from .models import Country, Metric, Reading, Region, Series

ROWS_A_FETCH = 2000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which figures a download holds: those known at a moment, of one region, country or metric, of periods within two days."""

    at: datetime
    """What was public then; for a download without a day the moment it was asked for."""
    day: date | None = None
    """The past day asked for. Queries then stand inside `past(at)`."""
    region: Region | None = None
    country: Country | None = None
    metric: Metric | None = None
    since: date | None = None
    until: date | None = None

    @property
    def past(self) -> datetime | None:
        return self.at if self.day else None

    def holds(self, first_day: date) -> bool:
        """Does a period that begins on this day begin within the days asked for?"""
        return (self.since is None or self.since <= first_day) and (self.until is None or first_day <= self.until)


@dataclass(frozen=True, slots=True)
class PublicReading:
    """A reading as a row of a file."""

    region: Region
    metric: Metric
    effective_on: date
    precision: str
    period_note_en: str | None
    period_note_fr: str | None
    value: int | None
    status: str
    source_en: str | None
    source_fr: str | None
    published_at: datetime | None
    """None for a draft, which only staff see."""
    corrected_at: datetime | None
    """When the reading that this one corrects became public."""
    correction_at: datetime | None
    """When the reading that corrects this one became public."""
    reason_en: str | None
    reason_fr: str | None
    latest: bool

    @property
    def tag(self) -> str:
        return f"{self.region.code}-{self.metric.code}"

    def key(self, published_at: datetime | None) -> str | None:
        """What tells a reading of this region, metric and period from all others: the moment it became public."""
        if published_at is None:
            return None
        return f"{self.tag}:{self.effective_on}:{self.precision}:{moment(published_at)}"


READINGS: tuple[Column, ...] = (
    Column("record", "string", _("What the row holds: a region’s reading, or a headline published for the whole programme."),
           lambda row: "reading", required=True, values=("reading", "headline")),
    Column("id", "string", _("Names this row for good: tag, period, and for a reading the moment it became public."),
           lambda row: row.key(row.published_at), required=True),
    Column("tag", "string", _("The figure’s code on the pages: place, hyphen, measure. ALL is the whole programme."),
           lambda row: row.tag, required=True),
    Column("country", "string", _("ISO 3166-1 code of the region’s country."), lambda row: row.region.country.iso_code),
    Column("region", "string", _("The region, as its page’s address spells it."), lambda row: row.region.slug),
    Column("region_en", "string", _("The region’s name in English."), lambda row: row.region.name_en),
    Column("region_fr", "string", _("The region’s name in French."), lambda row: row.region.name_fr),
    Column("metric", "string", _("What is counted, as its page’s address spells it."), lambda row: row.metric.slug,
           required=True),
    Column("metric_en", "string", _("What is counted, in English."), lambda row: row.metric.name_en),
    Column("metric_fr", "string", _("What is counted, in French."), lambda row: row.metric.name_fr),
    Column("period_start", "date", _("First day of the period the figure speaks of."), lambda row: row.effective_on,
           required=True),
    Column("precision", "string", _("How long that period is. A figure of a year may speak of any day in it."),
           lambda row: row.precision, required=True, values=tuple(Precision.values)),
    Column("period_note_en", "string", _("A note on the period, in English, like “date not stated”."),
           lambda row: row.period_note_en),
    Column("period_note_fr", "string", _("The same note in French."), lambda row: row.period_note_fr),
    Column("value", "integer", _("The reading. Empty: not reported, never 0. Headlines stand in a column of their own."),
           lambda row: row.value),
    Column("status", "string", _("How firm the reading is."), lambda row: row.status, values=tuple(Reading.Status.values)),
    Column("source_en", "string", _("Where the figure comes from, in English."), lambda row: row.source_en),
    Column("source_fr", "string", _("Where the figure comes from, in French."), lambda row: row.source_fr),
    Column("published_at", "datetime", _("When the figure became public on this site (UTC), not when it was first printed."),
           lambda row: row.published_at, required=True),
    Column("supersedes", "string", _("The id of the reading that this one corrects."), lambda row: row.key(row.corrected_at)),
    Column("superseded_by", "string", _("The id of the reading that corrects this one."),
           lambda row: row.key(row.correction_at)),
    Column("reason_en", "string", _("Why the figure was corrected, in English."), lambda row: row.reason_en),
    Column("reason_fr", "string", _("Why the figure was corrected, in French."), lambda row: row.reason_fr),
    Column("latest", "boolean", _("True where pages show the figure as the latest and totals count it."),
           lambda row: row.latest, required=True),
)  # fmt: skip


DEFINITIONS: tuple[Column, ...] = (
    Column("metric", "string", _("What is counted, as its page’s address spells it."), lambda row: row.slug, required=True),
    Column("code", "string", _("The measure’s part of a tag."), lambda row: row.code, required=True),
    Column("metric_en", "string", _("What is counted, in English."), lambda row: row.name_en),
    Column("metric_fr", "string", _("What is counted, in French."), lambda row: row.name_fr),
    Column("definition_en", "string", _("What the source says is counted, in English."), lambda row: row.definition_en),
    Column("definition_fr", "string", _("What the source says is counted, in French."), lambda row: row.definition_fr),
    Column("unit_en", "string", _("The unit, in English."), lambda row: row.unit_en),
    Column("unit_fr", "string", _("The unit, in French."), lambda row: row.unit_fr),
    Column("additive", "boolean", _("True where regions add up. If not, no total is ever shown."), lambda row: row.additive),
)
PLACES: tuple[Column, ...] = (
    Column("region", "string", _("The region, as its page’s address spells it."), lambda row: row.slug, required=True),
    Column("code", "string", _("The region’s part of a tag."), lambda row: row.code, required=True),
    Column("name_en", "string", _("The region’s name in English."), lambda row: row.name_en),
    Column("name_fr", "string", _("The region’s name in French."), lambda row: row.name_fr),
    Column("kind", "string", _("What it is to its country."), lambda row: row.kind, values=tuple(Region.Kind.values)),
    Column("country", "string", _("ISO 3166-1 code of the region’s country."), lambda row: row.country.iso_code),
    Column("country_en", "string", _("The country’s name in English."), lambda row: row.country.name_en),
    Column("country_fr", "string", _("The country’s name in French."), lambda row: row.country.name_fr),
)
SOURCES: tuple[Column, ...] = (
    Column("source_en", "string", _("The source’s name in English."), lambda row: row.name_en, required=True),
    Column("source_fr", "string", _("The source’s name in French."), lambda row: row.name_fr),
    Column("publisher_en", "string", _("Who published it, in English."), lambda row: row.publisher_en),
    Column("publisher_fr", "string", _("Who published it, in French."), lambda row: row.publisher_fr),
    Column("address", "string", _("Its address. Empty where none is given."), lambda row: row.address),
    Column("note_en", "string", _("What a reader should know of it, in English."), lambda row: row.note_en),
    Column("note_fr", "string", _("What a reader should know of it, in French."), lambda row: row.note_fr),
)


def public_readings(at: datetime) -> QuerySet[Reading]:
    """Of the public regions, superseded ones among them."""
    return Reading.objects.published(at).filter(series__region__in=Region.objects.published(at))


def readings(selection: Selection) -> Iterator[PublicReading]:
    """Country by country in the order of the tables, oldest period first, a correction after what it corrects."""
    regions = {region.pk: region for region in Region.objects.published(selection.at).in_order()}
    latest = _latest(list(regions.values()), selection.at)
    series = _series(selection, regions).select_related("metric")
    places = {one.pk: (regions[one.region_id], one.metric) for one in series}
    # Subqueries on an index each, whatever statistics there are: joins of so long a table with itself went wrong by minutes
    # where Postgres had none yet. The default order would join five tables into them.
    corrected = Reading.objects.filter(pk=OuterRef("supersedes")).order_by().values("published_at")
    correction = Reading.objects.published(selection.at).filter(supersedes=OuterRef("pk")).order_by().values("published_at")
    found = (
        _within(Reading.objects.published(selection.at), selection)
        .filter(series__in=places)
        .annotate(corrected_at=Subquery(corrected), correction_at=Subquery(correction))
        .order_by(
            "series__region__country__order", "series__region__order", "series__region__slug",
            "series__metric__order", "series__metric__slug", "effective_on", "precision", "published_at",
        )
        .values_list(
            "pk", "series", "effective_on", "precision", "period_note_en", "period_note_fr", "value", "status",
            "source__name_en", "source__name_fr", "published_at", "corrected_at", "correction_at",
            "reason_en", "reason_fr",
        )
    )  # fmt: skip
    with atomic():  # a cursor of the database lives as long as its transaction
        for pk, place, *rest in found.iterator(chunk_size=ROWS_A_FETCH):
            yield PublicReading(*places[place], *rest, pk in latest)  # type: ignore[call-arg]


def of_staff(readings: QuerySet[Reading]) -> Iterator[PublicReading]:
    """The readings of a query in its order, drafts among them. A draft has no id: what names a reading is its moment."""
    series = Series.objects.select_related("region__country", "metric").defer("region__outline")
    places = {one.pk: (one.region, one.metric) for one in series}
    latest = _latest(list(Region.objects.published().in_order()), timezone.now())
    found = readings.values_list(
        "pk", "series", "effective_on", "precision", "period_note_en", "period_note_fr", "value", "status",
        "source__name_en", "source__name_fr", "published_at", "supersedes__published_at", "superseded_by__published_at",
        "reason_en", "reason_fr",
    )  # fmt: skip
    with atomic():
        for pk, place, *rest in found.iterator(chunk_size=ROWS_A_FETCH):
            yield PublicReading(*places[place], *rest, pk in latest)  # type: ignore[call-arg]


def count(selection: Selection) -> int:
    """How many rows `readings` gives."""
    regions = Region.objects.published(selection.at)
    return _within(Reading.objects.published(selection.at), selection).filter(series__in=_series(selection, regions)).count()


def features(selection: Selection) -> list[dict[str, Any]]:
    """The regions as GeoJSON features with the figures that the pages show, each metric's below its own address."""
    regions = list(Region.objects.published(selection.at).in_order().with_outline())
    metrics = [selection.metric] if selection.metric else None
    table = figures.table(regions, metrics, selection.at)
    return [
        {
            "type": "Feature",
            "id": row.region.slug,
            "geometry": row.region.outline,
            "properties": _properties(row, selection),
        }
        for row in table.rows
        if selection.region in (None, row.region) and selection.country in (None, row.region.country)
    ]


def _properties(row: figures.Row, selection: Selection) -> dict[str, Any]:
    known = record(PLACES, row.region)
    for figure in row.figures:
        if figure and figure.reading and selection.holds(figure.reading.effective_on):
            reading, name = figure.reading, figure.metric.slug
            known |= {
                f"{name}.value": reading.value,
                f"{name}.status": reading.status,
                f"{name}.period_start": plain(reading.effective_on),
                f"{name}.precision": reading.precision,
                f"{name}.published_at": plain(reading.published_at),
            }
    return known


def _latest(regions: Sequence[Region], at: datetime) -> set[int]:
    """The readings that pages show, from the same statement as the pages."""
    rows = figures.table(regions, known_at=at).rows
    return {figure.reading.pk for row in rows for figure in row.figures if figure and figure.reading}


def _series(selection: Selection, regions: Iterable[Any]) -> QuerySet[Series]:
    series = Series.objects.filter(region__in=regions)
    if selection.region:
        series = series.filter(region=selection.region)
    if selection.country:
        series = series.filter(region__country=selection.country)
    if selection.metric:
        series = series.filter(metric=selection.metric)
    return series


def _within(readings: QuerySet[Reading], selection: Selection) -> QuerySet[Reading]:
    if selection.since:
        readings = readings.filter(effective_on__gte=selection.since)
    if selection.until:
        readings = readings.filter(effective_on__lte=selection.until)
    return readings
