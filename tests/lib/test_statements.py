"""Statements that are made once say the same as their querysets, whatever they are given."""

from datetime import UTC, datetime
from threading import Thread
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils.translation import override
from pytest_django import DjangoAssertNumQueries

from itsci_site.lib.statements import Statement
from meetings.models import Meeting
from regions.models import Metric, Region
from tests.factories import FUTURE, PAST, make_meeting, make_metric, make_region

pytestmark = pytest.mark.django_db


class Made:
    """A queryset that counts how often it was asked to be made."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, slugs: list[str], at: datetime | None) -> QuerySet[Region, Region]:
        self.times += 1
        return Region.objects.published(at).filter(slug__in=slugs).in_order()


def test_it_is_made_once_and_says_what_its_queryset_says(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    regions = [make_region(order=number) for number in range(3)]
    later = make_region(public_from=FUTURE)
    made = Made()
    statement = Statement(made)
    slugs = [region.slug for region in (*regions, later)]
    for asked in (slugs, slugs[1:], [slugs[0], "' OR 1=1 --", "%s"], [*slugs[:3], "\U0001f41a"]):
        with django_assert_num_queries(1):
            found = statement(asked, None)
            countries = [region.country.name for region in found]
        expected = list(Made()(asked, None))
        assert (found, countries) == (expected, [region.country.name for region in expected])
        assert [region.get_deferred_fields() for region in found] == [{"outline"}] * len(found)
    assert made.times == 1  # of three keys and of four
    assert statement(slugs, FUTURE) == list(Made()(slugs, FUTURE)) and later in statement(slugs, FUTURE)
    assert statement(slugs, datetime(2000, 1, 1, tzinfo=UTC)) == []
    assert made.times == 2
    assert statement(slugs[:2], None) == regions[:2] and statement(slugs[:1], None) == regions[:1]
    assert made.times == 4


def test_nothing_is_asked_where_nothing_can_be_found(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    statement = Statement(Made())
    with django_assert_num_queries(0):
        assert statement([], None) == []


def test_each_language_has_its_own_order() -> None:
    for english, french in (("Alpha", "Zoulou"), ("Beta", "Abeille")):
        make_metric(name_en=english, name_fr=french)
    statement: Statement[Any] = Statement(lambda: Metric.objects.order_by("name").values_list("name", flat=True))
    assert statement() == ["Alpha", "Beta"]
    with override("fr"):
        assert statement() == ["Abeille", "Zoulou"]
    assert statement() == ["Alpha", "Beta"]


def test_days_and_keys_are_given_too() -> None:
    one, other = make_meeting(), make_meeting()
    statement = Statement(lambda place, day: Meeting.objects.filter(place=place, shown_on__lte=day))
    assert statement(one.place_id, one.shown_on) == [one]
    assert statement(other.place_id, other.shown_on) == [other]
    assert statement(one.place_id, datetime.min.date()) == []


@pytest.mark.django_db(transaction=True)
def test_every_thread_asks_by_its_own_connection() -> None:
    region = make_region()
    statement = Statement(Made())
    statement([region.slug], None)
    found: list[list[Region]] = []

    def ask() -> None:
        from django.db import connection

        found.append(statement([region.slug], None))
        connection.close()

    thread = Thread(target=ask)
    thread.start()
    thread.join()
    assert found == [[region]]


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda key: Region.objects.filter(pk=key).prefetch_related("testimonials"), id="prefetches"),
        pytest.param(lambda key: Region.objects.filter(pk=key, publish_at__lte=PAST), id="stands still"),
        pytest.param(lambda key: Region.objects.all(), id="ignores what it is given"),
        pytest.param(lambda key: Region.objects.filter(pk=key + 1), id="changes what it is given"),
    ],
)
def test_what_cannot_be_made_once_is_refused(make: Any) -> None:
    with pytest.raises(TypeError):
        Statement(make)(1)


def test_a_row_is_given_by_its_key() -> None:
    region = make_region()
    with pytest.raises(TypeError, match="Region"):
        Statement(lambda one: Region.objects.filter(pk=one))(region)
