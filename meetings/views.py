"""The register of meetings, and a page a meeting."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from itsci_site.lib.pagecache import kept
from regions import figures

from . import feeds, register
from .forms import RegisterFilter
from .models import Document, Meeting


@kept("q", "region", "place", "year", "before", "after")
def meetings(request: HttpRequest) -> HttpResponse:
    """Nonsense in the query string: the whole register with a message at its field, status 400."""
    form = RegisterFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    found = Meeting.objects.published().within(asked.get("q", ""), asked.get("region"), asked.get("place"), asked.get("year"))
    page = register.page(found.newest_first().prefetch_related("documents"), asked.get("before"), asked.get("after"))
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
    public = Meeting.objects.published().newest_first()
    meeting = get_object_or_404(public.prefetch_related("documents"), slug=slug)
    same_place = public.filter(place=meeting.place)
    context = {
        "meeting": meeting,
        "region": meeting.place.region,
        "table": figures.table([meeting.place.region]),
        "earlier": same_place.before(meeting.spot).first(),
        "later": same_place.after(meeting.spot).last(),
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
