"""Where we work: the map, and a page a region."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from . import figures, maps
from .models import Region


def where_we_work(request: HttpRequest) -> HttpResponse:
    regions = list(Region.objects.published().in_order().with_outline().with_public("testimonials"))
    context = {"table": figures.table(regions), "map": maps.draw(regions)}
    return render(request, "regions/where_we_work.html", context)


def region(request: HttpRequest, slug: str) -> HttpResponse:
    region = get_object_or_404(Region.objects.published().in_order(), slug=slug)
    regions = list(Region.objects.published().in_order())
    table = figures.table(regions)
    context = {
        "region": region,
        "regions": regions,
        "table": table,
        "tags": [(figure, figures.strip(table, figure)) for figure in table.row(region).figures if figure],
        "milestones": region.milestones.all(),
        "testimonials": region.testimonials.published(),
        "meetings": region.places.meetings().published().newest_first()[:5],
    }
    return render(request, "regions/region.html", context)
