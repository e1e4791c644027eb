"""Totals are computed from the readings there are: they move with them, and say when some are missing."""

from datetime import date

import pytest
from django.utils import timezone

from programmes.models import Headline, Programme
from regions.models import Metric, Reading, Region, Series
from tests import factories

from . import facts
from .conftest import Read

in_both = pytest.mark.parametrize("language", facts.LANGUAGES)


def series(region: str, metric: str) -> Series:
    return Series.objects.get(region__slug=region, metric__slug=metric)


def cells(read: Read, language: str = "en") -> dict[str, list[str]]:
    """The table of Progress: the text of each cell, by the name of the row."""
    table = read("/progress/", language).one("table", "grid")
    return {row.one("th").text: row.texts("td") for row in table.one("tbody").all("tr")}


def apart(read: Read) -> list[str]:
    """The column of differences; a dash where none is told."""
    rows = read("/progress/").one("table", "rec").one("tbody").all("tr")
    return [row.texts("td", "n")[-1].split("not")[0].strip() for row in rows]


def test_a_later_reading_moves_every_total(read: Read) -> None:
    factories.make_reading(series("maniema", "miners"), 6_000, date(2018, 1, 1))
    table = cells(read)
    assert [table[name][0].split(" ")[0] for name in ("Maniema", "DR Congo", "Six regions")] == ["6,000", "35,746", "54,954"]
    assert apart(read)[0] == f"{facts.MINUS}118"
    assert read("/where-we-work/").by_id("dr-congo").one("dl", "trio").texts("", "n")[0] == "35,746"
    assert read("/where-we-work/maniema/").by_id("ma-m").one("dd", "fig").text == "6,000"


def test_readings_of_different_periods_each_say_theirs(read: Read) -> None:
    factories.make_reading(series("maniema", "miners"), 6_000, date(2018, 1, 1))
    table = cells(read)
    assert table["Maniema"] == ["6,000 2018", "276 2017, date not stated", "7 2017, date not stated"]
    stubs = {tag["id"]: tag.one("dd", "stub").text for tag in read("/where-we-work/maniema/").all("div", "tag")}
    assert [stubs[code].split(" Source")[0] for code in ("ma-m", "ma-s")] == ["2018", "2017, date not stated"]


def test_a_reading_of_an_earlier_period_moves_nothing(read: Read) -> None:
    before = cells(read)
    factories.make_reading(series("maniema", "miners"), 9_999, date(2016, 1, 1))
    assert cells(read) == before


def test_a_correction_moves_every_total(read: Read) -> None:
    factories.correct(series("katanga", "committees").readings.get(), 10, timezone.now())
    table = cells(read)
    assert [table[name][2].split(" ")[0] for name in ("Katanga", "DR Congo", "Six regions")] == ["10", "36", "39"]
    assert apart(read)[2] == "0"


def test_a_seventh_region_is_counted(read: Read) -> None:
    """In the same country as others and in one of its own."""
    miners = Metric.objects.get(slug="miners")
    congo = Region.objects.get(slug="maniema").country
    for country, code in ((congo, "IT"), (factories.make_country(iso_code="UG", slug="uganda"), "UG")):
        region = factories.make_region(country, code=code, slug=f"new-{code.lower()}", name_en=f"New {code}")
        region.programmes.add(Programme.objects.get())
        factories.make_reading(factories.make_series(region, miners), 1_000, period_note_en="date not stated")
    table = cells(read)
    assert [table[name][0] for name in ("New IT", "DR Congo", "New UG")] == ["1,000", "36,258", "1,000"]
    assert table["Eight regions"][0] == "56,466"
    assert table["New IT"][1:] == [f"{facts.DASH} does not report this"] * 2
    assert table["Eight regions"][1:] == ["1,690", "38"]  # regions that never report a metric are not missing from it
    assert read("/where-we-work/new-it/").one("dl", "tags").texts("dd", "fig") == ["1,000"]


def test_the_successors_of_a_region_stand_back_while_it_reports(read: Read) -> None:
    """Katanga's four provinces came out of it: their miners are its miners."""
    tanganyika = Region.objects.get(slug="tanganyika")
    factories.make_reading(factories.make_series(tanganyika, Metric.objects.get(slug="miners")), 4_000)
    Region.objects.filter(pk=tanganyika.pk).update(**factories.public())
    tanganyika.programmes.add(Programme.objects.get())
    table = cells(read)
    assert table[next(name for name in table if name.endswith("regions"))][0] == "54,466"
    assert table["DR Congo"][0] == "35,258"


@in_both
def test_a_reading_not_reported_is_words_and_makes_totals_partial(read: Read, language: str) -> None:
    factories.make_reading(series("south-kivu", "miners"), None, date(2018, 1, 1))
    table = cells(read, language)
    words = {"en": "not reported", "fr": "non communiqué"}[language]
    partial = {
        "en": ("partial: 3 of 4 regions reported", "partial: 5 of 6 regions reported"),
        "fr": ("partiel : 3 régions sur 4 ont communiqué", "partiel : 5 régions sur 6 ont communiqué"),
    }[language]
    name, country, whole = facts.SOUTH_KIVU.names[language], facts.CONGO[language], facts.WHOLE[language]
    assert table[name][0].startswith(words)
    assert plain(table[country][0]) == plain(f"{facts.printed(31_192, language)} {partial[0]}")
    assert plain(table[whole][0]) == plain(f"{facts.printed(50_400, language)} {partial[1]}")
    place = read("/where-we-work/", language)
    last = place.one("table", "rank").one("tbody").all("tr")[-1]
    assert (last.one("th").text, last.one("td", "none").text) == (name, words)
    assert plain(partial[0]) in plain(place.by_id("dr-congo").one("dl", "trio").text)
    tag = read("/where-we-work/south-kivu/", language).by_id("sk-m")
    assert tag.one("dd", "fig").text == words
    for part in (place.by_id("south-kivu").one("dl", "trio"), tag.one("dd", "fig")):
        assert "0" not in [element.text for element in [part, *part.walk()]]


def test_no_difference_is_told_from_a_partial_sum(read: Read) -> None:
    factories.make_reading(series("south-kivu", "miners"), None, date(2018, 1, 1))
    # The dash says why to those who hear it: this one for what is missing.
    assert apart(read) == [f"{facts.DASH} a part of the sum is missing", facts.DASH, "+1", facts.DASH]
    rows = read("/progress/").one("table", "rec").one("tbody").all("tr")
    assert "partial: 5 of 6 regions reported" in rows[0].text  # a sum that lacks a region says so wherever it stands


def test_a_series_without_any_reading_is_a_gap_and_no_zero(read: Read) -> None:
    region = factories.make_region(Region.objects.get(slug="rwanda").country, code="GP", slug="gap", name_en="Gap")
    region.programmes.add(Programme.objects.get())
    for slug in ("miners", "mine-sites"):
        factories.make_series(region, Metric.objects.get(slug=slug))
    table = cells(read)
    never = "not reported nothing published yet"
    assert table["Gap"] == [never, never, f"{facts.DASH} does not report this"]
    assert table["Seven regions"][:2] == [
        "54,466 partial: 6 of 7 regions reported",
        "1,690 partial: 6 of 7 regions reported",
    ]
    figures = read("/where-we-work/gap/").one("dl", "tags")
    assert figures.texts("dd", "fig") == ["not reported", "not reported"]


def test_when_no_region_reports_there_is_no_total(read: Read) -> None:
    for code in ("katanga", "maniema", "south-kivu", "north-kivu", "rwanda", "burundi"):
        factories.make_reading(series(code, "committees"), None, date(2018, 1, 1))
    table = cells(read)
    assert [cells[2] for name, cells in table.items() if name in ("DR Congo", "Six regions")] == [
        "not reported partial: 0 of 4 regions reported",
        "not reported partial: 0 of 6 regions reported",
    ]


@in_both
def test_a_metric_that_does_not_add_up_shows_no_total(read: Read, language: str) -> None:
    Metric.objects.filter(slug="mine-sites").update(additive=False)
    table = cells(read, language)
    for name in (facts.CONGO[language], facts.WHOLE[language]):
        shown = table[name][1]
        assert not any(character.isdigit() for character in shown)
        assert shown, f"the cell of {name} is empty: it must say that there is no total"
    page = read("/progress/", language)
    assert facts.printed(1_690, language) not in page.text
    assert {"en": "Regions do not add up: no total is shown.", "fr": "Les régions ne s’additionnent pas"}[language] in page.text
    trio = read("/where-we-work/", language).by_id("dr-congo").one("dl", "trio")
    assert trio.texts("", "n") == facts.printed_all((35_258, 35), language)
    assert all(group.text != group.one("dt").text for group in trio.all("div"))  # no label stands without a word


def test_zero_is_a_figure(read: Read) -> None:
    factories.make_reading(series("burundi", "committees"), 0, date(2018, 1, 1))
    table = cells(read)
    assert table["Burundi"][2].split(" ")[0] == "0"
    assert table["Six regions"][2] == "36"


def test_a_headline_is_never_part_of_a_sum(read: Read) -> None:
    before = cells(read)
    Headline.objects.filter(metric__slug="miners").update(value=1, correction_reason_en="Counted again")
    assert cells(read) == before
    assert apart(read)[0] == f"{facts.MINUS}54,465"


def test_readings_are_what_is_printed() -> None:
    """The sums that this folder's facts state, from the rows: guards the facts against a slip of the hand."""
    for place, slug in enumerate(("miners", "mine-sites", "committees")):
        readings = Reading.objects.filter(series__metric__slug=slug).select_related("series__region")
        values = {reading.series.region.slug: reading.value or 0 for reading in readings}
        assert values == {region.slug: region.figures[place] for region in facts.REGIONS}
        assert sum(values.values()) == facts.TOTALS[place]
        assert sum(values[region.slug] for region in facts.PROVINCES) == facts.CONGO_TOTALS[place]


def plain(text: str) -> str:
    """Any kind of space as a plain one."""
    return " ".join(text.split())
