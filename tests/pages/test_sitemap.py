"""The sitemap holds every public page and no other, in each language, with the moment of its last change."""

import re
from collections import Counter
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from lxml import etree
from pytest_django import DjangoAssertNumQueries

from itsci_site import sitemaps
from itsci_site.lib.found import last_change
from meetings.models import Meeting, Place
from programmes.models import Headline, Programme
from regions.models import Metric, Reading, Region
from testimonials.models import Testimonial
from tests import factories

from . import facts, samples
from .content import addresses, in_language
from .test_found_and_shared import ORIGIN, TWINS
from .test_share_images import hidden

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
XHTML = "{http://www.w3.org/1999/xhtml}"
W3C_DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?")


def parsed(client: Client, address: str) -> Any:
    response = client.get(address)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/xml"
    assert len(response.content) < 50_000_000
    return etree.fromstring(response.content)


def parts(client: Client) -> list[str]:
    """The addresses of the parts, as the index gives them."""
    index = parsed(client, "/sitemap.xml")
    assert index.tag == f"{SITEMAP}sitemapindex"
    found = []
    for part in index:
        assert part.tag == f"{SITEMAP}sitemap"
        names = [child.tag for child in part]
        assert names in ([f"{SITEMAP}loc"], [f"{SITEMAP}loc", f"{SITEMAP}lastmod"])
        assert all(W3C_DATE.fullmatch(child.text) for child in part[1:])
        found.append(part[0].text)
    assert len(found) == len(set(found))
    return found


def entries(client: Client) -> dict[str, tuple[dict[str, str], str]]:
    """Alternates and last change by full address, checked against the schema's order and types on the way."""
    found: dict[str, tuple[dict[str, str], str]] = {}
    for part in parts(client):
        assert part.startswith(ORIGIN)
        urls = parsed(client, part.removeprefix(ORIGIN))
        assert urls.tag == f"{SITEMAP}urlset"
        assert len(urls) <= 50_000
        for url in urls:
            assert url.tag == f"{SITEMAP}url"
            names = [child.tag for child in url]
            (place, *rest) = names
            assert place == f"{SITEMAP}loc"
            changed = url.findtext(f"{SITEMAP}lastmod") or ""
            assert not changed or W3C_DATE.fullmatch(changed)
            assert rest == [f"{SITEMAP}lastmod"] * bool(changed) + [f"{XHTML}link"] * 3
            links = url.findall(f"{XHTML}link")
            assert {link.get("rel") for link in links} == {"alternate"}
            address = url[0].text
            assert len(address) < 2048 and address not in found
            found[address] = ({link.get("hreflang"): link.get("href") for link in links}, changed)
    return found


def changed_on(client: Client, address: str) -> str:
    languages = {entries(client)[ORIGIN + in_language(address, language)][1] for language in facts.LANGUAGES}
    assert len(languages) == 1
    return languages.pop()


def of_that_day(day: date) -> None:
    """What is written from here on counts as written on that day, in the versions that are kept."""
    moment = datetime.combine(day, datetime.min.time(), UTC).isoformat() if day else ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('itsci.version_at', %s, true)", [moment])


def test_every_public_page_is_in_it_and_nothing_else(client: Client) -> None:
    samples.add_second_programme()
    samples.add_gaps()
    pages = [address for address in addresses() if address not in (*TWINS, "/search/")]  # robots stay out of searches
    assert set(entries(client)) == {ORIGIN + in_language(page, code) for page in pages for code in facts.LANGUAGES}
    assert len(pages) > 80


def test_every_address_leads_to_a_page_that_calls_itself_so(client: Client) -> None:
    samples.add_second_programme()
    for address in entries(client):
        response = client.get(address.removeprefix(ORIGIN))
        assert response.status_code == 200, address
        assert f'<link rel="canonical" href="{address}">' in response.content.decode()


def test_each_address_names_the_others(client: Client) -> None:
    found = entries(client)
    for address, (alternates, _changed) in found.items():
        assert alternates.keys() == {"en", "fr", "x-default"}
        assert address in alternates.values()
        assert alternates["x-default"] == alternates["en"]
        assert urlsplit(alternates["fr"]).path == "/fr" + urlsplit(alternates["en"]).path
        assert {code: found[there][0] for code, there in alternates.items()} == dict.fromkeys(alternates, alternates)


def test_what_is_not_public_leaves_no_trace(client: Client) -> None:
    """Not an address, not a moment: the bytes are the same."""
    before = {part: client.get(part.removeprefix(ORIGIN)).content for part in [f"{ORIGIN}/sitemap.xml", *parts(client)]}
    assert len(list(hidden())) == 20
    factories.make_reading(Reading.objects.earliest("pk").series, 1, date(2018, 1, 1), factories.FUTURE)
    factories.make_reading(Reading.objects.earliest("pk").series, 1, date(2019, 1, 1), None)
    after = {part: client.get(part.removeprefix(ORIGIN)).content for part in [f"{ORIGIN}/sitemap.xml", *parts(client)]}
    assert after == before


def test_a_row_appears_at_its_moment_and_goes_with_its_region(client: Client) -> None:
    story = factories.make_testimonial(Region.objects.get(slug="katanga"), factories.FUTURE, slug="awaited")
    assert f"{ORIGIN}/stories/awaited/" not in entries(client)
    Testimonial.objects.filter(pk=story.pk).update(publish_at=factories.PAST)
    assert f"{ORIGIN}/stories/awaited/" in entries(client)
    Region.objects.filter(slug="katanga").update(status="withdrawn")
    assert [address for address in entries(client) if "awaited" in address or "katanga" in address] == []


def test_a_metric_that_only_another_programme_reports_has_no_page_of_the_first(client: Client) -> None:
    second = samples.add_second_programme()
    region = factories.make_region(Region.objects.get(slug="maniema").country, slug="elsewhere")
    second.regions.add(region)
    metric = factories.make_metric(code="X", slug="wells")
    second.metrics.add(metric)
    factories.make_series(region, metric)
    found = [address for address in entries(client) if "wells" in address]
    assert found == [f"{ORIGIN}/programmes/second/progress/wells/", f"{ORIGIN}/fr/programmes/second/progress/wells/"]
    assert [client.get(urlsplit(address).path).status_code for address in found] == [200, 200]
    assert client.get("/progress/wells/").status_code == 404


def test_a_new_figure_moves_the_pages_that_show_it(client: Client) -> None:
    of_that_day(date(2020, 1, 1))
    region = factories.make_region(factories.make_country(), slug="quiet")
    metric = factories.make_metric(code="X", slug="wells")
    other = factories.make_metric(code="Y", slug="pumps")
    programme = Programme.objects.get()
    programme.regions.add(region)
    reading = factories.make_reading(factories.make_series(region, metric), 5)
    factories.make_reading(factories.make_series(region, other), 5)
    pages = ("/where-we-work/quiet/", "/progress/wells/", "/progress/pumps/")
    assert [changed_on(client, page) for page in pages] == ["2020-01-01"] * 3
    factories.correct(reading, 6, datetime(2021, 5, 4, tzinfo=UTC))
    assert [changed_on(client, page) for page in pages] == ["2021-05-04", "2021-05-04", "2020-01-01"]
    of_that_day(date(2022, 6, 7))
    Metric.objects.filter(pk=other.pk).update(definition_en="Defined anew")
    assert [changed_on(client, page) for page in pages] == ["2021-05-04", "2021-05-04", "2022-06-07"]
    of_that_day(date(2023, 8, 9))
    Region.objects.filter(pk=region.pk).update(narrative_en="Told anew")
    assert [changed_on(client, page) for page in pages] == ["2023-08-09", "2021-05-04", "2022-06-07"]
    of_that_day(date(2024, 2, 3))
    headline = factories.make_headline(programme, metric, public_from=datetime(2020, 2, 2, tzinfo=UTC))
    assert changed_on(client, "/progress/wells/") == "2024-02-03"
    of_that_day(date(2025, 2, 3))
    Headline.objects.filter(pk=headline.pk).update(value=7, correction_reason_en="Counted again")
    assert [changed_on(client, page) for page in pages] == ["2023-08-09", "2025-02-03", "2022-06-07"]
    assert changed_on(client, "/data/corrections/") == "2025-02-03"


def test_corrections_change_with_the_last_correction(client: Client) -> None:
    assert changed_on(client, "/data/corrections/") == ""
    factories.correct(Reading.objects.earliest("pk"), 6, datetime(2026, 11, 23, 5, tzinfo=UTC))
    assert changed_on(client, "/data/corrections/") == "2026-11-23"
    assert changed_on(client, "/accessibility/") == "", "no moment is known of it"


def test_stories_and_meetings_tell_their_own_last_change(client: Client) -> None:
    rows: list[Any] = [*Testimonial.objects.published(), *Meeting.objects.published()]
    for row in rows:
        assert changed_on(client, row.get_absolute_url()) == last_change(row).date().isoformat()
    meetings = max(last_change(row) for row in Meeting.objects.published())
    assert changed_on(client, "/meetings/") == meetings.date().isoformat()


def test_a_long_register_is_parted(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    samples.add_meetings(9)
    monkeypatch.setattr(sitemaps, "ROWS", 5)
    listed = [urlsplit(part) for part in parts(client)]
    assert Counter(part.path for part in listed)["/sitemap-meetings.xml"] == 3
    assert sum("meeting-" in address or "2016" in address for address in entries(client)) == 2 * 13
    for part in listed:
        assert len(parsed(client, f"{part.path}?{part.query}")) <= 2 * 5


def test_no_part_can_be_large(client: Client) -> None:
    assert sitemaps.ROWS * len(facts.LANGUAGES) <= 10_000


QUERIES = {
    "/sitemap.xml": 13,
    "/sitemap-pages.xml": 13,
    "/sitemap-regions.xml": 4,
    "/sitemap-figures.xml": 8,
    "/sitemap-stories.xml": 3,
    "/sitemap-meetings.xml": 3,
}


@pytest.mark.parametrize("address", QUERIES)
@pytest.mark.parametrize("much", [False, True])
def test_queries_do_not_grow(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, address: str, much: bool
) -> None:
    if much:
        samples.add_gaps()
        samples.add_second_programme()
        for _number in range(5):
            factories.make_testimonial(Region.objects.get(slug="katanga"))
    with django_assert_num_queries(QUERIES[address]):
        assert client.get(address).status_code == 200


def test_an_unchanged_sitemap_is_not_sent_again(client: Client) -> None:
    for part in ["/sitemap.xml", *(urlsplit(part).path for part in parts(client))]:
        first = client.get(part)
        again = client.get(part, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert first["X-Robots-Tag"].startswith("noindex")
        assert client.post(part).status_code == 405
    tag = client.get("/sitemap-meetings.xml")["ETag"]
    factories.make_meeting(Place.objects.get(slug="kalemie"))
    assert client.get("/sitemap-meetings.xml", headers={"If-None-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/sitemap-nothing.xml", "/sitemap-pages.xml?p=2", "/sitemap-pages.xml?p=0", "/sitemap-pages.xml?p=x",
        "/sitemap-meetings.xml?p=99999999999999999999", "/sitemap-meetings.xml?p=%00", "/sitemap-.xml", "/fr/sitemap.xml",
    ],
)  # fmt: skip
def test_there_is_no_other_part(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


def test_an_empty_site_has_a_sitemap(client: Client) -> None:
    Region.objects.update(status="withdrawn")
    Programme.objects.update(status="withdrawn")
    assert {urlsplit(address).path for address in entries(client)} == {
        in_language(page, code)
        for page in (
            "/where-we-work/",
            "/progress/changes/",
            "/data/",
            "/data/corrections/",
            "/stories/",
            "/meetings/",
            "/accessibility/",
        )
        for code in facts.LANGUAGES
    }
