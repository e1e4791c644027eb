"""The register as an Atom feed, of all regions or of the one that `?region=` names, in each language."""

from datetime import datetime
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, UUID, uuid5

from django.contrib.syndication.views import Feed
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.translation import get_language, gettext

from itsci_site.lib import text
from regions.models import Region

from .models import Meeting

NEWEST = 50


def region_asked(request: HttpRequest) -> Region | None:
    """None for all of them. Raises Http404 for one that is not public: as if it had never been."""
    asked = request.GET.get("region", "")
    if not asked:
        return None
    found = Region.objects.published().in_order().filter(slug=asked.replace("\0", "\ufffd")).first()
    if found is None:
        raise Http404
    return found


def title_of(region: Region | None) -> str:
    words = gettext("Meeting summaries")
    return f"{words}, {region.name} - Scaling Up ITSCI" if region else f"{words} - Scaling Up ITSCI"


def uid(meeting: Meeting) -> UUID:
    """The same for good: it rests on the meeting and the current language, not on the site's address."""
    return uuid5(NAMESPACE_URL, f"scaling-up-itsci/meeting/{meeting.pk}/{get_language()}")


class Meetings(Feed):
    """The summaries as they became public, with the day of the meeting in the title; the month, where that alone is told."""

    feed_type = Atom1Feed
    author_name = "Scaling Up ITSCI"

    def get_object(self, request: HttpRequest) -> Region | None:
        return region_asked(request)

    def title(self, region: Region | None) -> str:
        return title_of(region)

    def subtitle(self, region: Region | None) -> str:
        return gettext("What local stakeholders discuss when they meet.")

    def link(self, region: Region | None) -> str:
        return within(reverse("meetings"), region)

    def feed_url(self, region: Region | None) -> str:
        return within(reverse("meetings_feed"), region)

    def items(self, region: Region | None) -> list[Meeting]:
        public = Meeting.objects.published().within(region=region).select_related("place__region")
        return list(public.order_by("-publish_at", "-shown_on", "-pk")[:NEWEST])

    def item_title(self, meeting: Meeting) -> str:
        return f"{meeting.place.name}, {meeting.place.region.name}, {meeting.shown}"

    def item_description(self, meeting: Meeting) -> str:
        return "".join(f"<p>{escape(part)}</p>" for part in text.paragraphs(meeting.summary))

    def item_link(self, meeting: Meeting) -> str:
        return meeting.get_absolute_url()

    def item_guid(self, meeting: Meeting) -> str:
        return uid(meeting).urn

    def item_pubdate(self, meeting: Meeting) -> datetime | None:
        return meeting.publish_at

    def item_updateddate(self, meeting: Meeting) -> datetime | None:
        return meeting.last_change


def within(address: str, region: Region | None) -> str:
    return f"{address}?{urlencode({'region': region.slug})}" if region else address
