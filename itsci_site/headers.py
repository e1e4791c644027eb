"""The headers that every answer carries (docs/headers.md), those that Django never gets to give included."""

from io import BytesIO

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.security import SecurityMiddleware
from django.utils.module_loading import import_string

FIRST = (
    "itsci_site.headers.HeadersOfSecurity",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "itsci_site.middleware.resource_policy",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
)
"""Middleware that only sets headers. It stands outside of all that may answer or fail."""


class HeadersOfSecurity(SecurityMiddleware):
    """Its headers without its redirect, so that the answer to a host that the redirect fails at carries them, too."""

    def process_request(self, request: HttpRequest) -> None:
        return None


def policy() -> dict[str, str]:
    """For an answer that is written without Django: to what cannot be read, or where even the error page failed."""
    given = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "wsgi.input": BytesIO()}
    scheme = "https" if settings.HTTPS else "http"
    request = WSGIRequest(given | {"wsgi.url_scheme": scheme, "HTTP_X_FORWARDED_PROTO": scheme})
    answer = HttpResponse()
    for name in reversed(FIRST):
        answer = import_string(name)(lambda _request, made=answer: made)(request)
    del answer.headers["Content-Type"]
    return dict(answer.headers)
