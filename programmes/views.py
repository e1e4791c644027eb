"""Our work and Progress, for the first programme or for the one an address names."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from regions import figures, maps
from testimonials.models import Testimonial

from .models import Headline, Programme
from .reconcile import counted, reconcile


def _programme(slug: str | None) -> Programme:
    """The programme at `slug`, or the one that owns the home page. Raises Http404 where it is not public."""
    public = Programme.objects.published().order_by("order", "slug")
    return get_object_or_404(public, slug=slug) if slug else get_object_or_404(public[:1])


def _headlines(programme: Programme) -> list[Headline]:
    return list(programme.headlines.published().select_related("metric", "beside", "source").order_by("order"))  # type: ignore[attr-defined]


def our_work(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    programme = _programme(slug)
    regions = list(programme.regions.published().in_order())  # type: ignore[attr-defined]
    facets, unplaced = maps.facets(regions)
    context = {
        "programme": programme,
        "regions": regions,
        "countries": len({region.country_id for region in regions}),
        "facets": facets,
        "unplaced": unplaced,
        "activities": programme.activities.all(),
        "partners": programme.partners.by_role(),  # type: ignore[attr-defined]
        "headlines": _headlines(programme),
        "testimonials": Testimonial.objects.published().filter(region__in=regions).select_related("region").order_by("order"),
        "progress_address": reverse("programme_progress", args=[slug]) if slug else reverse("progress"),
        "others": Programme.objects.published().exclude(pk=programme.pk),
    }
    return render(request, "programmes/our_work.html", context)


def progress(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    programme = _programme(slug)
    table = figures.table(list(programme.regions.published().in_order()), programme.metrics.all())  # type: ignore[attr-defined]
    headlines = _headlines(programme)
    measures = counted(headlines, table)
    context = {
        "programme": programme,
        "table": table,
        "headlines": headlines,
        "reconciled": reconcile(headlines, table),
        "counted": measures,
        "sources": {source.pk: source for measure in measures for source in measure.sources}.values(),
    }
    return render(request, "programmes/progress.html", context)
