"""The register as a calendar (RFC 5545), of all regions or of the one that `?region=` names, in each language.

Meetings whose day is not told stay out: a calendar knows days alone.
"""

from collections.abc import Callable, Iterable
from datetime import UTC

from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language, gettext
from django.views.decorators.http import conditional_page, require_safe
from icalendar import Calendar, Event

from itsci_site.lib.pagecache import kept

from .feeds import region_asked, title_of, uid
from .models import Meeting

MOST_EVENTS = 1000
"""The latest ones: calendars are read whole, and this is about 1 MB."""


def calendar(meetings: Iterable[Meeting], name: str, absolute: Callable[[str], str]) -> bytes:
    """Each meeting as the day it was held, which readers may know. `absolute` makes an address whole.

    The same register makes the same file.
    """
    book = Calendar()
    book.add("version", "2.0")
    book.add("prodid", f"-//Scaling Up ITSCI//Meeting summaries//{str(get_language()).upper()}")
    book.add("name", name)
    book.add("x-wr-calname", name)
    for meeting in meetings:
        place, address = meeting.place, absolute(meeting.get_absolute_url())
        changed = meeting.last_change.astimezone(UTC).replace(microsecond=0)
        event = Event()
        event.add("uid", uid(meeting).urn)
        event.add("dtstamp", changed)  # not now, which would make each file another
        event.add("last-modified", changed)
        event.add("dtstart", meeting.held_on)
        event.add("transp", "TRANSPARENT")
        event.add("summary", gettext("Local stakeholder meeting, {place}").format(place=place.name))
        event.add("location", ", ".join([place.name, place.region.name, place.region.country.short_name]))
        event.add("description", f"{meeting.summary}\n\n{address}")
        event.add("url", address)
        book.add_component(event)
    return book.to_ical()


@kept("region")
@require_safe
@conditional_page
def meetings_calendar(request: HttpRequest) -> HttpResponse:
    region = region_asked(request)
    found = Meeting.objects.published().with_day().within(region=region).newest_first()[:MOST_EVENTS]
    content = calendar(found, title_of(region), request.build_absolute_uri)
    headers = {"Content-Disposition": 'attachment; filename="scaling-up-itsci-meetings.ics"', "Cache-Control": "no-cache"}
    return HttpResponse(content, content_type="text/calendar; charset=utf-8", headers=headers)
