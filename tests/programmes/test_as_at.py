"""A dated page or file is the same, byte for byte, whatever happens afterwards."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from programmes.models import Headline, Programme
from regions.models import Country, Metric, Milestone, Reading, Region, Series, Source
from tests import factories
from tests.pages import markup

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("programme")]
DAY = datetime(2020, 6, 30, tzinfo=UTC)
PAGES = [
    f"{prefix}{page}?as-at=2020-06-30"
    for prefix in ("", "/fr")
    for page in (
        "/progress/",
        "/programmes/scaling-up-itsci/progress/",
        "/where-we-work/katanga/",
        "/where-we-work/burundi/",
        "/progress/miners/",
        "/progress/mine-sites/",
        "/progress/committees/",
        "/progress/active-mine-sites/",
        "/progress/government-agents/",
        "/programmes/scaling-up-itsci/progress/miners/",
    )
] + [
    f"/data/{file}?as-at=2020-06-30"
    for file in ("readings.csv", "readings.json", "readings.xlsx", "regions.geojson", "iati.xml")
]


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The form of the page names today as its last day."""
    monkeypatch.setattr("regions.forms.timezone.now", lambda: datetime(2026, 12, 1, tzinfo=UTC))


def taken(client: Client) -> dict[str, bytes]:
    answers = {page: client.get(page) for page in PAGES}
    assert {page: answer.status_code for page, answer in answers.items()} == dict.fromkeys(PAGES, 200)
    return {page: b"".join(answer) for page, answer in answers.items()}


def correct_readings() -> None:
    for reading in Reading.objects.filter(supersedes__isnull=True):
        factories.correct(reading, 66_777, DAY + timedelta(days=1), reason_en="changed", reason_fr="changed")


def add_data() -> None:
    for series in Series.objects.all():
        factories.make_reading(series, 66_777, date(2018, 1, 1), DAY + timedelta(days=1))
        factories.make_reading(series, 66_777, date(2019, 1, 1), None)


def rename_everything() -> None:
    for model in (Metric, Region, Source, Country, Programme, Milestone, Headline):
        for row in model._base_manager.all():
            for field in row._meta.fields:
                if field.name.endswith(("_en", "_fr")):
                    setattr(row, field.name, "changed")
            if isinstance(row, Source):  # no two have the same name
                row.name_en = f"changed {row.pk}"  # type: ignore[attr-defined]
            row.save()


def redefine() -> None:
    Metric.objects.update(definition_en="changed", definition_fr="changed", unit_en="changed", additive=False)


def reorder() -> None:
    for place, region in enumerate(Region.objects.order_by("-pk")):
        Region.objects.filter(pk=region.pk).update(order=place)
    Metric.objects.filter(slug="committees").update(order=0)


def withdraw_headlines() -> None:
    Headline.objects.filter(metric__slug="miners").update(status="withdrawn")
    Headline.objects.filter(metric__slug="committees").update(value=66_777, correction_reason_en="Counted again")
    Headline.objects.filter(metric__slug="government-agents").delete()


def delete_milestones() -> None:
    Milestone.objects.all().delete()


def add_series_and_region() -> None:
    programme, miners = Programme.objects.get(), Metric.objects.get(slug="miners")
    region = factories.make_region(Country.objects.get(slug="dr-congo"), order=0)
    programme.regions.add(region)
    for metric in (miners, factories.make_metric(code="Z"), Metric.objects.get(slug="active-mine-sites")):
        factories.make_reading(factories.make_series(region, metric), 66_777, published_at=DAY + timedelta(days=1))
        programme.metrics.add(metric)


def withdraw_a_region_and_leave_the_programme() -> None:
    Region.objects.filter(slug="burundi").update(status="withdrawn")
    Programme.objects.get().regions.remove(Region.objects.get(slug="rwanda"))
    Programme.objects.get().metrics.clear()


def tell_iati_more() -> None:
    Programme.objects.update(iati_identifier="changed", iati_status="2", iati_sector="32210")
    factories.make_share(Programme.objects.get(), country=Country.objects.get(slug="rwanda"), percentage=40)


def withdraw_voices() -> None:
    """People's words stand on no dated page, so nothing of them can change there."""
    for region in Region.objects.all():
        region.testimonials.update(status="withdrawn")


EDITS: list[Callable[[], None]] = [
    correct_readings, add_data, rename_everything, redefine, reorder, withdraw_headlines, delete_milestones,
    add_series_and_region, withdraw_a_region_and_leave_the_programme, tell_iati_more, withdraw_voices,
]  # fmt: skip


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_a_dated_page_stays_as_it_was(client: Client, edit: Callable[[], None]) -> None:
    before = taken(client)
    edit()
    assert [page for page, content in taken(client).items() if content != before[page]] == []


def test_all_of_it_together_changes_today_and_not_the_past(client: Client) -> None:
    before = taken(client)
    today = client.get("/progress/miners/").content
    for edit in EDITS:
        if edit is not withdraw_a_region_and_leave_the_programme:
            edit()
    withdraw_a_region_and_leave_the_programme()
    assert taken(client) == before
    now = client.get("/progress/miners/")
    assert now.content != today and "66,777" in now.text and "changed" in now.text


def test_the_day_of_a_change_already_shows_it(client: Client) -> None:
    """A dated page is of the end of its day."""
    reading = Reading.objects.get(series__region__slug="katanga", series__metric__slug="miners")
    factories.correct(reading, 66_777, DAY + timedelta(hours=23), reason_en="changed")
    shown = {}
    for day in ("2020-06-29", "2020-06-30"):
        page = markup.parse(client.get(f"/progress/miners/?as-at={day}").content)
        shown[day] = page.by_id("ka-m").one("span", "n").text
        assert len(page.by_id("corrections").all("li")) == (day == "2020-06-30")
    assert shown == {"2020-06-29": "17,466", "2020-06-30": "66,777"}


def test_before_the_first_day_it_says_that_nothing_was_public(client: Client) -> None:
    response = client.get("/progress/miners/?as-at=2019-12-31")
    assert response.status_code == 200 and "54,836" not in response.text
    assert client.get("/progress/atlantis/?as-at=2020-06-30").status_code == 404


def test_nonsense_shows_today_and_says_so(client: Client) -> None:
    page = markup.parse(client.get("/progress/miners/?as-at=never").content)
    assert page.by_id("all-m").one("dd", "fig").text == "54,836"
    assert page.by_id("regions").one("form", "as-at").one("input")["value"] == "never"
    assert page.all("p", "notice")
