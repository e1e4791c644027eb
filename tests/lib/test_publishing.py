from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from itsci_site.lib.publishing import Status
from meetings.models import Meeting
from regions.models import Region
from regions.public import MOST_STORIES, stories_of
from tests.factories import FUTURE, PAST, make_meeting, make_region, make_testimonial, make_user

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


@pytest.fixture
def alice() -> User:
    return make_user("alice")


def test_publishing_is_recorded_with_the_person(alice: User) -> None:
    region = make_region(public_from=None)
    before = timezone.now()
    region.publish(by=alice)
    region.refresh_from_db()
    assert (region.status, region.status_by) == (Status.PUBLISHED, alice)
    assert region.publish_at == region.status_at
    assert region.publish_at and before <= region.publish_at <= timezone.now()
    assert list(Region.objects.published()) == [region]


def test_withdrawing_acts_at_once_and_keeps_the_row(alice: User) -> None:
    region = make_region()
    region.withdraw(by=alice)
    region.refresh_from_db()
    assert (region.status, region.status_by) == (Status.WITHDRAWN, alice)
    assert not region.is_public()
    assert list(Region.objects.published()) == []
    assert list(Region.objects.all()) == [region]


def test_publishing_ahead(alice: User) -> None:
    region = make_region(public_from=None)
    region.publish(by=alice, at=FUTURE)
    assert not region.is_public()
    assert list(Region.objects.published()) == []
    assert list(Region.objects.published(at=FUTURE - SECOND)) == []
    assert list(Region.objects.published(at=FUTURE)) == [region]
    assert region.is_public(at=FUTURE)


def test_it_comes_by_itself(alice: User) -> None:
    """No job and no second save: the query compares with the database's clock."""
    region = make_region(public_from=None)
    region.publish(by=alice, at=timezone.now() + timedelta(seconds=2))
    assert list(Region.objects.published()) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(2.1)")
    assert list(Region.objects.published()) == [region]


def test_the_past_is_asked_with_the_moment() -> None:
    make_region(public_from=PAST)
    assert not Region.objects.published(at=PAST - SECOND).exists()
    assert Region.objects.published(at=PAST).exists()


@pytest.mark.parametrize(
    "fields", [{"status": Status.DRAFT, "publish_at": PAST}, {"status": Status.WITHDRAWN, "publish_at": PAST}]
)
def test_a_moment_alone_publishes_nothing(fields: dict) -> None:
    region = make_region(public_from=None, **fields)
    assert not region.is_public()
    assert list(Region.objects.published()) == []


def test_what_may_not_be_public_is_refused_and_stays(alice: User) -> None:
    meeting = make_meeting(held_on=timezone.now().date() + timedelta(days=2), public_from=None)
    with pytest.raises(ValidationError) as refusal:
        meeting.publish(by=alice)
    assert refusal.value.message_dict == {
        "held_on": ["It cannot be public before it was held. Correct this date, or publish it later."]
    }
    meeting.refresh_from_db()
    assert (meeting.status, meeting.publish_at, meeting.status_by) == (Status.DRAFT, None, None)
    meeting.publish(by=alice, at=datetime.combine(meeting.held_on, datetime.min.time(), UTC))
    assert list(Meeting.objects.published()) == []


def test_the_first_stories_of_each_region_leak_no_draft(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    first, second = make_region(), make_region()
    shown = [make_testimonial(first) for _one in range(MOST_STORIES + 2)]
    make_testimonial(first, public_from=None)
    make_testimonial(first, public_from=FUTURE)
    make_testimonial(first, status=Status.WITHDRAWN)
    make_testimonial(second, public_from=None)
    with django_assert_num_queries(1):
        found = stories_of([first, second])
    ordered = sorted(shown, key=lambda story: (story.order, story.slug))
    assert found == {first.pk: ordered[: MOST_STORIES + 1], second.pk: []}


def test_related_rows_are_asked_aloud() -> None:
    """`region.testimonials` tells the whole truth; the public pages add `.published()`."""
    region = make_region()
    shown, draft = make_testimonial(region), make_testimonial(region, public_from=None)
    assert set(region.testimonials.all()) == {shown, draft}
    assert list(region.testimonials.published()) == [shown]  # type: ignore[attr-defined]
