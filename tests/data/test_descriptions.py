"""What describes the data says what the files hold: read by validators that are not the site's own."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from frictionless import validate
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from regions.models import Metric

from .cast import Cast
from .files import ask, csv_rows, get, json_of

NAMES = ("datapackage.json", "readings.csv", "readings.json", "readings.xlsx", "regions.geojson")


def report(folder: Path) -> Any:
    for name in NAMES:
        (folder / name).write_bytes(get(f"/data/{name}"))
    return validate(str(folder / "datapackage.json"))


@pytest.mark.filterwarnings("default")  # of frictionless and what it stands on
@pytest.mark.parametrize("content", ["cast", "programme", "nothing"])
def test_the_data_package_is_valid(request: pytest.FixtureRequest, tmp_path: Path, content: str) -> None:
    """Columns, types, keys of the bytes that are served, by frictionless and without a network."""
    if content == "cast":
        request.getfixturevalue("figures")
    else:
        request.getfixturevalue("db")
    if content == "programme":
        call_command("loaddata", Path(settings.BASE_DIR) / "fixtures" / "programme.json", verbosity=0)
    found = report(tmp_path)
    assert found.valid, found.flatten(["title", "message"])
    assert {task.name: task.type for task in found.tasks} == {
        "readings-csv": "table", "readings-xlsx": "table", "readings-json": "json", "regions-geojson": "json",
    }  # fmt: skip


@pytest.mark.filterwarnings("default")
def test_the_validator_would_find_a_fault(figures: Cast, tmp_path: Path) -> None:
    report(tmp_path)
    table = tmp_path / "readings.csv"
    good = table.read_text(encoding="utf-8")
    for old, new, fault in (
        (",reported,", ",guessed,", "constraint-error"),
        (",80,reported", ",eighty,reported", "type-error"),
        ("region_en", "region_xx", "incorrect-label"),
        ("KV-M:2017-01-01:year:2022", "KV-M:2017-01-01:year:2021", "foreign-key"),
    ):
        table.write_text(good.replace(old, new, 1), encoding="utf-8")
        found = validate(str(tmp_path / "datapackage.json"))
        assert fault in {kind for (kind,) in found.flatten(["type"])}


def test_the_data_package_invents_no_licence(figures: Cast) -> None:
    package = json_of("/data/datapackage.json")
    assert "licenses" not in package and "give no licence" in package["description"]
    assert package["sources"] == [{"title": "Public source"}]
    assert "license" not in json_of("/data/dataset.jsonld")
    assert json_of("/data/readings.json")["licence"] is None


def test_every_column_is_explained_everywhere(figures: Cast) -> None:
    names = list(csv_rows()[0])
    table = json_of("/data/datapackage.json")["resources"][0]["schema"]
    assert [field["name"] for field in table["fields"]] == names
    assert all(field["description"] for field in table["fields"])
    for address in ("/data/", "/fr/data/"):
        page = get(address).decode()
        assert [name for name in names if f"<code>{name}</code>" not in page] == []


def test_the_record_of_the_data_set(figures: Cast) -> None:
    found = json_of("/data/dataset.jsonld")
    assert (found["@context"], found["@type"], found["url"]) == ("https://schema.org/", "Dataset", "http://testserver/data/")
    assert (found["temporalCoverage"], found["dateModified"]) == ("2017/2017", "2022-05-01")
    assert [place["name"] for place in found["spatialCoverage"]] == [
        region.country.name_en for region in (figures.kivu, figures.rwanda)
    ]
    for file in found["distribution"]:
        response = ask(file["contentUrl"].removeprefix("http://testserver"))
        assert response.status_code == 200
        assert response["Content-Type"].split(";")[0] == file["encodingFormat"]


def test_the_page_holds_the_record_and_runs_nothing(figures: Cast) -> None:
    armed = "</script><script>alert(1)</script><!--<script>"
    Metric.objects.filter(pk=figures.miners.pk).update(name_en=armed)
    page = get("/data/").decode()
    start, end = '<script type="application/ld+json">', "</script>"
    assert (page.count("<script"), page.count(end)) == (1, 1)
    held = json.loads(page.partition(start)[2].partition(end)[0])
    assert held == json_of("/data/dataset.jsonld")
    assert armed in [measured["name"] for measured in held["variableMeasured"]]


def test_the_read_api_is_described_as_it_is(figures: Cast) -> None:
    """Every path answers as said, takes every parameter named and no other, and its JSON fits the schema."""
    api = json_of("/data/openapi.json")
    assert api["openapi"] == "3.1.0"
    assert set(api["paths"]) == {"/data/readings.csv", "/data/readings.json", "/data/readings.xlsx", "/data/regions.geojson"}
    samples = {
        "region": "kivu", "country": "CD", "metric": "miners", "from": "2016", "to": "2017-12-31", "as-at": "2022-05-01",
    }  # fmt: skip
    assert api["components"]["parameters"].keys() == samples.keys()
    for name, value in samples.items():
        parameter = api["components"]["parameters"][name]
        assert (parameter["name"], parameter["in"]) == (name, "query")
        Draft202012Validator(parameter["schema"]).validate(value)
    for address, path in api["paths"].items():
        operation = path["get"]
        named = [reference["$ref"].rpartition("/")[2] for reference in operation["parameters"]]
        assert named == list(samples)
        response = ask(address, samples)
        assert response.status_code == 200
        assert list(operation["responses"]["200"]["content"]) == [response["Content-Type"].split(";")[0]]
        refused = ask(address, {"region": "nowhere"})
        assert list(operation["responses"]["400"]["content"]) == [refused["Content-Type"].split(";")[0]]


@pytest.mark.parametrize(
    ("address", "schema", "status"),
    [
        ("/data/readings.json", "Readings", 200),
        ("/data/regions.geojson", "Regions", 200),
        ("/data/readings.json?region=nowhere", "BadFilter", 400),
    ],
)
def test_json_fits_its_schema(figures: Cast, address: str, schema: str, status: int) -> None:
    api = json_of("/data/openapi.json")
    content = json.loads(get(address, status))
    whole = {"$ref": f"#/components/schemas/{schema}", "components": api["components"]}
    Draft202012Validator(whole).validate(content)
    content.pop(api["components"]["schemas"][schema]["required"][-1])
    assert list(Draft202012Validator(whole).iter_errors(content))


def test_regions_are_geojson(figures: Cast) -> None:
    outline = {"type": "Polygon", "coordinates": [[[28.0, -2.0], [29.0, -2.0], [29.0, -3.0], [28.0, -2.0]]]}
    figures.kivu.outline = outline
    figures.kivu.save()
    kivu, rwanda = json_of("/data/regions.geojson")["features"]
    assert (kivu["type"], kivu["geometry"], rwanda["geometry"]) == ("Feature", outline, None)
    assert kivu["properties"] | {
        "region": "kivu", "code": "KV", "country": "CD", "name_en": "South Kivu", "name_fr": "Sud-Kivu",
        "miners.value": 80, "miners.status": "reported", "miners.period_start": "2017-01-01", "miners.precision": "year",
        "miners.published_at": "2022-05-01T12:30:15.250000Z",
    } == kivu["properties"]  # fmt: skip
