"""A page on paper: A4, as few sheets as it needs, nothing cut in two, the full address of what it links."""

import re
from collections.abc import Callable, Iterator
from datetime import date

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from playwright.sync_api import Browser, Page, Route

from itsci_site.management.commands.load_content import FIXTURE, load
from regions.models import Series
from tests import factories

pytestmark = pytest.mark.django_db
SITE = "http://testserver"
Show = Callable[[str], Page]
SHEETS = {"/progress/": 3, "/where-we-work/katanga/": 2, "/progress/miners/": 2}
# Where Chromium would cut: an A4 sheet less the margins of 15 mm, at 96 pixels an inch.
WIDTH, HEIGHT = 680, 1009
WHOLE = ".tag, .grid tr, .rec tr, .periods tr, .lines > div, .voice, .steps li, .log li"
SCREEN = "nav.nav, .langs, form, .screen, .index, details"
SEEN = f"[...document.querySelectorAll('{SCREEN}')].filter(one => one.checkVisibility()).length"
CUT = f"[...document.querySelectorAll('{WHOLE}')].map(one => [getComputedStyle(one).breakInside, one.offsetHeight])"
PRINTED = """() => [...document.querySelectorAll('main a[data-address]')].map(
    link => [link.href, getComputedStyle(link, '::after').content.replace(/^"\\\\a |^"\\n|"$/g, '')])"""


@pytest.fixture
def printed(hang_up: None, browser: Browser, client: Client) -> Iterator[Show]:
    """`printed("/progress/")`: the page as paper sees it, at SITE, where no server stands: Chromium gets its answers here."""
    load(FIXTURE)
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    page.emulate_media(media="print")

    def show(address: str) -> Page:
        response = client.get(address)  # here: a route is answered in a context that has another database connection
        page.route(f"{SITE}{address}", lambda route: route.fulfill(body=response.content, headers=dict(response.headers)))
        page.route(f"{SITE}/static/**", static)
        page.goto(f"{SITE}{address}")
        return page

    yield show
    page.close()


def static(route: Route) -> None:
    route.fulfill(path=finders.find(route.request.url.removeprefix(f"{SITE}/static/")))


def pdf(page: Page) -> tuple[int, set[tuple[str, str]]]:
    """How many sheets, and their sizes in points."""
    content = page.pdf(prefer_css_page_size=True, print_background=True)
    sizes = set(re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content))
    return len(re.findall(rb"/Type /Page\b(?!s)", content)), {(width.decode(), height.decode()) for width, height in sizes}


@pytest.mark.parametrize("prefix", ["", "/fr"])
@pytest.mark.parametrize("address", SHEETS)
def test_it_fits_on_few_sheets_of_a4(printed: Show, address: str, prefix: str) -> None:
    page = printed(prefix + address)
    sheets, sizes = pdf(page)
    assert 1 <= sheets <= SHEETS[address]
    assert {(round(float(width)), round(float(height))) for width, height in sizes} == {(595, 842)}
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, "something is wider than the sheet"


@pytest.mark.parametrize("address", SHEETS)
def test_a_tag_keeps_within_its_sheet(printed: Show, address: str) -> None:
    """Its string would hang on the sheet before, and half of the line at the edge is cut off."""
    page = printed(address)
    tags = page.locator(".tag").all()
    assert tags
    for tag in tags:
        assert tag.evaluate("e => getComputedStyle(e, '::before').insetBlockStart") == "0px"
        assert tag.evaluate("e => e.getBoundingClientRect().right") <= WIDTH - 1


@pytest.mark.parametrize("address", SHEETS)
def test_links_print_their_full_address(printed: Show, address: str) -> None:
    page = printed(address)
    links = page.evaluate(PRINTED)
    assert [shown for _href, shown in links] == [href for href, _shown in links]
    expected = {"/progress/": 4, "/where-we-work/katanga/": 4, "/progress/miners/": 0}[address]
    assert len(links) == expected
    assert page.locator(".foot .printed").inner_text() == f"{SITE}{address}"
    if address == "/progress/miners/":
        assert f"{SITE}{address}?as-at=" in page.locator("#use .copy").first.inner_text()


@pytest.mark.parametrize("address", SHEETS)
def test_what_only_a_screen_can_use_is_left_out_and_the_bars_stay(printed: Show, address: str) -> None:
    page = printed(address)
    assert page.evaluate(SEEN) == 0
    bars = page.locator("svg.bar, svg.strip").first
    assert bars.is_visible()
    assert bars.evaluate("e => getComputedStyle(e).printColorAdjust") == "exact"


def test_a_long_history_is_cut_between_rows_only(printed: Show) -> None:
    for series in Series.objects.filter(metric__slug="miners"):
        for year in range(1977, 2017):
            factories.make_reading(series, year, date(year, 1, 1))
    page = printed("/progress/miners/")
    sheets, _sizes = pdf(page)
    assert 3 <= sheets <= 7
    found = page.evaluate(CUT)
    assert len(found) > 50
    assert {rule for rule, _height in found} == {"avoid"}
    assert max(height for _rule, height in found) < HEIGHT, "what is higher than a sheet is cut whatever the rule"
    assert page.locator(".periods thead").evaluate("e => getComputedStyle(e).display") == "table-header-group"
