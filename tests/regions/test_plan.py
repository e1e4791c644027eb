"""How Postgres finds the latest readings: one step into an index a series, whatever the length of history."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from regions import figures
from regions.models import Metric, Reading, Region, Series
from tests.factories import make_country, make_metric, make_region, make_source

pytestmark = pytest.mark.django_db

REGIONS, METRICS, PERIODS = 20, 10, 100
A_GROUP = 33
"""Index entries that Postgres takes at a time to put those of one period and moment in order."""
HISTORY = """
INSERT INTO regions_reading (series_id, effective_on, precision, period_note, value, status, source_id, published_at, reason)
SELECT series.id, month, 'month', '', extract(year FROM month)::int, 'reported', %s, month + interval '40 days', ''
FROM regions_series AS series,
     generate_series('2010-01-01'::date, '2010-01-01'::date + %s * interval '1 month', '1 month') AS month
ORDER BY month, series.id
"""


@pytest.fixture
def history() -> None:
    """20,000 readings of 200 series, and what Postgres knows of them."""
    country = make_country()
    regions, metrics = [make_region(country) for _n in range(REGIONS)], [make_metric() for _n in range(METRICS)]
    Series.objects.bulk_create(Series(region=region, metric=metric) for region in regions for metric in metrics)
    with connection.cursor() as cursor:
        cursor.execute(HISTORY, [make_source().pk, PERIODS - 1])
        cursor.execute("ANALYZE regions_reading, regions_series, regions_region, regions_metric, regions_succession")
    assert Reading.objects.count() == REGIONS * METRICS * PERIODS


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def steps(table: str, known_at: str | None = None) -> list[dict[str, Any]]:
    """The nodes of the aggregate's plan, run, that read a table."""
    regions = list(Region.objects.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        statement = f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {figures.LATEST}"
        cursor.execute(statement, {"regions": regions, "metrics": None, "known_at": known_at})
        (told,) = cursor.fetchone()
    (plan,) = json.loads(told) if isinstance(told, str) else told
    return [node for node in nodes(plan["Plan"]) if node.get("Relation Name") == table]


def test_the_latest_reading_is_one_step_into_the_index(history: None) -> None:
    (step,) = steps("regions_reading")
    assert step["Node Type"] in ("Index Scan", "Index Only Scan")
    assert step["Index Name"] == "regions_reading_latest"
    assert step["Actual Loops"] == REGIONS * METRICS
    assert step["Actual Rows"] <= A_GROUP  # of a hundred, a loop
    assert step.get("Rows Removed by Filter", 0) == 0


def test_so_it_is_as_at_a_day_long_ago(history: None) -> None:
    (step,) = steps("regions_reading", "2012-01-01T00:00:00Z")
    assert step["Index Name"] == "regions_reading_latest"
    assert step["Actual Loops"] == REGIONS * METRICS and step["Actual Rows"] <= A_GROUP


def test_a_plan_that_reads_everything_is_seen(history: None) -> None:
    """Guards the tests above: without the index there is no such step."""
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX regions_reading_latest")
    assert [step for step in steps("regions_reading") if step.get("Index Name") == "regions_reading_latest"] == []
    assert sum(step["Actual Loops"] * step["Actual Rows"] for step in steps("regions_reading")) > REGIONS * METRICS * A_GROUP


def test_what_was_timed_is_what_pages_ask(history: None) -> None:
    table = figures.table(list(Region.objects.in_order()), Metric.objects.all())
    assert {figure.value for row in table.rows for figure in row.figures if figure} == {2018}
