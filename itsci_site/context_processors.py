"""What the frame of every page prints. Never queries: the frame must stand when the database does not."""

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .away import LAST_GOOD

MAIN = {
    "our_work": _("Our work"),
    "where_we_work": _("Where we work"),
    "progress": _("Progress"),
    "meetings": _("Meeting summaries"),
    "search": _("Search"),
}
"""The main pages, in the order of the navigation."""
SECTIONS = MAIN | {"data": _("Open data")}
SECTION_OF = {
    "region": "where_we_work",
    "meeting": "meetings",
    "stories": "our_work",
    "story": "our_work",
    "programme": "our_work",
    "programme_progress": "progress",
    "figure": "progress",
    "programme_figure": "progress",
    "changes": "progress",
    "corrections": "data",
}


def site(request: HttpRequest) -> dict[str, object]:
    """`navigation`: (label, address, aria-current or empty). `languages`: (code, own name, this page in it, is it this one).

    `last_good`: the moment that a copy for when the database does not answer was made at, else None.
    `other_languages`: (code, an invitation in that language, this page in it). `section`: the name of the page that this one
    stands below, or empty.
    """
    every = languages(request)
    return {
        "navigation": navigation(request),
        "section": section(_name(request)),
        "languages": every,
        "other_languages": other_languages(every),
        "origin": origin(request),
        "contact_email": settings.CONTACT_EMAIL,
        "last_good": request.META.get(LAST_GOOD),
    }


def origin(request: HttpRequest) -> str:
    """Scheme and host for addresses in full; empty when the answer is that this host is not ours."""
    try:
        return f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return ""


def navigation(request: HttpRequest) -> list[tuple[str, str, str]]:
    name = _name(request)
    return [
        (str(label), reverse(page), "page" if page == name else "true" if page == SECTION_OF.get(name) else "")
        for page, label in MAIN.items()
    ]


def section(name: str) -> str:
    """Of the address that `name` names."""
    return str(SECTIONS[SECTION_OF[name]]) if name in SECTION_OF else ""


def _name(request: HttpRequest) -> str:
    return request.resolver_match.url_name or "" if request.resolver_match else ""


def languages(request: HttpRequest) -> list[tuple[str, str, str, bool]]:
    """The same page in each language; from an address that leads nowhere or has no name, the home pages."""
    match, current = request.resolver_match, translation.get_language()
    match = match if match and match.url_name else None  # the admin's page for every other address has no name
    query = request.META.get("QUERY_STRING", "")
    found = []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            own_name = translation.get_language_info(code)["name_local"].capitalize()
            address = reverse(match.view_name, args=match.args, kwargs=match.kwargs) if match else reverse("our_work")
        found.append((code, own_name, f"{address}?{query}" if query and match else address, code == current))
    return found


def other_languages(every: list[tuple[str, str, str, bool]]) -> list[tuple[str, str, str]]:
    """Each catalogue translates "This site in English" as this site in its own language; without that its own name invites."""
    found = []
    for code, own_name, address, is_current in every:
        if not is_current:
            with translation.override(code):
                invitation = gettext("This site in English")
            is_given = code == settings.LANGUAGE_CODE or invitation != "This site in English"
            found.append((code, invitation if is_given else own_name, address))
    return found
