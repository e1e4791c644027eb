"""The search page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from .search import TooSlow, search
from .search_form import SearchForm


def search_page(request: HttpRequest) -> HttpResponse:
    """Nonsense in the query string: a message at its field, status 400. A search given up: its words kept, 503."""
    form = SearchForm(request.GET)
    status = 200 if form.is_valid() else 400
    words = form.cleaned_data.get("q", "") if status == 200 else ""
    context = {"form": form, "words": words, "found": None, "too_slow": False}
    if words:
        try:
            context["found"] = search(words, form.cleaned_data["kind"], form.cleaned_data["page"] or 1)
        except TooSlow:
            context["too_slow"], status = True, 503
    return render(request, "search.html", context, status=status)
