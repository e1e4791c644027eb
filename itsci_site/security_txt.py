"""Where to tell of a weakness, for programs: RFC 9116."""

from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

HOLDS = timedelta(days=180)
"""The RFC asks for less than a year. It moves on with the day: the setting is what ends it."""


@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """404 where the site has no address to write to."""
    if not settings.CONTACT_EMAIL:
        raise Http404
    today = datetime.combine(timezone.now().astimezone(UTC).date(), time(), UTC)
    lines = [
        f"Contact: mailto:{settings.CONTACT_EMAIL}",
        f"Expires: {(today + HOLDS).isoformat().replace('+00:00', 'Z')}",
        f"Preferred-Languages: {', '.join(code for code, _name in settings.LANGUAGES)}",
        f"Canonical: {request.build_absolute_uri(request.path)}",
    ]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")
