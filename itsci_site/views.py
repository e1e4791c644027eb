"""Pages of the site as a whole: accessibility, health, errors."""

import logging
import sys
from contextlib import suppress

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import DisallowedHost, PermissionDenied
from django.db import DatabaseError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse

from regions.public import regions_at

from . import away, public_role, readable
from .lib import pulse, replica, uploads
from .lib.pagecache import kept, lost

log = logging.getLogger(__name__)


@kept()
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "accessibility.html")


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


def readyz(request: HttpRequest) -> HttpResponse:
    """The database answers too; 503 if not."""
    try:
        if pulse.database.is_away():
            raise OperationalError
        with replica.read(), replica.connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("the database does not answer\n", content_type="text/plain; charset=utf-8", status=503)
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@kept()
def robots(request: HttpRequest) -> HttpResponse:
    """All but the admin and what a search finds: no page of its own, and endless."""
    lines = ["User-agent: *", "Disallow: /admin/"]
    for code, _name in settings.LANGUAGES:
        lines.append(f"Disallow: {'' if code == settings.LANGUAGE_CODE else f'/{code}'}/search/")
    with suppress(DisallowedHost):
        lines.append(f"Sitemap: {request.build_absolute_uri(reverse('sitemap'))}")
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")


def favicon(request: HttpRequest) -> HttpResponse:
    """The address that is asked for where no page names the mark."""
    return HttpResponseRedirect(static("img/mark.svg"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Staff stay on the staff pages and read what was wrong."""
    if _is_staff(request):
        context = admin.site.each_context(request) | {"told": readable.in_words(exception)}
        return render(request, "admin/400.html", context, status=400)
    return _error(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """To staff it says whom to ask; a form that came from another site is no matter of roles."""
    if isinstance(exception, PermissionDenied) and _is_staff(request):
        return render(request, "admin/403.html", admin.site.each_context(request), status=403)
    return _error(request, 403)


def _is_staff(request: HttpRequest) -> bool:
    """On a page of the admin, and signed in to it."""
    return request.path_info.startswith(readable.ADMIN) and hasattr(request, "user") and admin.site.has_permission(request)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    """Asks the database nothing: it may be what broke, which is said. The number is the one that the log has."""
    error = sys.exception()
    if isinstance(error, public_role.Shut):  # it came back restored, after this request began
        return shut(request)
    if pulse.is_lost(error):
        lost(request)
        log.warning("The database was lost while a request was answered")
        return away.unavailable(request)
    if isinstance(error, uploads.Away):  # of which the log says so already
        return away.unavailable(request, "store")
    asked = getattr(request, "asked", None)
    return render(request, "500.html", {"number": asked.id if asked else ""}, status=500)


def shut(request: HttpRequest) -> HttpResponse:
    """A restored database whose ledger was not applied: nothing of it is shown."""
    response = render(request, "shut.html", status=503)
    response["Retry-After"], response["Cache-Control"] = "600", "no-store"
    return response


def _error(request: HttpRequest, status: int) -> HttpResponse:
    try:
        regions = regions_at()
    except DatabaseError:
        regions = []
    return render(request, f"{status}.html", {"regions": regions}, status=status)
