"""Every page is valid HTML by the Nu Html Checker, which also knows ARIA, SVG and CSS."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.test.utils import override_settings

from testimonials.models import Testimonial
from tests.browser import vnu
from tests.pages import content, facts
from tests.pages.samples import ERRORS, REGISTER, add_gaps, add_second_programme, change_english, take_french_away
from tests.testimonials.photos import give

UNKNOWN_TO_IT = {
    "CSS: “paint-order”: Property “paint-order” doesn't exist.",  # it does: Fill and Stroke, level 3
    "CSS: “container-type”: Property “container-type” doesn't exist.",  # it does: Conditional Rules, level 5
}
CONTAINER, MEDIA = "@container (inline-size ", "@media (width "
"""The checker does not know the first and would leave out all that stands in it, so it gets the second in its place."""


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return vnu.jar(settings.BASE_DIR / ".local" / "npm", tmp_path_factory.mktemp("vnu"))
    except vnu.Missing as missing:
        if os.environ.get("CI"):
            raise  # what CI does not check, nobody does
        pytest.skip(f"the HTML checker needs Java 17 and npm: {missing}")


def save_pages(folder: Path, prefix: str) -> dict[str, str]:
    """Writes every page into `folder`. Returns their addresses by file name."""
    client = Client(raise_request_exception=False)
    names: dict[str, str] = {}
    for address in [*content.addresses(), *ERRORS, *REGISTER]:
        for language in facts.LANGUAGES:
            where = content.in_language(address, language)
            name = f"{prefix}{len(names):03}.html"
            folder.joinpath(name).write_bytes(client.get(where).content)
            names[name] = f"{where} ({prefix})"
    return names


def told(findings: list[vnu.Finding], names: dict[str, str]) -> list[str]:
    """One line a kind of fault: how often, on how many pages, and the first of them."""
    by_fault: dict[tuple[str, str], list[vnu.Finding]] = {}
    for finding in findings:
        by_fault.setdefault((finding.kind, finding.message), []).append(finding)
    return [
        f"{kind}: {message} | {len(found)} x on {len({one.file for one in found})} pages | "
        f"{names.get(found[0].file, found[0].file)}, line {found[0].line}: {found[0].extract}"
        for (kind, message), found in by_fault.items()
    ]


@pytest.fixture
def saved(db: None, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Every page as the content has it; with portraits, another programme and gaps; with French overtaken, and gone."""
    names: dict[str, str] = {}
    content.load()
    with override_settings(ROOT_URLCONF="tests.pages.urls", MEDIA_ROOT=tmp_path_factory.mktemp("media")):
        names |= save_pages(tmp_path, "content")
        give(Testimonial.objects.get(slug="child-labour-katanga"))
        add_second_programme()
        add_gaps()
        names |= save_pages(tmp_path, "gaps")
        change_english()
        names |= save_pages(tmp_path, "changed")
        Testimonial.objects.update(portrait="", portrait_bytes=None)  # a portrait is described in both languages
        take_french_away()
        names |= save_pages(tmp_path, "english")
    return tmp_path, names


def test_every_page_is_valid(checker: Path, saved: tuple[Path, dict[str, str]]) -> None:
    folder, names = saved
    assert len(names) > 100
    lines = told(vnu.check(checker, folder), names)
    print("\n".join(lines))
    assert lines == []


def known_to_it(source: str) -> str:
    return source.replace(CONTAINER, MEDIA)


def test_the_stylesheet_is_valid(checker: Path, tmp_path: Path) -> None:
    for file in (settings.BASE_DIR / "static" / "css").glob("*.css"):
        tmp_path.joinpath(file.name).write_text(known_to_it(file.read_text()))
    findings = vnu.check(checker, "--skip-non-css", *sorted(tmp_path.glob("*.css")))
    assert told([finding for finding in findings if finding.message not in UNKNOWN_TO_IT], {}) == []


def test_the_checker_finds_faults(checker: Path, tmp_path: Path) -> None:
    """Else the tests above would pass on anything."""
    tmp_path.joinpath("bad.html").write_text("<!doctype html><html lang=en><title>Bad</title><ul><p>No item</p></ul>")
    tmp_path.joinpath("bad.css").write_text("a { colour: red }")
    tmp_path.joinpath("narrow.css").write_text(known_to_it(f"{CONTAINER}< 40rem) {{ a {{ colour: red }} }}"))
    kinds = {finding.file: finding.kind for finding in vnu.check(checker, "--also-check-css", tmp_path)}
    assert kinds == {"bad.html": "error", "bad.css": "error", "narrow.css": "error"}
