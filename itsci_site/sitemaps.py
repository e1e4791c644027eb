"""Every public page for search engines: its address in each language, and when it last changed.

An index names a part for each kind of page; a kind of many pages has several, so that none is ever large.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.sitemaps import Sitemap, views
from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import conditional_page, require_safe

from itsci_site.lib.found import last_change
from itsci_site.lib.pagecache import kept
from itsci_site.lib.statements import Statement
from meetings.models import Meeting
from programmes.changes import headline_corrections
from programmes.models import Headline, Programme
from programmes.public import FigurePage, figure_pages, programmes_at
from regions.models import Country, Metric, Reading, Region, Version
from regions.public import regions_at
from testimonials.models import Testimonial

ROWS = 1_000
"""In one part: Django holds all of it in memory, each row with every address in every language."""

Moment = datetime | None


@dataclass(frozen=True, slots=True)
class Single:
    """A page that is no row of a table: the name and arguments of its address, and its last change if that is known."""

    name: str
    changed: Moment
    arguments: tuple[str, ...] = ()


_READINGS = Statement(
    lambda: (
        Reading.objects.published()
        .filter(series__region__in=Region.objects.published())
        .order_by()
        .values_list("series__region", "series__metric")
        .annotate(Max("published_at"))
    )
)
VERSIONED = (Country, Region, Metric, Programme, Headline)
_VERSIONS = Statement(
    lambda: (
        Version.objects.filter(table_name__in=[model._meta.db_table for model in VERSIONED], at__lte=Now())
        .order_by()
        .values_list("table_name", "row_id")
        .annotate(Max("at"))
    )
)
_CORRECTED = Statement(
    lambda: (
        Reading.objects.published()
        .filter(supersedes__isnull=False, series__region__in=Region.objects.published())
        .order_by("-published_at")
        .values_list("published_at", flat=True)[:1]
    )
)


class Known:
    """What the parts rest on, each asked once for all of them."""

    @cached_property
    def programmes(self) -> list[Programme]:
        return programmes_at()

    @cached_property
    def regions(self) -> list[Region]:
        return regions_at()

    @cached_property
    def figures(self) -> list[FigurePage]:
        return list(figure_pages(self.programmes))

    @cached_property
    def readings(self) -> dict[tuple[int, int], datetime]:
        """When the last reading of a public region and a metric became public, by their keys."""
        return {(region, metric): at for region, metric, at in _READINGS()}

    @cached_property
    def versions(self) -> dict[tuple[str, int], datetime]:
        """When a row was last written, by table and key."""
        return {(table, row): at for table, row, at in _VERSIONS()}

    @cached_property
    def stories(self) -> "Many":
        return Many.of(Testimonial.objects.published().order_by("pk"))

    @cached_property
    def meetings(self) -> "Many":
        return Many.of(Meeting.objects.published().order_by("pk"))

    def written(self, row: Any) -> Moment:
        return self.versions.get((row._meta.db_table, row.pk))

    def of_headlines(self, page: FigurePage) -> Moment:
        return latest(at for headline in page.headlines for at in (headline.publish_at, self.written(headline)))

    def of_figures(self, page: FigurePage) -> Moment:
        readings = [self.readings.get((region, page.metric.pk)) for region in page.regions]
        return latest([self.written(page.metric), self.of_headlines(page), *readings])


@dataclass(frozen=True, slots=True)
class Many:
    """Rows of which there may be many; how many there are and when one last changed is asked at once."""

    rows: QuerySet
    number: int
    changed: Moment

    @classmethod
    def of(cls, rows: QuerySet) -> "Many":
        moments = {"publish_at", "changed_at"} & {field.name for field in rows.model._meta.fields}
        told = rows.order_by().aggregate(number=Count("pk"), **{name: Max(name) for name in moments})
        return cls(rows, told.pop("number"), latest(told.values()))


class EachLanguage(Paginator):
    """Each row once a language. Django's own way would load every row to make one page of them."""

    def __init__(self, rows: Any, number: int) -> None:
        super().__init__(rows, ROWS)
        self.count = number

    def page(self, number: Any) -> Page:
        page = super().page(number)
        page.object_list = [(row, code) for row in page.object_list for code, _name in settings.LANGUAGES]
        return page


class Part(Sitemap):
    i18n = True
    alternates = True
    x_default = True

    def __init__(self, known: Known) -> None:
        self.known = known

    @cached_property
    def rows(self) -> list[Any]:
        """What has a page."""
        raise NotImplementedError

    def items(self) -> Any:
        return self.rows

    @property
    def paginator(self) -> Paginator:
        return EachLanguage(self.rows, len(self.rows))

    def lastmod(self, item: Any) -> Moment:
        raise NotImplementedError

    def get_latest_lastmod(self) -> Moment:
        return latest(map(self.lastmod, self.rows))


class Pages(Part):
    """What there is one of, and the two pages of each further programme."""

    @cached_property
    def rows(self) -> list[Single]:
        known = self.known
        all_figures = latest(map(known.of_figures, known.figures))
        of_headlines = [change.at for change in headline_corrections(timezone.now())]
        return [
            *self._of_programmes(),
            Single("where_we_work", latest([all_figures, *map(known.written, known.regions)])),
            Single("changes", all_figures),
            Single("data", all_figures),
            Single("corrections", latest([*_CORRECTED(), *of_headlines])),
            Single("stories", known.stories.changed),
            Single("meetings", known.meetings.changed),
            Single("accessibility", None),
        ]

    def _of_programmes(self) -> Iterator[Single]:
        known = self.known
        for place, programme in enumerate(known.programmes):
            own = [page for page in known.figures if page.programme == programme]
            texts = [programme.publish_at, known.written(programme)]
            work, progress, arguments = "our_work", "progress", tuple[str, ...]()
            if place:
                work, progress, arguments = "programme", "programme_progress", (programme.slug,)
            yield Single(work, latest([*texts, known.stories.changed, *map(known.of_headlines, own)]), arguments)
            yield Single(progress, latest([*texts, *map(known.of_figures, own)]), arguments)

    def location(self, page: Single) -> str:
        return reverse(page.name, args=page.arguments)

    def lastmod(self, page: Single) -> Moment:
        return page.changed


class Regions(Part):
    @cached_property
    def rows(self) -> list[Region]:
        return self.known.regions

    @cached_property
    def last_reading(self) -> dict[int, datetime]:
        """Of each region, by key."""
        found: dict[int, datetime] = {}
        for (region, _metric), at in self.known.readings.items():
            found[region] = max(at, found.get(region, at))
        return found

    def lastmod(self, region: Region) -> Moment:
        written = self.known.written
        return latest([region.publish_at, written(region), written(region.country), self.last_reading.get(region.pk)])


class Figures(Part):
    @cached_property
    def rows(self) -> list[FigurePage]:
        return self.known.figures

    def location(self, page: FigurePage) -> str:
        if page.leads:
            return page.metric.get_absolute_url()
        return reverse("programme_figure", args=[page.programme.slug, page.metric.slug])

    def lastmod(self, page: FigurePage) -> Moment:
        return self.known.of_figures(page)


class OfMany(Part):
    @property
    def many(self) -> Many:
        raise NotImplementedError

    @property
    def paginator(self) -> Paginator:
        return EachLanguage(self.many.rows, self.many.number)

    def lastmod(self, row: Any) -> Moment:
        return last_change(row)

    def get_latest_lastmod(self) -> Moment:
        return self.many.changed


class Stories(OfMany):
    @property
    def many(self) -> Many:
        return self.known.stories


class Meetings(OfMany):
    @property
    def many(self) -> Many:
        return self.known.meetings


PARTS: dict[str, type[Part]] = {
    "pages": Pages,
    "regions": Regions,
    "figures": Figures,
    "stories": Stories,
    "meetings": Meetings,
}


def _parts() -> "dict[str, type[Sitemap[Any]] | Sitemap[Any]]":
    known = Known()
    return {name: part(known) for name, part in PARTS.items()}


def latest(moments: Iterable[Moment]) -> Moment:
    return max((moment for moment in moments if moment), default=None)


@kept()
@require_safe
@conditional_page
def index(request: HttpRequest) -> HttpResponse:
    return views.index(request, _parts(), sitemap_url_name="sitemap_section")


@kept("p")
@require_safe
@conditional_page
def section(request: HttpRequest, section: str) -> HttpResponse:
    return views.sitemap(request, _parts(), section)
