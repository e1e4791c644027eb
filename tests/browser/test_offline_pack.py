"""The pack as a reader opens it: from a folder, without a network."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page
from pytest_django import DjangoDbBlocker

from itsci_site import offline
from tests.browser import vnu
from tests.browser.live import led_by, opened, violations, wide
from tests.browser.test_html_valid import checker as checker
from tests.browser.test_html_valid import told
from tests.pages import content, facts


@pytest.fixture(scope="module")
def unpacked(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    built_static: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folders of both languages."""
    folder = tmp_path_factory.mktemp("packs")
    with django_db_blocker.unblock(), content.loaded(), content.as_deployed(built_static):
        for language in facts.LANGUAGES:
            zipped = folder / f"{language}.zip"
            zipped.write_bytes(offline.build(language, "http://testserver", timezone.now()).zipped())
            with zipfile.ZipFile(zipped) as whole:
                whole.extractall(folder)
    return folder


@pytest.fixture(params=[360, 1280])
def reader(request: pytest.FixtureRequest, hang_up: None, browser: Browser) -> Iterator[Page]:
    with opened(browser, request.param, offline=True, java_script_enabled=True) as page:
        yield page


def test_one_reads_from_page_to_page_without_a_network(reader: Page, unpacked: Path) -> None:
    reader.goto((unpacked / "scaling-up-itsci-en" / "index.html").as_uri())
    assert reader.locator("h1").inner_text()
    assert reader.evaluate("getComputedStyle(document.querySelector('.earth')).backgroundColor") != "rgba(0, 0, 0, 0)"
    assert reader.locator(".notice").first.inner_text().startswith("Offline copy")
    for link, heading in (("South Kivu", "South Kivu"), ("Source and history", "Miners working in ITSCI sites")):
        led_by(reader.locator("main").get_by_role("link", name=link).first)
        assert reader.locator("h1").inner_text() == heading
    assert reader.url.endswith("/progress/miners/index.html#sk-m")
    assert f"{facts.SOUTH_KIVU.figures[0]:,}" in reader.locator("#sk-m").inner_text()
    led_by(reader.locator("nav.nav").get_by_role("link", name="Meeting summaries"))
    led_by(reader.locator("tbody a").first)
    assert reader.url.startswith("file://") and "/meetings/" in reader.url
    assert reader.locator("svg.g").first.bounding_box()
    assert reader.complaints == []  # type: ignore[attr-defined]


def test_pages_of_a_pack_hold_to_the_rules_of_the_site(reader: Page, unpacked: Path) -> None:
    faults = {}
    for language in facts.LANGUAGES:
        for path in ("index.html", "progress/index.html", "meetings/index.html", "data/index.html"):
            reader.goto((unpacked / f"scaling-up-itsci-{language}" / path).as_uri())
            if found := violations(reader) + wide(reader):
                faults[language, path] = found
    assert faults == {}


def test_pages_of_a_pack_are_valid(checker: Path, unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("flat")
    names = {}
    for number, page in enumerate(sorted(unpacked.rglob("*.html"))):
        names[f"{number}.html"] = str(page.relative_to(unpacked))
        (folder / f"{number}.html").write_bytes(page.read_bytes())
    assert len(names) > 50
    assert told(vnu.check(checker, folder), names) == []
