"""What the pages about a programme show of it: itself, its regions, its headlines, and of which metrics it has a page."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.http import Http404

from itsci_site.lib.publishing import PublishedQuerySet
from itsci_site.lib.statements import Statement
from regions.models import Metric, Region, Series

from .models import Headline, Programme

_PROGRAMMES = Statement(lambda at: Programme.objects.published(at).order_by("order", "slug"))
_REGIONS = Statement(lambda programme, at: Region.objects.published(at).filter(programmes=programme).in_order())
_METRICS = Statement(lambda programme: Metric.objects.filter(programmes=programme))


def _headlines(programme: int, at: datetime | None) -> PublishedQuerySet:
    headlines = Headline.objects.published(at).filter(programme=programme).select_related("metric", "beside", "source")
    return headlines.order_by("-effective_on", "-publish_at", "pk")


_HEADLINES = Statement(_headlines)
_OF_METRIC = Statement(
    lambda programme, slug, at: _headlines(programme, at).filter(Q(metric__slug=slug) | Q(beside__slug=slug))
)


def programmes_at(at: datetime | None = None) -> list[Programme]:
    """All that are public, the one that owns the home page first."""
    return _PROGRAMMES(at)


def among(programmes: list[Programme], slug: str | None) -> Programme:
    """The one at `slug`, or the one that owns the home page. Raises Http404 where it is not public."""
    for programme in programmes:
        if slug in (None, programme.slug):
            return programme
    raise Http404


def programme_at(slug: str | None, at: datetime | None = None) -> Programme:
    """As `among` all that are public."""
    return among(programmes_at(at), slug)


def headlines_of(programme: Programme, at: datetime | None = None, metric: str = "") -> list[Headline]:
    """Every headline it ever published and did not withdraw, those of the latest period first.

    With the address (slug) of a metric only those of it, and those that stand beside its total.
    """
    found = _OF_METRIC(programme.pk, metric, at) if metric else _HEADLINES(programme.pk, at)
    for headline in found:
        headline.programme = programme
    return found


def headline_of(programme: Programme, metric: Metric) -> Headline | None:
    """The latest of one metric."""
    return next((one for one in headlines_of(programme, None, metric.slug) if one.metric == metric), None)


def regions_of(programme: Programme, at: datetime | None = None) -> list[Region]:
    """Its public ones, with their countries, in the order of every table."""
    return _REGIONS(programme.pk, at)


def metrics_of(programme: Programme) -> list[Metric]:
    """Those that it reports."""
    return _METRICS(programme.pk)


@dataclass(frozen=True, slots=True)
class FigurePage:
    """A metric of a programme that has a page: a region reports it, or a headline of it is public.

    Of a further programme only what its own Progress leads to: a figure of its regions that it does not report is the first's.
    """

    programme: Programme
    leads: bool
    """Does the programme own the home page, and so /progress/?"""
    metric: Metric
    regions: frozenset[int]
    """Keys of the programme's regions that report it."""
    headlines: tuple[Headline, ...]


ALL_METRICS = Statement(lambda: Metric.objects.all())
_TOLD = Statement(lambda programmes: Programme.objects.filter(pk__in=programmes).order_by().values_list("pk", "metrics"))
_REPORTED = Statement(
    lambda programmes: (
        Series.objects.filter(region__in=Region.objects.published(), region__programmes__in=programmes)
        .order_by()
        .values_list("region__programmes", "metric", "region")
    )
)
_ALL_HEADLINES = Statement(lambda programmes: Headline.objects.published().filter(programme__in=programmes).order_by("pk"))


def figure_pages(programmes: list[Programme]) -> Iterator[FigurePage]:
    """Of all public programmes, the one that owns the home page first; four queries."""
    keys = [programme.pk for programme in programmes]
    reporting: dict[tuple[int, int], set[int]] = {}
    for owner, measure, region in _REPORTED(keys):
        reporting.setdefault((owner, measure), set()).add(region)
    headlines: dict[tuple[int, int], list[Headline]] = {}
    for headline in _ALL_HEADLINES(keys):
        headlines.setdefault((headline.programme_id, headline.metric_id), []).append(headline)
    told = set(_TOLD(keys))
    metrics = ALL_METRICS()
    for place, programme in enumerate(programmes):
        for metric in metrics:
            pair = (programme.pk, metric.pk)
            regions = frozenset(reporting.get(pair, ()) if place == 0 or pair in told else ())
            if regions or pair in headlines:
                yield FigurePage(programme, place == 0, metric, regions, tuple(headlines.get(pair, ())))
