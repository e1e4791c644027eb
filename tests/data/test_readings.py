"""What the downloads hold: everything public and nothing else, the same in every format and on the pages."""

import re
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.conf import settings
from django.core.management import call_command

from programmes.models import Headline
from regions import figures as page_figures
from regions.models import Region
from tests import factories

from .cast import DAY_1, DAY_2, Cast, known_from
from .files import csv_rows, get, ids, json_of, sheets

AT_1, AT_2 = "2021-05-01T12:00:00Z", "2022-05-01T12:30:15.250000Z"
HEADLINES = ["ALL-M:2017-01-01:year:scaling-up", "ALL-A:2017-01-01:year:scaling-up"]
READINGS = [
    f"KV-M:2017-01-01:year:{AT_1}",
    f"KV-M:2017-01-01:year:{AT_2}",
    f"KV-S:2017-01-01:year:{AT_1}",
    f"RW-M:2017-01-01:year:{AT_1}",
    f"RW-S:2017-01-01:year:{AT_1}",
]
NEVER = {"666", "667", "668", "669", "670", "671", "672"}


def test_every_public_row_and_no_other(figures: Cast) -> None:
    """A draft, a figure to come, a region and a programme in preparation stand beside them."""
    assert ids(csv_rows()) == HEADLINES + READINGS
    found = json_of("/data/readings.json")
    assert (ids(found["headlines"]), ids(found["readings"])) == (HEADLINES, READINGS)
    assert [row[1] for row in sheets()["data"]] == ["id", *HEADLINES, *READINGS]
    assert [feature["id"] for feature in json_of("/data/regions.geojson")["features"]] == ["kivu", "rwanda"]
    for row in csv_rows():
        assert NEVER.isdisjoint(row.values())


def test_what_is_not_public_is_not_named_anywhere(figures: Cast) -> None:
    files = ("readings.csv", "readings.json", "regions.geojson", "datapackage.json", "dataset.jsonld", "openapi.json")
    texts = [get(f"/data/{name}").decode() for name in files]
    texts += [get(f"/data/readings.csv?{name}=?", 400).decode() for name in ("region", "country", "metric")]
    texts += [get("/data/").decode(), str(sheets())]
    for text in texts:
        assert "unready" not in text and "secret" not in text and "Source of drafts" not in text
    assert [source["source_en"] for source in json_of("/data/readings.json")["sources"]] == ["Public source"]
    assert [row["metric"] for row in json_of("/data/readings.json")["definitions"]] == ["miners", "sites", "active"]


def test_a_correction_and_what_it_corrects(figures: Cast) -> None:
    first, second = json_of("/data/readings.json?region=kivu&metric=miners")["readings"]
    assert (
        first | {"superseded_by": second["id"], "latest": False, "value": 100, "supersedes": None, "reason_en": None} == first
    )
    assert second["supersedes"] == first["id"]
    # The correction to come is not announced.
    assert (second["value"], second["superseded_by"], second["latest"]) == (80, None, True)
    assert (second["reason_en"], second["reason_fr"]) == ("A typing error", "Une faute de frappe")


def test_missing_is_empty_and_zero_is_zero(figures: Cast) -> None:
    def said(rows: list[dict]) -> dict[str, tuple]:
        return {row["tag"]: (row["value"], row["status"]) for row in rows if row["tag"] in ("KV-S", "RW-S")}

    assert said(csv_rows()) == {"KV-S": ("", "not_reported"), "RW-S": ("0", "reported")}
    assert said(json_of("/data/readings.json")["readings"]) == {"KV-S": (None, "not_reported"), "RW-S": (0, "reported")}
    header, *rows = sheets()["data"]
    assert said([dict(zip(header, row, strict=True)) for row in rows]) == {
        "KV-S": (None, "not_reported"),
        "RW-S": (0, "reported"),
    }
    features = {feature["id"]: feature["properties"] for feature in json_of("/data/regions.geojson")["features"]}
    assert (features["kivu"]["sites.value"], features["rwanda"]["sites.value"]) == (None, 0)
    assert features["kivu"]["miners.value"] == 80


def test_headline_sum_and_signed_difference_are_in_every_download(figures: Cast) -> None:
    """Two measures with two definitions have no difference. A difference below zero is a number, not a formula."""
    miners = {"headline": 120, "sum_of_regions": 130, "difference": -10, "regions_reported": 2, "regions_expected": 2}
    active = {"headline": 7, "sum_of_regions": 0, "difference": None, "regions_reported": 1, "regions_expected": 2}
    for rows in (json_of("/data/readings.json")["headlines"], json_of("/data/regions.geojson")["headlines"]):
        assert [{name: row[name] for name in miners} for row in rows] == [miners, active]
    header, *rows = sheets()["data"]
    found = [dict(zip(header, row, strict=True)) for row in rows[:2]]
    assert [{name: row[name] for name in miners} for row in found] == [miners, active]
    lines = csv_rows()[:2]
    assert [{name: row[name] for name in miners} for row in lines] == [
        {name: "" if value is None else str(value) for name, value in row.items()} for row in (miners, active)
    ]
    # A headline never stands among the values.
    assert [row["value"] for row in lines] == ["", ""]


def test_a_partial_sum_has_no_difference(figures: Cast) -> None:
    factories.make_series(factories.make_region(), figures.miners)
    region = Region.objects.latest("pk")
    figures.programme.regions.add(region)
    row = json_of("/data/readings.json")["headlines"][0]
    assert (row["sum_of_regions"], row["regions_reported"], row["regions_expected"], row["difference"]) == (130, 2, 3, None)


def test_an_older_headline_is_not_held_against_the_latest_sum(figures: Cast) -> None:
    newer = factories.make_headline(figures.programme, figures.miners, 140, effective_on=date(2019, 1, 1), order=1)
    old, new, _active = json_of("/data/readings.json")["headlines"]
    assert (old["headline"], old["sum_of_regions"], old["difference"], old["latest"]) == (120, None, None, False)
    assert (new["headline"], new["difference"], new["latest"]) == (newer.value, 10, True)


def test_the_real_figures_are_those_of_the_pages(db: None) -> None:
    """Typed from the source; what pages show as the latest adds up to the pages' own totals."""
    call_command("loaddata", Path(settings.BASE_DIR) / "fixtures" / "programme.json", verbosity=0)
    rows = csv_rows()
    headlines = [
        (row["tag"], row["headline"], row["sum_of_regions"], row["difference"]) for row in rows if row["record"] == "headline"
    ]
    assert headlines == [
        ("ALL-M", "54836", "54466", "370"), ("ALL-A", "727", "1690", ""), ("ALL-C", "39", "38", "1"), ("ALL-G", "672", "", ""),
    ]  # fmt: skip
    table = page_figures.table(list(Region.objects.published().in_order()))
    for metric in table.metrics:
        values = [
            int(row["value"]) for row in rows if row["metric"] == metric.slug and row["latest"] == "true" and row["value"]
        ]
        total = table.total(metric)
        assert total and sum(values) == total.value
    shown = {figure.code: str(figure.value) for row in table.rows for figure in row.figures if figure}
    assert {row["tag"]: row["value"] for row in rows if row["record"] == "reading"} == shown


@pytest.mark.parametrize(
    ("query", "headlines", "readings"),
    [
        ("?region=kivu", HEADLINES, READINGS[:3]),
        ("?country=RW", HEADLINES, READINGS[3:]),
        ("?region=kivu&country=RW", HEADLINES, []),
        ("?metric=sites", HEADLINES[1:], [READINGS[2], READINGS[4]]),
        ("?metric=active", HEADLINES[1:], []),
        ("?from=2017&to=2017", HEADLINES, READINGS),
        ("?from=2017-01-01&to=2017-01-01", HEADLINES, READINGS),
        ("?from=2017-01-02", [], []),
        ("?to=2016", [], []),
        ("?region=&country=&metric=&from=&to=&as-at=", HEADLINES, READINGS),
    ],
)
def test_filters(figures: Cast, query: str, headlines: list[str], readings: list[str]) -> None:
    assert ids(csv_rows(query)) == headlines + readings
    found = json_of(f"/data/readings.json{query}")
    assert (ids(found["headlines"]), ids(found["readings"])) == (headlines, readings)
    assert [row[1] for row in sheets(query)["data"]] == ["id", *headlines, *readings]
    geo = json_of(f"/data/regions.geojson{query}")
    assert ids(geo["headlines"]) == headlines
    shown = {f"{one['properties']['code']}.{name}" for one in geo["features"] for name in one["properties"] if "value" in name}
    tags = {"KV-M": "KV.miners", "KV-S": "KV.sites", "RW-M": "RW.miners", "RW-S": "RW.sites"}
    assert shown == {f"{tags[one.split(':')[0]]}.value" for one in readings}


def test_a_corrected_headline_carries_its_reason_in_every_format(figures: Cast) -> None:
    """Of the last correction; its French only where it is a translation of that one."""

    def reasons(query: str = "") -> list[tuple[str | None, str | None]]:
        found = json_of(f"/data/readings.json{query}")["headlines"]
        told = [(row["reason_en"], row["reason_fr"]) for row in found]
        lines = csv_rows(query)[: len(found)]
        assert [(row["reason_en"] or None, row["reason_fr"] or None) for row in lines] == told
        head, *rows = sheets(query)["data"][: len(found) + 1]
        assert [(row[head.index("reason_en")], row[head.index("reason_fr")]) for row in rows] == told
        assert [(row["reason_en"], row["reason_fr"]) for row in json_of(f"/data/regions.geojson{query}")["headlines"]] == told
        return told

    headline = Headline.objects.filter(pk=figures.headline.pk)
    assert reasons() == [(None, None), (None, None)]
    known_from(DAY_2)
    headline.update(value=121, correction_reason_en="Counted again", correction_reason_fr="Recompté")
    known_from(DAY_2 + timedelta(days=1))
    headline.update(value=122, correction_reason_en="One more")
    assert reasons() == [("One more", None), (None, None)]
    assert reasons(f"?as-at={DAY_2.date()}") == [("Counted again", "Recompté"), (None, None)]
    assert reasons(f"?as-at={DAY_1.date()}") == [(None, None), (None, None)]


def test_a_past_day_is_as_it_was(figures: Cast) -> None:
    """Values, corrections, names and headlines of that day; what came later is not hinted at."""
    name = figures.miners.name_en
    known_from(DAY_2)
    figures.miners.name_en = "Miners, defined anew"
    figures.miners.save()
    figures.headline.value = 121
    figures.headline.correction_reason_en = "Counted again"  # type: ignore[attr-defined]
    figures.headline.save()
    before = json_of("/data/readings.json?as-at=2021-05-01")
    assert before["as_at"] == "2021-05-01"
    assert ids(before["readings"]) == [READINGS[0], *READINGS[2:]]
    first = before["readings"][0]
    assert (first["value"], first["superseded_by"], first["latest"], first["metric_en"]) == (100, None, True, name)
    headline = before["headlines"][0]
    assert (headline["headline"], headline["sum_of_regions"], headline["difference"]) == (120, 150, -30)
    assert csv_rows("?as-at=2021-05-01")[2]["metric_en"] == first["metric_en"]
    assert sheets("?as-at=2021-05-01")["data"][3][8] == first["metric_en"]
    assert json_of("/data/regions.geojson?as-at=2021-05-01")["features"][0]["properties"]["miners.value"] == 100
    after = json_of("/data/readings.json?as-at=2022-05-01")
    assert (after["readings"][1]["value"], after["readings"][1]["metric_en"]) == (80, "Miners, defined anew")
    assert [row["headline"] for row in after["headlines"]] == [121, 7]
    empty = json_of("/data/readings.json?as-at=2019-12-31")
    assert (empty["headlines"], empty["readings"], empty["definitions"], empty["sources"]) == ([], [], [], [])


@pytest.mark.parametrize("query", ["", "?as-at=2021-05-01"])
def test_the_same_figures_are_the_same_workbook(figures: Cast, query: str) -> None:
    """No part of the package tells when it was packed."""
    content = get(f"/data/readings.xlsx{query}")
    with ZipFile(BytesIO(content)) as package:
        assert {part.date_time for part in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert set(re.findall(rb"\d{4}-\d\d-\d\d", package.read("docProps/core.xml"))) == {b"1980-01-01"}
    assert get(f"/data/readings.xlsx{query}") == content


def test_the_present_follows_the_past(figures: Cast) -> None:
    """Nothing of a past day sticks to the connection."""
    csv_rows("?as-at=2021-05-01")
    assert ids(csv_rows()) == HEADLINES + READINGS


def test_formulas_in_text_are_disarmed_in_cells_alone(figures: Cast) -> None:
    figures.kivu.name_en = "=HYPERLINK(1)"
    figures.kivu.save()
    assert {row["region_en"] for row in csv_rows("?region=kivu")[2:]} == {"'=HYPERLINK(1)"}
    assert json_of("/data/readings.json?region=kivu")["readings"][0]["region_en"] == "=HYPERLINK(1)"
    assert sheets("?region=kivu")["data"][3][5] == "'=HYPERLINK(1)"


def test_the_workbook(figures: Cast) -> None:
    found = sheets()
    assert list(found) == ["data", "definitions", "sources", "read me"]
    header = found["data"][0]
    row = dict(zip(header, found["data"][4], strict=True))
    assert list(header) == list(csv_rows()[0])
    assert (row["period_start"], row["published_at"], row["value"], row["latest"]) == (datetime(2017, 1, 1), AT_2, 80, True)
    assert [line[0] for line in found["definitions"]] == ["metric", "miners", "sites", "active"]
    assert [line[0] for line in found["sources"]] == ["source_en", "Public source"]
    dictionary = [line[0] for line in found["read me"]]
    assert dictionary[dictionary.index("column") + 1 :] == list(header)


def test_what_a_workbook_cannot_hold_is_replaced(figures: Cast) -> None:
    figures.kivu.name_en = "Kivu\x0b"
    figures.kivu.save()
    assert sheets("?region=kivu")["data"][3][5] == "Kivu\N{REPLACEMENT CHARACTER}"


def test_csv_for_spreadsheets(figures: Cast) -> None:
    """The byte order mark, once, at the start; CRLF; no separator line."""
    content = get("/data/readings.csv")
    assert content.startswith(b"\xef\xbb\xbfrecord,id,tag,") and content.count(b"\xef\xbb\xbf") == 1
    assert content.endswith(b"\r\n") and content.count(b"\n") == content.count(b"\r\n") == 1 + len(HEADLINES + READINGS)


def test_an_empty_register_is_a_file_too(db: None) -> None:
    assert csv_rows() == []
    assert len(sheets()["data"]) == 1
    found = json_of("/data/readings.json")
    assert (found["headlines"], found["readings"]) == ([], [])
    assert json_of("/data/regions.geojson")["features"] == []
    assert "temporalCoverage" not in json_of("/data/dataset.jsonld")
