"""manage.py import_readings: every problem said where it is, all or nothing, and the export's own file changes nothing."""

import csv
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from itsci_site.management import bars
from itsci_site.management.commands.load_content import FIXTURE
from itsci_site.management.commands.load_content import load as load_content
from programmes.exports import COLUMNS
from regions import importers, sheets
from regions.models import Country, Metric, Reading, Region, Series, Source
from tests.factories import (
    FUTURE,
    PAST,
    correct,
    make_country,
    make_headline,
    make_metric,
    make_programme,
    make_reading,
    make_region,
    make_series,
    make_source,
)

pytestmark = pytest.mark.django_db

NO_NUMBER = "“{}” is no number. If there is none, leave this cell empty and write not_reported as the status."
TWO_WAYS = "“{}” could be read in two ways. If {} is meant, write {}: digits alone."
EMPTY = "Empty, but the status is {}. Give the value; if there is none, write not_reported there."
HEADER = ["region", "metric", "period_start", "precision", "value", "status", "source_en"]
MORE = [*HEADER, "published_at", "supersedes", "reason_en"]
FIRST = "KQ-M:2017-01-01:year:2020-01-01T12:00:00Z"
"""The id of the reading that the fixture `public` makes."""
LATER = "2021-01-01T00:00:00Z"
TO_COME = "2999-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def register() -> None:
    """Two regions and two metrics; katanga reports both, kivu the first."""
    congo = make_country(iso_code="CD")
    katanga, kivu = make_region(congo, slug="katanga", code="KQ"), make_region(congo, slug="kivu", code="KV")
    miners, sites = make_metric(slug="miners", code="M"), make_metric(slug="sites", code="S")
    for region, metric in ((katanga, miners), (katanga, sites), (kivu, miners)):
        make_series(region, metric)
    make_source(name_en="A count")


@pytest.fixture
def public() -> Reading:
    return make_reading(Region.objects.get(slug="katanga").series.get(metric__code="M"), 100)


def row(**cells: object) -> dict[str, object]:
    usual = dict(region="katanga", metric="miners", period_start="2017-01-01", precision="year", value=100, status="reported")
    return usual | {"source_en": "A count"} | cells


def write_csv(path: Path, rows: list[dict[str, object]], header: list[str], delimiter: str = ",") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, header, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def write_xlsx(path: Path, rows: list[dict[str, object]], header: list[str]) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(header)
    for cells in rows:
        sheet.append([cells.get(name) for name in header])
    book.save(path)


@pytest.fixture(params=[write_csv, write_xlsx], ids=["csv", "xlsx"])
def save(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Path]:
    """Saves rows as a file of the one or the other format."""

    def save_rows(*rows: dict[str, object], header: list[str] = MORE) -> Path:
        path = tmp_path / "readings"
        request.param(path, list(rows), header)
        return path

    return save_rows


def problems(path: Path) -> list[tuple[int, str, str]]:
    before = everything()
    with pytest.raises(importers.Refused) as refused:
        importers.load(path, [column.name for column in COLUMNS])
    assert everything() == before
    return [(problem.row, problem.column, problem.text) for problem in refused.value.problems]


def load(path: Path, **options: Any) -> tuple[int, int, int]:
    """How many were new, the same, and corrections."""
    outcome = importers.load(path, [column.name for column in COLUMNS], **options)
    return len(outcome.new), outcome.same, len(outcome.corrections)


def everything() -> list[tuple]:
    return list(Reading.objects.order_by("pk").values_list())


def test_new_rows_are_written(save: Callable[..., Path]) -> None:
    path = save(
        row(value=17466, published_at=LATER),
        row(region="kivu", value=0, status="provisional"),
        row(metric="sites", value=None, status="not_reported", period_start=date(2016, 4, 1), precision="quarter"),
    )
    assert load(path) == (3, 0, 0)
    found = Reading.objects.order_by("pk").values_list(
        "series__region__slug", "series__metric__slug", "effective_on", "precision", "value", "status", "source__name_en",
        "published_at", "supersedes",
    )  # fmt: skip
    published = datetime(2021, 1, 1, tzinfo=UTC)
    assert set(found) == {
        ("katanga", "miners", date(2017, 1, 1), "year", 17466, "reported", "A count", published, None),
        ("kivu", "miners", date(2017, 1, 1), "year", 0, "provisional", "A count", None, None),
        ("katanga", "sites", date(2016, 4, 1), "quarter", None, "not_reported", "A count", None, None),
    }
    assert load(path) == (0, 3, 0)
    assert Reading.objects.count() == 3


@pytest.mark.parametrize(
    ("cells", "column", "told"),
    [
        ({"region": "katnaga"}, "region", "There is no region “katnaga”. Is it katanga?"),
        ({"region": ""}, "region", "Name the region."),
        ({"metric": "bags"}, "metric", "There is no metric “bags”. Is it miners or sites?"),
        (
            {"region": "kivu", "metric": "sites"},
            "metric",
            "kivu does not report sites. If it does now, add the series in the admin first.",
        ),
        ({"value": -5}, "value", "“-5” is below 0, which no count is."),
        ({"value": "N/A"}, "value", NO_NUMBER.format("N/A")),
        ({"value": "not reported"}, "value", NO_NUMBER.format("not reported")),
        ({"value": "1 234"}, "value", TWO_WAYS.format("1 234", 1234, 1234)),
        ({"value": "1\N{NARROW NO-BREAK SPACE}234"}, "value", TWO_WAYS.format("1\N{NARROW NO-BREAK SPACE}234", 1234, 1234)),
        ({"value": "1.234"}, "value", TWO_WAYS.format("1.234", 1234, 1234)),
        ({"value": "1,234,567"}, "value", TWO_WAYS.format("1,234,567", 1234567, 1234567)),
        ({"value": 12.5}, "value", "“12.5” is no whole number. Write digits alone."),
        ({"value": "12½"}, "value", "“12½” is no whole number. Write digits alone."),
        ({"value": "٤٢"}, "value", "“٤٢” is no whole number. Write digits alone."),
        ({"value": str(2**63)}, "value", "9223372036854775808 is larger than any count."),
        ({"value": "9" * 5000}, "value", "9" * 5000 + " is larger than any count."),
        ({"value": ""}, "value", EMPTY.format("reported")),
        ({"value": "", "status": "estimated"}, "value", EMPTY.format("estimated")),
        (
            {"value": 0, "status": "not_reported"},
            "value",
            "0, but the status is not_reported. Empty this cell, or write another status.",
        ),
        ({"status": "final"}, "status", "“final” is no status. Write reported, provisional, estimated or not_reported."),
        ({"status": ""}, "status", "“” is no status. Write reported, provisional, estimated or not_reported."),
        ({"precision": "decade"}, "precision", "“decade” is no precision. Write day, month, quarter or year."),
        ({"period_start": "01/02/2017"}, "period_start", "“01/02/2017” is no day. Write it like 2017-01-01: year, month, day."),
        ({"period_start": "2017-02-30"}, "period_start", "“2017-02-30” is no day. Write it like 2017-01-01: year, month, day."),
        ({"period_start": "2017-05-01"}, "period_start", "2017-05-01 does not begin a year. Give its first day, 2017-01-01."),
        (
            {"period_start": "2017-06-01", "precision": "quarter"},
            "period_start",
            "2017-06-01 does not begin a quarter. Give its first day, 2017-04-01.",
        ),
        (
            {"period_start": "2017-06-02", "precision": "month"},
            "period_start",
            "2017-06-02 does not begin a month. Give its first day, 2017-06-01.",
        ),
        (
            {"period_start": "2999-01-01"},
            "period_start",
            "2999-01-01 is still to come: a reading speaks of a period that has begun.",
        ),
        ({"source_en": "Hearsay"}, "source_en", "There is no source “Hearsay”. Is it A count?"),
        (
            {"published_at": "2020-01-01"},
            "published_at",
            "“2020-01-01” is no moment with a time zone. "
            "Write it like 2026-11-23T09:15:00Z, as text; leave it empty for a draft.",
        ),
        (
            {"supersedes": "the first one", "reason_en": "Typing"},
            "supersedes",
            "“the first one” names no reading. Copy the id of the one to correct from an export.",
        ),
        (
            {"supersedes": "KV-M:2017-01-01:year:2020-01-01T12:00:00Z", "reason_en": "Typing"},
            "supersedes",
            "A correction is of its own region, metric and period: it names a reading that begins KQ-M:2017-01-01:year.",
        ),
        (
            {"supersedes": FIRST, "reason_en": "Typing"},
            "supersedes",
            f"Neither the register nor this file has a public reading {FIRST}.",
        ),
    ],
)
def test_each_cell_is_checked(cells: dict[str, object], column: str, told: str, save: Callable[..., Path]) -> None:
    good = row(region="kivu", period_start="2015-01-01")
    assert problems(save(good, row(**cells))) == [(3, column, told)]


@pytest.mark.parametrize(
    ("column", "text", "told"),
    [
        ("record", "total", "“total” is neither reading nor headline."),
        ("tag", "KV-M", "The tag of katanga and miners is KQ-M: write that, or nothing, or correct the two."),
        ("country", "RW", "katanga lies in CD: write that, or nothing, or another region."),
        ("period_note_fr", "x" * 101, "Shorten this note to 100 characters."),
    ],
)
def test_what_an_export_adds_must_agree(column: str, text: str, told: str, save: Callable[..., Path]) -> None:
    assert problems(save(row(**{column: text}), header=[*HEADER, column])) == [(2, column, told)]


def test_all_problems_are_told_at_once(save: Callable[..., Path], public: Reading) -> None:
    path = save(
        row(region="katnaga", value="N/A", status="?"),
        row(value=-1, precision="week", period_start="soon", source_en="", supersedes="?"),
        row(),
        row(value=101),
        row(region="kivu"),
        row(region="kivu"),
    )
    assert [(number, column) for number, column, _text in problems(path)] == [
        (2, "region"), (2, "status"), (2, "value"),
        (3, "period_start"), (3, "precision"), (3, "value"), (3, "source_en"), (3, "supersedes"), (3, "reason_en"),
        (5, "period_start"), (7, "period_start"),
    ]  # fmt: skip


def test_a_period_twice_in_one_file(save: Callable[..., Path]) -> None:
    assert problems(save(row(), row(region="kivu"), row(value=101))) == [
        (4, "period_start", "Row 2 has this region, metric and period already. Keep one of the two.")
    ]
    assert load(save(row(), row(precision="day"), row(period_start="2016-01-01"))) == (3, 0, 0)


def test_a_public_period_takes_no_new_value(save: Callable[..., Path], public: Reading) -> None:
    told = (
        "Public already: 100, and what readers saw stays. "
        f"To correct it, write {FIRST} into supersedes and the reason into reason_en."
    )
    for cells in ({"value": 101}, {"status": "estimated"}, {"value": "", "status": "not_reported"}, {"published_at": LATER}):
        assert problems(save(row(**cells))) == [(2, "value", told)]
    assert load(save(row())) == (0, 1, 0)
    assert load(save(row(published_at=PAST.isoformat()))) == (0, 1, 0)


def test_the_last_word_is_the_one_to_correct(save: Callable[..., Path], public: Reading) -> None:
    correct(public, None, PAST + timedelta(days=1, microseconds=5))
    ((_row, _column, told),) = problems(save(row(value=102)))
    assert told.startswith("Public already: not reported")
    assert "KQ-M:2017-01-01:year:2020-01-02T12:00:00.000005Z" in told
    assert load(save(row())) == (0, 1, 0)  # the first word, which was imported once and has been corrected since


def test_a_draft_is_not_overwritten(save: Callable[..., Path], public: Reading) -> None:
    make_reading(public.series, 90, date(2016, 1, 1), published_at=None)
    make_reading(public.series, 91, date(2015, 1, 1), published_at=FUTURE)
    told = "The register has this period, not public yet and with other content. Change or delete that in the admin."
    assert problems(save(row(period_start="2016-01-01"), row(period_start="2015-01-01"))) == [
        (2, "value", told), (3, "value", told),
    ]  # fmt: skip
    assert load(save(row(period_start="2016-01-01", value=90))) == (0, 1, 0)


def test_a_correction(save: Callable[..., Path], public: Reading) -> None:
    path = save(row(value=101, supersedes=FIRST, reason_en="A typing error", published_at=TO_COME))
    assert load(path) == (0, 0, 1)
    found = Reading.objects.get(supersedes=public)
    assert (found.value, found.reason_en, found.published_at) == (101, "A typing error", datetime(2999, 1, 1, tzinfo=UTC))  # type: ignore[attr-defined]
    assert load(path) == (0, 1, 0)
    assert Reading.objects.count() == 2


def test_the_past_that_was_shown_takes_nothing_new(save: Callable[..., Path], public: Reading) -> None:
    told = "This moment has passed, and what readers saw then stays. Empty this cell for a draft, or give a moment to come."
    rows = [row(region="kivu", published_at=LATER), row(value=101, supersedes=FIRST, reason_en="Typing", published_at=LATER)]
    assert problems(save(*rows)) == [(2, "published_at", told), (3, "published_at", told)]


@pytest.mark.parametrize(
    ("cells", "column", "told"),
    [
        ({"reason_en": " "}, "reason_en", "Say why it is corrected: readers see it."),
        (
            {"published_at": "2020-01-01T12:00:00Z"},
            "published_at",
            "A correction becomes public after what it corrects: later than 2020-01-01T12:00:00Z.",
        ),
        (
            {"supersedes": FIRST.replace("12:00", "12:01")},
            "supersedes",
            "Neither the register nor this file has a public reading KQ-M:2017-01-01:year:2020-01-01T12:01:00Z.",
        ),
    ],
)
def test_a_correction_names_what_it_corrects_and_why(
    cells: dict[str, object], column: str, told: str, save: Callable[..., Path], public: Reading
) -> None:
    assert problems(save(row(**{"supersedes": FIRST, "reason_en": "Typing", "value": 101} | cells))) == [(2, column, told)]


def test_one_correction_each(save: Callable[..., Path], public: Reading) -> None:
    twice = row(value=101, supersedes=FIRST, reason_en="Typing")
    assert problems(save(twice, twice)) == [(3, "period_start", f"Row 2 corrects {FIRST} already. Keep one of the two.")]
    correct(public, 102, PAST + timedelta(days=1))
    later = FIRST.replace("01-01T", "01-02T")
    assert problems(save(twice)) == [(2, "supersedes", f"It has a correction already: name {later} instead.")]


def test_what_is_not_public_is_not_corrected(save: Callable[..., Path]) -> None:
    make_reading(Region.objects.get(slug="kivu").series.get(), 5, published_at=FUTURE)
    name = "KV-M:2017-01-01:year:2999-01-01T12:00:00Z"
    path = save(row(region="kivu", supersedes=name, reason_en="Typing"))
    assert problems(path) == [(2, "supersedes", "This one is not public yet. Change it in the admin instead.")]


def test_a_chain_of_corrections_in_any_order(save: Callable[..., Path]) -> None:
    second = FIRST.replace("2020", "2021")
    path = save(
        row(value=3, supersedes=second, reason_en="Again", published_at="2022-01-01T12:00:00+00:00"),
        row(value=1, published_at="2020-01-01T14:00:00+02:00"),
        row(value=2, supersedes=FIRST, reason_en="Typing", published_at="2021-01-01T12:00:00Z"),
    )
    assert load(path) == (1, 0, 2)
    assert list(Reading.objects.order_by("published_at").values_list("value", "supersedes__value")) == [
        (1, None),
        (2, 1),
        (3, 2),
    ]
    assert load(path) == (0, 3, 0)


@pytest.mark.parametrize(
    ("before", "value", "refused"),
    [(100, 300, False), (100, 301, True), (99, 33, False), (100, 33, True), (100, 0, True), (0, 5, True), (0, 0, False)],
)
def test_a_jump(before: int, value: int, refused: bool, save: Callable[..., Path], public: Reading) -> None:
    Metric.objects.filter(slug="miners").update(jump_factor=Decimal(3))
    make_reading(public.series, before, date(2018, 1, 1))
    make_reading(public.series, None, date(2019, 1, 1))
    make_reading(public.series, value * 50 + 50, date(2025, 1, 1))  # a later period is no measure
    path = save(row(period_start="2020-01-01", value=value))
    if refused:
        told = (
            f"{value} after {before} in 2018: more than 3 times up or down. "
            "If it is right, raise or empty the metric’s largest jump in the admin first."
        )
        assert problems(path) == [(2, "value", told)]
    else:
        assert load(path) == (1, 0, 0)


def test_a_jump_within_the_file_and_what_it_corrects(save: Callable[..., Path]) -> None:
    Metric.objects.filter(slug="miners").update(jump_factor=Decimal("1.5"))
    series = [row(value=100, published_at=PAST.isoformat()), row(value=151, period_start="2018-01-01", published_at=LATER)]
    assert [(number, column) for number, column, _text in problems(save(*series))] == [(3, "value")]
    name = "KQ-M:2018-01-01:year:" + LATER
    right = row(value=150, period_start="2018-01-01", published_at="2021-01-02T00:00:00Z", supersedes=name, reason_en="Typing")
    assert load(save(*series, right)) == (2, 0, 1)
    assert load(save(row(metric="sites", value=1), row(metric="sites", value=9999, period_start="2018-01-01"))) == (2, 0, 0)


# The file itself.


def saved(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "readings.csv"
    path.write_bytes(content)
    return path


LINE = "katanga,miners,2017-01-01,year,5,reported,A count"
GOOD = f"{','.join(HEADER)}\n{LINE}\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        GOOD.encode("utf-8-sig"),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.replace(",", ";").encode(),
        GOOD.replace(",", '";"').replace("\n", '"\n"').encode()[:-1].join([b'"', b""]),
        (GOOD.rstrip("\n") + "\n,,,,,,\n\n").encode(),
        GOOD.replace("katanga", " katanga ").encode(),
    ],
    ids=["plain", "mark", "crlf", "semicolons", "quoted", "blank rows", "blanks"],
)
def test_csv_as_programs_write_it(content: bytes, tmp_path: Path) -> None:
    assert load(saved(tmp_path, content)) == (1, 0, 0)
    assert Reading.objects.get().value == 5


@pytest.mark.parametrize(
    ("content", "row_number", "column", "told"),
    [
        (b"", 0, "", "The file is empty."),
        (GOOD.replace("A count", "Comté").encode("latin-1"), 0, "", "This is neither XLSX nor CSV that can be read. Byte"),
        (GOOD.encode("utf-16"), 0, "", "This is neither XLSX nor CSV that can be read. Byte 1 is not UTF-8."),
        (GOOD.replace("value", "vaule").encode(), 1, "value", "There is no such column, and it is needed."),
        (GOOD.replace("metric", "region", 1).encode(), 1, "metric", "There is no such column, and it is needed."),
        (GOOD.replace("year,5", "year,1,234").encode(), 2, "", "8 cells, but the header has 7. Is a delimiter missing?"),
        (GOOD.replace("A count", '"A count').encode(), 2, "", "This row cannot be read"),
        (GOOD.replace("A count", "A\0count").encode(), 2, "source_en", "There is no source"),
        (b"PK\3\4 and nothing more", 0, "", "This XLSX file cannot be opened"),
    ],
)
def test_files_that_cannot_be_read(content: bytes, row_number: int, column: str, told: str, tmp_path: Path) -> None:
    first = problems(saved(tmp_path, content))[0]
    assert first[:2] == (row_number, column) and first[2].startswith(told)


def test_a_header_is_checked_whole(tmp_path: Path) -> None:
    header = ",".join([*HEADER[1:], "metric", "Total", ""])
    assert problems(saved(tmp_path, header.encode())) == [
        (1, "region", "There is no such column, and it is needed."),
        (1, "Total", "No such column is known. Correct its name, or remove it."),
        (1, "column 9", "No such column is known. Correct its name, or remove it."),
        (1, "metric", "This column is there twice. Keep one."),
    ]


def test_a_null_character_is_no_fault_of_the_database(tmp_path: Path) -> None:
    content = ",".join([*HEADER, "reason_en"]) + f"\n{LINE},a\0b\n"
    assert [found[:2] for found in problems(saved(tmp_path, content.encode()))] == [(2, "reason_en")]


def test_limits_come_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, GOOD.encode())
    monkeypatch.setattr(sheets, "LARGEST_FILE", 10)
    assert problems(path)[0][2] == f"{len(GOOD)} bytes are more than the 10 that one file may have. Split it."
    monkeypatch.undo()
    monkeypatch.setattr(sheets, "MOST_ROWS", 1)
    assert load(path) == (1, 0, 0)
    assert problems(saved(tmp_path, (GOOD + LINE).encode()))[0][2] == "More than 1 rows. Split the file."


def test_a_bomb_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    opened: list[object] = []
    monkeypatch.setattr(openpyxl, "load_workbook", opened.append)
    assert problems(saved(tmp_path, packed.getvalue()))[0][2].startswith("Unpacked it would have 50,000,000 bytes")
    assert opened == []


def test_a_formula_is_no_value(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "readings", [row(value="=2+3")], HEADER)
    assert (2, "value", "A formula. Put its value in its place.") in problems(tmp_path / "readings")


def test_the_sheet_with_the_readings(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("data").append(HEADER)
    book["data"].append(LINE.split(","))
    book.save(tmp_path / "readings")
    assert load(tmp_path / "readings") == (1, 0, 0)
    book["data"].title = "Readings"
    book.save(tmp_path / "readings")
    assert problems(tmp_path / "readings")[0][2] == "The file has several sheets. Name the one with the readings “data”."


# All or nothing.


def test_a_dry_run_writes_nothing(save: Callable[..., Path]) -> None:
    assert load(save(row(), row(region="kivu")), dry_run=True) == (2, 0, 0)
    assert everything() == []


def test_a_failure_half_way_leaves_nothing(save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The database itself refuses the last row, after others have been written."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE regions_reading ADD CONSTRAINT regions_reading_no_seven CHECK (value <> 7)")
    monkeypatch.setattr(importers, "ROWS_A_BATCH", 1)
    written: list[int] = []

    def watch(items: Any, label: str) -> Any:
        for item in items:
            yield item
            if label == "Writing":
                written.append(Reading.objects.count())

    path = save(row(value=5), row(value=6, region="kivu"), row(value=7, metric="sites"))
    with pytest.raises(IntegrityError):
        importers.load(path, watch=watch)
    assert written == [1, 2]
    assert everything() == []
    with pytest.raises(CommandError, match=r"refused a row of readings, and nothing was written: .*regions_reading_no_seven"):
        call_command("import_readings", path)
    assert everything() == []


# There and back.


@pytest.fixture
def published(public: Reading) -> None:
    """What an export can hold: a chain of corrections, a gap, formulas and quotes in texts, a headline; drafts beside it."""
    armed: dict[str, Any] = dict(
        period_note_en="=1+1", period_note_fr="'=SOMME(A1)", source=make_source(name_en='+A "second", count; of all')
    )
    second = correct(public, 17466, PAST + timedelta(days=1, microseconds=7), reason_en="@ typing\nerror", reason_fr="-")
    correct(second, None, PAST + timedelta(days=2))
    kivu = Region.objects.get(slug="kivu").series.get()
    make_reading(kivu, 0, date(2016, 4, 1), precision="quarter", status="estimated", **armed)
    make_reading(kivu, None, date(2017, 1, 1))
    make_reading(kivu, 5, date(2018, 1, 1), published_at=None)
    make_reading(kivu, 6, date(2019, 1, 1), published_at=FUTURE)
    make_headline(
        make_programme(), Metric.objects.get(slug="miners"), correction_reason_en="=1+1", correction_reason_fr="Un « oubli »"
    )


def empty_the_register() -> None:
    """As a fresh database with the same regions, metrics and sources. TRUNCATE passes by the guard of public readings."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE regions_reading; SET CONSTRAINTS ALL DEFERRED")


def download(ending: str, tmp_path: Path) -> Path:
    response: Any = Client().get(f"/data/readings.{ending}")
    assert response.status_code == 200
    path = tmp_path / f"readings.{ending}"
    path.write_bytes(b"".join(response.streaming_content))
    return path


def cells(path: Path) -> list[tuple]:
    if path.suffix == ".csv":
        return [(path.read_bytes(),)]
    return list(openpyxl.load_workbook(path)["data"].values)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_export_import_export_is_the_same(ending: str, tmp_path: Path, published: None) -> None:
    path = download(ending, tmp_path)
    before, rows = cells(path), everything()
    assert load(path) == (0, 5, 0)
    assert everything() == rows
    empty_the_register()
    assert load(path) == (3, 0, 2)
    assert cells(download(ending, tmp_path)) == before
    assert Reading.objects.filter(period_note_en="=1+1", period_note_fr="'=SOMME(A1)").exists()
    assert load(path) == (0, 5, 0)


def test_the_export_holds_something(tmp_path: Path, published: None) -> None:
    """Guards the round trip: five public readings and a headline, and neither draft nor what is to come."""
    rows = list(csv.DictReader(StringIO(download("csv", tmp_path).read_text("utf-8-sig"))))
    assert [(line["record"], line["value"]) for line in rows] == [
        ("headline", ""), ("reading", "100"), ("reading", "17466"), ("reading", ""), ("reading", "0"), ("reading", ""),
    ]  # fmt: skip


def test_the_programme_itself_there_and_back(tmp_path: Path) -> None:
    """The real content: 22 figures out, of which 18 are readings."""
    for model in (Series, Region, Country, Metric, Source):
        model.objects.all().delete()
    load_content(FIXTURE)
    path = download("csv", tmp_path)
    before = path.read_bytes()
    assert load(path) == (0, 18, 0)
    empty_the_register()
    assert load(path) == (18, 0, 0)
    assert download("csv", tmp_path).read_bytes() == before


# The command.


def test_the_command_says_what_it_did(save: Callable[..., Path], capsys: pytest.CaptureFixture[str], public: Reading) -> None:
    path = save(
        row(record="headline", region=""),
        row(),
        row(region="kivu", published_at=TO_COME),
        row(period_start="2016-01-01"),
        row(value=101, supersedes=FIRST, reason_en="Typing"),
        header=["record", *MORE],
    )
    told = [
        "Readings    2 new, 1 the same, 1 corrections",
        "Drafts      2 without published_at: publish them in the admin",
        "Headlines   1 rows passed over: headlines are kept in the admin",
    ]
    call_command("import_readings", path, "--dry-run")
    assert capsys.readouterr().out.splitlines() == [told[0] + " (dry run: nothing was written)", *told[1:]]
    assert Reading.objects.count() == 1
    call_command("import_readings", path)
    assert capsys.readouterr().out.splitlines() == told
    assert Reading.objects.count() == 4


def test_the_command_tells_every_problem(tmp_path: Path) -> None:
    path = saved(tmp_path, GOOD.replace("katanga", "x").replace("year,5", "week,-5").encode())
    with pytest.raises(CommandError) as error:
        call_command("import_readings", path)
    assert str(error.value).splitlines() == [
        "Row 2, region: There is no region “x”. Is it katanga or kivu?",
        "Row 2, precision: “week” is no precision. Write day, month, quarter or year.",
        "Row 2, value: “-5” is below 0, which no count is.",
        "3 to correct in readings.csv. Nothing was written: import it again afterwards.",
    ]
    with pytest.raises(CommandError, match="There is no file"):
        call_command("import_readings", tmp_path / "elsewhere.csv")


def test_a_bar_is_drawn_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    many = range(bars.LONG)
    assert list(bars.bar(many, "Checking")) == list(many)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert list(bars.bar(many[:-1], "Checking")) == list(many)[:-1]
    assert capsys.readouterr().err == ""
    assert list(bars.bar(many, "Checking")) == list(many)
    shown = capsys.readouterr().err
    assert shown.endswith("100%\n") and shown.count("\r") == 101


def test_a_period_of_today_has_begun(save: Callable[..., Path]) -> None:
    today = timezone.now().astimezone(UTC).date()
    assert load(save(row(period_start=today, precision="day"))) == (1, 0, 0)
    tomorrow = today + timedelta(days=2)
    assert [found[1] for found in problems(save(row(region="kivu", period_start=tomorrow, precision="day")))] == [
        "period_start"
    ]
