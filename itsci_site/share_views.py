"""The drawn picture of a page, beside it: /where-we-work/katanga/ has /where-we-work/katanga/share.png, in each language.

Only for what is public now: of anything else the picture is as unknown as the page.
"""

from collections.abc import Callable
from html import unescape
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import resolve
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from itsci_site.lib import text
from itsci_site.lib.exports import Words
from itsci_site.lib.found import short
from itsci_site.lib.pagecache import kept
from meetings.models import Meeting
from programmes import tags
from programmes.public import headline_of, programme_at, regions_of
from regions import figures
from regions.history import by_country
from regions.models import Metric, Region
from regions.public import regions_at
from testimonials.models import Testimonial

from .context_processors import SECTIONS, section
from .share_image import Card, Tag, png

NAME = "share.png"
LEAD = 120
"""Characters of a lead that a picture has room for."""


@kept()
@require_safe
def share_image(request: HttpRequest, page: str) -> HttpResponse:
    """Other sites may show it. What is withdrawn must go at once, so that nobody keeps it without asking again."""
    match = resolve(request.path_info.removesuffix(NAME))
    if match.view_name not in CARDS:
        raise Http404
    card = CARDS[match.view_name](*match.args, **match.kwargs)
    response = get_conditional_response(request, etag=card.etag) or HttpResponse(png(card), content_type="image/png")
    if response.status_code < 400:
        response.headers["ETag"] = card.etag
        response.headers["Cache-Control"] = "no-cache"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _main(name: str, note: Words) -> Callable[[], Card]:
    """The card of a main page, which stands below no other."""
    return lambda: Card(str(SECTIONS[name]), note=str(note))


def _plain(name: str, title: Words, note: Words) -> Callable[[], Card]:
    return lambda: Card(str(title), section(name), str(note))


def _lead(words: str) -> str:
    """The sentences of a lead that there is room for; none that is cut, as a picture cannot be opened to read on."""
    whole = short(words, LEAD)
    return whole if whole == words or not whole.endswith("…") else ""


def _our_work(slug: str | None = None) -> Card:
    programme = programme_at(slug)
    return Card(programme.strapline, programme.name if slug else "", _lead(programme.lead))


def _progress(slug: str | None = None) -> Card:
    programme = programme_at(slug)
    return Card(gettext("Progress"), programme.name if slug else "", _lead(programme.progress_lead))


def _figure(metric: str, slug: str | None = None) -> Card:
    """With the number for the whole: the latest headline, else the regions' sum, else words for why there is none."""
    programme = programme_at(slug)
    measure: Metric = get_object_or_404(Metric, slug=metric)
    headline = headline_of(programme, measure)
    table = figures.table(regions_of(programme), [measure])
    if not headline and not by_country(table, measure):
        raise Http404
    found = tags.of_whole(table, measure, headline)
    total = table.total(measure)
    if found:
        label = found.label if found.label != measure.name else ""
        tag = Tag(found.code, text.number(found.value), True, label, found.as_of)
    else:
        tag = Tag(f"ALL-{measure.code}", total.words if total else text.number(None), False, "", "")
    return Card(measure.name, section("figure"), programme.name if slug else "", tag=tag)


def _where_we_work() -> Card:
    table = figures.table(regions_at())
    lead = unescape(render_to_string("regions/lead.html", {"table": table}))
    return Card(str(SECTIONS["where_we_work"]), note=lead)


def _region(slug: str) -> Card:
    region = get_object_or_404(Region.objects.published().in_order(), slug=slug)
    return Card(region.name, section("region"), _lead(region.lead), (region.code,))


def _story(slug: str) -> Card:
    """The title and the place: no word of the person, who may be asked to be forgotten."""
    story: Any = get_object_or_404(Testimonial.objects.published().select_related("region__country"), slug=slug)
    return Card(story.story_title, section("story"), str(story.place_name), (story.place_code,))


def _meeting(slug: str) -> Card:
    meeting = get_object_or_404(Meeting.objects.published().newest_first(), slug=slug)
    region = meeting.place.region
    if region.kind == Region.Kind.COUNTRY:
        note = gettext("Local stakeholder meeting, %(place)s.") % {"place": region.name}
    else:
        words = {"place": region.name, "country": region.country.short_name}
        note = gettext("Local stakeholder meeting, %(place)s, %(country)s.") % words
    day = str(meeting.shown).replace(" ", "\N{NO-BREAK SPACE}")
    return Card(f"{meeting.place.name}, {day}", section("meeting"), note, (region.code,))


CARDS: dict[str, Callable[..., Card]] = {
    "our_work": _our_work,
    "programme": _our_work,
    "where_we_work": _where_we_work,
    "region": _region,
    "progress": _progress,
    "programme_progress": _progress,
    "figure": _figure,
    "programme_figure": _figure,
    "changes": _plain(
        "changes",
        gettext_lazy("What changed"),
        gettext_lazy("New figures, corrections and changed definitions between two dates."),
    ),
    "search": _main("search", gettext_lazy("Search regions, figures, stories, meetings and the programme’s texts.")),
    "data": _main("data", gettext_lazy("Every public figure to take away, with its corrections, definitions and sources.")),
    "corrections": _plain(
        "corrections",
        gettext_lazy("Corrections"),
        gettext_lazy(
            "Every figure that was corrected after it had become public: what stood before, what stands now, and why."
        ),
    ),
    "stories": _plain(
        "stories", gettext_lazy("Stories"), gettext_lazy("What people in the mining regions say, in their own words.")
    ),
    "story": _story,
    "meetings": _main("meetings", gettext_lazy("What local stakeholders discuss when they meet.")),
    "meeting": _meeting,
    "accessibility": _plain(
        "accessibility",
        gettext_lazy("Accessibility"),
        gettext_lazy("What this site does so that everyone can read it, and what it does not manage yet."),
    ),
}
"""By the name of a page's address. A page that is not here has no picture."""
