"""New figures and corrections as a feed, the newest first, one in each language."""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from django.contrib.syndication.views import Feed
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.translation import get_language, gettext

from itsci_site.lib import text
from regions.models import Reading, Region, Source

from . import changes
from .changes import HeadlineChange

NEWEST = 50


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    """Its own for good: it rests on rows, not on their words or the site's address."""
    at: datetime
    title: str
    said: list[str]
    address: str


class Figures(Feed):
    """Every reading of a public region and every headline once it is public. What a correction corrects stays an entry."""

    feed_type = Atom1Feed
    author_name = "Scaling Up ITSCI"

    def title(self) -> str:
        return gettext("New figures and corrections") + " - Scaling Up ITSCI"

    def subtitle(self) -> str:
        return gettext(
            "Every figure, by region or for the whole, when it becomes public, and every correction with its reason."
        )

    def link(self) -> str:
        return reverse("data")

    def items(self) -> list[Entry]:
        found = [*_of_headlines(timezone.now()), *_of_readings()]
        return sorted(found, key=lambda entry: entry.at, reverse=True)[:NEWEST]

    def item_title(self, entry: Entry) -> str:
        return entry.title

    def item_description(self, entry: Entry) -> str:
        return escape(" ".join(entry.said))

    def item_link(self, entry: Entry) -> str:
        return entry.address

    def item_guid(self, entry: Entry) -> str:
        return uuid5(NAMESPACE_URL, f"scaling-up-itsci/{entry.name}/{get_language()}").urn

    def item_pubdate(self, entry: Entry) -> datetime:
        return entry.at

    def item_updateddate(self, entry: Entry) -> datetime:
        return entry.at


def _of_readings() -> list[Entry]:
    public = Reading.objects.published().filter(series__region__in=Region.objects.published())
    known = public.select_related("series__region", "series__metric", "source", "supersedes")
    return [_of_reading(reading) for reading in known.order_by("-published_at", "-pk")[:NEWEST]]


def _of_reading(reading: Reading) -> Entry:
    said = {
        "place": reading.series.region.name,
        "metric": reading.series.metric.name,
        "period": reading.as_of,
        "value": text.number(reading.value),
    }
    parts = [gettext("Source: {source}.").format(source=reading.source.name)]
    if reading.status in (Reading.Status.PROVISIONAL, Reading.Status.ESTIMATED):
        parts.insert(0, gettext("Status: {status}.").format(status=reading.get_status_display()))
    title = gettext("{place}, {metric}, {period}: {value}").format(**said)
    if reading.supersedes:
        before = text.number(reading.supersedes.value)
        title = gettext("Correction. {place}, {metric}, {period}: {value}, until then {before}").format(before=before, **said)
        parts.insert(0, gettext("Reason: {reason}").format(reason=reading.reason))
    return Entry(f"reading/{reading.pk}", reading.published_at, title, parts, reading.get_absolute_url())  # type: ignore[arg-type]


def _of_headlines(now: datetime) -> list[Entry]:
    """An entry's words may still change: of a reason that is reworded, or translated later."""
    found = changes.headline_changes((changes.BEGINNING, now), now)[:NEWEST]
    sources = Source.objects.in_bulk({change.headline.source_id for change in found}) if found else {}
    return [_of_headline(change, sources) for change in found]


def _of_headline(change: HeadlineChange, sources: dict[int, Source]) -> Entry:
    headline = change.headline
    said = {
        "programme": headline.programme.name,
        "metric": headline.metric.name,
        "period": headline.as_of,
        "value": text.number(headline.value),
    }
    parts = [f"{headline.label}."]
    parts += [
        gettext("{name}: {since}, until then {before}.").format(name=name, since=since, before=before)
        for name, before, since in change.otherwise
    ]
    if change.kind == "new":
        title = gettext("{programme}, {metric}, {period}: headline total {value}").format(**said)
    elif change.kind == "withdrawn":
        title = gettext("Withdrawn. {programme}, {metric}, {period}: headline total {value}").format(**said)
    else:
        title = _correction(change).format(before=text.number(change.old.value if change.old else None), **said)
        reason = change.reason
        parts.append(gettext("Reason: {reason}").format(reason=reason) if reason else gettext("No reason is given."))
    if source := sources.get(headline.source_id):
        parts.append(gettext("Source: {source}.").format(source=source.name))
    log = f"{reverse('corrections')}#headlines"
    here = change.page and f"{change.page}#{headline.code.lower() if change.kind == 'new' else 'corrections'}"
    return Entry(f"headline/{change.version}/{change.kind}", change.at, title, parts, here or log)


def _correction(change: HeadlineChange) -> str:
    if change.old and change.new and change.old.value == change.new.value:
        return gettext("Correction. {programme}, {metric}, {period}: headline total {value}")
    if change.again:
        return gettext("Correction. {programme}, {metric}, {period}: headline total {value}, before it was withdrawn {before}")
    return gettext("Correction. {programme}, {metric}, {period}: headline total {value}, until then {before}")
