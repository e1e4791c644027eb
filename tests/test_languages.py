"""The interface is translated whole, and the command that says what is not does so."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from django.conf import settings
from django.core.management import CommandError, call_command

from itsci_site import catalogue
from itsci_site.lib.languages import original_language
from regions.models import Region
from tests import factories as make

OTHERS = [code for code, _name in settings.LANGUAGES if code != original_language()]
PLACE = re.compile(r"%\(\w+\)s|\{\w*\}")
CODE = """
a = _("one")
b = gettext_lazy("two" " parts")
c = ngettext("three", "threes", n)
d = pgettext_lazy("where", "four")
e = other("nothing")
f = f"{gettext('ten')}: {g.h}"
"""
PAGE = """
   {% translate "five" %}
{% if x %}
  {% blocktranslate count n=n with place=x|upper %}six {{ place }}{% plural %}sixes {{ place }}{% endblocktranslate %}
{% endif %}
{% translate "seven" context "here" %} "it's" {{ y|default:_("eight") }}
    {% blocktranslate trimmed %}
  nine
{% endblocktranslate %}
"""


@pytest.mark.parametrize("language", OTHERS)
def test_every_string_of_the_interface_is_translated(language: str) -> None:
    assert {said: where for (_context, said, _plural), where in catalogue.missing(language).items()} == {}


def test_strings_are_found_in_code_and_templates() -> None:
    found = catalogue.marked()
    assert len(found) > 500
    assert found["", "Where we work", ""] == "itsci_site/context_processors.py"
    assert found["", "Skip to the content", ""] == "templates/base.html"
    assert found["rank", "First", ""] == "itsci_site/lib/text.py"
    assert found["", "{count} region", "{count} regions"] == "regions/figures.py"
    summaries = ("", "%(count)s summary", "%(count)s summaries, newest first")
    assert found[summaries] == "templates/meetings/register.html"
    assert not [where for where in found.values() if where.startswith("tests/")]


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_each_way_to_mark_a_string_is_known(tmp_path: Path) -> None:
    write(tmp_path / "app" / "code.py", CODE)
    write(tmp_path / "templates" / "page.html", PAGE)
    write(tmp_path / "app" / "migrations" / "0001.py", '_("not this")')
    assert catalogue.marked(tmp_path).keys() == {
        ("", "one", ""), ("", "two parts", ""), ("", "three", "threes"), ("where", "four", ""), ("", "five", ""),
        ("", "six %(place)s", "sixes %(place)s"), ("here", "seven", ""), ("", "eight", ""), ("", "nine", ""),
        ("", "ten", ""),
    }  # fmt: skip


def test_a_string_is_translated_when_every_form_of_it_is(tmp_path: Path) -> None:
    write(
        tmp_path / "fr" / "LC_MESSAGES" / "django.po",
        'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\n'
        'msgid "done"\nmsgstr "fait"\n\nmsgid "empty"\nmsgstr ""\n\n#, fuzzy\nmsgid "guessed"\nmsgstr "deviné"\n\n'
        'msgctxt "where"\nmsgid "done"\nmsgstr ""\n\n'
        'msgid "row"\nmsgid_plural "rows"\nmsgstr[0] "ligne"\nmsgstr[1] "lignes"\n\n'
        'msgid "half"\nmsgid_plural "halves"\nmsgstr[0] "moitié"\nmsgstr[1] ""\n',
    )
    found = catalogue.catalogue("fr", tmp_path)
    assert {message for message, done in found.items() if done} == {("", "done", ""), ("", "row", "rows"), ("", "row", "")}
    assert {("", "empty", ""), ("", "guessed", ""), ("where", "done", ""), ("", "half", "halves")} <= found.keys()
    assert catalogue.catalogue("sw", tmp_path) == {}


def test_a_language_without_a_catalogue_lacks_everything() -> None:
    assert catalogue.missing("sw").keys() == catalogue.marked().keys()


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_keeps_the_places_that_values_go_to(language: str) -> None:
    """A place of another name would break the page that prints it."""
    path = Path(settings.LOCALE_PATHS[0]) / language / "LC_MESSAGES" / "django.po"
    with path.open("rb") as file:
        messages = [message for message in read_po(file, locale=language) if message.id]
    assert messages
    for message in messages:
        meant = {place for form in forms(message.id) for place in PLACE.findall(form)}
        for form in forms(message.string):
            assert set(PLACE.findall(form)) <= meant, form


def forms(said: str | Sequence[str] | None) -> Sequence[str]:
    return [said] if isinstance(said, str) else said or []


@pytest.mark.django_db
def test_the_content_is_translated_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """What remains to be told is the interface's, which has a test of its own above."""
    call_command("load_content", verbosity=0)
    capsys.readouterr()
    call_command("translations_missing")
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith("fr strings")] == []
    assert last.endswith(" of the interface and 0 of the content not translated, 0 translated from an earlier original")


@pytest.mark.django_db
def test_the_command_says_what_waits_and_where(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(catalogue, "missing", lambda _language: {("rank", "First", ""): "itsci_site/lib/text.py"})
    empty, changed = make.make_region(lead_en="A lead"), make.make_region(lead_en="A lead", lead_fr="Une accroche")
    public = make.make_reading(make.make_series(changed), 1, period_note_en="A note")
    draft = make.make_reading(public.series, 1, make.PAST.date().replace(month=1), None, period_note_en="A note")
    Region.objects.filter(pk=changed.pk).update(lead_en="Another lead")
    with pytest.raises(CommandError, match="not translated"):
        call_command("translations_missing", "--check")
    said = capsys.readouterr().out.splitlines()
    assert said[:4] == [
        "fr strings  itsci_site/lib/text.py: “First” (rank)",
        f"fr texts    lead, /admin/regions/region/{empty.pk}/change/",
        f"fr texts    period_note, /admin/regions/reading/{draft.pk}/change/",
        f"fr changed  lead, /admin/regions/region/{changed.pk}/change/",
    ]
    assert said[4].split(None, 1)[1] == (
        "1 of the interface and 2 of the content not translated, 1 translated from an earlier original"
    )
    call_command("translations_missing")  # only asked to, it fails


@pytest.mark.django_db
def test_nothing_missing_is_no_failure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(catalogue, "missing", lambda _language: {})
    make.make_region(lead_en="A lead", lead_fr="Une accroche")
    call_command("translations_missing", "--check")
    assert capsys.readouterr().out.split(None, 1)[1] == (
        "0 of the interface and 0 of the content not translated, 0 translated from an earlier original\n"
    )
