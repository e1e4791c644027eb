"""The page of a figure: what it counts, by region, its history, corrections and sources, and how to use it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from programmes.models import Headline, Programme
from regions.models import Metric, Region, Series, Succession
from tests import factories
from tests.pages import facts, markup

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("programme")]
in_both = pytest.mark.parametrize("language", facts.LANGUAGES)
METRICS = {"miners": "M", "mine-sites": "S", "committees": "C"}


def read(client: Client, address: str, language: str = "en") -> markup.Element:
    response = client.get(address if language == "en" else f"/fr{address}")
    assert response.status_code == 200, address
    return markup.parse(response.content)


def numbers(table: markup.Element) -> dict[str, str]:
    """By the header of each row, which is the name of a region, a country or a period."""
    return {row.one("th").text: row.texts("span", "n")[0] for row in table.one("tbody").all("tr") if row.texts("span", "n")}


def series(metric: str, region: str) -> Series:
    return Series.objects.get(metric__slug=metric, region__slug=region)


@in_both
@pytest.mark.parametrize("number", range(3))
def test_regions_subtotal_and_total(client: Client, number: int, language: str) -> None:
    slug = list(METRICS)[number]
    page = read(client, f"/progress/{slug}/", language)
    expected = {region.names[language]: facts.printed(region.figures[number], language) for region in facts.REGIONS}
    expected |= {facts.CONGO[language]: facts.printed(facts.CONGO_TOTALS[number], language)}
    expected |= {facts.WHOLE[language]: facts.printed(facts.TOTALS[number], language)}
    assert numbers(page.by_id("regions").one("table", "grid")) == expected
    rows = [page.by_id(f"{region.code}-{METRICS[slug]}".lower()) for region in facts.REGIONS]
    assert [row.one("th").text for row in rows] == [region.names[language] for region in facts.REGIONS]
    metric = Metric.objects.get(slug=slug)
    assert page.one("h1").text == getattr(metric, f"name_{language}")
    assert getattr(metric, f"definition_{language}") in page.text and getattr(metric, f"unit_{language}") in page.text


@in_both
def test_the_headline_stands_beside_the_sum_with_the_signed_difference(client: Client, language: str) -> None:
    page = read(client, "/progress/miners/", language)
    assert page.by_id("all-m").one("dd", "fig").text == facts.printed(54_836, language)
    (row,) = page.one("table", "rec").one("tbody").all("tr")
    assert row.texts("td", "n") == [facts.printed(54_836, language), facts.printed(54_466, language), "+370"]
    assert Headline.objects.get(metric__slug="miners").explanation in read(client, "/progress/miners/").text


@pytest.mark.parametrize("slug", ["active-mine-sites", "mine-sites"])
def test_two_measures_are_told_apart_and_never_subtracted(client: Client, slug: str) -> None:
    page = read(client, f"/progress/{slug}/")
    (row,) = page.one("table", "rec").one("tbody").all("tr")
    assert row.texts("td", "n") == ["727", "1,690", f"{facts.DASH} not comparable"]
    assert "963" not in page.text and "Two measures" in row.text


@pytest.mark.parametrize(
    ("slug", "code", "value"), [("active-mine-sites", "all-a", "727"), ("government-agents", "all-g", "672")]
)
def test_a_figure_for_the_whole_alone_has_a_page_too(client: Client, slug: str, code: str, value: str) -> None:
    page = read(client, f"/progress/{slug}/")
    assert page.by_id(code).one("dd", "fig").text == value
    assert "Published for the whole programme only, not by region." in page.by_id("regions").text
    assert page.by_id("regions").all("table") == [] and page.all("svg", "line") == []


def test_all_headline_values_over_time_the_latest_as_the_tag(client: Client) -> None:
    programme, miners = Programme.objects.get(), Metric.objects.get(slug="miners")
    factories.make_headline(programme, miners, 40_000, datetime(2021, 5, 6, tzinfo=UTC), effective_on=date(2015, 1, 1))
    factories.make_headline(programme, miners, 77_777, None, effective_on=date(2018, 1, 1))
    page = read(client, "/progress/miners/")
    rows = page.one("table", "past").one("tbody").all("tr")
    assert [[row.one("th").text, *row.texts("td")] for row in rows] == [
        ["2017, date not stated", "54,836", "1 January 2020"],
        ["2015", "40,000", "6 May 2021"],
    ]
    assert page.by_id("all-m").one("dd", "fig").text == "54,836"
    assert [tag.one("dd", "fig").text for tag in read(client, "/progress/").all("div", "tag")] == ["54,836", "727", "39", "672"]


def test_every_reading_with_its_period_status_source_and_day(client: Client) -> None:
    source = factories.make_source(name_en="Annual report", address="https://example.org/report")
    day = datetime(2021, 5, 6, 12, tzinfo=UTC)
    katanga, burundi = series("miners", "katanga"), series("miners", "burundi")
    factories.make_reading(katanga, 15_000, date(2016, 1, 1), day, source=source, status="estimated")
    factories.make_reading(burundi, None, date(2016, 1, 1), day, source=source)
    factories.make_reading(katanga, 66_777, date(2015, 1, 1), None)  # a draft
    factories.make_reading(katanga, 66_777, date(2014, 1, 1), factories.FUTURE)
    page = read(client, "/progress/miners/")
    new, old = page.one("table", "periods").one("tbody").all("tr")
    assert [new.one("th").text, old.one("th").text] == [
        "2017, date not statedpublic since 1 January 2020, source 1",
        "2016public since 6 May 2021, source 2",
    ]
    nothing = f"{facts.DASH}nothing published"
    assert old.texts("td") == ["15,000estimated", nothing, nothing, nothing, nothing, "not reported"]
    assert new.texts("td") == facts.printed_all(tuple(region.figures[0] for region in facts.REGIONS), "en")
    spoken = [part.text for part in page.by_id("history").all("p", "vh")]
    assert spoken == ["Katanga: 17,466 in 2017; highest 17,466 in 2017, lowest 15,000 in 2016."]  # the others have one value
    (report,) = page.by_id("source-2").all("a")
    assert (report.text, report["href"]) == ("Annual report", "https://example.org/report")
    assert "66,777" not in page.text


@pytest.mark.parametrize(("slug", "before"), [("miners", "54,836"), ("government-agents", "672")])
def test_an_edited_headline_is_a_correction(client: Client, edited_at: Callable[..., None], slug: str, before: str) -> None:
    never = "None of these figures was ever corrected."
    assert never in read(client, f"/progress/{slug}/").by_id("corrections").text
    edited_at(datetime(2021, 5, 6, tzinfo=UTC))
    Headline.objects.filter(metric__slug=slug).update(value=54_000, correction_reason_en="Counted again.")
    section = read(client, f"/progress/{slug}/").by_id("corrections")
    (entry,) = section.texts("li")
    assert entry.startswith("6 May 2021 Headline total,")
    assert entry.endswith(f", 2017, date not stated: 54,000, until then {before}. Counted again.")
    assert never not in section.text
    assert never in read(client, f"/progress/{slug}/?as-at=2021-05-05").by_id("corrections").text
    others = read(client, "/progress/committees/").by_id("corrections")
    assert never in others.text


def test_a_reason_that_was_not_translated_is_marked(client: Client, edited_at: Callable[..., None]) -> None:
    """French of an earlier correction is none of this one."""
    miners = Headline.objects.filter(metric__slug="miners")
    steps = [
        (54_000, {"correction_reason_en": "Counted again.", "correction_reason_fr": "Recompté."}),
        (54_001, {"correction_reason_en": "One was found."}),
        (None, {"correction_reason_en": "One more was found."}),
    ]
    for day, (value, texts) in enumerate(steps, 6):
        edited_at(datetime(2021, 5, day, tzinfo=UTC))
        miners.update(**({"value": value} if value else {}), **texts)

    def reasons(prefix: str, query: str = "") -> list[tuple[str, bool]]:
        section = read(client, f"{prefix}/progress/miners/{query}").by_id("corrections")
        return [(quote.text, bool(quote.all("span", "untranslated"))) for quote in section.all("q")]

    assert reasons("") == [("One more was found.", False), ("Counted again.", False)]
    assert reasons("", "?as-at=2021-05-07") == [("One was found.", False), ("Counted again.", False)]
    assert reasons("/fr") == [("One more was found.", True), ("Recompté.", False)]
    assert "ne sont pas encore traduits" in read(client, "/fr/progress/miners/").one("main").text
    edited_at(datetime(2021, 5, 9, tzinfo=UTC))
    miners.update(correction_reason_fr="Un autre a été trouvé.")
    assert reasons("/fr") == [("Un autre a été trouvé.", False), ("Recompté.", False)]
    assert reasons("/fr", "?as-at=2021-05-08") == [("One more was found.", True), ("Recompté.", False)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"effective_on": date(2016, 1, 1)}, ", 2016, date not stated: 39. Period: 2016, until then 2017. Why"),
        (
            {"comparison": "none", "beside": None, "value": 40},
            ": 40, until then 39. Beside the regions: not broken down by region, until then the same measure: the difference"
            " can be told. Why",
        ),
    ],
)
def test_a_correction_of_more_than_the_value(
    client: Client, edited_at: Callable[..., None], change: dict[str, object], told: str
) -> None:
    edited_at(datetime(2021, 5, 6, tzinfo=UTC))
    Headline.objects.filter(metric__slug="committees").update(**change, correction_reason_en="Why")
    (entry,) = read(client, "/progress/committees/").by_id("corrections").texts("li")
    assert entry.endswith(told)


def test_a_headline_of_another_metric_stands_with_both(client: Client, edited_at: Callable[..., None]) -> None:
    edited_at(datetime(2021, 5, 6, tzinfo=UTC))
    sites, miners = (Metric.objects.get(slug=slug) for slug in ("mine-sites", "miners"))
    committees = Metric.objects.get(slug="committees")
    Headline.objects.filter(metric=committees).update(
        metric=sites, comparison="other", beside=miners, correction_reason_en="Why"
    )
    for slug in ("committees", "mine-sites"):
        (entry,) = read(client, f"/progress/{slug}/").by_id("corrections").texts("li")
        assert f" Metric: {sites.name}, until then {committees.name}. " in entry
        assert f"another measure: not comparable, {miners.name}, until then the same measure" in entry


def test_a_correction_is_shown_with_both_values_and_its_reason(client: Client) -> None:
    old = series("miners", "katanga").readings.get()
    texts = {"reason_en": "A site was counted twice.", "reason_fr": "Un site comptait deux fois."}
    factories.correct(old, 17_400, datetime(2021, 5, 6, tzinfo=UTC), period_note_en="date not stated", **texts)
    factories.correct(series("miners", "rwanda").readings.get(), 66_777, factories.FUTURE, **texts)
    page = read(client, "/progress/miners/")
    (entry,) = page.by_id("corrections").all("li")
    assert entry.text == "6 May 2021 Katanga, 2017, date not stated: 17,400, until then 17,466. A site was counted twice."
    assert "Un site comptait deux fois." in read(client, "/progress/miners/", "fr").by_id("corrections").text
    assert page.by_id("ka-m").texts("span", "n") == ["17,400"] and "66,777" not in page.text
    assert page.by_id("regions").one("tr", "all").texts("span", "n") == ["54,400"]
    assert read(client, "/progress/committees/").by_id("corrections").all("li") == []


def test_a_missing_value_is_words_and_its_total_says_that_it_is_partial(client: Client) -> None:
    factories.make_reading(series("miners", "katanga"), None, date(2018, 1, 1))
    page = read(client, "/progress/miners/")
    assert page.by_id("ka-m").texts("td")[0] == "not reported"
    congo, whole = page.by_id("regions").all("tr", "sum")
    assert congo.texts("td")[0] == "17,792 partial: 3 of 4 regions reported"
    assert whole.texts("td")[0] == "37,000 partial: 5 of 6 regions reported"
    katanga = page.one("div", "lines").all("div")[0]
    assert "not reported" in katanga.text
    assert katanga.all("path")[1]["d"] == "", "no line leads to a missing value"


def test_what_does_not_add_up_has_no_total_anywhere(client: Client) -> None:
    Metric.objects.filter(slug="miners").update(additive=False)
    Headline.objects.filter(metric__slug="miners").delete()
    page = read(client, "/progress/miners/")
    assert page.all("tr", "sum") == [] and page.all("div", "tag") == []
    assert "54,466" not in page.text and "35,258" not in page.text
    assert "Regions do not add up: no total is shown." in page.text
    assert client.get("/embed/miners/").status_code == 404
    assert "/embed/miners/&quot;" not in client.get("/progress/miners/").text
    assert "54,466" not in read(client, "/progress/changes/").text + read(client, "/progress/").text


def test_a_province_that_stood_back_keeps_its_history(client: Client) -> None:
    part = Region.objects.get(succession=Succession.objects.filter(predecessor__slug="katanga")[0])
    Region.objects.filter(pk=part.pk).update(status="published", publish_at=factories.PAST)
    Programme.objects.get().regions.add(part)
    own = factories.make_series(part, Metric.objects.get(slug="miners"))
    factories.make_reading(own, 4_321, date(2018, 1, 1))
    page = read(client, "/progress/miners/")
    rows = page.one("table", "periods").one("tbody").all("tr")
    shown = {value for row in rows for value in row.texts("span", "n")}
    assert {"17,466", "4,321"} <= shown
    assert page.by_id("ka-m").text == "Katanga" and page.by_id("ka-m").tag == "th"
    region = read(client, "/where-we-work/katanga/").one("main")
    assert [tag.one("dd", "id").text for tag in region.all("div", "tag")] == ["KA-S", "KA-C"]
    assert "/progress/miners/#ka-m" in [link["href"] for link in region.all("a")]
    assert "count instead of these" in region.text
    for slug in ("mine-sites", "committees"):
        factories.make_reading(factories.make_series(part, Metric.objects.get(slug=slug)), 5, date(2018, 1, 1))
    region = read(client, "/where-we-work/katanga/").one("main")
    assert region.all("div", "tag") == [] and "No figures are published" not in region.text


@pytest.mark.parametrize("address", ["/progress/", "/where-we-work/katanga/"])
def test_a_dated_tag_leads_to_its_row_on_that_day(client: Client, address: str) -> None:
    """It may stand back, or say something else, on today's page."""
    day = "?as-at=2020-06-30"
    for tag in read(client, f"{address}{day}").all("div", "tag"):
        path, _hash, anchor = tag.one("dd", "stub").one("a")["href"].partition("#")
        assert path.endswith(day)
        row = read(client, path).by_id(anchor)
        assert tag.one("dd", "fig").text in row.text


@pytest.mark.parametrize("address", ["/", "/progress/", "/where-we-work/katanga/", "/programmes/scaling-up-itsci/progress/"])
@in_both
def test_every_tag_leads_to_its_own_row(client: Client, address: str, language: str) -> None:
    page = read(client, address, language)
    tags = page.all("div", "tag")
    assert len(tags) in (3, 4)
    for tag in tags:
        link = tag.one("a")
        assert link.text.startswith("Source and history" if language == "en" else link.text[:1])
        where, _hash, anchor = link["href"].partition("#")
        assert anchor == tag.one("dd", "id").text.lower()
        target = markup.parse(client.get(where).content).by_id(anchor)
        assert tag.one("dd", "fig").text in [*target.texts("dd", "fig"), *target.texts("span", "n")]
        assert link["data-address"] == f"http://testserver{link['href']}"


def test_the_headers_of_progress_lead_to_the_figure_pages(client: Client) -> None:
    headers = read(client, "/progress/").one("table", "grid").one("thead").all("a")
    assert [link["href"] for link in headers] == [f"/progress/{slug}/" for slug in METRICS]
    own = read(client, "/programmes/scaling-up-itsci/progress/").one("table", "grid").one("thead").all("a")
    assert [link["href"] for link in own] == [f"/programmes/scaling-up-itsci/progress/{slug}/" for slug in METRICS]
    for link in own:
        read(client, link["href"])


def test_rows_know_their_address(client: Client) -> None:
    reading = series("miners", "katanga").readings.get()
    assert reading.get_absolute_url() == "/progress/miners/#ka-m"
    assert Metric.objects.get(slug="miners").get_absolute_url() == "/progress/miners/"
    assert Headline.objects.get(metric__slug="miners").get_absolute_url() == "/progress/miners/#all-m"


@in_both
def test_the_citation_names_an_address_that_shows_the_same_page(client: Client, language: str) -> None:
    where = "/progress/miners/?as-at=2020-05-06"
    page = read(client, where, language)
    words = {"en": "6 May 2020", "fr": "6 mai 2020"}[language]
    cited = page.by_id("use").all("p", "copy")[0].text
    address = cited.split()[-1]
    assert address == f"http://testserver{'/fr' if language == 'fr' else ''}{where}"
    assert words in cited and page.one("h1").text in cited
    assert client.get(address).content == client.get(where if language == "en" else f"/fr{where}").content


def test_today_is_cited_on_an_undated_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2031, 1, 1, 3, tzinfo=UTC).astimezone(datetime.now().astimezone().tzinfo)
    monkeypatch.setattr("programmes.views.timezone.now", lambda: now)
    assert read(client, "/progress/miners/").by_id("use").all("p", "copy")[0].text.endswith("?as-at=2031-01-01")


def test_downloads_are_of_this_figure_and_of_its_day(client: Client) -> None:
    def links(where: str) -> list[str]:
        return [link["href"] for link in read(client, where).by_id("use").all("a") if "/data/" in link["href"]]

    assert links("/progress/miners/") == [f"/data/readings.{ending}?metric=miners" for ending in ("csv", "json", "xlsx")]
    assert links("/progress/miners/?as-at=2020-05-06")[0] == "/data/readings.csv?metric=miners&as-at=2020-05-06"


def test_a_metric_without_anything_public_has_no_page(client: Client) -> None:
    metric = factories.make_metric(slug="secret", code="Z")
    assert client.get("/progress/secret/").status_code == 404
    factories.make_headline(Programme.objects.get(), metric, 66_777, None)
    factories.make_reading(factories.make_series(factories.make_region(public_from=None), metric), 66_777)
    assert client.get("/progress/secret/").status_code == 404
    for address in ("/progress/atlantis/", "/progress/miners/katanga/", "/programmes/atlantis/progress/miners/"):
        assert client.get(address).status_code == 404


@pytest.mark.parametrize("regions", [1, 3, 6])
@pytest.mark.parametrize("periods", [1, 100])
def test_queries_grow_with_neither_regions_nor_periods(client: Client, regions: int, periods: int) -> None:
    kept = [region.slug for region in facts.REGIONS[:regions]]
    Region.objects.exclude(slug__in=kept).update(status="withdrawn")
    for slug in kept:
        for number in range(periods - 1):
            day = date(1910, 1, 1) + timedelta(days=366 * number)
            factories.make_reading(series("miners", slug), number, day.replace(month=1, day=1))
    counts = {}
    for slug in (*METRICS, "active-mine-sites", "government-agents"):
        with CaptureQueriesContext(
            connection,
        ) as found:
            read(client, f"/progress/{slug}/")
        counts[slug] = len(found)
    assert max(counts.values()) <= 8, counts
    assert len(read(client, "/progress/miners/").one("table", "periods").one("tbody").all("tr")) == periods
