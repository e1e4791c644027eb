"""Readings into the admin and out of it: a difference is shown, written as it was shown, and reads back as the same."""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from itsci_site import exchange
from itsci_site.lib.newsroom.guard import open_register
from itsci_site.lib.newsroom.models import Entry
from regions import admin as pages
from regions import importers
from regions.models import Metric, Reading, Region, Series
from tests import factories as make
from tests.admin.test_admin import Form, Page
from tests.newsroom.conftest import signed_in
from tests.newsroom.desk import before_opening
from tests.regions import bombs
from tests.regions.test_importers import HEADER, MORE, PAST, row, write_csv, write_xlsx

pytestmark = pytest.mark.django_db
IMPORT = reverse("import_readings")
LIST = reverse("admin:regions_reading_changelist")
FIRST = "KQ-M:2017-01-01:year:2020-01-01T12:00:00Z"
DRAFT = "Leave this cell empty: what is imported is a draft, and its approval gives the moment."


@pytest.fixture(autouse=True)
def public() -> Reading:
    """Katanga reports miners, 100 of them in 2017, and sites; kivu miners. Then the register is opened."""
    congo = make.make_country(iso_code="CD")
    katanga = make.make_region(congo, slug="katanga", code="KQ")
    kivu = make.make_region(congo, slug="kivu", code="KV")
    miners, sites = make.make_metric(slug="miners", code="M"), make.make_metric(slug="sites", code="S")
    for region, metric in ((katanga, miners), (katanga, sites), (kivu, miners)):
        make.make_series(region, metric)
    make.make_source(name_en="A count")
    reading = make.make_reading(Series.objects.get(region=katanga, metric=miners), 100)
    open_register()
    return reading


@pytest.fixture(params=[write_csv, write_xlsx], ids=["csv", "xlsx"])
def ending(request: pytest.FixtureRequest) -> Any:
    return request.param


def choose(client: Client, tmp_path: Path, *rows: dict[str, object], write: Any = write_csv, header: list[str] = MORE) -> Page:
    write(tmp_path / "readings", list(rows), header)
    return upload(client, (tmp_path / "readings").read_bytes())


def upload(client: Client, content: bytes, name: str = "figures.csv") -> Page:
    return client.post(IMPORT, {"file": SimpleUploadedFile(name, content)})


def confirm(client: Client, page: Page, **values: str) -> Page:
    return client.post(IMPORT, Form(page).values | {"reason": "Second quarter"} | values)


def problems(page: Page) -> list[tuple[int, str, str]]:
    return [(one.row, one.column, one.text) for one in page.context["problems"]]


def everything() -> list[tuple]:
    return list(Reading.objects.order_by("pk").values_list())


def test_a_difference_is_shown_and_written_as_shown(alices: Client, tmp_path: Path, ending: Any) -> None:
    before = everything()
    rows = [
        row(),
        row(value=101, supersedes=FIRST, reason_en="A typing error", status="estimated"),
        row(region="kivu", value=5),
        row(metric="sites", value=None, status="not_reported"),
    ]
    page = choose(alices, tmp_path, *rows, write=ending)
    html = page.content.decode()
    assert page.status_code == 200 and "New: 2. Corrections: 1. The same already: 1. To put right: 0." in html
    assert "<del>100</del> <ins>101</ins>" in html and "<del>reported</del> <ins>estimated</ins>" in html
    assert [(one.number, one.figure, [cell.after for cell in one.cells][:2]) for one in page.context["new"]] == [
        (4, "KV-M", ["5", "reported"]), (5, "KQ-S", ["", "not_reported"]),
    ]  # fmt: skip
    assert page.context["same_rows"] == "2"
    assert everything() == before, "nothing is written before that is asked for"
    assert confirm(alices, page, reason=" ").status_code == 400 and everything() == before
    answer = confirm(alices, page)
    assert answer.status_code == 302 and answer.url == LIST
    made = Reading.objects.exclude(pk__in=[one[0] for one in before])
    assert {(str(one.series), one.value, one.stage, one.published_at) for one in made} == {
        ("KQ-M", 101, "draft", None), ("KV-M", 5, "draft", None), ("KQ-S", None, "draft", None),
    }  # fmt: skip
    entries = Entry.objects.filter(table_name="regions_reading", row_id__in=made.values("pk"))
    assert {(one.actor, one.reason) for one in entries} == {("alice", "Second quarter")}
    again = choose(alices, tmp_path, *rows, write=ending)
    assert "There is nothing to write." in again.content.decode() and again.context["same"] == 4


def test_what_is_wrong_is_told_by_row_and_column_and_nothing_can_be_written(alices: Client, tmp_path: Path) -> None:
    page = choose(alices, tmp_path, row(region="kivu", value="1 234"), row(metric="sites", value=7), row(region="x"))
    assert [one[:2] for one in problems(page)] == [(2, "value"), (4, "region")]
    html = page.content.decode()
    assert "could be read in two ways" in html and 'name="rows"' not in html and "New: 1." in html


@pytest.mark.parametrize("moment", ["2999-01-01T00:00:00Z", "2021-01-01T00:00:00Z"])
def test_a_file_brings_nothing_to_the_public(moment: str, alices: Client, tmp_path: Path) -> None:
    rows = [row(region="kivu", published_at=moment), row(value=1, supersedes=FIRST, reason_en="Why", published_at=moment)]
    page = choose(alices, tmp_path, *rows)
    assert problems(page) == [(2, "published_at", DRAFT), (3, "published_at", DRAFT)]
    with pytest.raises(CommandError, match="Row 2, published_at: Leave this cell empty"):
        call_command("import_readings", tmp_path / "readings")


def test_the_command_makes_drafts_too(tmp_path: Path) -> None:
    write_csv(tmp_path / "readings", [row(region="kivu", value=5)], HEADER)
    call_command("import_readings", tmp_path / "readings")
    assert Reading.objects.filter(stage="draft", value=5, published_at=None).count() == 1


def test_if_the_register_changed_the_difference_is_shown_anew(
    alices: Client, bobs: Client, tmp_path: Path, public: Reading
) -> None:
    page = choose(alices, tmp_path, row(value=101, supersedes=FIRST, reason_en="Typing"), row(region="kivu", value=5))
    with before_opening():
        make.make_reading(Series.objects.get(region__slug="kivu"), 5, published_at=None)
    before = everything()
    answer = confirm(alices, page)
    assert answer.status_code == 409 and "The register changed since this was shown" in answer.content.decode()
    assert everything() == before and answer.context["same"] == 1
    assert confirm(alices, answer).status_code == 302
    assert Reading.objects.get(supersedes=public).value == 101
    page = choose(alices, tmp_path, row(metric="sites", value=1))
    Metric.objects.filter(slug="sites").update(slug="mines")
    answer = confirm(alices, page)
    assert answer.status_code == 409 and problems(answer)[0][:2] == (2, "metric")


def test_only_what_was_shown_to_a_person_is_written(
    alices: Client, bobs: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = choose(alices, tmp_path, row(region="kivu", value=5))
    form = Form(page).values | {"reason": "x"}
    for client, values in ((bobs, {}), (alices, {"rows": form["rows"][:-4] + "aaaa"}), (alices, {"rows": "\0"})):
        answer = client.post(IMPORT, form | values)
        assert answer.status_code == 400 and "This page is too old" in answer.content.decode()
    assert confirm(alices, page, shown="0" * 64).status_code == 409
    monkeypatch.setattr(exchange, "LASTS", timedelta(seconds=-1))
    assert confirm(alices, page).status_code == 400
    assert Reading.objects.count() == 1


def test_a_row_that_the_database_refuses_leaves_nothing(alices: Client, tmp_path: Path) -> None:
    page = choose(alices, tmp_path, row(region="kivu", value=5), row(metric="sites", value=7))
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("ALTER TABLE regions_reading ADD CONSTRAINT regions_reading_no_seven CHECK (value <> 7)")
    answer = confirm(alices, page)
    assert answer.status_code == 400 and "The database refused this" in answer.content.decode()
    assert Reading.objects.count() == 1


@pytest.mark.parametrize("name", ["high ratio", "10 MB of CSV", "UTF-16", "a PDF", "nothing"])
def test_a_bad_file_is_told_on_the_page(name: str, alices: Client) -> None:
    make_file, begins = bombs.REFUSED[name]
    page = upload(alices, make_file())
    assert page.status_code == 400 and problems(page)[0][2].startswith(begins)
    assert alices.get(IMPORT).status_code == 200


def test_no_file_is_told(alices: Client) -> None:
    page = alices.post(IMPORT, {})
    assert page.status_code == 400 and "Choose a file." in page.content.decode()


def test_no_room_to_read_it_is_told(alices: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(importers.child, "run", full)
    page = upload(alices, b"x")
    assert page.status_code == 507 and "There is no room" in page.content.decode()


def test_hundreds_of_problems_are_counted(alices: Client, tmp_path: Path) -> None:
    page = choose(alices, tmp_path, *(row(region="x") for _row in range(700)))
    assert len(problems(page)) == 500 and "And 200 more." in page.content.decode()


def test_a_region_out_of_reach_is_neither_read_nor_written(
    alices: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with before_opening():
        make.make_reading(Series.objects.get(region__slug="kivu"), 4711, published_at=None)
    monkeypatch.setattr(pages.RegionAdmin, "get_queryset", lambda page, request: Region.objects.filter(slug="katanga"))
    page = choose(alices, tmp_path, row(region="kivu", value=5), row(metric="sites", value=5))
    told = "kivu is outside of your regions. Leave its rows to those who look after it."
    assert problems(page) == [(2, "region", told)] and "4711" not in page.content.decode()


def test_rights_are_asked_for(tmp_path: Path) -> None:
    carol = make.make_user("carol", superuser=False)
    client = signed_in(carol)
    assert client.get(IMPORT).status_code == 403
    assert client.get(reverse("export_readings", args=["csv"])).status_code == 403
    carol.user_permissions.set(Permission.objects.filter(codename="view_reading"))
    client = signed_in(type(carol).objects.get(pk=carol.pk))
    assert client.get(IMPORT).status_code == 403 and upload(client, b"x").status_code == 403
    assert client.get(reverse("export_readings", args=["csv"])).status_code == 200
    assert Client().get(IMPORT).status_code == 302


# Out of the admin


@pytest.fixture
def full(public: Reading) -> None:
    """Drafts, what is to come, corrections on their way, and texts that a spreadsheet would run."""
    with before_opening():
        armed: dict[str, Any] = dict(period_note_en="=1+1", source=make.make_source(name_en='+A "second", count'))
        correction = make.correct(public, 17466, PAST + timedelta(days=1), reason_en="@typing", reason_fr="-")
        make.correct(correction, None, None)
        kivu = Series.objects.get(region__slug="kivu")
        make.make_reading(kivu, 0, date(2016, 4, 1), None, precision="quarter", status="estimated", **armed)
        make.make_reading(kivu, 6, date(2019, 1, 1), datetime(2999, 1, 1, tzinfo=UTC))


def download(client: Client, ending: str, query: str = "") -> Page:
    answer: Any = client.get(reverse("export_readings", args=[ending]) + query)
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    answer.whole = b"".join(answer.streaming_content)
    return answer


def lines(client: Client, query: str = "") -> Iterator[dict[str, str]]:
    return csv.DictReader(StringIO(download(client, "csv", query).whole.decode("utf-8-sig")))


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_what_goes_out_comes_back_as_the_same(ending: str, alices: Client, full: None) -> None:
    content = download(alices, ending).whole
    page = upload(alices, content, f"readings.{ending}")
    assert problems(page) == [] and page.context["same"] == 5, page.context["new"]
    assert not page.context["new"] and not page.context["corrections"]


def test_drafts_are_in_it_and_formulas_are_disarmed(alices: Client, full: None) -> None:
    found = {(line["tag"], line["period_start"]): line for line in lines(alices)}
    assert len(found) == 3 and len(list(lines(alices))) == 5
    assert found["KV-M", "2016-04-01"]["period_note_en"] == "'=1+1" and found["KV-M", "2016-04-01"]["published_at"] == ""
    sheet = openpyxl.load_workbook(BytesIO(download(alices, "xlsx").whole))["data"]
    assert not [cell for line in sheet.iter_rows() for cell in line if cell.data_type == "f"]


def test_the_list_is_taken_as_it_is_filtered(alices: Client, full: None) -> None:
    kivu = Region.objects.get(slug="kivu")
    for query in (f"?series__region__id__exact={kivu.pk}", "?status__exact=estimated", "?q=nothing+of+the+kind"):
        listed = alices.get(LIST + query)
        shown = listed.context["cl"].result_count
        assert len(list(lines(alices, query))) == shown < 5
    assert f'href="{reverse("export_readings", args=["csv"])}?status__exact=estimated"' in alices.get(
        LIST + "?status__exact=estimated"
    ).content.decode()  # fmt: skip


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("?series__region__id__exact=abc", LIST), ("?nonsense=1", LIST), ("?effective_on__year=9e22", LIST),
        ("?q=%00", reverse("export_readings", args=["csv"])),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_read_leads_to_the_list(query: str, where: str, alices: Client) -> None:
    """Which tells what of the address it left out."""
    answer = alices.get(reverse("export_readings", args=["csv"]) + query)
    assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (302, where)
    shown = alices.get(answer.headers["Location"], follow=True)
    assert shown.status_code == 200
    if where == LIST:
        assert "Left out of the address, as it cannot be read" in shown.content.decode()


def test_a_file_has_no_pages(alices: Client) -> None:
    assert alices.get(reverse("export_readings", args=["csv"]) + "?p=x").status_code == 200


def test_other_endings_are_not_there(alices: Client) -> None:
    assert alices.get(reverse("export_readings", args=["ods"])).status_code == 404
