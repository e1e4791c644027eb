"""The register of meetings, and a page a meeting."""

from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from regions import figures

from .forms import RegisterFilter
from .models import Document, Meeting

PAGE = 25


def register(request: HttpRequest) -> HttpResponse:
    """Nonsense in the query string: the whole register with a message at its field, status 400."""
    form = RegisterFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    meetings = Meeting.objects.published().newest_first()
    if asked:
        meetings = meetings.within(asked["q"], asked["region"], asked["since"], asked["until"])
    page = Paginator(meetings.prefetch_related("documents"), PAGE).get_page(asked.get("page") or 1)
    filtered = any(asked.get(name) for name in ("q", "region", "since", "until"))
    page_numbers = page.paginator.get_elided_page_range(page.number)
    context = {"form": form, "page": page, "page_numbers": page_numbers, "filtered": filtered}
    return render(request, "meetings/register.html", context, status=200 if form.is_valid() else 400)


def meeting(request: HttpRequest, slug: str) -> HttpResponse:
    public = Meeting.objects.published().newest_first()
    meeting = get_object_or_404(public.prefetch_related("documents"), slug=slug)
    context = {
        "meeting": meeting,
        "region": meeting.place.region,
        "table": figures.table([meeting.place.region]),
        "earlier": public.before(meeting).first(),
        "later": public.after(meeting).last(),
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
