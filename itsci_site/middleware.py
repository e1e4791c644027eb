"""What every answer passes through. None of these reads a cookie, so public pages stay the same for everyone."""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

Next = Callable[[HttpRequest], HttpResponse]

OPEN = re.compile(rf"(/data|(/({'|'.join(code for code, _name in settings.LANGUAGES)}))?/feeds)/.*[^/]$")
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
            response._csp_update = {"script-src": ["'self'"], "connect-src": ["'self'"]}  # type: ignore[attr-defined]
            response.headers["Cache-Control"] = "no-store"
        return response

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
