"""What search engines and shared links learn of each page: title, description, address, picture, record."""

import json
import re
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client

from meetings.models import Place
from programmes.models import Headline, Programme
from regions.models import Metric, Region
from testimonials.models import Testimonial
from tests import factories

from . import facts, markup, samples
from .conftest import Read
from .content import addresses, in_language

ORIGIN = "http://testserver"
FIRST = "/programmes/scaling-up-itsci/"
TWINS = {FIRST: "/", f"{FIRST}progress/": "/progress/", f"{FIRST}progress/miners/": "/progress/miners/"}
"""The same page at a longer address, and where it is meant to be found."""
SECTIONS = {
    "where-we-work": {"en": "Where we work", "fr": "Où nous travaillons"},
    "progress": {"en": "Progress", "fr": "Résultats"},
    "stories": {"en": "Our work", "fr": "Notre action"},
    "meetings": {"en": "Meeting summaries", "fr": "Comptes rendus"},
    "data": {"en": "Open data", "fr": "Données ouvertes"},
}
LOCALES = {"en": "en_GB", "fr": "fr_FR"}
HOSTILE = """</title></script><script>alert(1)</script>"'><b>&amp;"""


def metas(page: markup.Element) -> dict[str, str]:
    """Content by name or property; none may stand there twice."""
    found = [(meta.attributes.get("name") or meta["property"], meta["content"]) for meta in page.all("meta")
             if "content" in meta.attributes]  # fmt: skip
    assert len(dict(found)) == len(found)
    return dict(found)


def links(page: markup.Element, rel: str) -> list[markup.Element]:
    return [link for link in page.all("link") if link["rel"] == rel]


def canonical(page: markup.Element) -> str:
    (link,) = links(page, "canonical")
    return link["href"]


def alternates(page: markup.Element) -> dict[str, str]:
    found = [(link["hreflang"], link["href"]) for link in links(page, "alternate") if "hreflang" in link.attributes]
    assert len(dict(found)) == len(found)
    return dict(found)


def records(page: markup.Element) -> list[dict[str, Any]]:
    scripts = page.all("script")
    assert {script["type"] for script in scripts} <= {"application/ld+json"}
    return [json.loads("".join(map(str, script.children))) for script in scripts]


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_titles_go_from_the_page_to_the_site_and_are_unique(read: Read, language: str) -> None:
    samples.add_second_programme()
    titles = {}
    for address in addresses():
        page = read(address, language)
        title, heading = page.one("title").text, page.one("h1").text
        assert title.endswith(" - Scaling Up ITSCI")
        section, *rest = address.strip("/").split("/")
        if section in SECTIONS and (rest or section == "stories"):
            assert title == f"{heading} - {SECTIONS[section][language]} - Scaling Up ITSCI"
        elif section != "programmes":
            assert title == f"{heading} - Scaling Up ITSCI"
        titles[address] = title
    own = [title for address, title in titles.items() if address not in TWINS]
    assert len(own) == len(set(own)) > 25
    assert {titles[twin] == titles[address] for twin, address in TWINS.items() if address != "/"} == {True}
    if language == "en":
        second = {address: title for address, title in titles.items() if "second" in address}
        assert second == {
            "/programmes/second/": "Second programme - Our work - Scaling Up ITSCI",
            "/programmes/second/progress/": "Second programme - Progress - Scaling Up ITSCI",
            "/programmes/second/progress/miners/": (
                "Miners working in ITSCI sites, Second programme - Progress - Scaling Up ITSCI"
            ),
        }


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_descriptions_are_short_and_unique(read: Read, language: str) -> None:
    samples.add_second_programme()
    found = {address: metas(read(address, language))["description"] for address in addresses()}
    for address, words in found.items():
        assert 10 <= len(words) <= 160, address
        assert words == words.strip() and "\n" not in words and "<" not in words
    own = [words for address, words in found.items() if address not in TWINS]
    assert len(own) == len(set(own))


def test_a_long_text_is_cut_where_a_reader_would_pause(read: Read) -> None:
    lead = read("/").one("p", "lead").text
    words = metas(read("/"))["description"]
    assert len(lead) > 160 > len(words)
    assert lead.startswith(words) and words.endswith(".")


def test_where_no_text_is_given_something_is_said_all_the_same(read: Read) -> None:
    silent = samples.add_a_silent_region()
    meeting = factories.make_meeting(Place.objects.get(slug="kalemie"), summary_en="They met.")
    assert "Ituri" in metas(read(silent.get_absolute_url()))["description"]
    assert metas(read(meeting.get_absolute_url()))["description"] == "Kalemie, 11 March 2016. They met."


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_each_page_names_its_own_address_and_those_in_other_languages(read: Read, language: str) -> None:
    samples.add_second_programme()
    for address in addresses():
        page, meant = read(address, language), TWINS.get(address, address)
        pair = {code: ORIGIN + in_language(meant, code) for code in facts.LANGUAGES}
        assert canonical(page) == pair[language]
        assert alternates(page) == pair | {"x-default": pair["en"]}
        other = {"en": "fr", "fr": "en"}[language]
        there = read(meant, other)
        assert canonical(there) == alternates(page)[other]
        assert alternates(there)[language] == canonical(page)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("/meetings/?region=katanga&q=a", "/meetings/"),
        ("/meetings/?q=", "/meetings/"),
        ("/fr/meetings/?region=katanga", "/fr/meetings/"),
        ("/where-we-work/?utm_source=somewhere", "/where-we-work/"),
        ("/data/corrections/?page=1", "/data/corrections/?page=1"),
        ("/data/corrections/?page=1&utm_source=x", "/data/corrections/?page=1"),
        ("/progress/changes/?from=2026-01-01&to=2026-02-01", "/progress/changes/"),
        ("/?%22%3E%3Cb%3E=1", "/"),
    ],
)
def test_a_filter_is_a_view_of_the_whole_and_a_further_page_a_page(client: Client, asked: str, meant: str) -> None:
    page = markup.parse(client.get(asked, follow=True).content)
    assert canonical(page) == ORIGIN + meant
    assert metas(page)["og:url"] == ORIGIN + meant
    plain = meant.removeprefix("/fr")
    assert alternates(page) == {
        "en": ORIGIN + plain, "fr": f"{ORIGIN}/fr{plain}", "x-default": ORIGIN + plain,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/progress/?as-at=2026-11-23", 200),
        ("/where-we-work/katanga/?as-at=2026-11-23", 200),
        ("/progress/?as-at=2016-01-01", 200),
        ("/progress/changes/?from=x", 400),
        ("/data/corrections/?page=x", 400),
        ("/meetings/?region=atlantis", 400),
        ("/nowhere/", 404),
        ("/where-we-work/atlantis/", 404),
        ("/stories/nothing/", 404),
        ("/broken/", 500),
        ("/refused/", 403),
        ("/unreadable/", 400),
    ],
)
@pytest.mark.parametrize("language", facts.LANGUAGES)
@pytest.mark.urls("tests.pages.urls")
def test_the_past_and_what_went_wrong_stay_out_of_search_engines(address: str, status: int, language: str) -> None:
    """A dated page is a record to cite, and its picture would show today's figure. A search engine keeps neither."""
    response = Client(raise_request_exception=False).get(in_language(address, language))
    page = markup.parse(response.content)
    assert response.status_code == status
    assert re.fullmatch(r".{5,} - Scaling Up ITSCI", page.one("title").text)
    assert metas(page)["robots"] == "noindex"
    assert links(page, "canonical") == []
    assert alternates(page) == {}
    assert [name for name in metas(page) if name.startswith(("og:", "twitter:"))] == []


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_a_shared_link_shows_title_words_and_picture(read: Read, language: str) -> None:
    samples.add_second_programme()
    for address in addresses():
        page = read(address, language)
        said = metas(page)
        (other,) = [code for code in facts.LANGUAGES if code != language]
        assert said["og:site_name"] == "Scaling Up ITSCI"
        assert said["og:type"] == ("article" if address.startswith("/stories/") and address != "/stories/" else "website")
        assert page.one("title").text.startswith(said["og:title"])
        assert said["og:description"] == said["description"]
        assert said["og:url"] == canonical(page)
        assert (said["og:locale"], said["og:locale:alternate"]) == (LOCALES[language], LOCALES[other])
        assert said["og:image"] == f"{canonical(page)}share.png"
        assert [said[f"og:image:{name}"] for name in ("type", "width", "height")] == ["image/png", "1200", "630"]
        assert said["og:image:alt"].startswith(said["og:title"])
        assert len(said["og:image:alt"]) > len(said["og:title"])
        assert said["twitter:card"] == "summary_large_image"
        assert "robots" not in said


def test_the_words_for_a_picture_with_a_figure_say_the_figure(read: Read) -> None:
    assert metas(read("/progress/miners/"))["og:image:alt"] == (
        "Miners working in ITSCI sites, ALL-M 54,836, men and women miners, 2017, date not stated"
    )
    assert "1,690" in metas(read("/progress/mine-sites/"))["og:image:alt"]


def test_no_text_breaks_out_of_the_head(client: Client) -> None:
    region, story = Region.objects.get(slug="katanga"), Testimonial.objects.first()
    metric = Metric.objects.get(slug="miners")
    assert story
    Region.objects.filter(pk=region.pk).update(name_en=HOSTILE, lead_en=HOSTILE)
    Testimonial.objects.filter(pk=story.pk).update(story_title_en=HOSTILE, story_teaser_en=HOSTILE)
    Metric.objects.filter(pk=metric.pk).update(name_en=HOSTILE, definition_en=HOSTILE)
    Headline.objects.filter(metric=metric).update(label_en=HOSTILE)
    Programme.objects.update(strapline_en=HOSTILE, lead_en=HOSTILE, progress_lead_en=HOSTILE)
    meeting = factories.make_meeting(factories.make_place(region, name_en=HOSTILE), topics_en=HOSTILE)
    pages = {
        "/": HOSTILE,
        "/progress/": "Progress",
        "/where-we-work/katanga/": HOSTILE,
        "/progress/miners/": HOSTILE,
        story.get_absolute_url(): HOSTILE,
        meeting.get_absolute_url(): f"{HOSTILE}, 11 March 2016",
    }
    for address, title in pages.items():
        page = markup.parse(client.get(address).content)
        assert page.one("title").text.startswith(f"{title} - "), address
        assert page.one("title").all() == []
        said = metas(page)
        assert said["og:title"] == title
        assert HOSTILE in said["description"] and HOSTILE in said["og:description"]
        assert said["og:image:alt"].startswith(title)
        records(page)  # only data, and it can be read
        assert client.get(f"{address}share.png").status_code == 200


def test_the_home_page_says_who_publishes(read: Read, as_deployed: object, client: Client) -> None:
    for language in facts.LANGUAGES:
        (record,) = records(read("/", language))
        assert record.keys() == {"@context", "@type", "name", "url", "logo"}, "nothing is invented"
        assert (record["@type"], record["name"]) == ("Organization", "Scaling Up ITSCI")
        assert record["url"] == ORIGIN + in_language("/", language)
        logo = urlsplit(record["logo"])
        assert (f"{logo.scheme}://{logo.netloc}", logo.path[:17]) == (ORIGIN, "/static/img/mark.")
    assert records(read(FIRST)) == []


def test_a_story_says_that_it_is_an_article(read: Read) -> None:
    for story in Testimonial.objects.published():
        for language in facts.LANGUAGES:
            page = read(f"/stories/{story.slug}/", language)
            (record,) = records(page)
            assert record.keys() == {
                "@context", "@type", "headline", "description", "inLanguage", "mainEntityOfPage", "image", "datePublished",
                "dateModified", "publisher",
            }, "no author is stated"  # fmt: skip
            assert record["@type"] == "Article"
            assert record["headline"] == page.one("h1").text
            assert record["inLanguage"] == language
            assert record["mainEntityOfPage"] == canonical(page)
            assert record["image"] == metas(page)["og:image"]
            assert story.publish_at
            assert record["datePublished"][:10] == story.publish_at.date().isoformat()
            assert record["dateModified"] >= record["datePublished"]
            assert record["publisher"]["name"] == "Scaling Up ITSCI"
            assert story.quote not in json.dumps(record, ensure_ascii=False)


def test_a_story_without_a_french_title_is_an_article_in_english(read: Read) -> None:
    story = factories.make_testimonial(Region.objects.get(slug="katanga"), story_title_fr="")
    (record,) = records(read(story.get_absolute_url(), "fr"))
    assert (record["inLanguage"], record["headline"]) == ("en", story.story_title)


def test_the_data_page_says_that_it_is_a_data_set(read: Read) -> None:
    (record,) = records(read("/data/"))
    assert record["@type"] == "Dataset"
    assert record["url"] == f"{ORIGIN}/data/"


def test_robots_may_read_all_but_the_admin_and_searches(client: Client) -> None:
    response = client.get("/robots.txt")
    assert response["Content-Type"].startswith("text/plain")
    assert response.content.decode().splitlines() == [
        "User-agent: *",
        "Disallow: /admin/",
        "Disallow: /search/",
        "Disallow: /fr/search/",
        f"Sitemap: {ORIGIN}/sitemap.xml",
    ]
    assert client.get("/robots.txt", headers={"host": "elsewhere.example"}).status_code == 400


def test_the_old_address_of_an_icon_leads_to_the_mark(client: Client, as_deployed: object) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code == 302
    assert re.fullmatch(r"/static/img/mark\.[0-9a-f]{12}\.svg", response["Location"])


def test_a_meeting_of_a_month_is_told_apart(read: Read) -> None:
    """Two meetings at one place with the same topics: their days tell them apart."""
    place = Place.objects.get(slug="kalemie")
    pair = [factories.make_meeting(place, date(2015, 1, day), topics_en="Tagging", summary_en="The same") for day in (2, 3)]
    assert len({metas(read(meeting.get_absolute_url()))["description"] for meeting in pair}) == 2
