from datetime import date
from typing import Any

import pytest

from regions.models import Region, Version
from tests.factories import (
    FUTURE,
    correct,
    make_country,
    make_lock,
    make_metric,
    make_milestone,
    make_reading,
    make_region,
    make_series,
    make_succession,
)  # fmt: skip
from tests.refusals import Rule, delete, refused_by, rule, run, update

pytestmark = pytest.mark.django_db

OVER_ONE_ROW = [  # (table, rule, row, what may not be set, what may)
    ("country", "iso_code_two_capitals", "country", "iso_code = 'Cd'", "iso_code = 'CD'"),
    ("region", "status_known", "region", "status = 'secret'", "status = 'withdrawn'"),
    ("region", "published_has_moment", "region", "publish_at = NULL", "publish_at = NULL, status = 'draft'"),
    ("region", "code_two_capitals", "region", "code = 'K'", "code = 'KQ'"),
    ("region", "kind_known", "region", "kind = 'district'", "kind = 'former_province'"),
    ("region", "outline_is_area", "region", """outline = '{"type": "Point"}'""", """outline = '{"type": "Polygon"}'"""),
    ("region", "outline_is_area", "region", """outline = '{"type": null}'""", """outline = '{"type": "MultiPolygon"}'"""),
    ("region", "outline_is_area", "region", "outline = '{}'", "outline = NULL"),
    ("region", "outline_is_area", "region", "outline = '[]'", "outline = NULL"),
    ("succession", "not_itself", "succession", "successor_id = predecessor_id", "successor_id = %(elsewhere)s"),
    ("succession", "precision_known", "succession", "precision = 'week', since = '2015-07-13'", "precision = 'day'"),
    ("succession", "since_starts_period", "succession", "precision = 'month'", "precision = 'month', since = '2015-07-01'"),
    ("milestone", "year_plausible", "milestone", "year = 1899", "year = 1900"),
    ("milestone", "year_plausible", "milestone", "year = 2101", "year = 2100"),
    ("milestone", "year_plausible", "milestone", "year = 0", "year = NULL"),
    ("metric", "code_one_capital", "metric", "code = '1'", "code = 'Q'"),
    ("metric", "jump_factor_above_one", "metric", "jump_factor = 1", "jump_factor = 1.01"),
    ("metric", "jump_factor_above_one", "metric", "jump_factor = 0", "jump_factor = NULL"),
    ("series", "once", "series", "region_id = %(whole)s", "region_id = %(region)s"),
    ("reading", "precision_known", "draft", "precision = 'week', effective_on = '2017-01-02'", "precision = 'quarter'"),
    ("reading", "starts_period", "draft", "effective_on = '2014-07-01'", "effective_on = '2014-01-01'"),
    ("reading", "starts_period", "draft", "effective_on = '2014-07-01'", "effective_on = '2014-07-01', precision = 'quarter'"),
    ("reading", "starts_period", "draft", "effective_on = '2014-05-01', precision = 'quarter'", "precision = 'quarter'"),
    ("reading", "starts_period", "draft", "effective_on = '2014-05-31', precision = 'month'", "precision = 'month'"),
    ("reading", "missing_is_not_zero", "draft", "status = 'not_reported', value = 0", "status = 'not_reported', value = NULL"),
    ("reading", "missing_is_not_zero", "draft", "status = 'reported', value = NULL", "status = 'reported', value = 0"),
    ("reading", "missing_is_not_zero", "draft", "status = 'provisional', value = NULL", "status = 'provisional', value = 1"),
    ("reading", "missing_is_not_zero", "draft", "status = 'estimated', value = NULL", "status = 'estimated', value = 1"),
    ("reading", "missing_is_not_zero", "draft", "status = 'guessed', value = 1", "status = 'reported', value = 1"),
    ("reading", "not_negative", "draft", "value = -1", "value = 0"),
    ("reading", "correction_has_reason", "correction", "reason_en = ''", "reason_en = '-'"),
    ("reading", "correction_has_reason", "correction", "reason_en = NULL", "reason_en = '-', reason_fr = NULL"),
    ("reading", "one_original_a_period", "draft", "effective_on = '2017-01-01'", "effective_on = '2016-01-01'"),
    ("reading", "stage_known", "draft", "stage = 'secret'", "stage = 'returned'"),
    # Those below are the trigger's (migration 0002).
    ("reading", "corrects_same_period", "correction", "series_id = %(other_series)s", "series_id = %(series)s"),
    ("reading", "corrects_same_period", "correction", "effective_on = '2016-01-01'", "effective_on = '2017-01-01'"),
    ("reading", "corrects_same_period", "correction", "precision = 'day'", "precision = 'year'"),
    ("reading", "corrects_same_period", "correction", "supersedes_id = %(other)s", "supersedes_id = %(public)s"),
    ("reading", "corrects_later", "correction", "published_at = '2020-01-01T12:00Z'", "published_at = '2020-01-01T12:00:01Z'"),
    ("reading", "corrects_later", "correction", "published_at = '2019-01-01T12:00Z'", "published_at = NULL"),
    # Only what is public can be corrected: the rest can still change, and would then take its correction's place in time.
    ("reading", "corrects_later", "correction", "supersedes_id = %(draft)s, effective_on = '2015-01-01'", "value = 5"),
    ("reading", "corrects_later", "correction",
     "supersedes_id = %(scheduled)s, effective_on = '2018-01-01', published_at = '2999-12-31'", "published_at = '2999-12-31'"),
]  # fmt: skip
RULES = [
    rule(f"regions_{table}_{name}", f"regions_{table}", row, wrong, right) for table, name, row, wrong, right in OVER_ONE_ROW
]
OVER_TWO_ROWS = [  # (table, rule, what may not be done to the first row but to the second, the rows)
    ("region", "one_whole_country", "kind = 'country'", "region", "elsewhere"),
    ("reading", "append_only", "value = 1", "public", "scheduled"),
    ("reading", "append_only", "published_at = NULL", "public", "scheduled"),
    ("reading", "append_only", "period_note_en = 'date not stated'", "public", "draft"),
]
RULES += [
    Rule(f"regions_{table}_{name}", update(f"regions_{table}", wrong, change), update(f"regions_{table}", right, change))
    for table, name, change, wrong, right in OVER_TWO_ROWS
]
RULES += [
    Rule("regions_reading_append_only", delete("regions_reading", "other"), delete("regions_reading", row))
    for row in ("draft", "scheduled")
]
RULES += [
    Rule(
        "regions_version_append_only", change,
        "INSERT INTO regions_version (table_name, row_id, at)"
        " SELECT table_name, row_id, at FROM regions_version WHERE id = %(version)s",
    )
    for change in (update("regions_version", "version", "at = now()"), delete("regions_version", "version"))
]  # fmt: skip


def lock(on: str, precision: str) -> str:
    return (
        "INSERT INTO regions_periodlock (effective_on, precision, note, locked_at)"  # noqa: S608 - written here
        f" VALUES ('{on}', '{precision}', '', now())"
    )


def entered(on: str, precision: str) -> str:
    return (
        "INSERT INTO regions_reading (series_id, effective_on, precision, period_note, value, status, source_id, reason)"  # noqa: S608
        f" SELECT series_id, '{on}', '{precision}', '', 1, 'reported', source_id, '' FROM regions_reading"
        " WHERE id = %(public)s"
    )


# 2013 is locked.
RULES += [
    Rule("regions_periodlock_once", lock("2013-01-01", "year"), lock("2013-01-01", "quarter")),
    Rule("regions_periodlock_precision_known", lock("2012-01-02", "week"), lock("2012-01-02", "day")),
    Rule("regions_periodlock_starts_period", lock("2012-02-01", "quarter"), lock("2012-02-01", "month")),
    rule(
        "regions_periodlock_stays", "regions_periodlock", "lock", "effective_on = '2012-01-01'", "note = 'Sent to the donors'"
    ),
    rule("regions_periodlock_stays", "regions_periodlock", "lock", "precision = 'month'", "locked_by_id = NULL"),
    Rule(
        "regions_periodlock_unlocked_with_reason",
        delete("regions_periodlock", "lock"),
        delete("regions_periodlock", "lock") + " AND set_config('itsci.reason', 'A late report', true) <> ''",
    ),
    *(
        Rule("regions_reading_period_locked", entered(on, precision), entered(*allowed))
        for on, precision, *allowed in (
            ("2013-01-01", "year", "2012-01-01", "year"),
            ("2013-10-01", "quarter", "2014-01-01", "quarter"),
            ("2013-12-01", "month", "2014-01-01", "month"),
            ("2013-12-31", "day", "2014-01-01", "day"),
        )
    ),
    *(
        Rule(
            "regions_reading_period_locked", update("regions_reading", "locked", change),
            update("regions_reading", "draft", change),
        )
        for change in ("value = 1", "stage = 'submitted'", "effective_on = '2014-01-01', precision = 'year'")
    ),
    Rule(
        "regions_reading_period_locked", update("regions_reading", "draft", "effective_on = '2013-01-01'"),
        update("regions_reading", "draft", "effective_on = '2012-01-01'"),
    ),
    Rule("regions_reading_period_locked", delete("regions_reading", "locked"), delete("regions_reading", "draft")),
]  # fmt: skip


@pytest.fixture
def rows() -> dict[str, Any]:
    country = make_country()
    whole, region, elsewhere = make_region(country, kind=Region.Kind.COUNTRY), make_region(country), make_region()
    metric = make_metric()
    series, other_series = make_series(elsewhere, metric), make_series(whole, metric)
    public = make_reading(series, 100)
    found = {
        "country": country, "whole": whole, "region": region, "elsewhere": elsewhere,
        "metric": metric, "series": series, "other_series": other_series,
        "succession": make_succession(whole, region), "milestone": make_milestone(region),
        "public": public,
        "correction": correct(public, 101, published_at=None),
        "draft": make_reading(series, 90, date(2015, 1, 1), published_at=None),
        "scheduled": make_reading(series, 110, date(2018, 1, 1), published_at=FUTURE),
        "other": make_reading(other_series, 7),
        "locked": make_reading(series, 80, date(2013, 4, 1), published_at=None, precision="quarter"),
        "lock": make_lock(date(2013, 1, 1)),
    }  # fmt: skip
    return {name: row.pk for name, row in found.items()} | {"version": Version.objects.latest("pk").pk}


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_refuses(rule: Rule, rows: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, rows) == rule.name


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_allows_the_nearest(rule: Rule, rows: dict[str, Any]) -> None:
    run(rule.allowed, rows)


def test_a_reading_has_one_correction(rows: dict[str, Any]) -> None:
    second = (
        "INSERT INTO regions_reading (series_id, effective_on, precision, period_note, value, status, source_id, reason,"
        " reason_en, supersedes_id)"
        " SELECT series_id, effective_on, precision, '', 1, 'reported', source_id, 'Why', 'Why', supersedes_id"
        " FROM regions_reading WHERE id = %(correction)s"
    )
    assert refused_by(second, rows) == "regions_reading_supersedes_id_key"
    run("DELETE FROM regions_reading WHERE id = %(correction)s", rows)
    run(second.replace("supersedes_id FROM", "%(public)s FROM").replace("%(correction)s", "%(public)s"), rows)


def test_a_public_reading_outlives_its_series(rows: dict[str, Any]) -> None:
    assert refused_by("DELETE FROM regions_series WHERE id = %(other_series)s", rows).startswith("regions_reading_series_id_")
