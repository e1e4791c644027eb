"""New figures and corrections as a feed, the newest first, one in each language."""

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.translation import get_language, gettext

from itsci_site.lib import text

from .models import Reading, Region

NEWEST = 50


class Figures(Feed):
    """Every reading of a public region once it is public. A correction is an entry of its own: what it corrects stays."""

    feed_type = Atom1Feed
    author_name = "Scaling Up ITSCI"

    def title(self) -> str:
        return gettext("New figures and corrections") + " - Scaling Up ITSCI"

    def subtitle(self) -> str:
        return gettext("Every figure by region when it becomes public, and every correction with its reason.")

    def link(self) -> str:
        return reverse("data")

    def items(self) -> list[Reading]:
        public = Reading.objects.published().filter(series__region__in=Region.objects.published())
        known = public.select_related("series__region", "series__metric", "source", "supersedes")
        return list(known.order_by("-published_at", "-pk")[:NEWEST])

    def item_title(self, reading: Reading) -> str:
        said = {
            "place": reading.series.region.name,
            "metric": reading.series.metric.name,
            "period": reading.as_of,
            "value": text.number(reading.value),
        }
        if reading.supersedes is None:
            return gettext("{place}, {metric}, {period}: {value}").format(**said)
        before = text.number(reading.supersedes.value)
        return gettext("Correction. {place}, {metric}, {period}: {value}, until then {before}").format(before=before, **said)

    def item_description(self, reading: Reading) -> str:
        parts = [gettext("Source: {source}.").format(source=reading.source.name)]
        if reading.status in (Reading.Status.PROVISIONAL, Reading.Status.ESTIMATED):
            parts.insert(0, gettext("Status: {status}.").format(status=reading.get_status_display()))
        if reading.supersedes:
            parts.insert(0, gettext("Reason: {reason}").format(reason=reading.reason))
        return escape(" ".join(parts))

    def item_link(self, reading: Reading) -> str:
        return reading.get_absolute_url()

    def item_guid(self, reading: Reading) -> str:
        """The same for good: it rests on the reading and the language, not on the site's address."""
        return uuid5(NAMESPACE_URL, f"scaling-up-itsci/reading/{reading.pk}/{get_language()}").urn

    def item_pubdate(self, reading: Reading) -> datetime | None:
        return reading.published_at

    def item_updateddate(self, reading: Reading) -> datetime | None:
        return reading.published_at
