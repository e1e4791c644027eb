"""Every template in a real Chromium: axe-core, console, sideways scroll, targets, forced colours, large text, keyboard.

The site is served as deployed (collected static files, WhiteNoise, its whole Content-Security-Policy) from a database that
holds the programme's real content and a second programme. Pages are only read, so one server and one load of data serve all.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer
from django.db import connection, connections
from django.test.testcases import QuietWSGIRequestHandler
from django.test.utils import override_settings
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Response
from pytest_django import DjangoDbBlocker

from regions.models import Region, Series
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
    "register, errors": "/meetings/?since=31/02/2016&region=atlantis&page=x",
    "register, nothing found": "/meetings/?q=nothing-like-it&region=rwanda",
    "meeting": "/meetings/kasese-2016-03-01/",
    "story": "/stories/child-labour-katanga/",
    "accessibility": "/accessibility/",
    "second programme": "/programmes/second/",
    "its progress": "/programmes/second/progress/",
    "400": "/unreadable/",
    "403": "/refused/",
    "404": "/nowhere/",
    "404 of a region": "/where-we-work/atlantis/",
    "500": "/broken/",
}
WIDTHS = (320, 360, 768, 1280, 1920)
AXE = Axe().axe_script
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "rules": {"target-size": {"enabled": True}},  # WCAG 2.2, off by default
    "resultTypes": ["violations"],
}
in_both = pytest.mark.parametrize("language", facts.LANGUAGES)
in_each_scheme = pytest.mark.parametrize("scheme", ["light", "dark"])


@pytest.fixture(scope="session")
def hang_up(playwright: Playwright) -> Iterator[None]:
    """While Playwright's event loop runs, Django keeps another connection for this thread than before and after it."""
    yield
    connections.close_all()


@pytest.fixture(scope="module")
def site(
    hang_up: None, django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a running site. Its data are committed for all threads to see, and flushed at the end."""
    static = content.build_static(tmp_path_factory.mktemp("static"))
    real = override_settings(ROOT_URLCONF="tests.pages.urls", ALLOWED_HOSTS=["127.0.0.1"], SECURE_SSL_REDIRECT=False)
    with django_db_blocker.unblock(), content.as_deployed(static), real, pytest.MonkeyPatch.context() as patch:
        patch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)  # a thread of the server lets go of its connection
        content.load()
        samples.add_second_programme()
        server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler, allow_reuse_address=False)
        server.set_app(WSGIHandler())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
            connections.close_all()
            assert connection.settings_dict["NAME"].startswith("test_")
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def with_gaps(site: str, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, str]]:
    """Pages as they are when a region has not reported and the register is long."""
    gap, meetings = commit(samples.add_a_silent_region), commit(lambda: samples.add_meetings(60))
    yield {
        "progress with a gap": "/progress/",
        "where we work with a gap": "/where-we-work/",
        "a region with a gap": "/where-we-work/ituri/",
        "home with a region without a facet": "/",
        "register, second page": "/meetings/?page=2",
    }

    def undo() -> None:
        for meeting in meetings:
            meeting.delete()
        gap.programmes.clear()
        Series.objects.filter(region=gap).delete()
        Region.objects.filter(pk=gap.pk).delete()

    commit(undo)


def commit(change: Callable[[], Any]) -> Any:
    """Runs `change` on a connection of its own, outside the transaction that the running test stands in."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(change())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found, "the change failed in its thread"
    return found[0]


@contextmanager
def opened(browser: Browser, width: int = 1280, **options: Any) -> Iterator[Page]:
    """A page in a context of its own, which keeps what the browser complains about in `page.complaints`."""
    context = browser.new_context(viewport={"width": width, "height": 800}, **options)
    page = context.new_page()
    complaints: list[str] = []
    page.complaints = complaints  # type: ignore[attr-defined]

    def said(message: ConsoleMessage) -> None:
        its_own_status = message.text.startswith("Failed to load resource") and message.location["url"] == page.url
        if message.type in ("error", "warning") and not its_own_status:
            complaints.append(f"{page.url}: console: {message.text}")

    def failed(request: Request) -> None:
        complaints.append(f"{page.url}: {request.url} failed: {request.failure}")

    def answered(response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            complaints.append(f"{page.url}: {response.url} answers {response.status}")

    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("requestfailed", failed)
    page.on("response", answered)
    try:
        yield page
    finally:
        context.close()


def violations(page: Page) -> list[str]:
    """What axe-core finds: the rule, its weight, and where. The site's policy stands while it runs."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    rules = page.evaluate("options => axe.run(options).then(results => results.violations)", RULES)
    return [
        f"{rule['id']} ({rule['impact']}, {len(rule['nodes'])} x): "
        f"{', '.join(' '.join(map(str, node['target'])) for node in rule['nodes'][:4])}: "
        f"{rule['nodes'][0]['failureSummary'].splitlines()[-1].strip()}"
        for rule in rules
    ]


@in_both
@in_each_scheme
def test_axe_finds_nothing_and_the_browser_does_not_complain(site: str, browser: Browser, language: str, scheme: str) -> None:
    faults = {}
    with opened(browser, color_scheme=scheme) as page:
        for name, address in PAGES.items():
            page.goto(site + content.in_language(address, language))
            for width in (360, 1280):
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
                if found := wide(page) + (violations(page) if width > 320 else []):
                    faults[name, width] = found
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


WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const over = [...document.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && box.right + scrollX > room + 0.5 && !e.closest('.vh') && getComputedStyle(e).position !== 'absolute';
  });
  const deepest = over.filter(e => !over.some(other => other !== e && e.contains(other)));
  const name = e => `${e.tagName}.${e.getAttribute('class') ?? ''} "${e.textContent.trim().slice(0, 30)}"`;
  return [`${document.documentElement.scrollWidth - room} px too wide: ` + deepest.slice(0, 4).map(name).join('; ')];
}"""


def wide(page: Page) -> list[str]:
    """What makes the page scroll sideways."""
    return page.evaluate(WIDE)


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
    """At no width, nor when a reader spaces the text out, nor at twice the size of text where there is room for it."""
    faults = {}
    with opened(browser) as page:
        for name, address in PAGES.items():
            page.goto(site + content.in_language(address, language))
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                for reader, css in READERS.items():
                    if reader == "large" and width < 1280:
                        continue
                    restyle(page, css)
                    if found := wide(page):
                        faults[name, width, reader] = found
    assert faults == {}


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


@in_each_scheme
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


@in_both
def test_the_keyboard_reaches_everything_and_shows_where_it_is(site: str, browser: Browser, language: str) -> None:
    with opened(browser) as page:
        for address in ("/", "/where-we-work/", "/meetings/", "/nowhere/"):
            page.goto(site + content.in_language(address, language))
            expected = page.evaluate(
                "[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select')]"
                ".filter(e => e.tabIndex >= 0 && e.checkVisibility({visibilityProperty: true})).length"
            )
            seen = []
            for _step in range(expected + 12):  # a date input takes several stops
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
