"""A page asks the database the same number of questions however much it shows. The numbers stand here."""

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from benchmarks.pages import BACK
from meetings.forms import MOST_PLACES
from meetings.models import Meeting, Place
from regions.models import Region
from tests import factories

from .content import in_language

# The first of each makes due what is due and takes the public role (itsci_site/public_role.py).
QUERIES = {
    "/": 7,
    "/where-we-work/": 6,
    "/where-we-work/katanga/": 8,
    "/progress/": 7,
    "/progress/miners/": 7,
    "/progress/changes/": 8,
    "/data/": 6,
    "/data/corrections/": 3,
    "/stories/": 3,
    "/stories/child-labour-katanga/": 6,
    "/meetings/": 7,
    "/meetings/kalemie-2016-03-11/": 8,
    "/accessibility/": 1,
    "/programmes/scaling-up-itsci/": 7,
    "/programmes/scaling-up-itsci/progress/": 7,
    "/healthz": 0,
    "/readyz": 1,
    "/robots.txt": 0,
}
KEPT = {1: ["katanga"], 3: ["katanga", "rwanda", "south-kivu"], 6: []}


@pytest.mark.usefixtures("in_2026")
@pytest.mark.parametrize("regions", KEPT)
@pytest.mark.parametrize("address", QUERIES)
def test_queries_do_not_grow_with_regions(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, address: str, regions: int
) -> None:
    hidden = Region.objects.exclude(slug__in=KEPT[regions]) if KEPT[regions] else Region.objects.none()
    hidden.update(status="withdrawn")
    with django_assert_num_queries(QUERIES[address]):
        assert client.get(address).status_code == 200


@pytest.mark.usefixtures("in_2026")
@pytest.mark.parametrize("address", [address for address in QUERIES if address.endswith("/")])
def test_french_asks_no_more(client: Client, django_assert_num_queries: DjangoAssertNumQueries, address: str) -> None:
    with django_assert_num_queries(QUERIES[address]):
        assert client.get(in_language(address, "fr")).status_code == 200


@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("/progress/?as-at={today}", 8), ("/progress/miners/?as-at={today}", 8),
        ("/where-we-work/katanga/?as-at={today}", 7),
        # A day before the page: asked once more whether it is there at all.
        ("/progress/?as-at=2000-01-01", 4), ("/progress/miners/?as-at=2000-01-01", 8),
        ("/where-we-work/katanga/?as-at=2000-01-01", 4),
        ("/programmes/scaling-up-itsci/progress/miners/?as-at=2000-01-01", 8),
    ],
)  # fmt: skip
def test_a_past_day_asks_little_more(client: Client, address: str, queries: int) -> None:
    """The search path besides, and no stories and meetings. Counted without what a transaction around tests needs."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address.format(today=timezone.now().date())).status_code == 200
    assert len([one for one in asked if not one["sql"].startswith(BACK)]) == queries


@pytest.mark.parametrize(
    ("words", "queries"),
    # Due, patience, what is found, its rows, its marks, which programme is at home, patience again. Without rows: the words
    # there are, the nearest, and what they find.
    [("mine", 7), ("mine&page=2", 7), ("zzzzqqqq", 6), ("katamga", 7)],
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_search_asks_no_more_for_many_kinds(client: Client, language: str, words: str, queries: int) -> None:
    with CaptureQueriesContext(connection) as asked:
        page = client.get(f"{in_language('/search/', language)}?q={words}").text
    assert len([one for one in asked if not one["sql"].startswith(BACK)]) == queries
    assert ("<mark>" in page) == words.startswith("mine")


def test_a_register_of_many_places_asks_as_often(client: Client) -> None:
    region = Region.objects.get(slug="katanga")
    for number in range(MOST_PLACES + 1):
        factories.make_meeting(factories.make_place(region), date(2015, 1, 1 + number % 28))
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/meetings/?before=2015-01-20.999999999").status_code == 200
    assert len(asked) == 8
    page = client.get("/meetings/?region=katanga").text
    assert page.count('value="katanga.') > MOST_PLACES
    assert 'value="katanga.' not in client.get("/meetings/").text


@pytest.mark.parametrize("count", [1, 3, 30])
def test_queries_do_not_grow_with_meetings(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    place = Place.objects.get(slug="kalemie")
    Meeting.objects.exclude(slug="kalemie-2016-03-11").delete()
    for number in range(count - 1):
        factories.make_meeting(place, date(2015, 1, 1 + number))
    for address in ("/meetings/", "/meetings/?region=katanga", "/where-we-work/katanga/", "/stories/child-labour-katanga/"):
        with django_assert_num_queries(QUERIES[address.partition("?")[0]] + ("?" in address)):
            assert client.get(address).status_code == 200


def test_queries_do_not_grow_with_history(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    series = Region.objects.get(slug="katanga").series.get(metric__slug="miners")
    for year in range(1990, 2017):
        factories.make_reading(series, year, date(year, 1, 1))
    with django_assert_num_queries(QUERIES["/progress/"]):
        client.get("/progress/")


def test_a_page_that_is_not_there_asks_once_for_the_way_on(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        assert client.get("/nowhere/").status_code == 404


@pytest.mark.urls("tests.pages.urls")
def test_the_page_of_a_fault_asks_nothing(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    """Beyond what comes before every page."""
    client.raise_request_exception = False
    with django_assert_num_queries(1):
        assert client.get("/broken/").status_code == 500
