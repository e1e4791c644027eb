"""Postgres notices when an original changes and its translation does not, and forgets it only when somebody saw to it."""

from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.utils import translation
from modeltranslation.translator import translator

from itsci_site.lib import languages, translated
from itsci_site.lib.translated import Part, Translated, Words, filled, joined, words
from regions.models import Reading, Region, Version
from regions.versions import past
from tests import factories as make

pytestmark = pytest.mark.django_db

TEXT = "First.\n\nSecond."


def region(**fields: Any) -> Any:
    return make.make_region(**(dict[str, Any](lead_en="A lead", lead_fr="Une accroche") | fields))


def sql(statement: str, row: models.Model, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {statement} WHERE id = %s", [*values, row.pk])  # noqa: S608 - written here


def overtaken(row: Translated) -> list[str]:
    """What the database holds against the row, whatever this instance remembers."""
    row.refresh_from_db()
    return [name for language, name in translated.outdated(row)]


def test_the_trigger_looks_at_every_translated_field() -> None:
    """What modeltranslation registers, what the models are, and what Postgres was told are the same."""
    registered = {
        model._meta.db_table: {
            f"fr.{name}"
            for name in translator.get_options_for_model(model).all_fields
            if name not in getattr(model, "made_apart", ())
        }
        for model in translator.get_registered_models()
    }
    assert {model._meta.db_table for model in apps.get_models() if issubclass(model, Translated)} == registered.keys()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgargs FROM pg_trigger WHERE tgname = %s", [languages.TRIGGER])
        told = {table: bytes(arguments).decode().split("\0")[:-1] for table, arguments in cursor.fetchall()}
    assert {arguments[0] for arguments in told.values()} == {"en"}
    assert {table: set(arguments[1:]) for table, arguments in told.items()} == registered


def test_a_trigger_that_was_lost_or_is_of_other_fields_is_made_anew() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {languages.TRIGGER} ON regions_metric")
        cursor.execute(
            f"CREATE OR REPLACE TRIGGER {languages.TRIGGER} BEFORE INSERT OR UPDATE ON regions_source FOR EACH ROW"
            " EXECUTE FUNCTION keep_translated_from('en', 'fr.name')"
        )
    call_command("migrate", verbosity=0)
    metric, source = make.make_metric(), make.make_source(note_en="A note", note_fr="Une note")
    sql("unit_en = 'x'", metric)
    sql("note_en = 'x'", source)
    assert (overtaken(metric), overtaken(source)) == (["unit"], ["note"])


def by_orm(row: Any) -> None:
    row.lead_en = "Another lead"
    row.save()


def by_orm_alone(row: Any) -> None:
    row.lead_en = "Another lead"
    row.save(update_fields=["lead_en"])


def by_update(row: Any) -> None:
    Region.objects.filter(pk=row.pk).update(lead_en="Another lead")


def by_bulk(row: Any) -> None:
    row.lead_en = "Another lead"
    Region.objects.bulk_update([row], ["lead_en"])


def by_sql(row: Any) -> None:
    sql("lead_en = 'Another lead'", row)


@pytest.mark.parametrize("change", [by_orm, by_orm_alone, by_update, by_bulk, by_sql])
def test_a_changed_original_overtakes_its_translation(change: Any) -> None:
    row = region()
    assert overtaken(row) == []
    change(row)
    assert overtaken(row) == ["lead"]


def test_every_field_of_every_model_is_watched() -> None:
    programme, metric = make.make_programme(iati_reporter_en="A", iati_reporter_fr="B"), make.make_metric()
    reading = make.make_reading(
        make.make_series(), 1, published_at=None, period_note_en="A", period_note_fr="B", reason_en="A", reason_fr="B"
    )
    meeting = make.make_meeting(topics_en="A", topics_fr="B")
    country = make.make_country(introduction_en="A", introduction_fr="B")
    texts: dict[str, Any] = dict(story_body_en="A", story_body_fr="B", portrait_alt_en="A", portrait_alt_fr="B")
    story = make.make_testimonial(attribution="role", shown_as_en="A", shown_as_fr="B", **texts)
    noted: dict[str, Any] = dict(note_en="A", note_fr="B")
    rows: list[Translated] = [
        country, region(narrative_en="A", narrative_fr="B"), make.make_milestone(make.make_region()), metric,
        make.make_source(publisher_en="A", publisher_fr="B", **noted), reading, make.make_place(**noted), meeting,
        make.make_document(meeting), story, programme,
        make.make_activity(programme), make.make_partner(programme, **noted),
        make.make_headline(
            programme, metric, period_note_en="A", period_note_fr="B", correction_reason_en="A", correction_reason_fr="B"
        ),
    ]  # fmt: skip
    assert {type(row) for row in rows} == {model for model in apps.get_models() if issubclass(model, Translated)}
    for row in rows:
        names = [name for _language, name in languages.translations(type(row))]
        for name in names:
            sql(f"{name}_en = 'Z' || {name}_en", row)
        assert set(overtaken(row)) == set(names)
        for name in names:
            sql(f"{name}_fr = 'Z' || {name}_fr", row)
        assert overtaken(row) == []


def test_only_the_field_that_changed_is_overtaken() -> None:
    row = region(narrative_en=TEXT, narrative_fr=TEXT)
    sql("narrative_en = 'x', lead_en = 'y', lead_fr = 'z'", row)
    assert overtaken(row) == ["narrative"]


def test_it_stays_overtaken_whatever_else_is_saved() -> None:
    """An instance that was read before, or that made the change itself, remembers nothing of it and saves that, too."""
    row = region()
    reader: Any = Region.objects.get(pk=row.pk)
    by_orm(row)
    row.order = 7
    row.save()
    assert overtaken(row) == ["lead"]
    reader.lead_en, reader.narrative_en = "Another lead", "More"
    reader.save()
    sql("translated_from = '{}'", row)
    assert overtaken(row) == ["lead"]
    sql("lead_en = 'A third lead'", row)
    assert overtaken(row) == ["lead"]


@pytest.mark.parametrize("nonsense", ["[]", "1", '"fr.lead"', '{"fr.lead": 1}', '{"xx.nothing": "y"}', '{"fr.lead": null}'])
def test_nothing_else_can_be_written_there(nonsense: str) -> None:
    row = region()
    sql("translated_from = %s", row, nonsense)
    assert (overtaken(row), row.translated_from) == ([], {})
    by_sql(row)
    sql("translated_from = %s", row, nonsense)
    assert overtaken(row) == ["lead"]


@pytest.mark.parametrize(
    "change",
    ["lead_fr = 'Une autre'", "lead_fr = ''", "lead_fr = NULL", "lead_en = 'A lead'", "lead_en = 'B', lead_fr = 'C'"],
    ids=["translated anew", "emptied", "taken away", "English as before", "both anew"],
)
def test_a_new_translation_is_of_today(change: str) -> None:
    row = region()
    by_sql(row)
    assert overtaken(row) == ["lead"]
    sql(change, row)
    assert overtaken(row) == []


def test_what_a_text_area_adds_is_no_change() -> None:
    row = region(narrative_en=TEXT, narrative_fr=TEXT)
    sql("narrative_en = %s", row, TEXT.replace("\n", "\r\n") + "\n ")
    assert overtaken(row) == []
    sql("narrative_en = 'x'", row)
    sql("narrative_fr = %s", row, TEXT.replace("\n", "\r\n"))
    assert overtaken(row) == ["narrative"]


def test_what_is_not_translated_is_not_overtaken() -> None:
    for nothing in ("", None):
        row = region(lead_fr=nothing)
        by_sql(row)
        assert overtaken(row) == []


def test_an_original_that_comes_later_or_goes_overtakes_too() -> None:
    row = region(lead_en="")
    by_sql(row)
    assert overtaken(row) == ["lead"]
    gone = region()
    sql("lead_en = ''", gone)
    assert overtaken(gone) == ["lead"]


def test_a_copy_of_a_row_keeps_what_is_known_of_it(tmp_path: Any) -> None:
    row = region()
    by_sql(row)
    file = tmp_path / "rows.json"
    call_command("dumpdata", "regions.region", output=str(file), verbosity=0)
    Region.objects.all().delete()
    call_command("loaddata", str(file), verbosity=0)
    assert overtaken(row) == ["lead"]
    fresh = region()
    with connection.cursor() as cursor:
        cursor.execute("SELECT translated_from FROM regions_region WHERE id = %s", [fresh.pk])
        assert cursor.fetchone() == ("{}",)


def test_the_loaded_content_is_all_of_today() -> None:
    call_command("load_content", verbosity=0)
    models_ = [model for model in apps.get_models() if issubclass(model, Translated)]
    assert sum(model._default_manager.count() for model in models_) > 80
    assert [model for model in models_ if model._default_manager.exclude(translated_from={}).exists()] == []


def test_someone_finds_that_it_still_says_the_same() -> None:
    row = region(narrative_en=TEXT, narrative_fr=TEXT)
    sql("lead_en = 'Another lead', narrative_en = %s", row, "É\r\n\r\nx ")
    assert overtaken(row) == ["lead", "narrative"]
    translated.still_fits(row, [("fr", "narrative")])
    assert overtaken(row) == ["lead"]
    translated.still_fits(row, translated.outdated(row))
    assert (overtaken(row), row.lead_fr) == ([], "Une accroche")
    sql("lead_en = 'A third lead'", row)
    assert overtaken(row) == ["lead"]


def test_who_compared_with_an_earlier_text_says_nothing_of_todays() -> None:
    row = region()
    by_sql(row)
    reader = Region.objects.get(pk=row.pk)
    sql("lead_en = 'A third lead'", row)
    translated.still_fits(reader, [("fr", "lead")])
    assert overtaken(row) == ["lead"]


def test_a_change_of_nothing_leaves_no_version() -> None:
    row = region()
    by_orm(row)
    versions = Version.objects.filter(table_name="regions_region", row_id=row.pk)
    before = versions.count()
    Region.objects.get(pk=row.pk).save()
    row.save(update_fields=["translated_from"])  # this instance remembers none
    sql("translated_from = '{}'", row)
    assert versions.count() == before == 2


def test_a_version_from_before_is_taken_as_of_today() -> None:
    """Versions of rows older than the column have no value for it."""
    row = region()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO regions_version (table_name, row_id, at, row)"
            " SELECT table_name, row_id, '2020-01-01', row - 'translated_from' FROM regions_version"
            " WHERE table_name = 'regions_region' AND row_id = %s",
            [row.pk],
        )
    with past(make.PAST), translation.override("fr"):
        then = Region.objects.get(pk=row.pk)
        assert then.translated_from is None
        assert not translated.is_outdated(then, "lead")
        assert words(then, "lead") == "Une accroche"


def test_a_public_reading_is_published_as_it_is() -> None:
    """Its English cannot change any more, so neither can what is known of its French."""
    reading = make.make_reading(make.make_series(), 1, period_note_en="A", period_note_fr="B")
    assert Reading.objects.get(pk=reading.pk).translated_from == {}


# What is printed


@pytest.mark.parametrize(
    ("language", "fields", "html", "marked"),
    [
        ("en", {}, "A lead", ""),
        ("en", {"lead_fr": ""}, "A lead", ""),
        ("fr", {}, "Une accroche", ""),
        ("fr", {"lead_fr": ""}, '<span class="untranslated" lang="en">A lead</span>', "en"),
        ("fr", {"lead_fr": None}, '<span class="untranslated" lang="en">A lead</span>', "en"),
        ("fr", {"lead_fr": "", "lead_en": "<b> & é"}, '<span class="untranslated" lang="en">&lt;b&gt; &amp; é</span>', "en"),
        ("fr", {"lead_fr": "<b>"}, "&lt;b&gt;", ""),
        ("fr", {"lead_fr": "", "lead_en": ""}, "", ""),
        ("fr", {"lead_en": ""}, "Une accroche", ""),
    ],
)
def test_a_text_is_marked_where_it_is_in_another_language(
    language: str, fields: dict[str, Any], html: str, marked: str
) -> None:
    row = region(**fields)
    with translation.override(language):
        assert words(row, "lead").html == html
        assert translated.language_of(row, "lead") == marked
        assert words(row, "lead") == row.lead


def test_an_overtaken_text_is_marked_in_its_own_language_only() -> None:
    row = region(lead_fr="Une <accroche>")
    by_sql(row)
    row.refresh_from_db()
    assert words(row, "lead").html == "Another lead"
    with translation.override("fr"):
        assert words(row, "lead").html == '<span class="outdated">Une &lt;accroche&gt;</span>'


def test_a_line_keeps_its_marks_and_is_text_to_everything_else() -> None:
    line = joined("2017", "", Words(Part("<A>", "en")), "b & c")
    assert line == "2017, <A>, b & c"
    assert {line} == {"2017, <A>, b & c"}
    assert line.html == '2017, <span class="untranslated" lang="en">&lt;A&gt;</span>, b &amp; c'
    assert joined("", joined()).html == ""
    assert joined("", "", "x") == "x"


def test_the_line_of_a_period_says_which_part_is_english() -> None:
    reading = make.make_reading(make.make_series(), 1, period_note_en="date not stated", period_note_fr="")
    with translation.override("fr"):
        assert reading.as_of == "2017, date not stated"
        assert reading.as_of.html == '2017, <span class="untranslated" lang="en">date not stated</span>'
    assert reading.as_of.html == "2017, date not stated"


def test_rows_that_lack_a_language_are_found() -> None:
    whole, empty, none = region(), region(lead_fr=""), region(lead_fr=None)
    nothing_to_translate = region(lead_en="", lead_fr="")
    assert set(Region.objects.filter(translated.untranslated(Region))) == {empty, none}
    assert {whole, nothing_to_translate} <= set(Region.objects.exclude(translated.untranslated(Region)))


def test_the_columns_of_every_language() -> None:
    assert languages.in_each_language("name", "place__topics") == [
        "name_en", "name_fr", "place__topics_en", "place__topics_fr",
    ]  # fmt: skip
    assert languages.column("name", "pt-br") == "name_pt_br"


def test_a_sentence_keeps_what_its_pieces_know() -> None:
    line = filled("Most: {place}, {most}.", place=Words(Part("South <Kivu>", "en")), most="4\u202f066")
    assert line == "Most: South <Kivu>, 4\u202f066."
    assert line.html == 'Most: <span class="untranslated" lang="en">South &lt;Kivu&gt;</span>, 4\u202f066.'
