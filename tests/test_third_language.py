"""A third language is a setting, a catalogue and columns: the steps of docs/languages.md, taken with Swahili.

A database of the two languages with its content is brought forward, as on a running site. What the steps write goes into a
folder of the test.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker

from itsci_site.management.commands.load_content import FIXTURE, _moment

from .newsroom.desk import CLOSED, OPENED
from .pages import markup

ROOT: Path = settings.BASE_DIR
APPS = ("regions", "testimonials", "meetings", "programmes")
TWO = """
from tests.settings import *
from tests.settings import DATABASES as SITE_DATABASES

DATABASES = {{"default": SITE_DATABASES["default"] | {{"NAME": {database!r}}}}}
MIGRATION_MODULES = {modules!r}
LOCALE_PATHS = [{locale!r}]
"""
THREE = """
from two import *
from two import LANGUAGES as SITE_LANGUAGES

LANGUAGES = [*SITE_LANGUAGES, ("sw", "Swahili")]
"""
CATALOGUE = """
msgid ""
msgstr ""
"Language: sw\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "This site in English"
msgstr "Tovuti hii kwa Kiswahili"

msgid "Where we work"
msgstr "Tunapofanya kazi"

msgid "This text is not translated yet: it stands in English."
msgstr "Maandishi haya bado hayajatafsiriwa: yako kwa Kiingereza."
"""
TRANSLATE = """
UPDATE regions_region SET narrative_sw = E'Mradi ulianza Katanga.\\n\\nSasa unaendelea.' WHERE slug = 'katanga';
UPDATE regions_region SET lead_sw = 'Hapa' WHERE slug = 'katanga';
UPDATE regions_region SET lead_en = 'Another lead' WHERE slug = 'katanga';
UPDATE regions_region SET name_sw = 'Kivu Kusini' WHERE slug = 'south-kivu';
"""
PAST = _moment(FIXTURE)[:10]
"""A day of which the database has versions from before Swahili."""
ADDRESSES = (
    "/", "/where-we-work/", "/where-we-work/katanga/", "/where-we-work/south-kivu/", "/progress/", "/progress/miners/",
    "/progress/changes/", f"/progress/changes/?from={PAST}", f"/progress/?as-at={PAST}",
    f"/where-we-work/katanga/?as-at={PAST}", "/stories/child-labour-katanga/", "/meetings/", "/meetings/?region=katanga&q=x",
    "/search/?q=kalemie",
    "/meetings/kalemie-2016-03-11/", "/data/", "/data/corrections/", "/accessibility/", "/embed/miners/",
)  # fmt: skip
PREFIXES = {"en": "", "fr": "/fr", "sw": "/sw"}
Pages = dict[str, tuple[int, str]]


def run(folder: Path, which: str, *command: str) -> str:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": which, "PYTHONPATH": f"{folder}:{ROOT}", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Path]:
    """Settings, catalogue, migrations, and a database of today's two languages."""
    made = tmp_path_factory.mktemp("third")
    database = f"third_language_of_{connection.settings_dict['NAME']}"
    modules = {app: f"brought.{app}" for app in APPS}
    (made / "two.py").write_text(TWO.format(database=database, modules=modules, locale=str(made / "locale")))
    (made / "three.py").write_text(THREE)
    shutil.copytree(ROOT / "locale", made / "locale")
    for app in APPS:
        shutil.copytree(ROOT / app / "migrations", made / "brought" / app)
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{database}"')
        cursor.execute(f'CREATE DATABASE "{database}"')
        try:
            run(made, "two", "manage.py", "migrate", "--verbosity=0")
            run(made, "two", "manage.py", "load_content")
            yield made
        finally:
            cursor.execute(f'DROP DATABASE "{database}" WITH (FORCE)')


@pytest.fixture(scope="module")
def pages(folder: Path) -> Pages:
    """Every address in each of the three languages, after the steps."""
    messages = folder / "locale" / "sw" / "LC_MESSAGES"
    messages.mkdir(parents=True)
    (messages / "django.po").write_text(CATALOGUE)
    run(folder, "three", "-m", "babel.messages.frontend", "compile", "-d", str(folder / "locale"), "-D", "django")
    run(folder, "three", "manage.py", "makemigrations", "--name=swahili", "--verbosity=0")
    run(folder, "three", "manage.py", "migrate", "--verbosity=0")
    run(folder, "three", "manage.py", "makemigrations", "--check", "--dry-run")
    steps = f"{CLOSED}; {TRANSLATE} {OPENED}"  # as if it had come with the content
    sql = f"import django; django.setup(); from django.db import connection; connection.cursor().execute({steps!r})"
    run(folder, "three", "-c", sql)
    addresses = [prefix + address for prefix in PREFIXES.values() for address in (*ADDRESSES, "/nowhere/")]
    return json.loads(run(folder, "three", "-m", "tests.third_language", *addresses, "/sw/feeds/figures.atom"))


def page(pages: Pages, address: str) -> markup.Element:
    return markup.parse(pages[address][1])


def test_every_page_answers_in_the_third_language(pages: Pages) -> None:
    assert {address: pages[f"/sw{address}"][0] for address in ADDRESSES} == dict.fromkeys(ADDRESSES, 200)
    assert pages["/sw/nowhere/"][0] == 404
    assert pages["/sw/feeds/figures.atom"][0] == 200
    assert {page(pages, f"/sw{address}").one("html")["lang"] for address in (*ADDRESSES, "/nowhere/")} == {"sw"}


def test_the_columns_come_with_their_migration(folder: Path, pages: Pages) -> None:
    made = {app: [path.name for path in (folder / "brought" / app).glob("*_swahili.py")] for app in APPS}
    assert all(made.values()), made
    assert not list(ROOT.glob("*/migrations/*swahili*"))


@pytest.mark.parametrize("language", PREFIXES)
def test_each_page_leads_to_itself_in_three_languages(pages: Pages, language: str) -> None:
    for address in ADDRESSES:
        if not address.startswith("/embed/"):
            found = page(pages, PREFIXES[language] + address)
            there = {code: prefix + address for code, prefix in PREFIXES.items()}
            links = found.one("nav", "langs").all("a")
            assert {link["hreflang"]: link["href"] for link in links} == there
            assert [link.text for link in links] == ["English", "Français", "Kiswahili"]
            heads = [link for link in found.all("link") if link.attributes.get("hreflang", "x-default") != "x-default"]
            canonical = {code: where.partition("?")[0] for code, where in there.items()}
            assert {link["hreflang"]: link["href"].removeprefix("http://testserver") for link in heads} == (
                canonical if heads else {}
            )
            assert heads or "?" in address  # results and past days are not for search engines
            foot = {link["hreflang"]: link.text for link in found.one("footer").all("a") if "hreflang" in link.attributes}
            assert foot.get("sw", "Tovuti hii kwa Kiswahili") == "Tovuti hii kwa Kiswahili"
            assert foot.keys() == there.keys() - {language}


def test_swahili_stands_where_it_is_given_and_marked_english_where_not(pages: Pages) -> None:
    found = page(pages, "/sw/where-we-work/katanga/")
    prose = found.section("The work here").one("div", "prose").all("p")
    assert [(part.text, part.attributes) for part in prose[:2]] == [
        ("Mradi ulianza Katanga.", {}),
        ("Sasa unaendelea.", {}),
    ]
    other = page(pages, "/sw/where-we-work/south-kivu/")
    assert other.one("h1").text == "Kivu Kusini"
    note, first, *_more = other.section("The work here").one("div", "prose").all("p")
    assert note.text == "Maandishi haya bado hayajatafsiriwa: yako kwa Kiingereza."
    assert first["lang"] == "en" and first.text.startswith("The first")
    assert page(pages, "/sw/").one("h1").all("span")[0]["lang"] == "en"


def test_the_interface_is_swahili_where_the_catalogue_has_it(pages: Pages) -> None:
    links = page(pages, "/sw/").one("nav", "nav").texts("a")
    assert links[:2] == ["Our work", "Tunapofanya kazi"]


def test_an_overtaken_translation_is_noticed_in_the_new_columns(pages: Pages) -> None:
    """The triggers follow the columns without a hand: the lead was translated before its English changed."""
    lead, note = page(pages, "/sw/where-we-work/katanga/").one("div", "place").all("p")
    assert (lead.text, lead.attributes) == ("Hapa", {"class": "lead"})
    assert [(link["href"], link["hreflang"]) for link in note.all("a")] == [("/where-we-work/katanga/", "en")]


def test_a_day_before_the_language_was_added_is_shown_in_english(pages: Pages) -> None:
    found = page(pages, f"/sw/where-we-work/katanga/?as-at={PAST}")
    assert found.section("The work here").one("div", "prose").all("p")[1]["lang"] == "en"
    assert "Mradi" not in found.text


def test_numbers_and_dates_have_a_form_without_formats_of_its_own(pages: Pages) -> None:
    assert "17,466" in page(pages, "/sw/where-we-work/katanga/").text
    assert page(pages, "/sw/meetings/kalemie-2016-03-11/").one("dl", "facts").one("time").text == "11 Machi 2016"


def test_english_and_french_stay_as_they_were(pages: Pages, folder: Path) -> None:
    for language, words in {"en": "Where we work", "fr": "Où nous travaillons"}.items():
        found = page(pages, PREFIXES[language] + "/where-we-work/")
        assert found.one("h1").text == words
        assert not found.all(cls="untranslated")


def test_the_command_lists_what_the_new_language_lacks(folder: Path, pages: Pages) -> None:
    said = run(folder, "three", "manage.py", "translations_missing")
    assert "sw strings  templates/base.html: “Skip to the content”" in said
    assert "“Where we work”" not in [line for line in said.splitlines() if line.startswith("sw strings")]
    assert "sw texts    narrative, /admin/regions/region/" in said
    assert "sw changed  lead, /admin/regions/region/" in said
    assert "fr texts" not in said
