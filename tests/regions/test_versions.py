"""Every version is kept, whoever changes a row; `past()` shows the rows of a moment and nothing that came later."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from programmes.models import Headline, Programme
from regions.models import Metric, Reading, Region
from regions.versions import Version, past
from tests import factories as make

pytestmark = pytest.mark.django_db

MONDAY, TUESDAY, WEDNESDAY = (datetime(2026, 3, day, 12, tzinfo=UTC) for day in (2, 3, 4))


def at(moment: datetime) -> None:
    """From here on changes count from `moment`."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('itsci.version_at', %s, true)", [moment.isoformat()])


def sql(statement: str, *values: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def versions_of(row: Metric | Region | Programme | Headline) -> list[Version]:
    return list(Version.objects.filter(table_name=row._meta.db_table, row_id=row.pk).order_by("id"))


def test_every_table_that_figures_rest_on_is_kept() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'keep_version'")
        kept = {table for (table,) in cursor.fetchall()}
    assert kept == {
        "regions_country", "regions_region", "regions_succession", "regions_milestone", "regions_metric", "regions_series",
        "regions_source", "programmes_programme", "programmes_programme_regions", "programmes_programme_metrics",
        "programmes_headline", "programmes_activity", "programmes_partner", "programmes_countryshare",
    }  # fmt: skip


def test_plain_sql_leaves_a_version_too() -> None:
    metric = make.make_metric(unit_en="miners")
    sql("UPDATE regions_metric SET unit_en = 'people' WHERE id = %s", metric.pk)
    sql("DELETE FROM regions_metric WHERE id = %s", metric.pk)
    assert [version.row and version.row["unit_en"] for version in versions_of(metric)] == ["miners", "people", None]


def test_a_change_of_nothing_leaves_none() -> None:
    metric = make.make_metric()
    metric.save()
    assert len(versions_of(metric)) == 1


def test_a_version_counts_from_its_change() -> None:
    before = timezone.now()
    metric = make.make_metric()
    assert before <= versions_of(metric)[0].at <= timezone.now() + timedelta(seconds=1)


def test_the_past_has_the_rows_of_its_moment_and_the_present_is_back_afterwards() -> None:
    at(MONDAY)
    metric = make.make_metric(unit_en="miners")
    at(TUESDAY)
    Metric.objects.filter(pk=metric.pk).update(unit_en="people")
    at(WEDNESDAY)
    Metric.objects.filter(pk=metric.pk).delete()

    def unit() -> list[str]:
        return list(Metric.objects.filter(pk=metric.pk).values_list("unit_en", flat=True))

    found = []
    for moment in (MONDAY - timedelta(seconds=1), MONDAY, TUESDAY - timedelta(microseconds=1), TUESDAY, WEDNESDAY):
        with past(moment):
            found.append(unit())
    assert found == [[], ["miners"], ["miners"], ["people"], []]
    assert unit() == []
    with past(None):
        assert unit() == []


def test_no_reading_comes_from_the_future() -> None:
    at(MONDAY)
    series = make.make_series()
    make.make_reading(series, 1, published_at=MONDAY)
    make.make_reading(series, 2, datetime(2018, 1, 1).date(), published_at=TUESDAY)
    make.make_reading(series, 3, datetime(2019, 1, 1).date(), published_at=None)
    with past(MONDAY):
        assert list(Reading.objects.values_list("value", flat=True)) == [1]
    assert Reading.objects.count() == 3


def test_the_present_is_back_after_an_error() -> None:
    metric = make.make_metric()
    with pytest.raises(LookupError), past(MONDAY):
        raise LookupError
    assert Metric.objects.get() == metric
    with pytest.raises(IntegrityError), transaction.atomic(), past(MONDAY):
        sql("INSERT INTO public.regions_metric (slug) VALUES (NULL)")
    assert Metric.objects.get() == metric


def test_a_migration_makes_the_views_anew() -> None:
    """A view keeps the columns it was made with: what a migration adds would be missing from every past day."""
    at(MONDAY)
    metric = make.make_metric()
    sql("ALTER TABLE regions_metric ADD COLUMN colour text DEFAULT 'red'")
    call_command("migrate", verbosity=0)
    with past(MONDAY), connection.cursor() as cursor:
        cursor.execute("SELECT colour FROM regions_metric WHERE id = %s", [metric.pk])
        assert cursor.fetchall() == [(None,)]
