"""The figures as open data: the programmes' headlines beside the regions' sums, then every public reading.

One table holds both kinds of rows (docs/open-data.md), so that no download is without the sums and their differences.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.exports import Cell, Column
from itsci_site.lib.languages import key
from itsci_site.lib.statements import Statement
from regions import exports, figures
from regions.exports import Selection
from regions.models import Metric, Reading, Region, Source, Version

from .models import Headline, Programme
from .reconcile import Reconciliation, reconcile


@dataclass(frozen=True, slots=True)
class PublicHeadline:
    headline: Headline
    programme: Programme
    beside: Reconciliation | None
    """None for a headline that a later one of its metric has replaced: the sums are those of the latest readings."""

    @property
    def id(self) -> str:
        return f"{self.headline.code}:{self.headline.effective_on}:{self.headline.precision}:{self.programme.slug}"

    @property
    def reason_fr(self) -> str | None:
        """None where it is the translation of an earlier reason."""
        stale = key("fr", "correction_reason") in (self.headline.translated_from or {})
        return None if stale else self.headline.correction_reason_fr  # type: ignore[attr-defined]

    @property
    def sum(self) -> int | None:
        return self.beside.total.value if self.beside and self.beside.total else None

    @property
    def reported(self) -> int | None:
        return self.beside.total.reported if self.beside and self.beside.total else None

    @property
    def expected(self) -> int | None:
        return self.beside.total.expected if self.beside and self.beside.total else None

    @property
    def difference(self) -> int | None:
        return self.beside.difference if self.beside else None


_SHARED = {column.name: column for column in exports.READINGS}
_OWN: tuple[Column, ...] = (
    Column("programme", "string", _("The programme that published the headline, as its page’s address spells it."),
           lambda row: row.programme.slug),
    Column("headline", "integer", _("The figure published for the whole. It is never part of a sum."),
           lambda row: row.headline.value),
    Column("headline_en", "string", _("What the headline says it counts, in English."), lambda row: row.headline.label_en),
    Column("headline_fr", "string", _("What the headline says it counts, in French."), lambda row: row.headline.label_fr),
    Column("comparison", "string", _("Whether the regions’ sum is the same measure, another one, or there is none."),
           lambda row: row.headline.comparison, values=tuple(Headline.Beside.values)),
    Column("sum_metric", "string", _("The metric of the regions that stands beside the headline."),
           lambda row: row.headline.beside.slug if row.headline.beside else None),
    Column("sum_of_regions", "integer", _("The sum of that metric’s latest readings, over all regions of the programme."),
           lambda row: row.sum),
    Column("regions_reported", "integer", _("How many regions that sum holds a value of."), lambda row: row.reported),
    Column("regions_expected", "integer", _("How many regions should be in it. The sum is partial where fewer reported."),
           lambda row: row.expected),
    Column("difference", "integer",
           _("Headline less sum, with its sign. Empty where the two are not the same measure or the sum is partial."),
           lambda row: row.difference),
    Column("explanation_en", "string", _("What is known of the difference, in English."),
           lambda row: row.headline.explanation_en),
    Column("explanation_fr", "string", _("What is known of the difference, in French."),
           lambda row: row.headline.explanation_fr),
)  # fmt: skip
HEADLINES: tuple[Column, ...] = (
    replace(_SHARED["record"], cell=lambda row: "headline"),
    replace(_SHARED["id"], cell=lambda row: row.id),
    replace(_SHARED["tag"], cell=lambda row: row.headline.code),
    replace(_SHARED["metric"], cell=lambda row: row.headline.metric.slug),
    replace(_SHARED["metric_en"], cell=lambda row: row.headline.metric.name_en),
    replace(_SHARED["metric_fr"], cell=lambda row: row.headline.metric.name_fr),
    replace(_SHARED["period_start"], cell=lambda row: row.headline.effective_on),
    replace(_SHARED["precision"], cell=lambda row: row.headline.precision),
    replace(_SHARED["period_note_en"], cell=lambda row: row.headline.period_note_en),
    replace(_SHARED["period_note_fr"], cell=lambda row: row.headline.period_note_fr),
    replace(_SHARED["source_en"], cell=lambda row: row.headline.source.name_en),
    replace(_SHARED["source_fr"], cell=lambda row: row.headline.source.name_fr),
    replace(_SHARED["published_at"], cell=lambda row: row.headline.publish_at),
    replace(_SHARED["reason_en"], cell=lambda row: row.headline.correction_reason_en),
    replace(_SHARED["reason_fr"], cell=lambda row: row.reason_fr),
    replace(_SHARED["latest"], cell=lambda row: row.beside is not None),
    *_OWN,
)
COLUMNS: tuple[Column, ...] = (*exports.READINGS, *_OWN)


def lines(selection: Selection) -> Iterator[list[Cell]]:
    """The whole table, a list of cells a row in the order of COLUMNS: headlines, then readings."""
    cells = {column.name: column.cell for column in HEADLINES}
    for headline in headlines(selection):
        yield [cells[column.name](headline) if column.name in cells else None for column in COLUMNS]
    no_headline: list[Cell] = [None] * len(_OWN)
    for reading in exports.readings(selection):
        yield [column.cell(reading) for column in exports.READINGS] + no_headline


def headlines(selection: Selection) -> list[PublicHeadline]:
    """Of every public programme. A region or country asked for changes nothing: headlines and their sums are of the whole."""
    return [
        row
        for programme in Programme.objects.published(selection.at).order_by("order", "slug")
        for row in _of_programme(programme, selection.at)
        if selection.holds(row.headline.effective_on) and selection.metric in (None, row.headline.metric, row.headline.beside)
    ]


def _of_programme(programme: Programme, at: datetime) -> list[PublicHeadline]:
    public = programme.headlines.published(at).select_related("metric", "beside", "source")  # type: ignore[attr-defined]
    found = list(public.order_by("order", "metric__slug", "effective_on", "publish_at"))
    latest = {headline.metric_id: headline for headline in sorted(found, key=lambda one: (one.effective_on, one.publish_at))}
    regions = list(programme.regions.published(at).in_order())  # type: ignore[attr-defined]
    table = figures.table(regions, programme.metrics.all(), at)
    beside = {item.headline: item for item in reconcile(latest.values(), table)}
    return [PublicHeadline(headline, programme, beside.get(headline)) for headline in found]


def public_headlines(at: datetime | None = None) -> QuerySet[Headline]:
    return Headline.objects.published(at).filter(programme__in=Programme.objects.published(at))


def public_metrics(at: datetime | None = None) -> QuerySet[Metric]:
    """What public regions report, or a public headline speaks of."""
    reported = Q(series__region__in=Region.objects.published(at))
    return Metric.objects.filter(reported | Q(headlines__in=public_headlines(at))).distinct().order_by("order", "slug")


_METRICS = Statement(public_metrics)


def metrics(at: datetime | None = None) -> list[Metric]:
    """All of them."""
    return _METRICS(at)


def sources(at: datetime) -> QuerySet[Source]:
    """Of public figures: a source that only drafts name is not public."""
    cited = Q(pk__in=exports.public_readings(at).values("source")) | Q(pk__in=public_headlines(at).values("source"))
    return Source.objects.filter(cited).order_by("name_en")


def version(at: datetime) -> str:
    """Changes whenever a download could. Public readings and versions are only ever added, so that their numbers say it all;
    the rest counts what a moment made public by itself."""
    tables = (Region, Headline, Programme)
    counts = [Reading.objects.published(at).count(), Version.objects.filter(at__lte=at).count()]
    return "-".join(str(number) for number in [*counts, *(table.objects.published(at).count() for table in tables)])
