"""The register of meetings, and a page a meeting."""

from django.db.models import prefetch_related_objects
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from itsci_site.lib.keyset import Spot
from itsci_site.lib.pagecache import kept
from itsci_site.lib.statements import Statement
from regions import figures

from . import feeds, register
from .forms import RegisterFilter
from .models import Document, Meeting, MeetingQuerySet

_MEETING = Statement(lambda slug: Meeting.objects.published().newest_first().filter(slug=slug))
_EARLIER = Statement(lambda place, day, pk: _held_at(place).before(Spot(day, pk))[:1])
_LATER = Statement(lambda place, day, pk: _held_at(place).after(Spot(day, pk)).reverse()[:1])


def _held_at(place: int) -> MeetingQuerySet:
    return Meeting.objects.published().newest_first().filter(place=place)


@kept("q", "region", "place", "year", "before", "after")
def meetings(request: HttpRequest) -> HttpResponse:
    """Nonsense in the query string: the whole register with a message at its field, status 400."""
    form = RegisterFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    found = Meeting.objects.published().within(asked.get("q", ""), asked.get("region"), asked.get("place"), asked.get("year"))
    page = register.page(found.newest_first(), asked.get("before"), asked.get("after"), whole=not form.filters)
    number, more = register.count(found)
    region = asked.get("region")
    context = {
        "form": form,
        "page": page,
        "number": number,
        "more": more,
        "filtered": form.filters,
        "region": region,
        "feed": feeds.within(reverse("meetings_feed"), region),
        "calendar": feeds.within(reverse("meetings_calendar"), region),
    }
    response = render(request, "meetings/register.html", context, status=200 if form.is_valid() else 400)
    if asked.get("q"):  # what somebody looked for is kept nowhere
        response.headers["Cache-Control"] = "no-store"
    return response


@kept()
def meeting(request: HttpRequest, slug: str) -> HttpResponse:
    meeting = _MEETING.first(slug)
    if meeting is None:
        raise Http404
    prefetch_related_objects([meeting], "documents")
    spot = meeting.spot
    context = {
        "meeting": meeting,
        "region": meeting.place.region,
        "table": figures.table([meeting.place.region]),
        "earlier": _EARLIER.first(meeting.place_id, spot.day, spot.pk),
        "later": _LATER.first(meeting.place_id, spot.day, spot.pk),
    }
    return render(request, "meetings/meeting.html", context)


def document(request: HttpRequest, slug: str, pk: int) -> FileResponse:
    """A document of a public meeting, to be kept rather than run: nothing in it may act in the site's name."""
    public = Document.objects.filter(meeting__in=Meeting.objects.published(), meeting__slug=slug)
    found: Document = get_object_or_404(public, pk=pk)
    try:
        file = found.file.open()
    except FileNotFoundError:
        raise Http404 from None
    answer = FileResponse(file, as_attachment=True, filename=f"{slug}-{found.language}.pdf", content_type="application/pdf")
    answer._csp_replace = {"default-src": ["'none'"], "sandbox": True}  # type: ignore[attr-defined]
    return answer
