"""Portraits in a real Chromium: they decode, nothing moves when they come, and saving data loads what was said."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, Response
from pytest_django.live_server_helper import LiveServer

from itsci_site.management.commands.load_content import FIXTURE, load
from testimonials.models import Testimonial
from tests.pages import facts
from tests.testimonials.photos import give

from .live import led_by, opened, violations, wide

pytestmark = pytest.mark.django_db(transaction=True)
SLUG = "child-labour-katanga"
PAGES = ("/", "/where-we-work/katanga/", f"/stories/{SLUG}/")
FACES = """async () => {
  const images = [...document.querySelectorAll('.face img')];
  images.forEach(one => { one.loading = 'eager'; });
  await Promise.all(images.map(one => one.decode()));
  return images.map(one => [one.naturalWidth, one.naturalHeight, one.currentSrc.split('-').pop()]);
}"""


@pytest.fixture
def site(hang_up: None, live_server: LiveServer, settings: Any, tmp_path: Path) -> Iterator[str]:
    """The programme's content with two portraits."""
    settings.MEDIA_ROOT = tmp_path
    load(FIXTURE)
    give(Testimonial.objects.get(slug=SLUG))
    give(Testimonial.objects.exclude(slug=SLUG).order_by("order")[0], "f" * 32)
    yield live_server.url
    wait_until_idle()


def wait_until_idle() -> None:
    """A request that outlives its page would stand in the way of the tables' being emptied."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
    for _attempt in range(100):
        with connection.cursor() as cursor:
            cursor.execute(others)
            if cursor.fetchone() == (1,):
                return
        time.sleep(0.1)


def come_by(page: Page) -> list[Response]:
    """The portraits that the page has loaded, kept from now on."""
    found: list[Response] = []
    page.on("response", lambda answer: found.append(answer) if answer.url.endswith((".avif", ".webp", ".jpg")) else None)
    return found


@pytest.mark.parametrize(("density", "file"), [(1, "96.avif"), (2, "192.avif"), (3, "384.avif")])
def test_a_portrait_decodes_at_the_width_of_the_screen(site: str, browser: Browser, density: int, file: str) -> None:
    """A `naturalWidth` is told in the pixels of the page: whatever file was taken, it is as wide as the picture is shown."""
    with opened(browser, 360, device_scale_factor=density) as page:
        for address, count in zip(PAGES, (2, 1, 1), strict=True):
            page.goto(site + address)
            assert page.evaluate(FACES) == [[96, 120, file]] * count
        assert page.complaints == []  # type: ignore[attr-defined]


def test_every_type_decodes(site: str, browser: Browser) -> None:
    story = Testimonial.objects.get(slug=SLUG)
    with opened(browser) as page:
        page.goto(site + PAGES[2])
        for ending in ("avif", "webp", "jpg"):
            decoded = page.evaluate(
                "async address => { const one = new Image(); one.src = address; await one.decode();"
                " return [one.naturalWidth, one.naturalHeight]; }",
                story.portrait_address(f"384.{ending}"),
            )
            assert decoded == [384, 480], ending


def test_nothing_moves_when_a_portrait_comes(site: str, browser: Browser) -> None:
    """The page is as high with the picture held back as with it there, and the place of the picture is kept for it."""
    box = "[document.documentElement.scrollHeight, ...['width', 'height'].map(side => one.getBoundingClientRect()[side])]"
    for width in (320, 1280):
        with opened(browser, width) as page:
            page.route("**/*.avif", lambda route: None)
            page.goto(site + PAGES[2])
            before = page.evaluate(f"(one => {box})(document.querySelector('.face img'))")
            assert page.evaluate("document.querySelector('.face img').complete") is False
            page.unroute_all()
        with opened(browser, width) as page:
            page.goto(site + PAGES[2])
            assert page.evaluate(FACES) == [[96, 120, "96.avif"]]
            assert page.evaluate(f"(one => {box})(document.querySelector('.face img'))") == before
            assert before[1:] == [96, 120]


def test_a_portrait_far_down_waits(site: str, browser: Browser) -> None:
    with opened(browser, 360) as page:
        loaded = come_by(page)
        page.goto(site)
        assert loaded == []
        with page.expect_response("**/*.avif"):
            page.locator(".face img").first.scroll_into_view_if_needed()
        assert loaded


@pytest.mark.parametrize("prefix", ["", "/fr"])
@pytest.mark.parametrize("address", PAGES)
def test_whoever_saves_data_loads_what_the_link_says(site: str, browser: Browser, address: str, prefix: str) -> None:
    story = Testimonial.objects.get(slug=SLUG)
    with opened(browser, 360, extra_http_headers={"Save-Data": "on"}) as page:
        loaded = come_by(page)
        page.goto(site + prefix + address, wait_until="networkidle")
        assert page.locator("img").count() == 0 and loaded == []
        figure = page.locator(f"figure[id='{SLUG}']")
        link = figure.get_by_role("link").filter(has_text="JPEG")
        size = -(-(story.portrait_bytes or 0) // 1000)
        assert f"({size}\N{NO-BREAK SPACE}k" in link.inner_text()
        led_by(link)
        assert f"photo={SLUG}" in page.url
        assert page.evaluate(FACES) == [[192, 240, "192.jpg"]]
        assert [len(answer.body()) for answer in loaded] == [story.portrait_bytes]
        assert figure.locator("img").is_visible()
        assert page.evaluate("location.hash") == f"#{SLUG}"
        assert page.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "headers", [{}, pytest.param({"Save-Data": "on"}, marks=pytest.mark.soak)], ids=["photos", "links"]
)  # fmt: skip
def test_pages_with_portraits_are_for_everyone(site: str, browser: Browser, headers: dict[str, str]) -> None:
    faults: dict[Any, Any] = {}
    modes: tuple[dict[str, Any], ...] = ({}, {"color_scheme": "dark"}, {"forced_colors": "active"})
    for mode in modes:
        with opened(browser, extra_http_headers=headers, **mode) as page:
            for address in PAGES:
                for prefix in facts.LANGUAGES:
                    page.goto(site + (f"/fr{address}" if prefix == "fr" else address))
                    for width in (320, 768, 1280):
                        page.set_viewport_size({"width": width, "height": 800})
                        if found := wide(page) + violations(page):
                            faults[address, prefix, width, str(mode)] = found
    assert faults == {}


def test_paper_has_the_photo_and_not_the_link(site: str, browser: Browser) -> None:
    for headers, photos in (({}, 1), ({"Save-Data": "on"}, 0)):
        with opened(browser, extra_http_headers=headers) as page:
            page.goto(site + PAGES[2])
            page.emulate_media(media="print")
            assert page.locator(".face img").count() == photos
            assert not page.get_by_text("JPEG").is_visible()
            if photos:
                page.evaluate(FACES)
                box = page.locator(".face img").bounding_box()
                assert box and (box["width"], box["height"]) == (96, 120)
