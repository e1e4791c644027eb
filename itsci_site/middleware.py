"""What every answer passes through. None reads a cookie outside of the admin: public pages are the same for everyone."""

import re
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation

from itsci_site import public_role
from itsci_site.lib.newsroom import proposals

UNWATCHED = ("/healthz", "/readyz", "/robots.txt", "/favicon.ico", settings.STATIC_URL)
"""Answers that hold no content: they stand when the database does not."""
LANGUAGE = "|".join(code for code, _name in settings.LANGUAGES)
STAFF = re.compile(rf"/admin/|(/({LANGUAGE}))?/preview/")
"""Answers that read, or write, what is not public."""
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
    """The admin runs Django's own scripts, and nothing it shows is kept by a browser or proxy."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path_info.startswith("/admin/"):
            response._csp_update = {"script-src": ["'self'"], "connect-src": ["'self'"]}
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


def rolling_session(get_response: Next) -> Next:
    """A session lasts SESSION_COOKIE_AGE from its last request to the admin; public pages neither read nor prolong it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/admin/") and request.user.is_authenticated:
            request.session.modified = True  # so it is saved, and its end moves
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


def next_versions(get_response: Next) -> Callable[[HttpRequest], HttpResponseBase]:
    """What was published for a moment that has come is part of its rows before anything reads them, with no job to do it.

    What is not staff's is read under the public role, in the same round trip.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(UNWATCHED):
            return get_response(request)
        if STAFF.match(request.path_info):
            proposals.apply_due()
            return get_response(request)
        return public_role.answered(get_response, request)

    return middleware
