"""Search over everything public: places, measures, stories, meetings and the programme's own texts.

One statement finds and ranks, one reads the rows of a page, one marks the words in them. What is public is asked of the same
querysets as everywhere. A search that takes too long is given up by Postgres.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from django.db import OperationalError
from django.db.models import BooleanField, DateField, F, IntegerField, Q, QuerySet, Value
from django.db.models.functions import Cast, JSONArray
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from psycopg.errors import QueryCanceled

from itsci_site.lib import fulltext, together
from itsci_site.lib.found import short
from itsci_site.lib.languages import in_each_language
from itsci_site.lib.replica import atomic, connection
from itsci_site.lib.statements import Statement
from itsci_site.lib.translated import Words, words
from meetings.models import Meeting
from programmes.exports import public_metrics
from programmes.models import Activity, Partner, Programme
from regions.models import Country, Metric, Region
from testimonials.models import Testimonial

PAGE = 20
MOST = 1000
"""Hits that are ranked and can be paged through; beyond, a page says "more than" and shows the newest."""
PATIENCE = 1500
"""Milliseconds until a statement of a search is given up."""
NEWEST_WORDS = 300
"""Rows of a kind whose words are suggested."""
LONGEST_TEXT = 20_000
"""Characters of a text in which words are marked."""
START, STOP = "\ue000", "\ue001"
"""Around a marked word between Postgres and the page: from Unicode's private use, taken out of texts before."""


class TooSlow(Exception):
    """Postgres gave the search up."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the kinds of things that are searched: where its rows come from, and what a result says of a row."""

    name: str
    rows: Callable[[], QuerySet]
    needs: str
    """The columns that the rest is made of; with an asterisk, those of a translated field."""
    title: Callable[[Any], str]
    parts: Callable[[Any], list[str]]
    address: Callable[[Any], str]
    about: Callable[[Any], str]
    code: Callable[[Any], str] = lambda row: ""
    """Whose facet of the glyph is in focus; none: the whole programme."""
    day: str = ""
    """The field with the day by which the newest are told."""

    @property
    def source(self) -> together.Source:
        """With every language: a text that lacks one is printed in another. And with what tells which are out of date."""
        plain = [name for name in self.needs.split() if not name.endswith("*")]
        translated = [name.removesuffix("*") for name in self.needs.split() if name.endswith("*")]
        kept = {f"{name.rpartition('__')[0]}__translated_from".removeprefix("__") for name in translated}
        return together.Source(self.rows, (*plain, *in_each_language(*translated), *sorted(kept)))


NAMES = {
    "region": _("Places"),
    "measure": _("Measures"),
    "story": _("Stories"),
    "meeting": _("Meeting summaries"),
    "programme": _("The programme"),
}
"""What readers choose from; each holds one or more kinds."""


def _in_public_programme() -> Q:
    return Q(programme__in=Programme.objects.published())


def _countries() -> QuerySet[Country]:
    return Country.objects.filter(pk__in=Region.objects.published().values("country"))


def _measures() -> QuerySet[Metric]:
    return Metric.objects.filter(pk__in=public_metrics().order_by().values("pk"))


def _region(path: str) -> str:
    """What is told of where a row belongs."""
    return " ".join(f"{path}__{name}" for name in ("kind", "code", "name*", "country__iso_code", "country__short_name*"))


def _place_of(region: Region) -> str:
    return region.name if region.kind == Region.Kind.COUNTRY else f"{region.name}, {region.country.short_name}"


KINDS = (
    Kind(
        "region",
        rows=lambda: Region.objects.published(),
        needs="slug code kind name* lead* narrative* country__short_name*",
        title=lambda region: words(region, "name"),
        parts=lambda region: [words(region, "lead"), words(region, "narrative")],
        address=lambda region: region.get_absolute_url(),
        about=lambda region: f"{gettext('Region')}, {region.country.short_name}",
        code=lambda region: region.code,
    ),
    Kind(
        "region",
        rows=_countries,
        needs="slug iso_code name* introduction*",
        title=lambda country: words(country, "name"),
        parts=lambda country: [words(country, "introduction")],
        address=lambda country: f"{reverse('where_we_work')}#{country.slug}",
        about=lambda country: gettext("Country"),
        code=lambda country: country.iso_code,
    ),
    Kind(
        "measure",
        rows=_measures,
        needs="slug name* definition*",
        title=lambda metric: words(metric, "name"),
        parts=lambda metric: [words(metric, "definition")],
        address=lambda metric: metric.get_absolute_url(),
        about=lambda metric: gettext("Measure"),
    ),
    Kind(
        "story",
        rows=lambda: Testimonial.objects.published(),
        needs="slug story_title* story_teaser* story_body* words* quote place_precision " + _region("region"),
        title=lambda story: words(story, "story_title"),
        parts=lambda story: [words(story, "story_teaser"), f"“{story.said}”", words(story, "story_body")],
        address=lambda story: story.get_absolute_url(),
        about=lambda story: f"{gettext('Story')}, {_place_of(story.region) if story.names_region else story.place_name}",
        code=lambda story: story.place_code,
        day="publish_at__date",
    ),
    Kind(
        "meeting",
        rows=lambda: Meeting.objects.published(),
        needs="slug held_on sensitivity from_source summary* topics* place__name* " + _region("place__region"),
        title=lambda meeting: meeting.title,
        parts=lambda meeting: [words(meeting, "summary"), words(meeting, "topics")],
        address=lambda meeting: meeting.get_absolute_url(),
        about=lambda meeting: f"{gettext('Meeting summary')}, {_place_of(meeting.place.region)}",
        code=lambda meeting: meeting.place.region.code,
        day="shown_on",
    ),
    Kind(
        "programme",
        rows=lambda: Programme.objects.published(),
        needs="slug name* strapline* lead* progress_lead*",
        title=lambda programme: words(programme, "name"),
        parts=lambda programme: [words(programme, "strapline"), words(programme, "lead"), words(programme, "progress_lead")],
        address=lambda programme: programme.get_absolute_url(),
        about=lambda programme: gettext("Our work"),
    ),
    Kind(
        "programme",
        rows=lambda: Activity.objects.filter(_in_public_programme()),
        needs="title* text* programme__slug",
        title=lambda activity: words(activity, "title"),
        parts=lambda activity: [words(activity, "text")],
        address=lambda activity: activity.programme.get_absolute_url(),
        about=lambda activity: gettext("What the project does"),
    ),
    Kind(
        "programme",
        rows=lambda: Partner.objects.filter(_in_public_programme()),
        needs="name* note* programme__slug",
        title=lambda partner: words(partner, "name"),
        parts=lambda partner: [words(partner, "note")],
        address=lambda partner: partner.programme.get_absolute_url(),
        about=lambda partner: gettext("Who it works with"),
    ),
)


@dataclass(frozen=True, slots=True)
class Result:
    """`..._language` is empty where a text stands in the page's language."""

    title: SafeString
    title_language: str
    extract: SafeString
    extract_language: str
    address: str
    about: str
    code: str


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was found. `total` ends at MOST; `more` says that there is more. `suggestion` is empty if none helps."""

    results: list[Result]
    total: int
    more: bool
    page: int
    suggestion: str = ""

    @property
    def previous(self) -> int:
        return self.page - 1

    @property
    def next(self) -> int:
        return self.page + 1

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


@contextmanager
def _patience() -> Iterator[None]:
    """Statements inside are given up after a time. Raises TooSlow."""
    try:
        with atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE)])
            yield
            cursor.execute("SELECT set_config('statement_timeout', '0', true)")
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise TooSlow from error
        raise


def search(sought: str, kind: str = "", page: int = 1) -> Found:
    """A page of what holds `sought`; of one of NAMES where `kind` says so. The last page for one beyond it. Raises TooSlow."""
    with _patience():
        hits = list(_hits(sought, kind))
        total, more = min(len(hits), MOST), len(hits) > MOST
        page = min(page, max(1, -(-total // PAGE)))
        shown = hits[:MOST][(page - 1) * PAGE : page * PAGE]
        suggestion = "" if hits else _suggestion(sought, kind)
        return Found(list(_results(shown, sought)), total, more, page, suggestion)


def _hits(sought: str, kind: str) -> Iterator[tuple[int, int]]:
    """The number in KINDS and the key of each row found: the best first, or the newest where there are more than MOST."""
    wanted, unwanted = fulltext.parted(sought)
    rows = _finding(kind, MOST)(wanted, unwanted or None)
    rows.sort(key=lambda row: (-row["hit_rank"], row["hit_kind"], row["pk"]))
    if len(rows) > MOST:
        rows.sort(key=lambda row: row["hit_day"] or date.max, reverse=True)
    return ((row["hit_kind"], row["pk"]) for row in rows)


@cache
def _finding(kind: str, most: int) -> Statement[dict[str, Any]]:
    """What finds and ranks, of one kind or of all, by what is looked for and what must not be there."""
    kinds = [(number, one) for number, one in enumerate(KINDS) if kind in ("", one.name)]

    def rows(wanted: str, unwanted: str | None) -> QuerySet[Any, dict[str, Any]]:
        branches = [_branch(number, one, wanted, unwanted, most) for number, one in kinds]
        return branches[0].union(*branches[1:], all=True)

    return Statement(rows)


def _branch(number: int, kind: Kind, wanted: str, unwanted: str | None, most: int) -> QuerySet:
    """Rows of one kind that hold the words, the newest `most` and one more."""
    rows = kind.rows()
    table = rows.model._meta.db_table
    found = rows.filter(fulltext.matching(table, wanted, unwanted or "")).annotate(
        hit_kind=Value(number, output_field=IntegerField()),
        hit_rank=fulltext.rank(table, wanted),
        hit_day=Cast(F(kind.day) if kind.day else Value(None), DateField()),
    )
    newest = found.order_by(*(["-hit_day"] if kind.day else []), "-pk")
    return newest.values("hit_kind", "pk", "hit_rank", "hit_day")[: most + 1]


def _results(hits: list[tuple[int, int]], sought: str) -> Iterator[Result]:
    """The rows with their words marked, in the order of `hits`."""
    keys: dict[int, list[int]] = {}
    for number, pk in hits:
        keys.setdefault(number, []).append(pk)
    found = together.rows({number: (KINDS[number].source, keys[number]) for number in sorted(keys)})
    shown = [(KINDS[number], found[number, pk]) for number, pk in hits if (number, pk) in found]
    if not shown:
        return
    names = [_line(kind.title(row)) for kind, row in shown]
    texts = [_line(" … ".join(filter(None, kind.parts(row)))) for kind, row in shown]
    marked = _marked([*((name, WHOLE) for name in names), *((text, FRAGMENTS) for text in texts)], sought)
    titles = map(_with_marks, marked[: len(names)])
    extracts = map(_with_marks, map(_extract, marked[len(names) :], texts))
    home = _home() if any(kind.name == "programme" for kind, _row in shown) else {}
    for (kind, row), title, extract in zip(shown, titles, extracts, strict=True):
        address = kind.address(row)
        languages = _language([kind.title(row)]), _language(kind.parts(row))
        yield Result(title, languages[0], extract, languages[1], home.get(address, address), kind.about(row), kind.code(row))


def _language(texts: list[str]) -> str:
    """The one language that all of these texts are in, if it is another than the page's."""
    found = {part.language for text in texts if isinstance(text, Words) for part in text.parts if part.said}
    return found.pop() if len(found) == 1 else ""


def _home() -> dict[str, str]:
    """The first programme stands at the home page."""
    first = Programme.objects.published().order_by("order", "slug").first()
    return {first.get_absolute_url(): reverse("our_work")} if first else {}


WHOLE = "HighlightAll=true"
FRAGMENTS = 'MaxFragments=2, MinWords=8, MaxWords=22, FragmentDelimiter=" … "'


def _line(text: str) -> str:
    """The text in one line, ready to be marked, with a point between the items of a list."""
    plain = text[:LONGEST_TEXT].replace(START, "").replace(STOP, "").replace("\0", "")
    return " ".join(ITEM_END.sub(" · ", plain).split())


ITEM_END = re.compile(r"(?<![\s.!?:;,])[ \t\r]*\n(?=[^\s])")
"""A line's end that ends neither a sentence nor a paragraph."""


def _marked(lines: list[tuple[str, str]], sought: str) -> list[str]:
    """Each line, WHOLE or in FRAGMENTS, with the words found between START and STOP."""
    query, parameters = fulltext.query(sought)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT ts_headline(%s::regconfig, text, {query}, shown || %s)"  # noqa: S608 - parameters
            " FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS one(text, shown, place) ORDER BY place",
            [
                fulltext.configuration(str(get_language())), *parameters, f", StartSel={START}, StopSel={STOP}",
                *map(list, zip(*lines, strict=True)),
            ],
        )  # fmt: skip
        return [text for (text,) in cursor.fetchall()]


def _extract(pieces: str, line: str) -> str:
    """The pieces, with dots where the line goes on. Its beginning where they hold no word: another language has it."""
    if START not in pieces:
        return short(line)
    said = pieces.replace(START, "").replace(STOP, "")
    before = "" if line.startswith(said[:20]) else "… "
    return f"{before}{pieces}{'' if line.endswith(said[-20:]) or said[-1] in '.!?' else ' …'}"


def _with_marks(text: str) -> SafeString:
    return mark_safe(escape(text).replace(START, "<mark>").replace(STOP, "</mark>"))  # noqa: S308 - escaped before


VOCABULARY = """
SELECT asked.word, near.word
FROM unnest(%s::text[]) WITH ORDINALITY AS asked(word, place)
LEFT JOIN LATERAL (
    SELECT known.word FROM unnest(%s::text[]) AS known(word)
    WHERE similarity(unaccent(known.word), unaccent(asked.word)) >= 0.4
    ORDER BY similarity(unaccent(known.word), unaccent(asked.word)) DESC, known.word LIMIT 1
) AS near ON true
ORDER BY asked.place
"""


def _suggestion(sought: str, kind: str) -> str:
    """The words with each misspelt one put right, if anything is found then; else nothing."""
    asked = re.findall(r"\w+", sought.lower())[:8]
    known = _vocabulary()
    with connection.cursor() as cursor:
        cursor.execute(VOCABULARY, [asked, sorted(known)])
        better = " ".join(near or word for word, near in cursor.fetchall())
    spelt = " ".join(known.get(word, word) for word in better.split())
    return spelt if better != " ".join(asked) and any(True for _hit in _hits(better, kind)) else ""


def _vocabulary() -> dict[str, str]:
    """Words of names, titles and short texts that are public, in every language: no suggestion may tell what is not.

    Each in small letters, with how it is written: names of places keep their capitals.
    """
    found: dict[str, str] = {}
    for row in _TEXTS():
        for word in WORD.findall(" ".join(text for text in row["texts"] if text)):
            found[word.lower()] = word if row["is_place"] else found.get(word.lower(), word.lower())
    return found


def _texts() -> QuerySet[Any, dict[str, Any]]:
    """What `_vocabulary` reads: whether a text is the name of a place, and it by language."""
    regions = Region.objects.published()
    meetings = Meeting.objects.published().newest_first()
    texts: list[tuple[QuerySet, bool, tuple[str, ...]]] = [
        (regions, True, ("name",)), (_countries(), True, ("name",)), (meetings, True, ("place__name",)),
        (regions, False, ("lead",)), (meetings, False, ("topics",)),
        (_measures(), False, ("name", "definition")),
        (Testimonial.objects.published(), False, ("story_title", "story_teaser")),
        (Activity.objects.filter(_in_public_programme()), False, ("title", "text")),
        (Partner.objects.filter(_in_public_programme()), False, ("name",)),
    ]  # fmt: skip
    branches = [
        rows.annotate(
            is_place=Value(is_place, output_field=BooleanField()), texts=JSONArray(*in_each_language(*fields))
        ).values("is_place", "texts")[:NEWEST_WORDS]
        for rows, is_place, fields in texts
    ]
    return branches[0].union(*branches[1:], all=True)


_TEXTS = Statement(_texts)


WORD = re.compile(r"\w{4,}")
