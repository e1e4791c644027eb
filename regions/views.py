"""Where we work: the map, and a page a region."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from itsci_site.lib.pagecache import kept
from itsci_site.lib.photos import render_with_photos

from . import figures, maps
from .forms import AsAt, seen_as_at
from .history import stood_back
from .public import MOST_STORIES, meetings_of, milestones_of, regions_at, regions_with_outlines, stories_of


@kept()
def where_we_work(request: HttpRequest) -> HttpResponse:
    regions = regions_with_outlines()
    stories = stories_of(regions)
    for region in regions:
        region.stories = stories[region.pk][:MOST_STORIES]  # type: ignore[attr-defined]
    context = {"table": figures.table(regions), "map": maps.draw(regions)}
    return render(request, "regions/where_we_work.html", context)


@kept("as-at", "photo")
@seen_as_at
def region(request: HttpRequest, as_at: AsAt, slug: str) -> HttpResponse:
    """On a past day without people's words and meetings: what is withdrawn today must not come back from the past."""
    regions = regions_at(as_at.at)
    region = next((region for region in regions if region.slug == slug), None)
    if region is None:
        raise Http404
    as_at.found()
    table = figures.table(regions, known_at=as_at.at)
    own = [figure for figure in table.row(region).figures if figure]
    context: dict[str, Any] = {
        "as_at": as_at,
        "region": region,
        "regions": regions,
        "table": table,
        "tags": [(figure, figures.strip(table, figure), table.extremes(figure.metric)) for figure in own],
        "stood_back": len(own) < len(table.metrics) and stood_back(region, [figure.metric for figure in own], as_at.at),
        "milestones": milestones_of(region),
    }
    if as_at.at is None:
        told = stories_of([region])[region.pk]
        context |= {"testimonials": told[:MOST_STORIES], "are_more": len(told) > MOST_STORIES}
        context["meetings"] = meetings_of(region)
    return render_with_photos(request, "regions/region.html", context, context.get("testimonials", ()))
