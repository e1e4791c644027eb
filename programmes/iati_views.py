"""The IATI file, at one address for both languages."""

from hashlib import sha256

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from itsci_site.lib.pagecache import kept
from regions.forms import AsAt
from regions.versions import past

from . import iati

OPEN = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
LONGEST = 60
"""Characters of what was asked that an answer repeats."""


@kept(refuses=True)
@require_safe
def iati_file(request: HttpRequest) -> HttpResponse:
    asked = AsAt.read(request.GET)
    if refused := _refused(request, asked):
        return HttpResponseBadRequest(f"{refused}\n", content_type="text/plain; charset=utf-8", headers=OPEN)
    with past(asked.at):
        # Meetings do not come back from the past: only the present names their documents.
        content = iati.document(request.build_absolute_uri, asked.at or timezone.now(), documents=asked.at is None)
    etag = quote_etag(sha256(content).hexdigest())
    response = HttpResponse(content, content_type="application/xml; charset=utf-8")
    answer = get_conditional_response(request, etag=etag, response=response) or response
    for name, value in (OPEN | {"Content-Language": "en, fr", "ETag": etag}).items():
        answer.headers[name] = value  # a 304 says so, too
    return answer


def _refused(request: HttpRequest, asked: AsAt) -> str:
    """What is wrong with the query string, in English; empty where nothing is."""
    for name, values in request.GET.lists():
        told = f"{name}={values[-1]}"[:LONGEST]
        if name != "as-at":
            return f"{told}: there is no such parameter. This file knows as-at alone."
        if len(values) > 1:
            return f"{told}: it is given more than once."
        if errors := asked.form.errors.get(name):
            to_come = errors.as_data()[0].code == "future"
            return f"{told}: " + (
                "this day is still to come." if to_come else "there is no such day. Write it like 2026-11-30."
            )
    return ""
