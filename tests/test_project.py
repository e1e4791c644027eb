"""The tree itself: what lies where, and what must stand in no file."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from modeltranslation.translator import translator

ROOT: Path = settings.BASE_DIR
TOP = {
    ".ci", ".env.example", ".gitignore", "Makefile", "README.md", "benchmarks", "deploy", "docs", "fixtures", "itsci_site",
    "locale", "manage.py", "meetings", "programmes", "pyproject.toml", "regions", "static", "templates", "testimonials",
    "tests",
}  # fmt: skip
IGNORED = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
HEX = re.compile(r"#(?:[0-9a-f]{8}|[0-9a-f]{6}|[0-9a-f]{3,4})\b(?![\w-])", re.IGNORECASE)
# A page's own anchors and symbols (href="#main") are no colours.
REFERENCE = re.compile(r"""\b(?:xlink:)?href\s*=\s*(["'])#[^"']*\1|url\(#[^)]*\)|&#\w+;""")
INLINE = re.compile(r"""<(?:script(?! type="application/ld\+json">)|style)\b|<[^>]*?\s(?:style|on[a-z]+)\s*=""", re.IGNORECASE)
# Folders of one machine, and hosts that a lock or a setting must not depend on; pypi.org is where a lock points if anywhere.
MACHINE = re.compile(r"(?:(?<![\w.~-])/(?:work|root|home|Users|mnt|opt)/[\w.]|\b[A-Z]:\\\w{2}|\b[A-Z]:/Users)", re.ASCII)
REGISTRY = re.compile(
    r"--(?:extra-)?index-url|--find-links|--trusted-host|\b(?:artifactory|nexus|devpi|pypi-proxy|registry)\.[\w.-]+\.\w"
)
UNTRANSLATED = {
    "regions.Country.slug", "regions.Country.iso_code", "regions.Region.slug", "regions.Region.code", "regions.Region.kind",
    "regions.Metric.slug", "regions.Metric.code", "regions.Source.address", "regions.Succession.precision",
    "regions.Succession.source", "regions.Version.table_name", "regions.Reading.precision", "regions.Reading.status",
    "regions.Reading.stage",
    "testimonials.Testimonial.slug", "testimonials.Testimonial.quote", "testimonials.Testimonial.quote_language",
    "testimonials.Testimonial.original_language", "testimonials.Testimonial.portrait",
    "testimonials.Testimonial.attribution", "testimonials.Testimonial.place_precision", "testimonials.Testimonial.risk",
    "meetings.Place.slug",
    "meetings.Meeting.slug", "meetings.Meeting.sensitivity", "meetings.Document.language", "meetings.Document.file",
    "programmes.Programme.slug",
    "programmes.Programme.iati_identifier",
    "programmes.Programme.iati_reporter_ref", "programmes.Programme.iati_reporter_type", "programmes.Programme.iati_status",
    "programmes.Programme.iati_sector", "programmes.Partner.role", "programmes.Partner.iati_role",
    "programmes.Partner.iati_ref", "programmes.Partner.iati_type", "programmes.Headline.precision",
    "programmes.Headline.comparison",
}  # fmt: skip
"""Text that reads the same in both languages, or is a code. Words for readers have a column a language."""


def ignored(path: Path) -> bool:
    return any(fnmatch(name, pattern) for name in path.relative_to(ROOT).parts for pattern in [".git", *IGNORED])


def files() -> Iterator[tuple[Path, str]]:
    """Every text file that would be committed, with its text."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if not ignored(Path(folder, name))]
        for path in (Path(folder, name) for name in sorted(names)):
            if not ignored(path):
                with suppress(UnicodeDecodeError):
                    yield path, path.read_text(encoding="utf-8")


def colours(text: str) -> list[str]:
    return HEX.findall(REFERENCE.sub("", text))


def test_nothing_else_at_the_top() -> None:
    found = {path.name for path in ROOT.iterdir() if not ignored(path)}
    assert {name for name in found if not fnmatch(name, "requirements*.lock")} - TOP == set()


def test_colours_are_tokens() -> None:
    found = {
        str(path.relative_to(ROOT)): colours(text)
        for path, text in files()
        if path.suffix in {".css", ".html", ".svg"} and path.relative_to(ROOT).parts[0] in {"static", "templates"}
        if path.name != "tokens.css" and "img" not in path.parts
    }
    assert found, "no style sheet was looked at"
    assert {path: hexes for path, hexes in found.items() if hexes} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a { color: #FFF }", ["#FFF"]),
        ("a{color:#12ab3c;background:#12ab3c80}", ["#12ab3c", "#12ab3c80"]),
        ('<path fill="#abc">', ["#abc"]),
        ('<a href="#add"><use href="#face"/>', []),
        ("#added { color: var(--ink) }", []),
        ("&#039;", []),
    ],
)
def test_a_colour_is_seen(text: str, found: list[str]) -> None:
    assert colours(text) == found


def test_no_page_has_style_or_script_of_its_own() -> None:
    """The Content-Security-Policy would refuse it, and the page would look broken for everyone but us. Data blocks are data."""
    pages = {path: text for path, text in files() if path.is_relative_to(ROOT / "templates") and "admin" not in path.parts}
    assert pages
    assert {str(path.relative_to(ROOT)): INLINE.findall(text) for path, text in pages.items() if INLINE.search(text)} == {}


@pytest.mark.parametrize("text", ['<p\n style="x">', "<STYLE>", '<script src="x.js">', '<a onclick="go()">'])
def test_style_and_script_are_seen(text: str) -> None:
    assert INLINE.search(text)


@pytest.mark.parametrize("text", ['<p class="style">', "{# style= #}", '<p data-person="x">', "Scripts and styles"])
def test_words_about_style_are_let_be(text: str) -> None:
    assert not INLINE.search(text)


def test_no_file_knows_a_machine() -> None:
    """No path of somebody's folder, no private package index: locks, documents and settings serve every machine."""
    found = {
        str(path.relative_to(ROOT)): [match[0] for match in (*MACHINE.finditer(text), *REGISTRY.finditer(text))]
        for path, text in files()
        if path != Path(__file__) and path.suffix not in {".svg", ".geojson"}
    }
    assert {"requirements.lock", "pyproject.toml", "README.md", "Makefile", ".ci/run"} <= found.keys()
    assert {path: words for path, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "text",
    [
        "cd /home/alice/site",
        "see /home/alice/notes",
        '"/root/.venv"',
        "--extra-index-url https://x",
        "https://registry.example.org/simple",
    ],
)
def test_a_machine_is_seen(text: str) -> None:
    assert MACHINE.search(text) or REGISTRY.search(text)


@pytest.mark.parametrize("text", ["/where-we-work/katanga/", "https://example.org/home/a", "~/home/a", "/fr/", "/srv/site/"])
def test_addresses_are_let_be(text: str) -> None:
    assert not MACHINE.search(text) and not REGISTRY.search(text)


def texts() -> Iterator[tuple[type[models.Model], models.Field]]:
    """The text fields of the apps, without the columns that modeltranslation adds."""
    for label in ("regions", "testimonials", "meetings", "programmes"):
        for model in apps.get_app_config(label).get_models():
            for field in model._meta.local_fields:
                if isinstance(field, models.CharField | models.TextField | models.FileField) and not hasattr(
                    field, "translated_field"
                ):
                    yield model, field


def test_words_for_readers_have_a_column_a_language() -> None:
    translated = {
        f"{model._meta.label}.{name}"
        for model in translator.get_registered_models()
        for name in translator.get_options_for_model(model).all_fields
    }
    every = {
        f"{model._meta.label}.{field.name}"
        for model, field in texts()
        if not getattr(model, "never_public", False) and (field.name != "status" or field.editable is not False)
    }
    assert every - translated == UNTRANSLATED
    assert translated <= every
    for name in translated:
        label, _dot, field = name.rpartition(".")
        columns = {column.name for column in apps.get_model(label)._meta.fields}
        assert {f"{field}_{code}" for code, _language in settings.LANGUAGES} <= columns


def test_a_page_has_two_languages() -> None:
    assert [code for code, _name in settings.LANGUAGES] == ["en", "fr"]
