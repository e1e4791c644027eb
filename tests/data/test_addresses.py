"""Answers around the files: refusals, ETags, headers."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from tests import factories

from .cast import Cast, known_from
from .files import ask, get

FILES = ("/data/readings.csv", "/data/readings.json", "/data/readings.xlsx", "/data/regions.geojson")
DESCRIPTIONS = ("/data/datapackage.json", "/data/dataset.jsonld", "/data/openapi.json")
FEEDS = ("/feeds/figures.atom", "/fr/feeds/figures.atom")
DAYS, PERIODS = "a day that is not to come, like 2026-11-30", "a year like 2017 or a day like 2017-06-30"
NAMES = "region, country, metric, from, to, as-at"
TYPES = {
    "/data/readings.csv": "text/csv; charset=utf-8",
    "/data/readings.json": "application/json",
    "/data/readings.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "/data/regions.geojson": "application/geo+json",
    "/data/datapackage.json": "application/json",
    "/data/dataset.jsonld": "application/ld+json",
    "/data/openapi.json": "application/json",
    "/feeds/figures.atom": "application/atom+xml; charset=utf-8",
    "/fr/feeds/figures.atom": "application/atom+xml; charset=utf-8",
}


@pytest.mark.parametrize(
    ("query", "parameter", "value", "allowed"),
    [
        ("region=nowhere", "region", "nowhere", "kivu, rwanda"),
        ("region=KIVU", "region", "KIVU", "kivu, rwanda"),
        ("country=ZZ", "country", "ZZ", "CD, RW"),
        ("metric=secret", "metric", "secret", "miners, sites, active"),
        ("from=never", "from", "never", PERIODS),
        ("from=2017-02-30", "from", "2017-02-30", PERIODS),
        ("to=0000", "to", "0000", PERIODS),
        ("from=2018&to=2017", "to", "2017", PERIODS),
        ("as-at=2021-13-01", "as-at", "2021-13-01", DAYS),
        ("as-at=2998-01-01", "as-at", "2998-01-01", DAYS),
        ("as-at=2019-12-31&region=kivu", "region", "kivu", ""),
        ("region=kivu&region=rwanda", "region", "kivu, rwanda", "kivu, rwanda"),
        ("regoin=kivu", "regoin", "kivu", NAMES),
        ("region=%00", "region", "\x00", "kivu, rwanda"),
        (f"region={'x' * 500}", "region", "x" * 60, "kivu, rwanda"),
        (f"{'y' * 500}=1", "y" * 60, "1", NAMES),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_in_words(
    figures: Cast, query: str, parameter: str, value: str, allowed: str
) -> None:
    (problem,) = json.loads(get(f"/data/readings.json?{query}", 400))["problems"]
    assert (problem["parameter"], problem["value"], ", ".join(problem["allowed"])) == (parameter, value, allowed)
    assert json.loads(get(f"/data/regions.geojson?{query}", 400))["problems"] == [problem]
    told = f"This filter cannot be read.\n{parameter}={value!r}: {problem['message']}. Allowed: {allowed}\n"
    for address in ("/data/readings.csv", "/data/readings.xlsx"):
        response = ask(f"{address}?{query}")
        assert (response.status_code, response.read_body.decode()) == (400, told)
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert "ETag" not in response and "Content-Disposition" not in response


def test_all_that_is_wrong_is_named_but_not_without_end(figures: Cast) -> None:
    found = json.loads(get("/data/readings.json?region=a&metric=b&to=c&d=e", 400))["problems"]
    assert [one["parameter"] for one in found] == ["region", "metric", "to", "d"]
    many = "&".join(f"p{number}=1" for number in range(200))
    assert len(json.loads(get(f"/data/readings.json?{many}", 400))["problems"]) == 20


@pytest.mark.parametrize("address", DESCRIPTIONS)
def test_descriptions_take_no_filter(db: None, address: str) -> None:
    (problem,) = json.loads(get(f"{address}?region=kivu", 400))["problems"]
    assert (problem["parameter"], problem["value"]) == ("region", "kivu")


@pytest.mark.parametrize("address", FILES)
def test_what_posts_is_told_that_files_are_only_read(db: None, address: str) -> None:
    assert Client().post(address).status_code == 405


@pytest.mark.parametrize("address", [*FILES, *DESCRIPTIONS])
def test_an_unchanged_file_is_not_sent_again(figures: Cast, address: str) -> None:
    first = ask(address)
    again = ask(address, if_none_match=first["ETag"])
    assert (again.status_code, again.read_body, again["ETag"]) == (304, b"", first["ETag"])
    assert again["Access-Control-Allow-Origin"] == "*"
    assert ask(address, if_none_match='"other"').status_code == 200
    assert ask(address, if_none_match=f'"other", {first["ETag"]}').status_code == 304


def publish_reading(figures: Cast) -> None:
    series = factories.make_series(figures.kivu, figures.active)
    factories.make_reading(series, 3, published_at=datetime(2015, 1, 1, tzinfo=UTC))


def correct(figures: Cast) -> None:
    factories.correct(figures.kivu.series.get(metric=figures.sites).readings.get(), 4, datetime(2023, 1, 1, tzinfo=UTC))


def rename(figures: Cast) -> None:
    figures.miners.definition_fr = "Autre"
    figures.miners.save()


def retract(figures: Cast) -> None:
    figures.rwanda.withdraw(by=factories.make_user())


def edit_headline(figures: Cast) -> None:
    figures.headline.value += 1
    figures.headline.correction_reason_en = "Counted again"  # type: ignore[attr-defined]
    figures.headline.save()


def leave_programme(figures: Cast) -> None:
    figures.programme.regions.remove(figures.kivu)


@pytest.mark.parametrize("change", [publish_reading, correct, rename, retract, edit_headline, leave_programme])
def test_every_change_changes_the_etag(figures: Cast, change: Callable[[Cast], None]) -> None:
    before = {address: ask(address)["ETag"] for address in FILES}
    change(figures)
    after = {address: ask(address, if_none_match=etag) for address, etag in before.items()}
    assert {response.status_code for response in after.values()} == {200}


@pytest.mark.parametrize("address", FILES)
def test_the_moment_that_makes_something_public_changes_the_etag(
    figures: Cast, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody writes a row then."""
    before = ask(address)["ETag"]
    for later in (timedelta(0), timedelta(days=1)):
        monkeypatch.setattr("django.utils.timezone.now", lambda later=later: factories.FUTURE + later)
        assert ask(address, if_none_match=before).status_code == 200


@pytest.mark.parametrize("address", FILES)
def test_each_question_has_its_own_etag(figures: Cast, address: str) -> None:
    questions = (
        "", "region=kivu", "region=rwanda", "country=CD", "metric=miners", "from=2017", "to=2017", "as-at=2021-05-01",
        "as-at=2021-05-02",
    )  # fmt: skip
    etags = [ask(f"{address}?{query}")["ETag"] for query in questions]
    assert len(set(etags)) == len(questions)
    assert ask(f"{address}?region=&to=")["ETag"] == etags[0]


def test_a_version_dated_back_changes_the_etag_too(figures: Cast) -> None:
    """Versions are counted: neither their last moment nor their last number tells of one that was committed late."""
    before = ask("/data/readings.csv")["ETag"]
    known_from(factories.PAST)
    rename(figures)
    assert ask("/data/readings.csv")["ETag"] != before


@pytest.mark.parametrize(("address", "kind"), TYPES.items())
def test_other_sites_may_read(figures: Cast, address: str, kind: str) -> None:
    response = ask(address)
    assert response["Content-Type"] == kind
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert not response.cookies and "Cookie" not in response.get("Vary", "")


@pytest.mark.parametrize("address", ["/data/", "/fr/data/", "/data/corrections/", "/progress/"])
def test_pages_stay_closed_to_other_sites(figures: Cast, address: str) -> None:
    response = ask(address)
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in response


@pytest.mark.parametrize("address", FILES)
def test_refusals_may_be_read_from_other_sites_too(figures: Cast, address: str) -> None:
    assert ask(f"{address}?x=1")["Access-Control-Allow-Origin"] == "*"


def test_files_carry_their_name_and_day(figures: Cast) -> None:
    def names(query: str) -> list[str]:
        return [ask(f"{address}{query}")["Content-Disposition"] for address in FILES]

    endings = ("readings-{}.csv", "readings-{}.json", "readings-{}.xlsx", "regions-{}.geojson")
    for query, day in (("", datetime.now(UTC).date().isoformat()), ("?as-at=2021-05-01", "2021-05-01")):
        assert names(query) == [f'attachment; filename="scaling-up-itsci-{ending.format(day)}"' for ending in endings]


def test_a_table_longer_than_a_sheet_is_refused_as_a_workbook(figures: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itsci_site.workbook.MOST_ROWS", 6)
    response = ask("/data/readings.xlsx")
    assert response.status_code == 400 and "6 rows" in response.read_body.decode()
    assert ask("/data/readings.xlsx?region=kivu").status_code == 200
    assert ask("/data/readings.csv").status_code == 200
