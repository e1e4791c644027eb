"""What is answered while the database, or the store of files, does not answer, and how the copies are made that are given
while the database does not (decision 29)."""

from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import Resolver404, resolve
from django.utils import translation
from django.utils.translation import gettext as _

from itsci_site import public_role
from itsci_site.lib import replica
from itsci_site.lib.pagecache import AWAY
from testimonials.withheld import withheld

Next = Callable[[HttpRequest], HttpResponseBase]

LAST_GOOD = "itsci.last_good"
"""Where the environment of a request says that its answer is a copy to keep on disk: the moment, a datetime."""
WITHHELD = "itsci.withheld"
"""And that the copy only says that what stands at this address is not shown."""
STANDS = ("/healthz", "/readyz", "/favicon.ico", settings.STATIC_URL)
"""Answers that need no database, or say themselves that it is away."""
RETRY_AFTER = 30
"""Seconds."""
ADMIN = "/admin/"


def without_database(get_response: Next) -> Callable[[HttpRequest], HttpResponseBase]:
    """Where it is known that the database does not answer it is not asked: that would mean to wait for it."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if AWAY in request.META and not request.path_info.startswith(STANDS):
            return unavailable(request)
        return get_response(request)

    return middleware


def unavailable(request: HttpRequest, what: str = "database") -> HttpResponse:
    """503: the "database" is away, or the "store" of files. Staff have what they typed back, to be sent again. Asks neither."""
    language = translation.get_language_from_path(request.path_info) or settings.LANGUAGE_CODE
    with translation.override(language):
        if request.path_info.startswith(ADMIN):
            answer = _for_staff(request, what)
        else:
            answer = render(request, "503.html", {"what": what}, status=503)
    for name, value in (("Retry-After", str(RETRY_AFTER)), ("Cache-Control", "no-store"), ("Content-Language", language)):
        answer.headers[name] = value
    answer._has_been_logged = True  # type: ignore[attr-defined]  # that it is away is in the log once
    return answer


def _for_staff(request: HttpRequest, what: str) -> HttpResponse:
    request.user = AnonymousUser()  # whoever it is cannot be asked
    if request.resolver_match is None:
        with suppress(Resolver404):
            request.resolver_match = resolve(request.path_info)
    title = _("The store of files does not answer") if what == "store" else _("The database does not answer")
    context = admin.site.each_context(request) | {"title": title, "away": what}
    if request.method == "POST" and is_of_this_site(request):
        with suppress(BadRequest, MultiPartParserError, OSError, ValueError):  # what cannot be read is no form of ours
            sent = {"token": request.POST.get("csrfmiddlewaretoken", ""), "files": list(request.FILES), "sent": True}
            context |= sent | {"fields": typed(request)}
    return render(request, "admin/sign_in/kept.html", context, status=503)


def is_of_this_site(request: HttpRequest) -> bool:
    """Only a page of this very site gets its words back: another site's would be one click from being obeyed."""
    return request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"


def typed(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of a form that was sent, but for passwords and codes, which no page shows."""
    match = request.resolver_match
    takes_codes = match is not None and match.url_name in ("sign_in_code", "sign_in_enrol", "second_factor")
    return [
        (name, str(value))
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and "password" not in name and not (takes_codes and name == "code")
        for value in values
    ]


def copied(get_response: Next, request: HttpRequest) -> HttpResponseBase:
    """An answer for the copies on disk: nobody's words are in it, whatever the page would show."""
    with replica.read(), withheld():
        response = public_role.answered(get_response, request)
        response._has_been_logged = True  # type: ignore[attr-defined]  # nobody asked for what is not there
        if response.streaming:
            response.streaming_content = [b"".join(response.streaming_content)]  # type: ignore[attr-defined]
    return response


def not_shown(request: HttpRequest) -> HttpResponse:
    return render(request, "withheld.html")
