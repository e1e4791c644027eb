"""The site's addresses and a few that fail, to see what a visitor gets then."""

from django.conf.urls.i18n import i18n_patterns
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.urls import path

from itsci_site.urls import handler400, handler403, handler404, handler500
from itsci_site.urls import urlpatterns as site

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault of ours")


def refused(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def unreadable(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("not readable")


urlpatterns = [
    *site,
    *i18n_patterns(
        path("broken/", broken, name="broken"),
        path("refused/", refused, name="refused"),
        path("unreadable/", unreadable, name="unreadable"),
        prefix_default_language=False,
    ),
]
