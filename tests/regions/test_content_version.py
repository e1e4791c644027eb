"""The number that says whether content changed: it moves with every change, when that commits."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, connections, transaction

from meetings.models import Meeting
from regions.content_version import APPS, TRIGGER, stamp, watched
from regions.models import Region
from tests import factories

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT number FROM regions_contentversion")
        return cursor.fetchone()[0]


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
def test_every_table_of_content_is_watched() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", [TRIGGER])
        found = {table for (table,) in cursor.fetchall()}
    tables = {model._meta.db_table for app in APPS for model in apps.get_app_config(app).get_models(include_auto_created=True)}
    assert (
        found == set(watched()) == tables - {"regions_version", "regions_desk", "regions_desk_regions"} | {"newsroom_proposal"}
    )
    assert "programmes_programme_regions" in found


CHANGES: dict[str, Callable[[Meeting], object]] = {
    "saved": lambda meeting: meeting.save(),
    "by SQL": lambda meeting: sql("UPDATE meetings_meeting SET summary_en = 'x'"),
    "a row more": lambda meeting: factories.make_place(meeting.place.region),
    "a row less": lambda meeting: meeting.delete(),
    "in bulk": lambda meeting: Meeting.objects.bulk_update([meeting], ["summary"]),
    "emptied": lambda meeting: sql("TRUNCATE meetings_meeting CASCADE"),
    "withdrawn": lambda meeting: meeting.withdraw(factories.make_user()),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", CHANGES)
def test_each_change_moves_it_by_one_when_it_commits(how: str) -> None:
    meeting = factories.make_meeting()
    before, stamped = number(), stamp(NOW)
    with transaction.atomic():
        CHANGES[how](meeting)
        CHANGES["a row more"](meeting)
        assert number() == before
        assert stamp(NOW) != stamped  # its own transaction sees that something changed
    assert number() == before + 1
    assert stamp(NOW) != stamped
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM regions_contentnote")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_what_is_undone_or_is_no_content_leaves_it_alone() -> None:
    region = factories.make_region()
    before, stamped = number(), stamp(NOW)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        region.save()
        raise ZeroDivisionError
    factories.make_user()
    assert list(Region.objects.all()) == [region]
    call_command("clearsessions")
    assert (number(), stamp(NOW)) == (before, stamped)


@pytest.mark.django_db(transaction=True)
def test_writers_do_not_wait_for_each_other_before_they_commit() -> None:
    """Two that change each other's rows in turn would lock up if the number itself were held from the first change on."""
    first, second = factories.make_meeting(), factories.make_meeting()
    before, done = number(), []

    def write() -> None:
        try:
            with transaction.atomic():
                Meeting.objects.filter(pk=second.pk).update(summary="theirs")
            done.append(number())
        finally:
            connections.close_all()

    with transaction.atomic():
        Meeting.objects.filter(pk=first.pk).update(summary="ours")
        other = threading.Thread(target=write)
        other.start()
        other.join(timeout=20)
        assert done == [before + 1]
    assert number() == before + 2


@pytest.mark.django_db
def test_a_moment_that_passes_changes_the_stamp() -> None:
    factories.make_meeting(public_from=NOW + timedelta(hours=1))
    factories.make_reading(factories.make_series(), 7, published_at=NOW + timedelta(hours=2))
    stamps = [stamp(NOW + timedelta(hours=hours)) for hours in (0, 0.9, 1, 1.9, 2, 50)]
    assert stamps[0] == stamps[1] != stamps[2] == stamps[3] != stamps[4] == stamps[5]


@pytest.mark.django_db
def test_the_stamp_reads_the_ends_of_indexes() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT max(published_at) FROM regions_reading WHERE published_at <= now()")
        assert "regions_reading_published" in str(cursor.fetchall())
