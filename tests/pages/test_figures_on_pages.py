"""Every figure, name, date and quote of the source stands on its pages, in both languages; nothing unpublished does."""

from datetime import date
from typing import Any

import pytest
from django.test import Client

from meetings.models import Meeting, Place
from programmes.models import Programme
from regions.models import Metric, Region, Series
from testimonials.models import Testimonial
from tests import factories

from . import facts, markup
from .conftest import Read
from .content import addresses, in_language

FIRST = "/programmes/scaling-up-itsci/"
in_both = pytest.mark.parametrize("language", facts.LANGUAGES)
of_each_region = pytest.mark.parametrize("region", facts.REGIONS, ids=lambda region: region.slug)


def tags(page: markup.Element) -> list[tuple[str, str, str]]:
    """Every tag of a page: its code, figure and the as-of line of its stub."""
    found = []
    for tag in page.all("div", "tag"):
        stub = tag.one("dd", "stub").text
        found.append((tag.one("dd", "id").text, tag.one("dd", "fig").text, stub.removesuffix(tag.one("a").text).strip()))
    return found


def rows(table: markup.Element) -> list[list[str]]:
    """Every row of a table's body: its header, then the figure of each cell."""
    return [[row.one("th").text, *row.texts("span", "n")] for row in table.one("tbody").all("tr")]


def alone(cell: str) -> str:
    """A dash without the words that explain it to a screen reader; anything else as it is."""
    return facts.DASH if cell.startswith(facts.DASH) and len(cell) > 1 else cell


def name_of(entry: markup.Element) -> str:
    """The name of a partner without the note behind it."""
    return entry.text.removesuffix(entry.one("span", "note").text).strip()


def names(language: str, regions: tuple[facts.Region, ...] = facts.REGIONS) -> list[str]:
    return [region.names[language] for region in regions]


@in_both
@pytest.mark.parametrize("address", ["/progress/", "/progress/miners/", "/progress/government-agents/"])
def test_each_cell_is_labelled_with_its_column(read: Read, address: str, language: str) -> None:
    """On the narrowest screens a table is cards without its head."""
    tables = [table for table in read(address, language).all("table") if {"grid", "periods"} & table.classes]
    assert tables
    for table in tables:
        _first, *columns = table.one("thead").texts("th")
        for row in table.one("tbody").all("tr"):
            labels = [cell.attributes.get("data-label", "") for cell in row.all("td")]
            assert labels == [column if cell.text else "" for column, cell in zip(columns, row.all("td"), strict=True)]


@in_both
@pytest.mark.parametrize("address", ["/", "/progress/", f"{FIRST}", f"{FIRST}progress/"])
def test_the_headlines_hang_as_tags(read: Read, address: str, language: str) -> None:
    as_of = facts.AS_OF[language]
    expected = [(code, facts.printed(value, language), as_of) for code, value, _sum, _difference in facts.HEADLINES]
    assert tags(read(address, language)) == expected


@in_both
def test_progress_shows_every_region_and_every_sum(read: Read, language: str) -> None:
    page = read("/progress/", language)
    expected = [[region.names[language], *facts.printed_all(region.figures, language)] for region in facts.REGIONS]
    expected.insert(4, [facts.CONGO[language], *facts.printed_all(facts.CONGO_TOTALS, language)])
    expected.append([facts.WHOLE[language], *facts.printed_all(facts.TOTALS, language)])
    assert rows(page.one("table", "grid")) == expected
    assert facts.AS_OF[language] in page.by_id("regions").text


@in_both
def test_progress_sets_headlines_beside_sums_without_adjusting_either(read: Read, language: str) -> None:
    found = []
    for row in read("/progress/", language).one("table", "rec").one("tbody").all("tr"):
        headline, total, apart = row.texts("td", "n")
        found.append((headline, alone(total), alone(apart)))
    expected = [
        (
            facts.printed(headline, language),
            facts.DASH if total is None else facts.printed(total, language),
            facts.DASH if difference is None else f"+{difference}",
        )
        for _code, headline, total, difference in facts.HEADLINES
    ]
    assert found == expected


@in_both
def test_progress_says_what_is_known_of_each_difference(read: Read, language: str) -> None:
    page = read("/progress/", language)
    miners, sites, committees, agents = (row.all("td")[-1].text for row in page.one("table", "rec").one("tbody").all("tr"))
    unexplained = {"en": "The source does not explain it.", "fr": "La source ne l’explique pas."}[language]
    assert miners.startswith(unexplained)
    assert committees.startswith(unexplained)
    assert facts.SHARES[language] in miners
    assert "%" not in sites + agents
    assert {"en": "Not broken down by region.", "fr": "Non ventilé par région."}[language] == agents


@in_both
def test_where_we_work_ranks_the_regions_by_miners(read: Read, language: str) -> None:
    table = read("/where-we-work/", language).one("table", "rank")
    found = [(row.one("th").text, row.one("td", "n").text) for row in table.one("tbody").all("tr")]
    assert found == [(region.names[language], facts.printed(region.figures[0], language)) for region in facts.BY_MINERS]
    assert facts.AS_OF[language] in table.one("caption").text


@in_both
def test_where_we_work_tells_of_every_region_with_its_figures(read: Read, language: str) -> None:
    entries = read("/where-we-work/", language).all("section", "entry")
    found = {entry["id"]: entry.one("dl", "trio") for entry in entries}
    expected = {"dr-congo": facts.CONGO_TOTALS} | {region.slug: region.figures for region in facts.REGIONS}
    assert list(found) == list(expected)
    assert {slug: trio.texts("", "n") for slug, trio in found.items()} == {
        slug: facts.printed_all(figures, language) for slug, figures in expected.items()
    }


@in_both
def test_the_map_names_every_region(read: Read, language: str) -> None:
    drawing = read("/where-we-work/", language).one("svg", "map")
    assert [link.text for link in drawing.all("a", "at") if link.text] == names(language)


@in_both
@of_each_region
def test_a_region_page_has_its_figures_its_voice_and_its_neighbours(read: Read, region: facts.Region, language: str) -> None:
    page = read(f"/where-we-work/{region.slug}/", language)
    codes = [f"{region.code}-{measure}" for measure in "MSC"]
    as_of = [facts.AS_OF[language]] * 3
    assert tags(page) == list(zip(codes, facts.printed_all(region.figures, language), as_of, strict=True))
    assert page.one("h1").text == region.names[language]
    assert page.texts("blockquote") == [region.quote]
    assert page.one("nav", "index").texts("li") == names(language)


@in_both
@of_each_region
def test_a_region_page_lists_its_own_meetings(read: Read, region: facts.Region, language: str) -> None:
    part = read(f"/where-we-work/{region.slug}/", language).section("Meetings", "Réunions")
    expected = [f"{place}, {words[language]}" for place, held_in, _day, words in facts.MEETINGS if held_in is region]
    assert part.texts("p", "at") == expected
    assert bool(part.all("p", "soft")) == (not expected)  # says so where there are none


@in_both
@of_each_region
def test_a_story_page_has_its_quote_and_the_figures_of_its_region(read: Read, region: facts.Region, language: str) -> None:
    story = Testimonial.objects.get(region__slug=region.slug)
    page = read(f"/stories/{story.slug}/", language)
    assert page.texts("blockquote") == [region.quote]
    assert page.one("dl", "trio").texts("dd", "n") == facts.printed_all(region.figures, language)
    assert facts.AS_OF[language] in page.section("The region", "La région").text


@in_both
def test_home_has_one_voice_a_region_in_the_order_of_the_source(read: Read, language: str) -> None:
    page = read("/", language)
    voices = [(voice.one("blockquote").text, voice.all("a")[0].text) for voice in page.all("figure", "voice")]
    assert voices == [(region.quote, region.names[language]) for region in facts.QUOTES_IN_ORDER]
    assert page.one("svg", "facets").texts("text") == names(language)


def test_quotes_are_marked_as_english_on_french_pages_only(read: Read) -> None:
    found: dict[tuple[str, str | None], list[str]] = {}
    for address in addresses():
        for language in facts.LANGUAGES:
            for quote in read(address, language).all("blockquote"):
                found.setdefault((language, quote.attributes.get("lang")), []).append(address)
    assert set(found) == {("en", None), ("fr", "en")}
    assert len(found["en", None]) == len(found["fr", "en"]) >= 18  # home, region and story pages


@in_both
def test_home_names_every_partner_in_its_role(read: Read, language: str) -> None:
    groups = read("/", language).one("dl", "partners").all("div")
    notes = {note.text for group in groups for note in group.all("span", "note")}
    assert len(notes) == 13
    roles = {group.one("dt").text: [name_of(entry) for entry in group.all("dd")] for group in groups}
    expected = {
        "en": {
            "Joint efforts": ["Governments of the region", "International 3T industry"],
            "Donor": ["Government of the Netherlands"],
            "Government services": ["DRC Ministry of Energy and Mines", "Rwanda Mines, Petroleum and Gas Board"],
            "Schemes and projects": ["Conflict-Free Tin Initiative (CFTI)", "WORTH", "WORTH for miners", "WIM project", "Pact"],
            "Standards and laws": [
                "Voluntary Principles on Security and Human Rights",
                "Dodd-Frank Act, section 1502",
                "Burundi’s Mining Code",
            ],
        },
        "fr": {
            "Efforts conjoints": ["Gouvernements de la région", "Industrie internationale des 3T"],
            "Bailleur": ["Gouvernement des Pays-Bas"],
        },
    }[language]
    assert [len(partners) for partners in roles.values()] == [2, 1, 2, 5, 3]
    assert {role: partners for role, partners in roles.items() if role in expected} == expected


@in_both
def test_the_register_has_the_four_meetings_newest_first(read: Read, language: str) -> None:
    table = read("/meetings/", language).one("table", "reg")
    found = []
    for row in table.one("tbody").all("tr"):
        day, meeting, _summary = row.all("td")
        place = meeting.one("a", "at").text.split(",")[0]
        found.append((place, meeting.one("span", "soft").text, day.one("time")["datetime"], day.text))
    assert found == [(place, region.names[language], day, words[language]) for place, region, day, words in facts.MEETINGS]


@in_both
def test_what_a_chart_shows_is_said_to_those_who_do_not_see_it(read: Read, language: str) -> None:
    """Its rank, and which regions have the most and the fewest."""
    page = read("/where-we-work/south-kivu/", language)
    said = page.by_id("sk-m").one("p", "cap").text
    by_miners = facts.BY_MINERS
    most, least = by_miners[0], by_miners[-1]
    ends = [(most.names[language], most.figures[0]), (least.names[language], least.figures[0])]
    words = {
        "en": "Fifth of six regions. Most: {}, {}. Fewest: {}, {}.",
        "fr": "Le plus\u202f: {}, {}. Le moins\u202f: {}, {}.",
    }[language]
    told = [part for name, value in ends for part in (name, facts.printed(value, language))]
    assert words.format(*told) in said


@in_both
@pytest.mark.parametrize("number", range(4))
def test_a_meeting_page_has_its_date_in_words_and_the_figures_of_its_region(read: Read, number: int, language: str) -> None:
    place, region, day, words = facts.MEETINGS[number]
    meeting = Meeting.objects.get(held_on=day)
    page = read(f"/meetings/{meeting.slug}/", language)
    assert page.one("h1").text == f"{place}, {words[language]}"
    assert page.one("dl", "facts").one("time").text == words[language]
    assert page.one("dl", "facts").one("time")["datetime"] == day
    assert page.one("dl", "trio").texts("dd", "n") == facts.printed_all(region.figures, language)
    assert facts.AS_OF[language] in page.section("The region", "La région").text
    assert page.all("blockquote") == []  # a quote stands only where it was given
    neighbours = [link for pager in page.all("nav", "pager") for link in pager.texts("a")]
    assert neighbours == [
        f"{other}, {when[language]}" for other, _region, date, when in facts.MEETINGS if other == place and date != day
    ]


def test_no_page_prints_an_ellipsis(read: Read) -> None:
    """The source's summaries are cut at one; it would promise more than can be opened. Search results may be cut."""
    found = {}
    for address in addresses():
        for language in facts.LANGUAGES:
            page = read(address, language)
            elements = [element for element in page.walk() if element.tag != "meta"]
            attributes = [value for element in elements for value in element.attributes.values()]
            hits = [text for text in [page.text, *attributes] if "…" in text or "..." in text]
            if hits:
                found[in_language(address, language)] = [text[-80:] for text in hits]
    assert found == {}


def test_no_date_is_written_in_figures_alone(read: Read) -> None:
    for address in addresses():
        for language in facts.LANGUAGES:
            words = [word for word in read(address, language).text.split() if not word.startswith("/")]  # addresses
            assert [word for word in words if word.count("/") == 2 or (word.count("-") == 2 and word[:1].isdigit())] == []


def test_numbers_are_parted_as_each_language_does(read: Read) -> None:
    """No "54,836" on a French page, no "54 836" on an English one, and no bare "54836" on either."""
    values = {value for region in facts.REGIONS for value in region.figures} | {*facts.TOTALS, *facts.CONGO_TOTALS, 54_836}
    large = [value for value in values if value >= 1000]
    for address in addresses():
        for language, other in (("en", "fr"), ("fr", "en")):
            text = read(address, language).text
            for value in large:
                wrong = (str(value), facts.printed(value, other), f"{value:,}".replace(",", " "))
                assert [shown for shown in wrong if shown in text] == [], address


# What is not public. Beside each public row stands a draft, one withdrawn and one that is public only later.

HIDDEN: tuple[dict[str, Any], ...] = (
    {},
    {"status": "withdrawn", "publish_at": factories.PAST},
    {"status": "published", "publish_at": factories.FUTURE},
)


def plant() -> None:
    """Three rows of each kind that nobody may see yet, or any more: "hidden" in their words, 777 in their figures."""
    country, programme = Region.objects.get(slug="rwanda").country, Programme.objects.get()
    miners = Metric.objects.get(slug="miners")
    for number, state in enumerate(HIDDEN):
        hidden = {"name_en": f"hidden {number}", "name_fr": f"hidden {number}"}
        region = factories.make_region(country, None, **hidden, **state, code=f"X{'ABC'[number]}", slug=f"hidden-{number}")
        programme.regions.add(region)
        factories.make_reading(factories.make_series(region, miners), 10_777 + number * 1000)
        texts = {"quote": "hidden", "story_title_en": "hidden", "story_title_fr": "hidden", "slug": f"hidden-{number}"}
        factories.make_testimonial(Region.objects.get(slug="katanga"), None, **texts, **state)
        summaries = {"summary_en": "hidden", "summary_fr": "hidden", "slug": f"hidden-{number}"}
        factories.make_meeting(Place.objects.get(slug="kalemie"), date(2016, 3, 12 + number), None, **summaries, **state)
        label = {"label_en": "hidden", "label_fr": "hidden", "effective_on": date(2010 + number, 1, 1)}
        factories.make_headline(programme, miners, 20_777, None, **label, **state)
        factories.make_programme(None, **hidden, **state, slug=f"hidden-{number}", order=0)
    # Readings of a public region that are not public yet.
    series = Series.objects.get(region__slug="maniema", metric=miners)
    factories.make_reading(series, 30_777, date(2018, 1, 1), None)
    factories.make_reading(series, 40_777, date(2019, 1, 1), factories.FUTURE)


def texts(read: Read) -> dict[str, str]:
    """What every page says, its links and its attributes included."""
    found = {}
    for address in addresses():
        for language in facts.LANGUAGES:
            page = read(address, language)
            attributes = [f"{name}={value}" for element in page.walk() for name, value in element.attributes.items()]
            found[in_language(address, language)] = "\n".join([page.text, *attributes])
    return found


def test_nothing_unpublished_leaks(read: Read) -> None:
    before = texts(read)
    plant()
    after = texts(read)
    assert list(after) == list(before)
    assert [where for where in before if after[where] != before[where]] == []


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("kind", ["where-we-work", "stories", "meetings", "programmes"])
def test_the_page_of_an_unpublished_row_is_not_there(read: Read, kind: str, number: int) -> None:
    plant()
    for language in facts.LANGUAGES:
        assert "hidden" not in read(f"/{kind}/hidden-{number}/", language, status=404).one("main").text
        read(f"/{kind}/hidden-{number}/progress/", language, status=404)


@pytest.mark.parametrize("state", HIDDEN, ids=["draft", "withdrawn", "not yet"])
def test_an_unpublished_region_leaks_through_no_other_page(client: Client, state: dict) -> None:
    """Stories and meetings show the figures of their region and lead to its page."""
    Region.objects.filter(slug="katanga").update(**{"status": "draft", "publish_at": None} | state)
    shown = set()
    for address in ("/stories/child-labour-katanga/", "/meetings/kalemie-2016-03-11/", *addresses()):
        response = client.get(address)
        assert response.status_code in (200, 404)
        if "17,466" in response.text or 'href="/where-we-work/katanga/"' in response.text:
            shown.add(address)
    assert shown == set()


@in_both
def test_a_second_programme_needs_data_only(read: Read, language: str) -> None:
    fields = ("name", "strapline", "lead", "progress_lead")
    words: dict[str, Any] = {f"{name}_{code}": f"Second {name} {code}" for name in fields for code in facts.LANGUAGES}
    second = factories.make_programme(slug="second", order=2, **words)
    second.regions.set(Region.objects.filter(slug__in=["rwanda", "burundi"]))
    second.metrics.set(Metric.objects.filter(slug="miners"))
    factories.make_headline(second, Metric.objects.get(slug="miners"), 20_000)
    factories.make_activity(second)

    home = read("/", language)
    link = home.section("Other programmes", "Autres programmes").one("a")
    assert (link.text, link["href"]) == (f"Second name {language}", in_language("/programmes/second/", language))

    page = read("/programmes/second/", language)
    assert page.one("h1").text == f"Second strapline {language}"
    assert page.one("svg", "facets").texts("text") == ["Rwanda", "Burundi"]
    assert [figure for _code, figure, _as_of in tags(page)] == [facts.printed(20_000, language)]
    assert [voice.text for voice in page.all("blockquote")] == [facts.BURUNDI.quote, facts.RWANDA.quote]
    progress_address = in_language("/programmes/second/progress/", language)
    assert progress_address in [link["href"] for link in page.one("main").all("a")]

    page = read("/programmes/second/progress/", language)
    assert [row[1] for row in rows(page.one("table", "grid"))] == facts.printed_all((15_904, 3_304, 19_208), language)
    apart = page.one("table", "rec").one("tbody").texts("td", "n")
    assert apart == [facts.printed(20_000, language), facts.printed(19_208, language), "+792"]
