"""A page a story."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from regions import figures

from .models import Testimonial


def story(request: HttpRequest, slug: str) -> HttpResponse:
    testimonial = get_object_or_404(Testimonial.objects.published().select_related("region__country"), slug=slug)
    region = testimonial.region
    context = {
        "testimonial": testimonial,
        "region": region,
        "table": figures.table([region]),
        "meetings": region.places.meetings().published().newest_first()[:3],
    }
    return render(request, "testimonials/story.html", context)
