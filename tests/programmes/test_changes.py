"""What changed between two days: new data, corrections and definitions, each by itself."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.test import Client

from programmes.models import Headline, Programme
from regions.models import Metric, Region, Series
from tests import factories
from tests.pages import markup

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("programme")]
Edited = Callable[[datetime | None], None]
FIRST, LAST = datetime(2021, 3, 10, tzinfo=UTC), datetime(2021, 3, 20, 23, 59, 59, 999_999, tzinfo=UTC)
BEFORE, AFTER = datetime(2021, 3, 9, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2021, 3, 21, tzinfo=UTC)
SPAN = "?from=2021-03-10&to=2021-03-20"
SECTIONS = ("new", "corrected", "defined")


def lists(client: Client, query: str = SPAN, prefix: str = "") -> dict[str, list[str]]:
    """The entries of each section."""
    response = client.get(f"{prefix}/progress/changes/{query}")
    assert response.status_code == 200
    page = markup.parse(response.content)
    return {name: page.by_id(name).texts("li") for name in SECTIONS}


def katanga() -> Series:
    return Series.objects.get(metric__slug="miners", region__slug="katanga")


def test_nothing_changed(client: Client) -> None:
    assert lists(client) == {"new": [], "corrected": [], "defined": []}


def test_the_first_content_is_new_data(client: Client) -> None:
    found = lists(client, "?from=2020-01-01&to=2020-01-01")
    assert found["corrected"] == found["defined"] == []
    assert found["new"][0] == ("1 January 2020 Miners working in ITSCI sites, 2017, date not stated: headline total 54,836")
    regions = "Katanga 17,466; Maniema 5,512; South Kivu 4,066; North Kivu 8,214; Rwanda 15,904; Burundi 3,304"
    assert found["new"][4] == f"1 January 2020 Miners working in ITSCI sites, 2017, date not stated: {regions}"
    assert len(found["new"]) == 4 + 3


def test_french_sets_its_colons_apart(client: Client) -> None:
    for entry in lists(client, "?from=2020-01-01&to=2020-01-01", "/fr")["new"]:
        assert "date non précisée\N{NARROW NO-BREAK SPACE}: " in entry


def test_days_begin_and_end_in_utc_and_both_count(client: Client) -> None:
    for year, moment in enumerate((BEFORE, FIRST, LAST, AFTER), 2010):
        factories.make_reading(katanga(), year, date(year, 1, 1), moment)
    new = lists(client)["new"]
    assert [entry.rsplit(": ")[-1] for entry in new] == ["Katanga 2,012", "Katanga 2,011"]
    assert new[0].startswith("20 March 2021") and new[1].startswith("10 March 2021")


def test_words_for_what_is_not_a_plain_report(client: Client) -> None:
    factories.make_reading(katanga(), 5, date(2015, 1, 1), FIRST, status="provisional")
    rwanda = Series.objects.get(metric__slug="miners", region__slug="rwanda")
    factories.make_reading(rwanda, None, date(2015, 1, 1), FIRST)
    (entry,) = lists(client)["new"]
    assert entry.endswith("2015: Katanga 5 (provisional); Rwanda not reported")


def test_corrections_stand_apart(client: Client) -> None:
    old = katanga().readings.get()
    factories.correct(old, 17_400, LAST, reason_en="Counted twice.", reason_fr="Compté deux fois.")
    found = lists(client)
    assert found["new"] == found["defined"] == []
    assert found["corrected"] == [
        "20 March 2021 Miners working in ITSCI sites. Katanga, 2017: 17,400, until then 17,466. Counted twice."
    ]
    assert "Compté deux fois." in lists(client, prefix="/fr")["corrected"][0]
    assert lists(client, "?from=2021-03-21&to=2021-04-01")["corrected"] == []


def test_definitions_show_the_old_and_the_new_words_of_each_language(client: Client, edited_at: Edited) -> None:
    metric = Metric.objects.get(slug="miners")
    old = {name: getattr(metric, name) for name in ("definition_en", "unit_fr")}
    edited_at(BEFORE)
    Metric.objects.filter(slug="miners").update(order=9, name_en="Before")
    edited_at(FIRST)
    Metric.objects.filter(slug="miners").update(definition_en="Defined anew")
    edited_at(LAST)
    Metric.objects.filter(slug="miners").update(unit_fr="personnes", additive=False)
    edited_at(AFTER)
    Metric.objects.filter(slug="miners").update(definition_en="Defined after")
    found = lists(client)
    assert found["new"] == found["corrected"] == []
    unit, rule, definition = found["defined"]
    assert f"in French, until then {old['unit_fr']} Since then personnes" in unit
    assert "Regions add up to countries and to the programme. Since then Regions do not add up: no total is shown." in rule
    assert f"in English, until then {old['definition_en']} Since then Defined anew" in definition
    assert [entry[:13] for entry in found["defined"]] == ["20 March 2021", "20 March 2021", "10 March 2021"]
    page = markup.parse(client.get(f"/progress/changes/{SPAN}").content)
    assert [text["lang"] for text in page.by_id("defined").all("dd") if "lang" in text.attributes] == ["fr", "fr", "en", "en"]


def test_a_headline_that_was_edited_or_withdrawn_is_a_correction(client: Client, edited_at: Edited) -> None:
    edited_at(FIRST)
    Headline.objects.filter(metric__slug="miners").update(value=54_000, correction_reason_en="Counted again.")
    Headline.objects.filter(metric__slug="committees").update(explanation_en="Other words")
    edited_at(LAST)
    Headline.objects.filter(metric__slug="government-agents").update(status="withdrawn")
    found = lists(client)
    assert found["new"] == found["defined"] == []
    withdrawn, edited = found["corrected"]
    when = "2017, date not stated"
    assert withdrawn.endswith(f"Headline total, government agents, {when}: 672 was withdrawn. No reason is given.")
    assert edited.endswith(f"Headline total, men and women miners, {when}: 54,000, until then 54,836. Counted again.")
    page = markup.parse(client.get(f"/progress/changes/{SPAN}").content).by_id("corrected")
    assert [link["href"] for link in page.all("a")] == ["/progress/miners/#corrections"], "a page that is gone is no link"


def test_new_headlines_say_what_they_first_said(client: Client, edited_at: Edited) -> None:
    first = "?from=2020-01-01&to=2020-01-01"
    before = lists(client, first)
    edited_at(FIRST)
    Headline.objects.filter(metric__slug="miners").update(value=54_000, correction_reason_en="Counted again.")
    Headline.objects.filter(metric__slug="government-agents").delete()
    assert lists(client, first) == before


def test_a_headline_that_is_public_again(client: Client, edited_at: Edited) -> None:
    """Withdrawn, edited while nobody sees it, and back: new if it says the same, else a correction of what stood before."""
    same, other = Headline.objects.filter(metric__slug="committees"), Headline.objects.filter(metric__slug="miners")
    edited_at(FIRST)
    same.update(status="withdrawn")
    other.update(status="withdrawn")
    edited_at(FIRST + timedelta(days=1))
    other.update(value=1, correction_reason_en="Not seen.")
    other.update(value=54_000, correction_reason_en="Counted again.")
    edited_at(LAST)
    same.update(status="published", publish_at=LAST)
    other.update(status="published", publish_at=LAST)
    found = lists(client)
    assert [entry.rsplit(", ", 1)[-1] for entry in found["new"]] == ["date not stated: headline total 39"]
    back, *gone = found["corrected"]
    assert back.startswith("20 March 2021") and back.endswith(": 54,000, before it was withdrawn 54,836. Counted again.")
    assert [entry[:13] for entry in gone] == ["10 March 2021", "10 March 2021"]
    assert lists(client, "?from=2021-03-11&to=2021-03-12")["corrected"] == []


def test_a_headline_put_off_is_withdrawn_until_its_moment(client: Client, edited_at: Edited) -> None:
    edited_at(FIRST)
    miners = Headline.objects.filter(metric__slug="miners")
    miners.update(publish_at=factories.FUTURE, value=66_777, correction_reason_en="66,777 to come")
    (entry,) = lists(client, "?from=2021-03-10&to=2999-12-31")["corrected"]
    assert "54,836 was withdrawn." in entry
    assert "66,777" not in client.get("/progress/changes/?from=2014-01-01&to=2999-12-31").text


def test_nothing_unpublished_is_told(client: Client, edited_at: Edited) -> None:
    before = lists(client)
    miners = Metric.objects.get(slug="miners")
    hidden = factories.make_region(Region.objects.get(slug="rwanda").country, None)
    factories.make_reading(factories.make_series(hidden, miners), 66_777, date(2015, 1, 1), FIRST)
    factories.make_reading(katanga(), 66_777, date(2015, 1, 1), None)
    factories.make_reading(katanga(), 66_777, date(2014, 1, 1), factories.FUTURE)
    edited_at(BEFORE)
    draft = factories.make_headline(Programme.objects.get(), miners, 66_777, None, effective_on=date(2015, 1, 1))
    metric = factories.make_metric(code="Z")
    edited_at(FIRST)
    Headline.objects.filter(pk=draft.pk).update(value=66_778)
    Metric.objects.filter(pk=metric.pk).update(definition_en="hidden")
    assert lists(client) == before
    assert "66,777" not in client.get("/progress/changes/?from=2014-01-01&to=2999-12-31").text


REFUSED = [
    ({"from": "31/02/2016"}, "from"),
    ({"to": "yesterday"}, "to"),
    ({"from": "2021-03-10", "to": "2021-02-30"}, "to"),
    ({"from": "10000-01-01"}, "from"),
    ({"from": "2021\x00"}, "from"),
    ({"to": '"><script>'}, "to"),
    ({"from": "2021-03-20", "to": "2021-03-10"}, "to"),
]


@pytest.mark.parametrize("prefix", ["", "/fr"])
@pytest.mark.parametrize(("query", "told_off"), REFUSED)
def test_nonsense_gets_a_message_and_is_kept(client: Client, query: dict[str, str], told_off: str, prefix: str) -> None:
    response = client.get(f"{prefix}/progress/changes/?{urlencode(query)}")
    assert response.status_code == 400
    form = markup.parse(response.content).one("form", "filter")
    inputs = {field["name"]: field for field in form.all("input")}
    assert [name for name, field in inputs.items() if field.attributes.get("aria-invalid")] == [told_off]
    assert {name: inputs[name]["value"] for name in query} == {
        name: value.replace("\x00", "\x00") for name, value in query.items()
    }
    assert len(form.texts("span", "err")) == 1


@pytest.mark.parametrize("query", ["?from=0001-01-01", "?to=0001-01-01", "?to=9999-12-31", "?from=9999-12-31&to=9999-12-31"])
def test_the_ends_of_the_calendar_are_no_fault(client: Client, query: str) -> None:
    assert client.get(f"/progress/changes/{query}").status_code == 200


def test_without_dates_it_shows_the_last_90_days(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2021, 3, 20, 1, tzinfo=UTC)
    monkeypatch.setattr("programmes.forms.timezone", SimpleNamespace(now=lambda: now))
    factories.make_reading(katanga(), 1, date(2014, 1, 1), datetime(2020, 12, 20, 23, tzinfo=UTC))
    factories.make_reading(katanga(), 2, date(2015, 1, 1), datetime(2020, 12, 21, tzinfo=UTC))
    (entry,) = lists(client, "")["new"]
    assert entry.startswith("21 December 2020")
    page = markup.parse(client.get("/progress/changes/").content)
    assert "the last 90 days" in page.text
    assert "From 21 December 2020 to 20 March 2021, both days included." in page.one("p", "lead").text
    assert [field["value"] for field in page.one("form", "filter").all("input")] == ["2020-12-21", "2021-03-20"]
    later = markup.parse(client.get("/progress/changes/?to=2020-12-31").content)
    assert [field["value"] for field in later.one("form", "filter").all("input")] == ["2020-10-03", "2020-12-31"]


def test_progress_leads_here(client: Client) -> None:
    for address in ("/progress/", "/progress/miners/"):
        page = markup.parse(client.get(address).content)
        assert "/progress/changes/" in [link["href"] for link in page.one("main").all("a")]
