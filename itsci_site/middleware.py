"""What every answer passes through. None reads a cookie outside of the admin: public pages are the same for everyone."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.utils import translation

from itsci_site import away, public_role, sessions, views
from itsci_site.away import LAST_GOOD, STANDS, WITHHELD
from itsci_site.lib import pagecache, uploads
from itsci_site.lib.newsroom import ledger, proposals
from itsci_site.lib.replica import connection

UNWATCHED = (*STANDS, "/robots.txt")
"""Answers that hold no content: they stand when the database does not."""
LANGUAGE = "|".join(code for code, _name in settings.LANGUAGES)
STAFF = re.compile(rf"/admin/|(/({LANGUAGE}))?/preview/")
"""Answers that read, or write, what is not public."""
READS = ("GET", "HEAD", "OPTIONS")
OF_PROXIES = ("TRACE", "TRACK", "CONNECT")
"""Methods that give a request back, with what a proxy added to it, or that ask for a way on: no address knows them."""
Next = Callable[[HttpRequest], Any]

OPEN = re.compile(rf"(/data|(/({LANGUAGE}))?/feeds)/.*[^/]$")
"""Addresses of files and feeds; the pages about them end in a slash."""


def language_from_path(get_response: Next) -> Next:
    """The language is in the address and nowhere else: /fr/... is French, what names none is English.

    Django's LocaleMiddleware does the same here but marks English pages `Vary: Accept-Language`, which they do not.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        language = translation.get_language_from_path(request.path_info) or settings.LANGUAGE_CODE
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = get_response(request)
            response.headers.setdefault("Content-Language", language)
        return response

    return middleware


def admin_policy(get_response: Next) -> Next:
    """The admin runs Django's own scripts, and nothing it shows is kept by a browser or proxy.

    Outside of it no cookie is read: to one that is spoilt Django would answer with another.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        is_admin = request.path_info.startswith("/admin/")
        if not is_admin:
            request.COOKIES.clear()
        response = get_response(request)
        if is_admin:
            response._csp_update = {"script-src": ["'self'"], "connect-src": ["'self'"]}
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def rolling_session(get_response: Next) -> Next:
    """A session lasts SESSION_COOKIE_AGE from its last request to the admin, and SESSION_LONGEST_AGE in all.

    Public pages neither read nor prolong it.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        is_signed_in = request.path_info.startswith("/admin/") and request.user.is_authenticated
        if is_signed_in and not sessions.prolong(request.session):
            logout(request)
        return get_response(request)

    return middleware


def resource_policy(get_response: Next) -> Next:
    """No other site may embed what this one serves, but any may read the open data and the feeds."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if OPEN.match(request.path_info):
            response.headers.setdefault("Access-Control-Allow-Origin", "*")
            response.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return middleware


def without_trace(get_response: Next) -> Next:
    """Refuses OF_PROXIES everywhere, before a redirect, a file or a database; the page cache gives what it keeps to none."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method in OF_PROXIES:
            return HttpResponseNotAllowed(["GET", "HEAD"], headers={"Cache-Control": "no-store"})
        return get_response(request)

    return middleware


def one_origin(get_response: Next) -> Next:
    """Public pages say their address as SITE_URL has it, whichever of the site's names was asked for."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.SITE_URL and not request.path_info.startswith("/admin/"):
            request.get_host()  # refuses a host that is none of ours
            scheme, _colon, host = settings.SITE_URL.partition("://")
            request.META |= {"HTTP_HOST": host, "wsgi.url_scheme": scheme}
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        return get_response(request)

    return middleware


class KeptPages:
    """Which answers may be kept, by browsers, by proxies and by our own page cache, and for how long."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        read: set[str] = set()
        with connection.execute_wrapper(_noting(read)), uploads.doing_without() as lacking:
            response = self.get_response(request)
        if lacking:
            response.headers["Cache-Control"] = "no-store"
        is_unkept = "no-store" in response.headers.get("Cache-Control", "")
        is_kept = getattr(request, "may_be_kept", False) and response.status_code == 200 and not is_unkept
        if is_kept:
            response.headers["Cache-Control"] = _policy(bool(read))
        if settings.BEHIND_PROXY:  # how long nginx, of our own, may give it to everybody
            response.headers["X-Accel-Expires"] = "1" if is_kept and not read else "0"
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if WITHHELD in request.META:
            return away.not_shown(request)
        if request.method not in ("GET", "HEAD") or not hasattr(view, "kept"):
            return None
        if view.kept is not None and (left := _canonical(request.GET, view.kept)) is not None:
            return HttpResponseRedirect(request.path + (f"?{left}" if left else ""))
        request.may_be_kept = True  # type: ignore[attr-defined]
        pagecache.begin(request)
        return None


PEOPLES_WORDS = "testimonials_"
"""What rests on these tables no shared cache keeps: it has to be gone with the consent."""


def _noting(read: set[str]) -> Callable[..., Any]:
    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if PEOPLES_WORDS in sql:
            read.add(PEOPLES_WORDS)
        return execute(sql, params, many, context)

    return note


def _policy(has_peoples_words: bool) -> str:
    if has_peoples_words:
        return "private, no-cache"
    if settings.SHARED_CACHE_SECONDS:
        return f"public, max-age=0, s-maxage={settings.SHARED_CACHE_SECONDS}, stale-if-error=86400"
    return "no-cache"


def _canonical(query: QueryDict, parameters: frozenset[str]) -> str | None:
    """The query without what the page does not read; None where that is all there is."""
    if all(name in parameters and len(values) == 1 for name, values in query.lists()):
        return None
    return urlencode({name: value for name, value in query.items() if name in parameters})


def next_versions(get_response: Next) -> Callable[[HttpRequest], HttpResponseBase]:
    """What was published for a moment that has come is part of its rows before anything reads them, with no job to do it.

    What is not staff's is read under the public role, in the same round trip; a database that is shut shows readers nothing.
    What staff took from readers is in the ledger before they are told so.
    """
    shut = language_from_path(views.shut)

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(UNWATCHED):
            return get_response(request)
        if STAFF.match(request.path_info):
            proposals.apply_due()
            response = get_response(request)
            if request.method not in READS:
                ledger.keep_or_log()
            return response
        try:
            if LAST_GOOD in request.META:
                return away.copied(get_response, request)
            return public_role.answered(get_response, request)
        except public_role.Shut:
            return shut(request)

    return middleware
