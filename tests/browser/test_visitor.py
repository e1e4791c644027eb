"""A visitor's way through the site, with scripts off, by what can be seen and clicked: links, fields, buttons."""

import csv
import io
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.live import led_by, opened
from tests.pages import facts

pytestmark = pytest.mark.django_db  # else pytest-django would leave the real database connected
MINERS = facts.SOUTH_KIVU.figures[0]
FRENCH = re.compile("français", re.I)


@pytest.fixture(params=[360, 1280])
def visitor(request: pytest.FixtureRequest, site: str, browser: Browser) -> Iterator[Page]:
    with opened(browser, request.param, java_script_enabled=False, accept_downloads=True) as page:
        page.goto(site)
        yield page
        complaints: list[str] = page.complaints  # type: ignore[attr-defined]
        # A download, or a picture left behind by the next click, counts as aborted.
        assert [told for told in complaints if not told.endswith("net::ERR_ABORTED")] == []


def follow(page: Page, name: str | re.Pattern[str], within: str = "main") -> None:
    led_by(page.locator(within).get_by_role("link", name=name).first)


def test_a_visitor_finds_the_miners_of_south_kivu_and_takes_them_away(visitor: Page) -> None:
    page = visitor
    follow(page, "South Kivu")
    assert page.get_by_role("heading", level=1).inner_text() == "South Kivu"
    tag = page.locator(".tag#sk-m")
    assert f"{MINERS:,}" in tag.inner_text()

    led_by(tag.get_by_role("link"))  # source and history
    assert page.url.endswith("/progress/miners/#sk-m")
    row = page.locator("#sk-m")
    assert f"{MINERS:,}" in row.inner_text()

    follow(page, FRENCH, "nav.langs, .foot")
    assert "/fr/progress/miners/" in page.url
    assert page.locator("html").get_attribute("lang") == "fr"
    assert facts.printed(MINERS, "fr") in page.locator("#sk-m").inner_text()

    with page.expect_download() as taken:
        page.get_by_role("link", name="CSV", exact=True).click()
    text = taken.value.path().read_text("utf-8-sig")
    values = {line["region"]: line["value"] for line in csv.DictReader(io.StringIO(text)) if line["latest"] == "true"}
    assert values["south-kivu"] == str(MINERS)
    assert sum(int(value) for value in values.values() if value) == sum(region.figures[0] for region in facts.BY_MINERS)


def test_a_visitor_filters_the_register_and_reads_on_at_the_same_place(visitor: Page) -> None:
    page = visitor
    follow(page, "Meeting summaries", "nav.nav")
    assert page.locator("tbody tr").count() == len(facts.MEETINGS)
    page.get_by_label("Place").select_option(label="Nyabibwe")
    led_by(page.get_by_role("button", name="Filter"))
    assert "place=south-kivu.nyabibwe" in page.url
    assert [row.inner_text() for row in page.locator("tbody time").all()] == ["4 March 2016", "29 January 2016"]
    assert "2 summaries" in page.get_by_role("status").inner_text()
    led_by(page.locator("tbody a", has_text="4 March 2016"))
    follow(page, "Nyabibwe, 29 January 2016", "nav.pager")
    assert page.get_by_role("heading", level=1).inner_text() == "Nyabibwe, 29 January 2016"
    page.go_back()
    page.go_back()
    follow(page, "Clear the filter")
    assert page.locator("tbody tr").count() == len(facts.MEETINGS)


def test_a_visitor_searches(visitor: Page) -> None:
    page = visitor
    follow(page, "Search", "nav.nav")
    page.get_by_label("Search words").fill("etiquetage")
    led_by(page.get_by_role("button", name="Search"))
    follow(page, FRENCH, "nav.langs, .foot")
    assert page.get_by_label("Mots recherchés").input_value() == "etiquetage"
    results = page.locator("main mark")
    assert results.count() > 0
    assert any("étiquetage" in mark.inner_text().lower() for mark in results.all())
    led_by(page.locator("main ol, main ul, main .list").last.get_by_role("link").first)
    assert page.url.partition("/fr/")[2]


def test_a_visitor_prints_progress(visitor: Page) -> None:
    page = visitor
    follow(page, "Progress", "nav.nav")
    page.emulate_media(media="print")
    assert not page.locator("nav.nav").is_visible()
    for total in facts.TOTALS:
        assert page.get_by_text(f"{total:,}", exact=True).first.is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF-")
