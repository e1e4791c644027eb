"""The sheet of a period: entered as drafts, submitted and approved together, and nobody's word overwritten."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from itsci_site.lib.newsroom.models import Entry
from itsci_site.lib.periods import Period, Precision
from regions import admin as pages
from regions import entry
from regions.models import Metric, Reading, Region, Series, Source
from tests import factories as make
from tests.admin.test_admin import Form, Page
from tests.newsroom.conftest import signed_in
from tests.newsroom.desk import before_opening, told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("opened")]
Q2 = {"year": "2026", "part": "quarter-2"}
SHEET = reverse("admin:regions_reading_entry") + "?year=2026&part=quarter-2"
MOVE = reverse("admin:regions_reading_entry_move") + "?year=2026&part=quarter-2"
DAY = date(2026, 4, 1)


@pytest.fixture(autouse=True)
def register(opened: None) -> None:
    """Kivu reports miners and sites, katanga miners; kivu had 100 miners in the first quarter."""
    with connection.cursor() as cursor:  # beyond a thousand: a separator in a name or an address would break it
        for model in (Series, Reading, Source):
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1234567)", [model._meta.db_table])
    with before_opening():
        congo = make.make_country()
        kivu = make.make_region(congo, slug="kivu", code="KV", name_en="Kivu")
        katanga = make.make_region(congo, slug="katanga", code="KQ", name_en="Katanga")
        miners = make.make_metric(slug="miners", code="W", short_name_en="Miners", jump_factor=Decimal(3))
        sites = make.make_metric(slug="sites", code="X", short_name_en="Mine sites")
        for region, metric in ((kivu, miners), (kivu, sites), (katanga, miners)):
            make.make_series(region, metric)
        make.make_source(name_en="A count")
        make.make_reading(series("KV-W"), 100, date(2026, 1, 1), make.PAST.replace(year=2026), precision="quarter")


def series(tag: str) -> Series:
    region, metric = tag.split("-")
    return Series.objects.get(region__code=region, metric__code=metric)


def draft(tag: str, value: int | None, **fields: Any) -> Reading:
    return make.make_reading(series(tag), value, DAY, **({"precision": "quarter", "published_at": None} | fields))


def cells(**values: str | tuple[str, str]) -> dict[str, str]:
    """What is typed, by tag with an underscore: a value, or a value and a status."""
    typed = {}
    for tag, value in values.items():
        key = series(tag.replace("_", "-")).pk
        typed[f"value-{key}"], typed[f"status-{key}"] = (value, "reported") if isinstance(value, str) else value
    return typed


def save(client: Client, page: Page | None = None, **values: Any) -> Page:
    """Opens the sheet, or takes a page of it that was opened before, types and saves."""
    form = {name: one[0] if isinstance(one, list) else one for name, one in Form(page or client.get(SHEET)).values.items()}
    others = {name: values.pop(name) for name in ("source", "reason", "note_en", "_submit") if name in values}
    typed = form | {"source": str(Source.objects.get(name_en="A count").pk)} | cells(**values) | others
    return client.post(SHEET, {name: value for name, value in typed.items() if value is not None})


def said() -> dict[str, tuple[Any, ...]]:
    found = Reading.objects.filter(effective_on=DAY).select_related("series__region", "series__metric")
    return {str(one.series): (one.value, one.status, one.stage) for one in found}


def errors(page: Page) -> dict[str, str]:
    assert page.status_code == 400
    return {str(cell.series): " ".join(cell.errors) for cell in page.context["sheet"].cells if cell.errors}


def cell(page: Page, tag: str) -> entry.Cell:
    return next(one for one in page.context["sheet"].cells if str(one.series) == tag)


# The period


def test_the_list_leads_to_the_quarter_that_ended_last(alices: Client) -> None:
    html = alices.get(reverse("admin:regions_reading_changelist")).content.decode()
    assert f'href="{reverse("admin:regions_reading_entry")}"' in html
    page = alices.get(reverse("admin:regions_reading_entry"))
    period = page.context["sheet"].period
    assert period.precision == "quarter"
    assert period.last_day < entry.today() <= (period.last_day + timedelta(days=92))


@pytest.mark.parametrize(
    ("asked", "period"),
    [
        ({"year": "2025", "part": "year-1"}, Period(date(2025, 1, 1), Precision.YEAR)),
        ({"year": "2025", "part": "quarter-4"}, Period(date(2025, 10, 1), Precision.QUARTER)),
        ({"year": "2025", "part": "month-12"}, Period(date(2025, 12, 1), Precision.MONTH)),
    ],
)
def test_a_year_a_quarter_a_month(asked: dict[str, str], period: Period, alices: Client) -> None:
    page = alices.get(reverse("admin:regions_reading_entry"), asked)
    assert page.status_code == 200 and page.context["sheet"].period == period
    assert entry.query(period) == asked


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"year": "soon", "part": "year-1"}, "A year from 1900 to 2100."),
        ({"year": "9" * 30, "part": "year-1"}, "A year from 1900 to 2100."),
        ({"year": "2026"}, "Choose a quarter, a month or the whole year."),
        ({"year": "2026", "part": "quarter-5"}, "Choose a quarter, a month or the whole year."),
        ({"year": "2100", "part": "quarter-1"}, "This period is still to come"),
    ],
)
def test_nonsense_for_a_period_is_told(asked: dict[str, str], told: str, alices: Client) -> None:
    link = reverse("admin:regions_reading_entry", query=asked)
    for page in (alices.get(link), alices.post(link)):
        assert page.status_code == 400 and told in page.content.decode()


# Entering


def test_what_is_typed_becomes_drafts_with_a_name_and_a_reason(alices: Client, alice: User) -> None:
    page = save(
        alices, KV_W="120", KV_X=("7", "provisional"), KQ_W=("", "not_reported"), note_en="to 20 June", reason="Q2 sheet"
    )
    assert page.status_code == 302
    assert said() == {
        "KV-W": (120, "reported", "draft"), "KV-X": (7, "provisional", "draft"), "KQ-W": (None, "not_reported", "draft"),
    }  # fmt: skip
    made = Reading.objects.filter(effective_on=DAY)
    assert {(one.source.name, one.period_note_en, tuple(one.authors)) for one in made} == {  # type: ignore[attr-defined]
        ("A count", "to 20 June", (alice.pk,))
    }
    entries = Entry.objects.filter(table_name="regions_reading", reason="Q2 sheet", actor="alice")
    assert entries.count() == 3 and len({one.transaction for one in entries}) == 1
    assert "3 figures saved as drafts." in told(page)


def test_an_empty_cell_says_nothing_and_a_zero_is_a_zero(alices: Client) -> None:
    save(alices, KV_W="", KV_X=" 0 ")
    assert said() == {"KV-X": (0, "reported", "draft")}


def test_drafts_are_written_in_again_and_taken_away(alices: Client) -> None:
    save(alices, KV_W="120", KV_X="7")
    page = alices.get(SHEET)
    assert cell(page, "KV-W").typed == entry.Typed("120", "reported")
    save(alices, page, KV_W="121", KV_X="")
    assert said() == {"KV-W": (121, "reported", "draft")}
    page = save(alices, KV_W=("", "estimated"))
    assert "Give the value" in errors(page)["KV-W"] and said()["KV-W"][0] == 121


def test_the_last_word_stands_beside_each_cell(alices: Client) -> None:
    page = alices.get(SHEET)
    html = re.sub(r"\s+", " ", page.content.decode())
    assert "last: 100, 1st quarter of 2026" in html and html.count("nothing said before") == 2
    assert str(cell(page, "KV-W").before.value) == "100" and not cell(page, "KV-W").flags  # type: ignore[union-attr]


def test_jumps_and_gaps_are_told_and_can_be_saved(alices: Client) -> None:
    with before_opening():
        make.make_reading(series("KQ-W"), 10, date(2025, 7, 1), make.PAST.replace(year=2026), precision="quarter")
        make.make_reading(series("KV-X"), 10, date(2025, 1, 1), make.PAST.replace(year=2026))
    assert series("KV-X").metric.jump_factor is None
    save(alices, KV_X="31")
    told_all = cell(alices.get(SHEET), "KV-X").flags
    assert told_all[0] == "31 after 10 in 2025: more than 3 times up or down. Is it right?", "where the metric names none"
    page = save(alices, KV_W="301", KQ_W="3", KV_X="11")
    assert page.status_code == 302 and "3 figures to look at again." in told(page)
    page = alices.get(SHEET)
    assert cell(page, "KV-W").flags == ["301 after 100 in 1st quarter of 2026: more than 3 times up or down. Is it right?"]
    assert cell(page, "KQ-W").flags == [
        "3 after 10 in 3rd quarter of 2025: more than 3 times up or down. Is it right?",
        "2 quarters skipped since 3rd quarter of 2025.",
    ]
    assert cell(page, "KV-X").flags == ["1 quarter skipped since 2025."]
    html = page.content.decode()
    assert all(flag in html for flag in cell(page, "KQ-W").flags)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("1 234", "“1 234” could be read in two ways. If 1234 is meant, write 1234: digits alone."),
        ("1.234", "“1.234” could be read in two ways."),
        ("1,234", "“1,234” could be read in two ways."),
        ("1\N{NARROW NO-BREAK SPACE}234", "could be read in two ways."),
        ("N/A", "“N/A” is no number. If there is none, empty this field and choose “not reported”."),
        ("-5", "“-5” is below 0"),
        ("12.5", "“12.5” is no whole number."),
        ("٤٢", "is no whole number."),
        (str(2**63), "is larger than any count."),
        ("9" * 60, "is larger than any count."),
        ("5\0", "is no whole number"),
        ("<b>", "is no number"),
        (("5", "not_reported"), "Leave this empty or choose another status"),
        (("", "provisional"), "Give the value."),
        (("5", "final"), "Choose one of the statuses."),
    ],
)
def test_bad_input_is_told_by_its_cell_and_all_that_was_typed_is_kept(typed: Any, told: str, alices: Client) -> None:
    page = save(alices, KV_W=typed, KQ_W="77", reason="Typed at length")
    assert told in errors(page)["KV-W"] and list(errors(page)) == ["KV-W"]
    assert said() == {}
    kept = Form(page).values
    assert kept[f"value-{series('KQ-W').pk}"] == "77" and kept["reason"] == "Typed at length"
    value = typed if isinstance(typed, str) else typed[0]
    assert kept[f"value-{series('KV-W').pk}"] == value.replace("\0", "\N{REPLACEMENT CHARACTER}") or "\0" in value
    assert 'aria-invalid="true"' in page.content.decode()


def test_a_source_and_a_reason_are_needed(alices: Client) -> None:
    page = save(alices, KV_W="5", source="", reason=" ")
    html = page.content.decode()
    assert page.status_code == 400 and "Say why" in html and said() == {}
    assert Form(page).values[f"value-{series('KV-W').pk}"] == "5"
    page = save(alices, KV_W="5", source="")
    assert "Choose the source of the new figures." in page.content.decode() and said() == {}
    assert "Choose one of the sources." in save(alices, KV_W="5", source="nonsense").content.decode()


def test_figures_of_several_sources_keep_theirs(alices: Client) -> None:
    other = make.make_source(name_en="Another")
    draft("KV-W", 120, source=other, period_note_en="theirs")
    draft("KV-X", 7)
    page = alices.get(SHEET)
    assert "each figure keeps its own" in page.content.decode()
    save(alices, page, KV_W="121", source="")
    found = Reading.objects.get(series=series("KV-W"), effective_on=DAY)
    assert (found.value, found.source, found.period_note_en) == (121, other, "theirs")  # type: ignore[attr-defined]
    save(alices, KQ_W="5", note_en="ours")
    assert {(one.source.name, one.period_note_en) for one in Reading.objects.filter(effective_on=DAY)} == {("A count", "ours")}  # type: ignore[attr-defined]


# Two people


def test_a_cell_changed_meanwhile_is_shown_with_both_and_nothing_is_overwritten(alices: Client, bobs: Client) -> None:
    save(alices, KV_W="120", KV_X="7")
    alices_page, bobs_page = alices.get(SHEET), bobs.get(SHEET)
    save(bobs, bobs_page, KV_W="130", KV_X="8")
    page = save(alices, alices_page, KV_W="140", KQ_W="5")
    assert errors(page) == {
        "KV-W": "Somebody else saved this cell after you opened the sheet: “130 (reported)” stands there now, you typed “140 "
        "(reported)”. Nothing was overwritten. Save again to keep yours."
    }
    assert said()["KV-W"][0] == 130 and "KQ-W" not in said()
    assert save(alices, page).status_code == 302
    assert said() == {
        "KV-W": (140, "reported", "draft"), "KV-X": (8, "reported", "draft"), "KQ-W": (5, "reported", "draft"),
    }  # fmt: skip


def test_what_another_entered_in_an_empty_cell_stays(alices: Client, bobs: Client) -> None:
    page = alices.get(SHEET)
    save(bobs, KV_W="130")
    answer = save(alices, page, KQ_W="5")
    assert said() == {"KV-W": (130, "reported", "draft"), "KQ-W": (5, "reported", "draft")}
    assert any("left as they saved it: Miners, Kivu" in one for one in told(answer))
    page = alices.get(SHEET)
    save(bobs, KV_W="")
    assert list(errors(save(alices, page, KV_W="131"))) == ["KV-W"]
    assert "KV-W" not in said()


def test_the_same_typed_by_two_is_no_conflict(alices: Client, bobs: Client) -> None:
    page = alices.get(SHEET)
    save(bobs, KV_W="130")
    assert save(alices, page, KV_W="130").status_code == 302


def test_what_was_submitted_meanwhile_stays(alices: Client, bobs: Client) -> None:
    save(alices, KV_W="120")
    page = alices.get(SHEET)
    save(bobs, _submit="x")
    answer = save(alices, page, KV_W="121")
    assert errors(answer) == {
        "KV-W": "This is “submitted” now with “120 (reported)” and stays as it is. You typed “121 (reported)”."
    }
    assert said() == {"KV-W": (120, "reported", "submitted")}


# What is public, and what is locked


def test_what_is_public_is_shown_with_a_way_to_correct_it(alices: Client) -> None:
    with before_opening():
        wrong = draft("KV-W", 120, published_at=make.PAST.replace(year=2026))
    page = alices.get(SHEET)
    assert not cell(page, "KV-W").is_open
    link = re.search(r'href="([^"]*/add/\?[^"]+)"', page.content.decode())
    assert link and f"supersedes={wrong.pk}" in link[1]
    form = alices.get(link[1].replace("&amp;", "&"))
    assert Form(form).values["supersedes"] == [str(wrong.pk)]
    assert list(errors(save(alices, page, KV_W="121"))) == ["KV-W"]
    with before_opening():
        make.correct(wrong, 119, None)
    assert "correction on its way" in alices.get(SHEET).content.decode()


def test_a_locked_period_takes_nothing(alices: Client) -> None:
    page = alices.get(SHEET)
    draft("KV-X", 7)
    make.make_lock(date(2026, 1, 1), note="Sent to the donors")
    answer = save(alices, page, KV_W="5")
    html = answer.content.decode()
    assert answer.status_code == 400 and "2026 is locked" in html and "Sent to the donors" in html and "You typed “5" in html
    assert said() == {"KV-X": (7, "reported", "draft")}
    html = alices.get(SHEET).content.decode()
    assert 'name="value-' not in html and 'name="_save"' not in html


def test_what_the_database_refuses_is_told_and_kept(alices: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE regions_reading ADD CONSTRAINT regions_reading_no_seven CHECK (value <> 7)")
    page = save(alices, KV_W="5", KV_X="7")
    assert page.status_code == 400 and "The database refused this" in page.content.decode() and said() == {}
    assert Form(page).values[f"value-{series('KV-X').pk}"] == "7"


# Together


def press(client: Client, name: str, page: Page | None = None, **values: str) -> Page:
    page = page or client.get(SHEET)
    seen = next((one.seen for one in page.context["buttons"] if one.move.name == name), "")
    return client.post(MOVE, {"move": name, "seen": seen} | {f"{name}-{key}": value for key, value in values.items()})


def test_a_sheet_is_submitted_approved_and_published_together(alices: Client, bobs: Client) -> None:
    page = save(alices, KV_W="120", KV_X="7", KQ_W=("", "not_reported"), _submit="x")
    assert "3 figures are submitted now." in told(page)
    page = press(alices, "approve")
    assert any("somebody else has to approve it" in one for one in told(page)), "nobody approves their own"
    page = press(bobs, "approve")
    assert told(page) == ["3 figures are approved now."]
    assert "3 figures are published now." in told(press(bobs, "publish"))
    assert {(one.stage, one.is_public()) for one in Reading.objects.filter(effective_on=DAY)} == {("published", True)}


def test_a_sheet_is_returned_with_a_reason(alices: Client, bobs: Client) -> None:
    save(alices, KV_W="120", KV_X="7", _submit="x")
    page = press(bobs, "send_back", reason=" ")
    assert page.status_code == 400 and "Say why" in page.content.decode()
    press(bobs, "send_back", reason="Miners of March are missing")
    assert {stage for _value, _status, stage in said().values()} == {"returned"}
    page = alices.get(SHEET)
    assert "Miners of March are missing" in page.content.decode() and cell(page, "KV-W").is_open
    save(alices, page, KV_W="125", _submit="x")
    assert said() == {"KV-W": (125, "reported", "submitted"), "KV-X": (7, "reported", "submitted")}


def test_who_wrote_some_of_it_approves_the_rest(alices: Client, bobs: Client) -> None:
    save(alices, KV_W="120", KV_X="7")
    save(bobs, KV_X="8")
    save(alices, _submit="x")
    page = press(bobs, "approve")
    assert told(page) == [
        "1 figure is approved now.",
        "Not moved: KV-X. You wrote some of this or submitted it: somebody else has to approve it.",
    ]
    assert {tag: stage for tag, (_value, _status, stage) in said().items()} == {"KV-W": "approved", "KV-X": "submitted"}


def test_nobody_approves_what_they_did_not_see(alices: Client, bobs: Client) -> None:
    save(alices, KV_W="120", KV_X="7", _submit="x")
    page = bobs.get(SHEET)
    press(alices, "reopen")
    save(alices, KV_W="999", _submit="x")
    answer = press(bobs, "approve", page)
    assert any("Not moved, because it changed after you opened the sheet: KV-W." in one for one in told(answer))
    assert {tag: stage for tag, (_value, _status, stage) in said().items()} == {"KV-W": "submitted", "KV-X": "approved"}


def test_a_moment_to_come(alices: Client, bobs: Client) -> None:
    save(alices, KV_W="120", _submit="x")
    press(bobs, "approve")
    assert "This moment has passed" in press(bobs, "publish", at="2020-01-01 08:00").content.decode()
    soon = timezone.now() + timedelta(days=1)
    press(bobs, "publish", at=f"{soon:%Y-%m-%d %H:%M}")
    reading = Reading.objects.get(effective_on=DAY)
    assert reading.stage == "published" and not reading.is_public()
    assert "public from" in alices.get(SHEET).content.decode()


def test_nonsense_moves_nothing(alices: Client) -> None:
    save(alices, KV_W="120")
    for data in ({}, {"move": "withdraw"}, {"move": "x"}, {"move": "approve", "seen": "\0 :"}):
        assert alices.post(MOVE, data).status_code == 302
    assert alices.get(MOVE).status_code == 302
    assert alices.post(reverse("admin:regions_reading_entry_move") + "?year=x", {"move": "approve"}).status_code == 302
    assert said() == {"KV-W": (120, "reported", "draft")}


# Who may


def test_nobody_sees_or_writes_more_than_their_lists_show(alices: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever narrows the admin of regions and of readings narrows the sheet."""
    monkeypatch.setattr(pages.RegionAdmin, "get_queryset", lambda page, request: Region.objects.filter(code="KV"))
    html = alices.get(SHEET).content.decode()
    assert "Kivu" in html and "Katanga" not in html
    save(alices, KV_W="5", KQ_W="6")
    assert said() == {"KV-W": (5, "reported", "draft")}


def test_rights_are_asked_for(opened: None) -> None:
    carol = make.make_user("carol", superuser=False)
    make.make_desk(user=carol, everywhere=True)
    client = signed_in(carol)
    assert client.get(SHEET).status_code == 403 and client.post(MOVE, {"move": "approve"}).status_code == 403
    carol.user_permissions.set(Permission.objects.filter(codename="view_reading"))
    draft("KV-W", 120)
    page = client.get(SHEET)
    assert page.status_code == 200 and 'name="value-' not in page.content.decode() and "120" in page.content.decode()
    assert client.post(SHEET, cells(KV_W="5") | {"reason": "x"}).status_code == 400
    carol.user_permissions.set(Permission.objects.filter(codename__in=["view_reading", "add_reading", "change_reading"]))
    client = signed_in(User.objects.get(pk=carol.pk))
    save(client, KV_X="5")
    assert "Your role does not delete drafts" in save(client, KV_X="").content.decode()
    assert said()["KV-X"][0] == 5
    assert Client().get(SHEET).status_code == 302


def test_a_sheet_asks_no_more_for_many_cells_than_for_few(alices: Client) -> None:
    asked = []
    for _turn in range(2):
        for one in Series.objects.exclude(readings__effective_on=DAY):
            make.make_reading(one, 5, DAY, None, precision="quarter")
        with CaptureQueriesContext(connection) as queries:
            alices.get(SHEET)
        asked.append(len(queries))
        with before_opening():
            for metric in Metric.objects.all():
                make.make_series(make.make_region(), metric)
    assert asked[0] == asked[1]
