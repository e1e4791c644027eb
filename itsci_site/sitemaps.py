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
from django.db.models import Max, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import conditional_page, require_safe

from itsci_site.lib.found import last_change
from itsci_site.lib.pagecache import kept
from meetings.models import Meeting
from programmes.changes import headline_corrections
from programmes.models import Headline, Programme
from programmes.public import FigurePage, figure_pages
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


class EachLanguage(Paginator):
    """Each row once a language. Django's own way would load every row to make one page of them."""

    def page(self, number: Any) -> Page:
        page = super().page(number)
        page.object_list = [(row, code) for row in page.object_list for code, _name in settings.LANGUAGES]
        return page


class Part(Sitemap):
    i18n = True
    alternates = True
    x_default = True

    @cached_property
    def rows(self) -> Any:
        """What has a page: a list, or a QuerySet where there may be many."""
        raise NotImplementedError

    def items(self) -> Any:
        return self.rows

    @property
    def paginator(self) -> Paginator:
        return EachLanguage(self.rows, ROWS)

    def lastmod(self, item: Any) -> Moment:
        raise NotImplementedError

    def get_latest_lastmod(self) -> Moment:
        return latest(map(self.lastmod, self.rows))


class Figured(Part):
    """Pages that show figures, or the rows that figures rest on."""

    @cached_property
    def readings(self) -> dict[tuple[int, int], datetime]:
        """When the last reading of a public region and a metric became public, by their keys."""
        public = Reading.objects.published().filter(series__region__in=Region.objects.published()).order_by()
        rows = public.values_list("series__region", "series__metric").annotate(Max("published_at"))
        return {(region, metric): at for region, metric, at in rows}

    @cached_property
    def versions(self) -> dict[tuple[str, int], datetime]:
        """When a row was last written, by table and key."""
        tables = [model._meta.db_table for model in (Country, Region, Metric, Programme, Headline)]
        rows = Version.objects.filter(table_name__in=tables, at__lte=Now()).order_by()
        return {(table, row): at for table, row, at in rows.values_list("table_name", "row_id").annotate(Max("at"))}

    def written(self, row: Any) -> Moment:
        return self.versions.get((row._meta.db_table, row.pk))

    def of_headlines(self, page: FigurePage) -> Moment:
        return latest(at for headline in page.headlines for at in (headline.publish_at, self.written(headline)))

    def of_figures(self, page: FigurePage) -> Moment:
        readings = [self.readings.get((region, page.metric.pk)) for region in page.regions]
        return latest([self.written(page.metric), self.of_headlines(page), *readings])


class Pages(Figured):
    """What there is one of, and the two pages of each further programme."""

    @cached_property
    def rows(self) -> list[Single]:
        figures = list(figure_pages())
        all_figures = latest(map(self.of_figures, figures))
        regions = Region.objects.published().defer("outline")
        corrections = Reading.objects.published().filter(supersedes__isnull=False, series__region__in=regions)
        of_headlines = [change.at for change in headline_corrections(timezone.now())]
        return [
            *self._of_programmes(figures),
            Single("where_we_work", latest([all_figures, *map(self.written, regions)])),
            Single("changes", all_figures),
            Single("data", all_figures),
            Single("corrections", latest([corrections.aggregate(at=Max("published_at"))["at"], *of_headlines])),
            Single("stories", self.said),
            Single("meetings", last_of(Meeting.objects.published())),
            Single("accessibility", None),
        ]

    @cached_property
    def said(self) -> Moment:
        """When a story last changed."""
        return last_of(Testimonial.objects.published())

    def _of_programmes(self, figures: list[FigurePage]) -> Iterator[Single]:
        for place, programme in enumerate(Programme.objects.published().order_by("order", "slug")):
            own = [page for page in figures if page.programme == programme]
            texts = [programme.publish_at, self.written(programme)]
            work, progress, arguments = "our_work", "progress", tuple[str, ...]()
            if place:
                work, progress, arguments = "programme", "programme_progress", (programme.slug,)
            yield Single(work, latest([*texts, self.said, *map(self.of_headlines, own)]), arguments)
            yield Single(progress, latest([*texts, *map(self.of_figures, own)]), arguments)

    def location(self, page: Single) -> str:
        return reverse(page.name, args=page.arguments)

    def lastmod(self, page: Single) -> Moment:
        return page.changed


class Regions(Figured):
    @cached_property
    def rows(self) -> list[Region]:
        return regions_at()

    @cached_property
    def last_reading(self) -> dict[int, datetime]:
        """Of each region, by key."""
        found: dict[int, datetime] = {}
        for (region, _metric), at in self.readings.items():
            found[region] = max(at, found.get(region, at))
        return found

    def lastmod(self, region: Region) -> Moment:
        reading = self.last_reading.get(region.pk)
        return latest([region.publish_at, self.written(region), self.written(region.country), reading])


class Figures(Figured):
    @cached_property
    def rows(self) -> list[FigurePage]:
        return list(figure_pages())

    def location(self, page: FigurePage) -> str:
        if page.leads:
            return page.metric.get_absolute_url()
        return reverse("programme_figure", args=[page.programme.slug, page.metric.slug])

    def lastmod(self, page: FigurePage) -> Moment:
        return self.of_figures(page)


class Stories(Part):
    @cached_property
    def rows(self) -> QuerySet[Testimonial]:
        return Testimonial.objects.published().order_by("pk")

    def lastmod(self, story: Testimonial) -> Moment:
        return last_change(story)

    def get_latest_lastmod(self) -> Moment:
        return last_of(self.rows)


class Meetings(Part):
    @cached_property
    def rows(self) -> QuerySet[Meeting]:
        return Meeting.objects.published().order_by("pk")

    def lastmod(self, meeting: Meeting) -> Moment:
        return last_change(meeting)

    def get_latest_lastmod(self) -> Moment:
        return last_of(self.rows)


PARTS: "dict[str, type[Sitemap[Any]] | Sitemap[Any]]" = {
    "pages": Pages,
    "regions": Regions,
    "figures": Figures,
    "stories": Stories,
    "meetings": Meetings,
}


def latest(moments: Iterable[Moment]) -> Moment:
    return max((moment for moment in moments if moment), default=None)


def last_of(rows: QuerySet) -> Moment:
    """The last change of any row, as `last_change` tells it of one."""
    known = {"publish_at", "changed_at"} & {field.name for field in rows.model._meta.fields}
    return latest(rows.order_by().aggregate(**{name: Max(name) for name in known}).values())


@kept()
@require_safe
@conditional_page
def index(request: HttpRequest) -> HttpResponse:
    return views.index(request, PARTS, sitemap_url_name="sitemap_section")


@kept("p")
@require_safe
@conditional_page
def section(request: HttpRequest, section: str) -> HttpResponse:
    return views.sitemap(request, PARTS, section)
