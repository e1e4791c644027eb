"""Each page in each language: the same page, its numbers and days, and a word wherever a text is not what it seems."""

import re
from collections.abc import Iterator
from datetime import date

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext
from pytest_django import DjangoAssertNumQueries

from itsci_site.lib.translated import Translated
from meetings.models import Meeting, Place
from programmes.models import Programme
from regions.models import Metric, Region, Series
from tests import factories
from tests.admin.test_admin import Form

from . import facts, markup, samples
from .conftest import Read
from .content import addresses, in_language, parameters
from .test_queries import QUERIES

UNSEEN = {"option", "code", "script", "title"}
"""Elements whose text cannot be marked (a choice of a form) or is not for readers (HTML to copy, data)."""
MARKS = ("untranslated", "outdated")
MONTHS = {
    "en": ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December"],
    "fr": ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
           "décembre"],
}  # fmt: skip


def texts(element: markup.Element, language: str = "") -> Iterator[tuple[str, str]]:
    """Every piece of text that a reader gets, with the language it is in as far as the page says so."""
    language = element.attributes.get("lang") or element.attributes.get("xml:lang") or language
    for child in element.children:
        if isinstance(child, str):
            yield child, language
        elif child.tag not in UNSEEN and child.attributes.get("aria-hidden") != "true":
            yield from texts(child, language)


def said(words: str, language: str = "fr") -> str:
    with translation.override(language):
        return gettext(words)


NOT_YET = "This text is not translated yet: it stands in English."
CHANGED = "The English text was changed after this translation."
SOME_NOT_YET = "Some names and short texts on this page are not translated yet."
SOME_CHANGED = "The English of some names and short texts on this page was changed after their translation."


def told(page: markup.Element, words: str) -> list[markup.Element]:
    """The notes and notices of a French page that say this."""
    return [note for note in page.all("p") if {"note", "notice"} & note.classes and said(words) in note.text]


def whole_site() -> list[str]:
    return [*addresses(), "/nowhere/", "/embed/miners/", "/embed/miners/katanga/"]


def settled() -> list[str]:
    """Without the page that lists the changes of texts themselves, in each language."""
    return [address for address in whole_site() if address != "/progress/changes/"]


# The same page


def test_the_switch_keeps_what_was_asked_for(client: Client) -> None:
    values = {"as-at": "2026-11-23", "q": "%C3%A9", "region": "katanga"}
    for address in addresses():
        named = "&".join(f"{name}={values.get(name, 'x')}" for name in sorted(parameters(address)))
        asked = f"?{named}" if named else "?q=%C3%A9&kind=x&x=1&x=2" if address == "/search/" else ""
        for language in facts.LANGUAGES:
            page = markup.parse(client.get(in_language(address, language) + asked).content)
            links = {link["hreflang"]: link["href"] for link in page.one("nav", "langs").all("a")}
            assert links == {code: in_language(address, code) + asked for code in facts.LANGUAGES}
            foot = [link for link in page.one("footer").all("a") if "hreflang" in link.attributes]
            other = "fr" if language == "en" else "en"
            assert [(link["href"], link["lang"]) for link in foot] == [(links[other], other)]


def test_a_page_that_is_not_there_leads_to_the_home_page(read: Read) -> None:
    for language in facts.LANGUAGES:
        links = read("/nowhere/", language, 404).one("nav", "langs").all("a")
        assert [link["href"] for link in links] == ["/", "/fr/"]


# Numbers and days


@pytest.mark.usefixtures("in_2026")
@pytest.mark.parametrize("day", ["", "?as-at=2026-11-23"])
def test_french_parts_thousands_with_a_narrow_space(read: Read, day: str) -> None:
    """Every number with a comma on an English page stands on the French one with U+202F, and none is written otherwise."""
    found = 0
    for page in whole_site():
        address = page + (day if "as-at" in parameters(page) else "")
        status = 404 if address == "/nowhere/" else 200
        english = {number for text, _lang in texts(read(address, "en", status)) for number in grouped(text, ",")}
        french = "\n".join(text for text, language in texts(read(address, "fr", status)) if language == "fr")
        assert {number.replace(",", facts.NARROW) for number in english} <= set(grouped(french, facts.NARROW)), address
        assert not re.search(r"\d[ ,.\N{NO-BREAK SPACE}]\d{3}(?!\d)", french), address
        found += len(english)
    assert found > 30


def grouped(text: str, sign: str) -> list[str]:
    return re.findall(rf"(?<![\d{sign}])\d{{1,3}}(?:{sign}\d{{3}})+(?!\d)", text)


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_days_are_words_of_the_language(read: Read, language: str) -> None:
    found = 0
    other = "fr" if language == "en" else "en"
    for address in addresses():
        page = read(address, language)
        for day in page.all("time"):
            then = date.fromisoformat(day["datetime"][:10])
            number = "1er" if then.day == 1 and language == "fr" else str(then.day)
            assert day.text == f"{number} {MONTHS[language][then.month - 1]} {then.year}"
            found += 1
        own = " ".join(text for text, code in texts(page) if code == language)
        assert not re.search(r"\b\d{1,2}[/.]\d{1,2}[/.]\d{2,4}\b", own)
        assert not re.search(rf"\b\d+ (?:{'|'.join(MONTHS[other])}) \d{{4}}\b", own)
    assert found >= 8


# What is not translated, and what was changed since


def test_today_nothing_is_marked(client: Client) -> None:
    for address in whole_site():
        for language in facts.LANGUAGES:
            html = client.get(in_language(address, language)).text
            assert not [mark for mark in MARKS if f'class="{mark}"' in html]
            assert not [words for words in (NOT_YET, CHANGED, SOME_NOT_YET, SOME_CHANGED) if said(words, language) in html]


def test_english_pages_know_nothing_of_translations(client: Client) -> None:
    def english() -> dict[str, bytes]:
        return {address: client.get(address).content for address in settled()}

    before = english()
    samples.set_texts("''", "")
    assert english() == before
    samples.set_texts("'Zut'", "")
    samples.change_english()
    overtaken = english()
    samples.set_texts("'Bon'", "")
    assert english() == overtaken != before


def test_what_is_not_translated_is_marked_as_english_and_said(read: Read) -> None:
    """Wherever a French page prints an English text the element says so, and a note stands on the page."""
    samples.take_french_away()
    printed = 0
    for address in whole_site():
        page = read(address, "fr", 404 if address == "/nowhere/" else 200)
        english = [(text, language) for text, language in texts(page) if samples.ENGLISH in text]
        assert {language for _text, language in english} <= {"en"}, (address, english)
        assert bool(english) == bool(told(page, NOT_YET) + told(page, SOME_NOT_YET)), address
        assert len(told(page, SOME_NOT_YET)) <= 1
        assert bool(told(page, SOME_NOT_YET)) == bool(page.all(cls="untranslated"))
        assert not told(page, CHANGED) + told(page, SOME_CHANGED)
        printed += len(english)
    assert printed > 500


def test_a_translation_of_an_earlier_english_is_shown_and_said(read: Read) -> None:
    """The French stays; a note leads to the same page in English."""
    before = {address: shown(read(address, "fr", 404 if address == "/nowhere/" else 200)) for address in settled()}
    samples.change_english()
    overtaken = set()
    for address in settled():
        page = read(address, "fr", 404 if address == "/nowhere/" else 200)
        assert not [text for text, _language in texts(page) if samples.ENGLISH in text]
        notes = told(page, CHANGED) + told(page, SOME_CHANGED)
        english = "/" if address == "/nowhere/" else address
        assert {(link["href"], link["hreflang"]) for note in notes for link in note.all("a")} <= {(english, "en")}
        assert bool(told(page, SOME_CHANGED)) == bool(page.all(cls="outdated"))
        assert not told(page, NOT_YET) + told(page, SOME_NOT_YET)
        overtaken |= {address} if notes else set()
        assert shown(page) == before[address], address
    assert set(settled()) - overtaken == {"/data/", "/data/corrections/", "/search/", "/accessibility/"}


def shown(page: markup.Element) -> str:
    """The text of a page without the notes about languages."""
    notes = {id(note) for words in (CHANGED, SOME_CHANGED) for note in told(page, words)}
    for element in page.walk():
        element.children = [child for child in element.children if id(child) not in notes]
    return page.one("body").text


CASES = [
    ("/", Programme, {"slug": "scaling-up-itsci"}, "lead", NOT_YET, CHANGED),
    ("/", Programme, {"slug": "scaling-up-itsci"}, "strapline", SOME_NOT_YET, SOME_CHANGED),
    ("/where-we-work/", Region, {"slug": "katanga"}, "narrative", NOT_YET, CHANGED),
    ("/where-we-work/katanga/", Region, {"slug": "katanga"}, "narrative", NOT_YET, CHANGED),
    ("/where-we-work/katanga/", Region, {"slug": "rwanda"}, "name", SOME_NOT_YET, SOME_CHANGED),
    ("/progress/", Metric, {"slug": "miners"}, "definition", NOT_YET, CHANGED),
    ("/progress/miners/", Metric, {"slug": "miners"}, "definition", NOT_YET, CHANGED),
    ("/progress/miners/?as-at=2999-01-01", Metric, {"slug": "miners"}, "name", SOME_NOT_YET, SOME_CHANGED),
    ("/stories/child-labour-katanga/", Region, {"slug": "katanga"}, "name", SOME_NOT_YET, SOME_CHANGED),
    ("/meetings/", Meeting, {"slug": "kalemie-2016-03-11"}, "summary", NOT_YET, CHANGED),
    ("/meetings/?region=katanga", Place, {"slug": "kalemie"}, "name", SOME_NOT_YET, SOME_CHANGED),
    ("/meetings/kalemie-2016-03-11/", Meeting, {"slug": "kalemie-2016-03-11"}, "topics", NOT_YET, CHANGED),
    ("/embed/miners/katanga/", Region, {"slug": "katanga"}, "name", SOME_NOT_YET, SOME_CHANGED),
]


def page_of(client: Client, address: str) -> markup.Element:
    return markup.parse(client.get(in_language(address, "fr")).content)


@pytest.mark.parametrize(
    ("address", "model", "which", "name", "not_yet", "changed"), CASES, ids=[f"{case[0]} {case[3]}" for case in CASES]
)
def test_a_note_comes_and_goes_with_its_cause(
    client: Client, address: str, model: type[Translated], which: dict[str, str], name: str, not_yet: str, changed: str
) -> None:
    """One text, changed as staff and as a database client do; every note is there once and goes with its cause."""
    row = model._default_manager.get(**which)
    french = getattr(row, f"{name}_fr")
    every = (NOT_YET, CHANGED, SOME_NOT_YET, SOME_CHANGED)

    def notes() -> list[str]:
        return [words for words in every for _note in told(page_of(client, address), words)]

    assert notes() == []
    setattr(row, f"{name}_fr", "")
    row.save()
    assert notes() == [not_yet]
    setattr(row, f"{name}_fr", french)
    row.save()
    assert notes() == []
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {name}_en = 'Changed' WHERE id = %s", [row.pk])  # noqa: S608
    assert notes() == [changed]
    row.refresh_from_db()
    setattr(row, f"{name}_fr", french + ".")
    row.save()
    assert notes() == []


def test_staff_change_and_confirm(client: Client) -> None:
    """By the admin's own forms, with line ends as browsers send them."""
    factories.sign_in(client, factories.make_user())
    region = Region.objects.get(slug="katanga")
    link = reverse("admin:regions_region_change", args=[region.pk])
    listed = reverse("admin:regions_region_changelist")
    here = "/where-we-work/katanga/"

    def save(**changes: str) -> None:
        values = {
            name: re.sub(r"\r?\n", "\r\n", value) if isinstance(value, str) else value
            for name, value in Form(client.get(link)).values.items()
        }
        assert client.post(link, values | changes).status_code == 302

    save()
    assert not told(page_of(client, here), CHANGED)
    save(narrative_en="Now quite another text.")
    assert len(told(page_of(client, here), CHANGED)) == 1
    save(order="9")
    assert len(told(page_of(client, here), CHANGED)) == 1
    client.post(listed, {"action": "confirm_translation", "_selected_action": [region.pk]})
    assert not told(page_of(client, here), CHANGED)
    save(narrative_en="And yet another.")
    save(narrative_fr="Et encore un autre.")
    assert not told(page_of(client, here), CHANGED)


def test_a_note_on_the_period_is_marked_within_its_line(read: Read) -> None:
    series = Series.objects.get(region__slug="katanga", metric__slug="miners")
    factories.make_reading(series, 9_000, date(2018, 1, 1), period_note_en=f"{samples.ENGLISH} estimate", period_note_fr="")
    for address in (
        "/where-we-work/katanga/",
        "/progress/",
        "/progress/miners/",
        "/progress/changes/?from=2019-12-01&to=2020-02-01",
    ):
        page = read(address, "fr")
        found = [(text, language) for text, language in texts(page) if samples.ENGLISH in text]
        assert found and set(found) == {(f"{samples.ENGLISH} estimate", "en")}, address
        assert len(told(page, SOME_NOT_YET)) == 1
        assert "2018, " in page.text


def test_a_reason_without_french_is_marked(read: Read) -> None:
    reading = factories.make_reading(Series.objects.get(region__slug="katanga", metric__slug="miners"), 9_000, date(2018, 1, 1))
    factories.correct(reading, 9_001, factories.PAST.replace(day=2), reason_en=f"{samples.ENGLISH} slip")
    for address in ("/data/corrections/", "/progress/miners/", "/progress/changes/?from=2019-12-01&to=2020-02-01"):
        page = read(address, "fr")
        assert {(text, language) for text, language in texts(page) if samples.ENGLISH in text} == {
            (f"{samples.ENGLISH} slip", "en")
        }
        assert len(told(page, SOME_NOT_YET)) == 1


def test_a_past_day_has_the_notes_of_that_day(client: Client) -> None:
    """An English text changed today does not overtake the page of a day before."""
    Region.objects.filter(slug="katanga").update(narrative_en="Changed")
    assert told(page_of(client, "/where-we-work/katanga/"), CHANGED)
    versions = "UPDATE regions_version SET at = at - interval '40 days' WHERE id NOT IN (SELECT max(id) FROM regions_version)"
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE regions_version DISABLE TRIGGER regions_version_guard")
        cursor.execute(versions)
        cursor.execute("ALTER TABLE regions_version ENABLE TRIGGER regions_version_guard")
        cursor.execute("SELECT (max(at) - interval '10 days')::date FROM regions_version")
        (day,) = cursor.fetchone()
    then = page_of(client, f"/where-we-work/katanga/?as-at={day}")
    assert not told(then, CHANGED)


@pytest.mark.usefixtures("in_2026")
@pytest.mark.parametrize("address", [address for address in QUERIES if address.endswith("/")])
def test_notes_ask_the_database_nothing(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, address: str
) -> None:
    for change in (samples.take_french_away, samples.change_english):
        change()
        with django_assert_num_queries(QUERIES[address]):
            assert client.get(in_language(address, "fr")).status_code == 200


def test_the_languages_are_those_of_the_settings() -> None:
    assert tuple(code for code, _name in settings.LANGUAGES) == facts.LANGUAGES
