"""Wrong passwords lock an account for the address they came from. django-axes counts and refuses; this is what it asks us."""

from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from .second_factor import span


class Attempts(AxesDatabaseHandler):
    """One row for an account and address, without what the browser says about itself."""

    def user_login_failed(self, sender: Any, credentials: dict, request: HttpRequest | None = None, **kwargs: Any) -> None:
        if request:
            request.axes_user_agent = request.axes_http_accept = request.axes_path_info = ""  # type: ignore[attr-defined]
        super().user_login_failed(sender, credentials, request, **kwargs)


def client_address(request: HttpRequest) -> str | None:
    """Where a request comes from; None where there is no address (a socket without a proxy's word).

    Our own proxy wrote the last entry of X-Forwarded-For; those before it are whatever the visitor likes. An IPv6 network of
    64 bits is one customer's, who can take any address in it: it counts as one.
    """
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2] if settings.BEHIND_PROXY else ""
    for text in (forwarded, request.META.get("REMOTE_ADDR", "")):
        try:
            found = ip_address(text.strip())
        except ValueError:
            continue
        if isinstance(found, IPv6Address) and not found.ipv4_mapped:
            return str(ip_network((found.packed, 64), strict=False).network_address)
        return str(getattr(found, "ipv4_mapped", None) or found)
    return None


def locked_out(request: HttpRequest, response: HttpResponse, credentials: dict | None) -> HttpResponse:
    """The answer to a password, right or wrong, while the account is locked for this address."""
    ends = lock_ends(str((credentials or {}).get("username", "")), client_address(request))
    seconds = (ends - timezone.now()).total_seconds()
    context = admin.site.each_context(request) | {
        "title": _("Locked"), "ends": ends, "wait": span(seconds), "failures": settings.AXES_FAILURE_LIMIT
    }  # fmt: skip
    answer = render(request, "admin/sign_in/locked.html", context, status=429)
    answer.headers["Retry-After"] = str(max(1, ceil(seconds)))
    return answer


def lock_ends(username: str, address: str | None) -> datetime:
    """When a lock that holds now ends: an attempt no longer counts AXES_COOLOFF_TIME after the last failure noted with it."""
    last = AccessAttempt.objects.filter(username=username, ip_address=address).order_by("-attempt_time").first()
    return (last.attempt_time if last else timezone.now()) + settings.AXES_COOLOFF_TIME
