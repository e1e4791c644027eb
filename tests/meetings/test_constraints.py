from datetime import date
from typing import Any

import pytest

from itsci_site.lib.newsroom.guard import open_register
from tests.factories import make_document, make_meeting, make_place, make_region
from tests.refusals import Rule, refused_by, rule, run

pytestmark = pytest.mark.django_db

INCIDENT = "sensitivity = 'incident', held_on = '2019-11-17', publish_at ="

RULES = [
    rule(f"meetings_{table}_{name}", f"meetings_{table}", table, wrong, right)
    for table, name, wrong, right in (
        ("place", "once_a_region", "slug = 'kalemie'", "slug = 'kalemi'"),
        ("place", "once_a_region", "slug = 'kalemie'", "slug = 'kalemie', region_id = %(elsewhere)s"),
        ("meeting", "status_known", "status = 'secret'", "status = 'withdrawn'"),
        ("meeting", "published_has_moment", "publish_at = NULL", "publish_at = NULL, status = 'draft'"),
        ("meeting", "held_before_published", "held_on = '2020-01-02'", "held_on = '2020-01-01'"),
        ("meeting", "held_before_published", "held_on = '2999-01-01'", "held_on = '2999-01-01', status = 'draft'"),
        # Days are those of UTC, whatever the zone of the session.
        ("meeting", "held_before_published", "held_on = '2020-01-02', publish_at = '2020-01-01T23:59:59Z'",
         "held_on = '2020-01-02', publish_at = '2020-01-02T00:00:00Z'"),
        ("meeting", "sensitivity_known", "sensitivity = 'secret'", "sensitivity = 'protection'"),
        # Thirty days from the last day of November: one more than from any other day of it.
        ("meeting", "sensitive_waits", f"{INCIDENT} '2019-12-29T23:59:59Z'", f"{INCIDENT} '2019-12-30T00:00:00Z'"),
        ("meeting", "sensitive_waits", f"{INCIDENT} '2019-11-18'", f"{INCIDENT} '2019-11-18', status = 'draft'"),
        ("meeting", "sensitive_waits", "sensitivity = 'protection', held_on = '2020-01-01'",
         "sensitivity = 'none', held_on = '2020-01-01'"),
        ("meeting", "sensitive_waits", "sensitivity = 'incident', held_on = '2020-01-01'",
         "sensitivity = 'incident', held_on = '2020-01-01', from_source = true"),
        ("meeting", "address_tells_no_day", "sensitivity = 'incident', slug = 'kalemie-2016-03-17'",
         "sensitivity = 'incident', slug = 'kalemie-2016-03'"),
        ("meeting", "address_tells_no_day", "sensitivity = 'protection', slug = 'kalemie-17', status = 'draft'",
         "slug = 'kalemie-17', status = 'draft'"),
        ("meeting", "address_tells_no_day", "sensitivity = 'incident', slug = 'kalemie-2016-03-17'",
         "sensitivity = 'incident', slug = 'kalemie-2016-03-17', from_source = true"),
        ("meeting", "published_has_summary", "summary_en = NULL", "summary_en = NULL, status = 'draft'"),
        ("meeting", "published_has_summary", "summary_en = ' '", "summary_fr = NULL"),
        ("document", "language_code", "language = 'French'", "language = 'fra'"),
    )
]  # fmt: skip
OPENED = [
    rule(f"meetings_meeting_{name}", "meetings_meeting", row, wrong, right)
    for name, row, wrong, right in (
        ("source_is_closed", "draft", "from_source = true", "sensitivity = 'incident', slug = 'kalemie-2016-03'"),
        ("source_stays", "source", "held_on = '2016-03-12'", "summary_en = 'Put right'"),
        ("source_stays", "source", "place_id = %(place)s", "held_on = '2016-03-12', from_source = false"),
    )
]
"""Those that hold once the register is open."""
OPENED.append(
    Rule(
        "meetings_meeting_source_is_closed",
        "INSERT INTO meetings_meeting (place_id, slug, held_on, topics, summary, is_excerpt, status, from_source) "
        "VALUES (%(place)s, 'new', '2016-03-12', '', '', false, 'draft', true)",
        "INSERT INTO meetings_meeting (place_id, slug, held_on, topics, summary, is_excerpt, status) "
        "VALUES (%(place)s, 'new', '2016-03-12', '', '', false, 'draft')",
    )
)
RULES += OPENED


@pytest.fixture
def rows(rule: Rule) -> dict[str, Any]:
    region, meeting = make_region(), make_meeting(slug="meeting")
    make_place(region, slug="kalemie")
    found = {
        "place": make_place(region), "elsewhere": make_region(), "meeting": meeting, "document": make_document(meeting),
        "draft": make_meeting(public_from=None), "source": make_meeting(public_from=None, from_source=True),
    }  # fmt: skip
    if rule in OPENED:
        open_register()
    return {name: row.pk for name, row in found.items()}


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_refuses(rule: Rule, rows: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, rows) == rule.name


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_allows_the_nearest(rule: Rule, rows: dict[str, Any]) -> None:
    run(rule.allowed, rows)


@pytest.mark.parametrize("day", [date(2016, 2, 29), date(2016, 3, 1), date(2015, 12, 31), date(2015, 1, 1)])
@pytest.mark.parametrize("sensitivity", ["none", "incident", "protection"])
@pytest.mark.parametrize("from_source", [True, False])
def test_python_and_postgres_show_the_same_day(day: date, sensitivity: str, from_source: bool) -> None:
    meeting = make_meeting(held_on=day, sensitivity=sensitivity, from_source=from_source, slug="one")
    assert meeting.shown_on == meeting.shown.first_day
    assert meeting.shown_on == (day if sensitivity == "none" or from_source else day.replace(day=1))
