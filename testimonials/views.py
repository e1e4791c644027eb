"""The list of stories, a page a story, and the files of its portrait."""

from typing import Any

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response

from itsci_site.lib import keyset
from itsci_site.lib.pagecache import kept
from itsci_site.lib.photos import render_with_photos
from itsci_site.lib.statements import Statement
from regions import figures
from regions.public import meetings_of

from . import files
from .lists import PAGE, StoriesFilter
from .models import PORTRAIT_TYPES, RENDITIONS, Testimonial

_STORY = Statement(lambda slug: Testimonial.objects.published().filter(slug=slug).select_related("region__country"))


@kept("region", "before", "after", "photo")
def stories(request: HttpRequest) -> HttpResponse:
    """Nonsense in the query string: every story with a message at its field, status 400."""
    form = StoriesFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    found: Any = Testimonial.objects.published().newest_first()
    region = asked.get("region")
    if region:
        found = found.filter(region=region).listed()
    page = keyset.page(found, PAGE, asked.get("before"), asked.get("after"))
    context = {"form": form, "page": page, "region": region}
    response = render_with_photos(request, "testimonials/stories.html", context, page.rows)
    response.status_code = 200 if form.is_valid() else 400
    return response


@kept("photo")
def story(request: HttpRequest, slug: str) -> HttpResponse:
    """Of one that names no region nothing that would give it away: no figures, no meetings."""
    testimonial = _STORY.first(slug)
    if testimonial is None:
        raise Http404
    context = {"testimonial": testimonial, "testimonials": [testimonial]}
    if testimonial.names_region:
        region = testimonial.region
        context |= {
            "region": region,
            "table": figures.table([region]),
            "meetings": meetings_of(region)[:3],
        }
    return render_with_photos(request, "testimonials/story.html", context, [testimonial])


def portrait(request: HttpRequest, slug: str, portrait: str, rendition: str) -> HttpResponse:
    """A file of a public story's portrait. Whoever keeps it asks again each time: none outlives its story in a cache."""
    if rendition not in RENDITIONS:
        raise Http404
    get_object_or_404(Testimonial.objects.published(), slug=slug, portrait=portrait)
    etag = f'"{portrait}-{rendition}"'
    headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
    media = PORTRAIT_TYPES[rendition.partition(".")[2]]
    response = HttpResponse(content_type=media, headers=headers)
    known = get_conditional_response(request, etag=etag, response=response)
    if known and known is not response:  # whoever has it already needs no file
        return known
    response.content = _content(portrait, rendition)
    return response


def _content(portrait: str, rendition: str) -> bytes:
    try:
        with default_storage.open(files.path(portrait, rendition)) as file:
            return file.read()
    except FileNotFoundError:
        raise Http404 from None
