"""Every template in a real Chromium: axe-core, console, sideways scroll, targets, forced colours, large text, keyboard."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from pytest_django import DjangoDbBlocker

from regions.models import Region, Series
from tests.browser.live import commit, opened, violations, wide
from tests.pages import content, facts, samples

pytestmark = pytest.mark.django_db  # else pytest-django would leave the real database connected

PAGES = {
    "home": "/",
    "where we work": "/where-we-work/",
    "a province": "/where-we-work/south-kivu/",
    "a former province": "/where-we-work/katanga/",
    "a whole country": "/where-we-work/rwanda/",
    "progress": "/progress/",
    "progress on a past day": "/progress/?as-at=2026-11-23",
    "progress, no such day": "/progress/?as-at=2026-02-31",
    "a province on a past day": "/where-we-work/south-kivu/?as-at=2026-11-23",
    "nothing yet": "/progress/?as-at=2016-01-01",
    "figure": "/progress/miners/",
    "figure of the whole": "/progress/government-agents/",
    "changes": "/progress/changes/",
    "changes, errors": "/progress/changes/?from=x&to=2016-31-12",
    "open data": "/data/",
    "corrections": "/data/corrections/",
    "embed": "/embed/miners/south-kivu/",
    "register": "/meetings/",
    "register, errors": "/meetings/?year=1066&region=atlantis&before=x",
    "register, nothing found": "/meetings/?q=nothing-like-it&region=rwanda",
    "meeting": "/meetings/kasese-2016-03-01/",
    "story": "/stories/child-labour-katanga/",
    "search": "/search/",
    "search, results": "/search/?q=safety",
    "search, nothing found": "/search/?q=etiqetage",
    "search, errors": "/search/?q=%00&kind=x&page=0",
    "accessibility": "/accessibility/",
    "second programme": "/programmes/second/",
    "its progress": "/programmes/second/progress/",
    "400": "/unreadable/",
    "403": "/refused/",
    "404": "/nowhere/",
    "404 of a region": "/where-we-work/atlantis/",
    "500": "/broken/",
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced colours": {"forced_colors": "active"},
}
MORE_LOOKS = (("light", "fr"), ("dark", "en"), ("forced colours", "en"), ("forced colours", "fr"))
WIDTHS = (320, 360, 768, 1280, 1920)
in_both = pytest.mark.parametrize("language", [pytest.param("en", marks=pytest.mark.soak), "fr"])
"""French words are the longer ones: what holds them holds English, which `make soak` tries, too."""
Launch = Callable[..., Browser]


@pytest.fixture
def with_gaps(site: str, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, str]]:
    """Pages as they are when a region has not reported and the register is long."""
    gap, meetings = commit(samples.add_a_silent_region), commit(lambda: samples.add_meetings(60))
    yield {
        "progress with a gap": "/progress/",
        "where we work with a gap": "/where-we-work/",
        "a region with a gap": "/where-we-work/ituri/",
        "home with a region without a facet": "/",
        "register, second page": "/meetings/?before=2015-02-15.1",
    }

    def undo() -> None:
        for meeting in meetings:
            meeting.delete()
        gap.programmes.clear()
        Series.objects.filter(region=gap).delete()
        Region.objects.filter(pk=gap.pk).delete()

    commit(undo)


@pytest.mark.parametrize(
    ("look", "language"),
    [
        ("light", "en"), ("dark", "fr"),
        *(pytest.param(look, language, marks=pytest.mark.soak) for look, language in MORE_LOOKS),
    ],
)  # fmt: skip
def test_axe_finds_nothing_and_the_browser_does_not_complain(site: str, browser: Browser, language: str, look: str) -> None:
    faults = {}
    with opened(browser, **LOOKS[look]) as page:
        for name, address in PAGES.items():
            page.goto(site + content.in_language(address, language))
            for width in (320, 768, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                if found := violations(page):
                    faults[name, width] = found
        complaints = page.complaints  # type: ignore[attr-defined]
    assert faults == {}
    assert complaints == []


@in_both
def test_gaps_and_long_registers_hold_too(with_gaps: dict[str, str], site: str, browser: Browser, language: str) -> None:
    faults = {}
    with opened(browser) as page:
        for name, address in with_gaps.items():
            page.goto(site + content.in_language(address, language))
            for width in (320, 360, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                for reader, css in READERS.items():
                    restyle(page, css)
                    if found := wide(page):
                        faults[name, width, reader] = found
                restyle(page, "")
                if found := violations(page):
                    faults[name, width, "axe"] = found
    assert faults == {}


def test_axe_would_find_faults(site: str, browser: Browser) -> None:
    """Else the tests above would pass on anything."""
    with opened(browser) as page:
        page.goto(site)
        page.evaluate("document.querySelector('h1').outerHTML = '<img src=\"/static/x.png\"><a href=\"/\"></a>'")
        page.wait_for_load_state("networkidle")
        rules = {line.split(" ")[0] for line in violations(page)}
        assert {"image-alt", "link-name"} <= rules
        assert page.complaints != []  # type: ignore[attr-defined]


def restyle(page: Page, css: str) -> None:
    """As a reader's own stylesheet would; the Content-Security-Policy leaves constructed ones alone."""
    page.evaluate("css => { const s = new CSSStyleSheet(); s.replaceSync(css); document.adoptedStyleSheets = [s]; }", css)


READERS = {
    "plain": "",
    "spaced": "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } "
    "p { margin-block-end: 2em !important }",  # WCAG 1.4.12
    "large": "html { font-size: 200% !important }",
}


@in_both
def test_no_page_scrolls_sideways(site: str, browser: Browser, language: str) -> None:
    """At no width, nor when a reader spaces the text out, nor at twice the size of text."""
    faults = {}
    with opened(browser) as page:
        for name, address in PAGES.items():
            page.goto(site + content.in_language(address, language))
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                for reader, css in READERS.items():
                    restyle(page, css)
                    if found := wide(page):
                        faults[name, width, reader] = found
    assert faults == {}


def test_large_text_set_in_the_browser_is_as_good(
    site: str, browser_type_launch_args: dict[str, Any], launch_browser: Launch
) -> None:
    """That sets another size for media queries, too, which a stylesheet's does not."""
    large = launch_browser(args=[*browser_type_launch_args["args"], "--blink-settings=defaultFontSize=32"])
    faults = {}
    with opened(large) as page:
        for name in ("home", "where we work", "a province", "progress", "figure", "open data", "register", "story"):
            for language in facts.LANGUAGES:
                page.goto(site + content.in_language(PAGES[name], language))
                assert style(page, "html", "font-size") == "32px"
                for width in (320, 768, 1280):
                    page.set_viewport_size({"width": width, "height": 800})
                    if found := wide(page):
                        faults[name, language, width] = found
    large.close()
    assert faults == {}


def test_a_figure_keeps_its_heading_where_a_table_is_cards(site: str, browser: Browser) -> None:
    with opened(browser, 320) as page:
        page.goto(f"{site}/progress/")
        shown = (
            page.locator(".grid tbody tr")
            .first.locator("td")
            .evaluate_all("cells => cells.map(cell => getComputedStyle(cell, '::before').content)")
        )
        assert shown == ['"Miners"', '"Mine sites"', '"Committees"']
        page.set_viewport_size({"width": 360, "height": 800})
        assert style(page, ".grid td", "display") == "table-cell"


SMALL = """() => {
  const alone = e => {
    if (getComputedStyle(e).display !== 'inline' || e.ownerSVGElement) return true;
    let around = e.parentElement;
    while (getComputedStyle(around).display.startsWith('inline')) around = around.parentElement;
    return around.textContent.trim() === e.textContent.trim();
  };
  const where = e => e.parentElement.closest('[class]')?.getAttribute('class') ?? 'body';
  return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')]
    .filter(e => e.checkVisibility({visibilityProperty: true}) && !e.closest('.vh, [aria-hidden=true]'))
    .map(e => [e, e.getBoundingClientRect()])
    .filter(([e, box]) => box.width && box.height && box.height < 43.95 && alone(e))
    .map(([e, box]) => [where(e), Math.round(box.height * 10) / 10, e.textContent.trim().slice(0, 30)]);
}"""


def small(page: Page) -> list[tuple[str, float, str]]:
    """Targets lower than 44 px: the class around each, its height, its text. Links inside a sentence may be, and so may
    those of the map, which repeat the table beside it for the pointer alone."""
    return page.evaluate(SMALL)


@in_both
def test_targets_are_large_enough_for_a_finger(site: str, browser: Browser, language: str) -> None:
    faults: dict[str, dict[str, str]] = {}
    with opened(browser, 360, has_touch=True) as page:
        for name, address in PAGES.items():
            page.goto(site + content.in_language(address, language))
            for around, height, text in small(page):
                faults.setdefault(f"in .{around}", {}).setdefault(f"{height} px", f"{text} ({name})")
    assert faults == {}


def style(page: Page, selector: str, name: str) -> str:
    return page.locator(selector).first.evaluate("(e, name) => getComputedStyle(e).getPropertyValue(name)", name)


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.soak), "dark"])
def test_forced_colours_keep_every_distinction(site: str, browser: Browser, scheme: str) -> None:
    faults = {}
    with opened(browser, color_scheme=scheme, forced_colors="active") as page:
        for name, address in PAGES.items():
            page.goto(site + address)
            if found := violations(page) + wide(page):
                faults[name] = found
        assert faults == {}

        page.goto(site + "/where-we-work/south-kivu/")
        assert style(page, ".tag", "border-top-style") == "solid"
        assert style(page, ".strip .own", "fill") != style(page, ".strip path:not(.own)", "fill")
        assert style(page, ".nav [aria-current]", "text-decoration-line") == "underline"
        own, other = style(page, ".place .g.at-sk", "--sk"), style(page, ".place .g.at-sk", "--f")
        assert own and own != other

        page.goto(site + "/progress/")
        assert style(page, ".bar", "fill") not in (style(page, "body", "background-color"), "none")

        page.goto(site + "/where-we-work/")
        assert style(page, ".map .at path", "stroke") != style(page, ".map .at path", "fill")
        assert style(page, ".map .at text", "fill") != style(page, ".map .at path", "fill")

        page.goto(site + "/meetings/")
        assert style(page, "button", "border-top-style") == "solid"
        # The browser lays the page's colour behind every text: what is written in that colour is gone, and axe does not see it.
        assert style(page, "button", "color") != style(page, "body", "background-color")


def test_bars_are_drawn_in_every_mode(site: str, browser: Browser) -> None:
    """The longest bar fills its box and each has its length: nothing is lost to the policy or to a scheme."""
    lengths = {}
    modes: tuple[dict[str, Any], ...] = ({}, {"color_scheme": "dark"}, {"forced_colors": "active"})
    for mode in modes:
        with opened(browser, **mode) as page:
            page.goto(f"{site}/where-we-work/")
            boxes = page.evaluate(
                "[...document.querySelectorAll('.rank .bar')].map(b => b.firstElementChild.getBoundingClientRect().width"
                " / b.getBoundingClientRect().width)"
            )
            lengths[str(mode)] = [round(box, 2) for box in boxes]
    expected = [round(region.figures[0] / 20_000, 2) for region in facts.BY_MINERS]
    assert lengths == dict.fromkeys(lengths, expected)


KEYED = (
    "/", "/where-we-work/", "/where-we-work/south-kivu/", "/progress/miners/", "/data/", "/meetings/", "/search/?q=safety",
    "/meetings/nyabibwe-2016-03-04/", "/stories/child-labour-katanga/", "/nowhere/",
)  # fmt: skip
"""One of each kind of page that has links or fields of its own."""


@in_both
def test_the_keyboard_reaches_everything_and_shows_where_it_is(site: str, browser: Browser, language: str) -> None:
    with opened(browser) as page:
        for address in KEYED:
            page.goto(site + content.in_language(address, language))
            expected = page.evaluate(
                "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')]"
                ".filter(e => e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true})).length"
            )
            seen = []
            for _step in range(expected + 24):  # a date input takes several stops
                page.keyboard.press("Tab")
                focused = page.evaluate(
                    "() => { const e = document.activeElement; if (e === document.body) return null;"
                    " const s = getComputedStyle(e), p = e.querySelector('path');"
                    " const shown = s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2"
                    " || p && getComputedStyle(p).stroke !== 'none'"
                    " || e.type === 'date';"  # the browser marks the part of the date that is being typed
                    " const box = e.getBoundingClientRect();"
                    " return [[...document.querySelectorAll('*')].indexOf(e), shown && box.bottom > 0 && box.top < innerHeight,"
                    " e.outerHTML.slice(0, 80)]; }"
                )
                if focused is None:
                    break
                seen.append(focused)
            assert [html for _place, shown, html in seen if not shown] == []
            assert len({place for place, _shown, _html in seen}) == expected


def test_the_skip_link_leads_to_the_content(site: str, browser: Browser) -> None:
    with opened(browser) as page:
        page.goto(site)
        page.keyboard.press("Tab")
        link = page.locator(":focus")
        assert link.get_attribute("href") == "#main"
        box = link.bounding_box()
        assert box and box["y"] >= 0
        page.keyboard.press("Enter")
        page.wait_for_url("**/#main")
        page.keyboard.press("Tab")
        assert page.locator("main :focus").count() == 1


def test_the_policy_blocks_what_the_site_does_not_use(site: str, browser: Browser) -> None:
    """The policy stands while all of the above runs: a script and a style put into the page are refused and reported."""
    with opened(browser) as page:
        page.goto(site)
        page.evaluate(
            "() => { const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);"
            " const c = document.createElement('style'); c.textContent = 'h1 { color: red }'; document.body.append(c); }"
        )
        assert page.evaluate("window.ran") is None
        assert style(page, "h1", "color") != "rgb(255, 0, 0)"
        assert sum("Content Security Policy" in complaint for complaint in page.complaints) == 2  # type: ignore[attr-defined]


@in_both
def test_print_shows_the_address_and_no_navigation(site: str, browser: Browser, language: str) -> None:
    address = site + content.in_language("/progress/", language)
    with opened(browser) as page:
        page.goto(address)
        page.emulate_media(media="print")
        assert page.locator(".printed").inner_text() == address
        assert not page.locator("nav").first.is_visible()
        assert page.locator(".grid .bar").first.is_visible()
