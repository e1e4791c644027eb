"""What the frame of every page prints. Never queries: the frame must stand when the database does not."""

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

SECTION_OF = {
    "region": "where_we_work",
    "meeting": "meetings",
    "story": "our_work",
    "programme": "our_work",
    "programme_progress": "progress",
    "figure": "progress",
    "programme_figure": "progress",
    "changes": "progress",
}


def site(request: HttpRequest) -> dict[str, object]:
    """`navigation`: (label, address, aria-current or empty). `languages`: (code, own name, this page in it, is it this one)."""
    return {
        "navigation": navigation(request),
        "languages": languages(request),
        "origin": origin(request),
        "contact_email": settings.CONTACT_EMAIL,
    }


def origin(request: HttpRequest) -> str:
    """Scheme and host for addresses in full; empty when the answer is that this host is not ours."""
    try:
        return f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return ""


def navigation(request: HttpRequest) -> list[tuple[str, str, str]]:
    name = request.resolver_match.url_name or "" if request.resolver_match else ""
    pages = (
        ("our_work", gettext("Our work")),
        ("where_we_work", gettext("Where we work")),
        ("progress", gettext("Progress")),
        ("meetings", gettext("Meeting summaries")),
    )
    return [
        (label, reverse(page), "page" if page == name else "true" if page == SECTION_OF.get(name) else "")
        for page, label in pages
    ]


def languages(request: HttpRequest) -> list[tuple[str, str, str, bool]]:
    """The same page in each language; from an address that leads nowhere, the home pages."""
    match, current = request.resolver_match, translation.get_language()
    query = request.META.get("QUERY_STRING", "")
    found = []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            own_name = translation.get_language_info(code)["name_local"].capitalize()
            address = reverse(match.view_name, args=match.args, kwargs=match.kwargs) if match else reverse("our_work")
        found.append((code, own_name, f"{address}?{query}" if query and match else address, code == current))
    return found
