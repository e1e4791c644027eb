"""The results of an activity in the IATI file: the regions' figures, and apart from them the headlines.

Written period by period, so that a long history is never in memory as a tree.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.db.models import F, QuerySet
from django.utils.translation import gettext
from lxml.builder import E

from itsci_site.lib import languages, text
from itsci_site.lib.periods import Period, Precision, in_words
from regions import figures
from regions.models import Metric, Reading, Region, Source, Succession

from .iati_xml import LANG, Element, Words, field, in_each_language, narratives, write
from .models import Headline, Programme
from .reconcile import Reconciliation

# Codes of IATI's codelists that are the same for every result here.
OTHER = "9"  # the source does not say what is output and what is outcome
UNITS = "1"
OWN_VOCABULARY = "99"


def by_region(xml: Any, programme: Programme, places: Sequence[Region], table: figures.Table, at: datetime) -> None:
    """The regions' figures: an indicator a metric, an actual a region and period."""
    metrics = list(programme.metrics.all())
    if not metrics:
        return
    regions = {region.pk: region for region in places}
    divided = dict(
        Succession.objects.filter(successor__in=regions, predecessor__in=regions).values_list("successor", "predecessor")
    )
    with _result(xml, lambda: gettext("Figures by region"), lambda: gettext("Never added to the headline totals.")):
        for metric in metrics:
            readings = Reading.objects.published(at).filter(series__metric=metric, series__region__in=regions)
            comments = Comments({}, {pk: regions[whole] for pk, whole in divided.items()})
            with _indicator(xml, metric, field(metric, "name"), _counted(metric, table, readings), not divided):
                for (first_day, precision), found in groupby(_in_order(readings), attrgetter("effective_on", "precision")):
                    period = _period(Period(first_day, Precision(precision)))
                    for place, versions in groupby(found, attrgetter("place")):
                        period.append(_actual(regions[place], list(versions), comments))
                    xml.write(period, pretty_print=True)


def _in_order(readings: QuerySet[Reading]) -> Iterator[Reading]:
    """By period, region (`place`, its id), and the moment they became public. Fetched as they are written."""
    region = ("series__region__country__order", "series__region__order", "series__region__slug")
    placed = readings.annotate(place=F("series__region"))
    yield from placed.order_by("effective_on", "precision", *region, "published_at", "pk").iterator()


def _counted(metric: Metric, table: figures.Table, readings: QuerySet[Reading]) -> Words:
    """What an indicator of the regions counts, its sum, its gaps and its sources."""
    sources = list(Source.objects.filter(pk__in=readings.values("source")))
    row = [figure for row in table.rows for figure in row.figures if figure and figure.metric == metric]
    silent = [figure.region for figure in row if figure.reading is None]

    def said() -> str:
        total = table.total(metric)
        return _sentences(
            metric.definition,
            gettext("Unit: {unit}.").format(unit=metric.unit),
            gettext("Regions do not add up: no total is shown.") if not metric.additive else "",
            gettext("Sum of the latest figures: {sum}.").format(sum=_sum(total, table))
            if total and total.value is not None
            else "",
            gettext("Nothing published yet: {regions}.").format(regions=", ".join(map(str, silent))) if silent else "",
            gettext("Source: {source}.").format(source="; ".join(map(str, sources))) if sources else "",
        )

    return said


@dataclass(frozen=True, slots=True)
class Comments:
    """The comments of one indicator. Those of figures that were never corrected are the same thousands of times."""

    said: dict[tuple, list[tuple[str, str]]]
    divided: dict[int, Region]
    """The former province that a region, by its id, was a part of, where both are in the file."""

    def on(self, place: int, versions: list[Reading]) -> list[tuple[str, str]]:
        latest, part_of = versions[-1], self.divided.get(place)
        words = partial(_told, versions, part_of)
        if len(versions) > 1:
            return in_each_language(words)
        notes = tuple(getattr(latest, column) for column in languages.in_each_language("period_note"))
        key = (latest.effective_on, latest.precision, latest.status, part_of, notes)
        if key not in self.said:
            self.said[key] = in_each_language(words)
        return self.said[key]


def _told(versions: list[Reading], part_of: Region | None) -> str:
    """The as-of, the state and every correction of one figure. `versions` are all that were public, the last one last."""
    latest = versions[-1]
    values = {reading.pk: reading.value for reading in versions}
    states = {
        Reading.Status.NOT_REPORTED: gettext("Not reported."),
        Reading.Status.PROVISIONAL: gettext("Provisional."),
        Reading.Status.ESTIMATED: gettext("Estimated."),
    }
    corrections = [
        gettext("Corrected on {day}, before: {value}. {reason}").format(
            day=in_words(reading.published_at.astimezone(UTC).date()),
            value=text.number(values[reading.supersedes_id]),
            reason=reading.reason,
        )
        for reading in versions
        if reading.supersedes_id in values and reading.published_at
    ]
    return _sentences(
        gettext("As of {period}.").format(period=latest.as_of),
        states.get(Reading.Status(latest.status), ""),
        *corrections,
        gettext("Part of {region}, divided since: the two are never added up.").format(region=part_of) if part_of else "",
    )


def _actual(region: Region, versions: list[Reading], comments: Comments) -> Element:
    """One figure: the last word on a region and period. Without a value where it was not reported: nothing is not 0."""
    comment = E.comment(*(E.narrative({LANG: language}, said) for language, said in comments.on(region.pk, versions)))
    actual = E.actual(E.location({"ref": region.slug}), comment)
    if (value := versions[-1].value) is not None:
        actual.set("value", str(value))
    return actual


def headlines(xml: Any, published: list[Reconciliation], table: figures.Table) -> None:
    """The figures published for the whole: a result of their own, without a location. Nothing adds them to the regions'."""
    if not published:
        return
    by_metric: dict[Metric, list[Reconciliation]] = {}
    for found in published:
        by_metric.setdefault(found.headline.metric, []).append(found)
    with _result(xml, lambda: gettext("Headline totals"), lambda: gettext("For the whole programme, as published.")):
        for metric, of_metric in by_metric.items():
            with _indicator(xml, metric, _whole(metric), _defined(metric), adds_up=False):
                periods = groupby(
                    sorted(of_metric, key=lambda found: (found.headline.effective_on, found.headline.precision)),
                    key=lambda found: found.headline.period,
                )
                for when, of_period in periods:
                    period = _period(when)
                    for found in of_period:
                        comment = E.comment(*narratives(_beside(found, table)))
                        period.append(E.actual({"value": str(found.headline.value)}, comment))
                    xml.write(period, pretty_print=True)


def _whole(metric: Metric) -> Words:
    return lambda: gettext("{metric}: headline for the whole programme").format(metric=metric.name)


def _defined(metric: Metric) -> Words:
    return lambda: _sentences(metric.definition, gettext("Unit: {unit}.").format(unit=metric.unit))


def _beside(found: Reconciliation, table: figures.Table) -> Words:
    """A headline beside the regions' sum: both figures, the signed difference where there is one, and what is known of it."""
    headline, total = found.headline, found.total

    def said() -> str:
        told = [
            gettext("Published as: {value} {label}.").format(value=text.number(headline.value), label=headline.label),
            gettext("As of {period}.").format(period=headline.as_of),
        ]
        if total is None or total.value is None:
            told += [gettext("There is no sum of the regions beside it.")] if headline.beside else []
        elif headline.comparison == Headline.Beside.OTHER:
            told.append(gettext("Not comparable with “{metric}”: {sum}.").format(metric=total.metric, sum=_sum(total, table)))
        else:
            told.append(gettext("Sum of the regions: {sum}.").format(sum=_sum(total, table)))
            told.append(
                gettext("No difference is told: the sum is partial.")
                if found.difference is None
                else gettext("Headline less sum: {difference}.").format(difference=text.signed(found.difference))
            )
        source = gettext("Source: {source}.").format(source=headline.source)
        return _sentences(*told, headline.explanation, source)

    return said


def _sum(total: figures.Total, table: figures.Table) -> str:
    """ "54,466 from 6 of 6 regions, as of 2017, date not stated"."""
    as_of = figures.only({reading.as_of for reading in table.readings(total.metric)}) or gettext("different periods")
    return gettext("{value} from {reported} of {expected} regions, as of {period}").format(
        value=text.number(total.value), reported=total.reported, expected=total.expected, period=as_of
    )


def _sentences(*sentences: str) -> str:
    """Those that say something, each once."""
    return " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))


@contextmanager
def _result(xml: Any, title: Words, description: Words) -> Iterator[None]:
    with xml.element("result", {"type": OTHER, "aggregation-status": "false"}):
        xml.write("\n")
        write(xml, [E.title(*narratives(title)), E.description(*narratives(description))])
        yield
    xml.write("\n")


@contextmanager
def _indicator(xml: Any, metric: Metric, title: Words, description: Words, adds_up: bool) -> Iterator[None]:
    """`adds_up`: may a reader add up the actuals of one period?"""
    status = "true" if adds_up and metric.additive else "false"
    with xml.element("indicator", {"measure": UNITS, "aggregation-status": status}):
        xml.write("\n")
        write(xml, [E.title(*narratives(title)), E.description(*narratives(description))])
        write(xml, [E.reference({"vocabulary": OWN_VOCABULARY, "code": metric.slug})])
        yield
    xml.write("\n")


def _period(period: Period) -> Element:
    first_day, last_day = period.first_day.isoformat(), _last_day(period).isoformat()
    return E.period(E("period-start", {"iso-date": first_day}), E("period-end", {"iso-date": last_day}))


def _last_day(period: Period) -> date:
    day = period.first_day
    if period.precision == Precision.DAY:
        return day
    month = {Precision.MONTH: day.month, Precision.QUARTER: day.month + 2, Precision.YEAR: 12}[period.precision]
    return date(day.year, month, monthrange(day.year, month)[1])
