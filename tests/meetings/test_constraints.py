from typing import Any

import pytest

from tests.factories import make_document, make_meeting, make_place, make_region
from tests.refusals import Rule, refused_by, rule, run

pytestmark = pytest.mark.django_db

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
        ("document", "language_code", "language = 'French'", "language = 'fra'"),
    )
]  # fmt: skip


@pytest.fixture
def rows() -> dict[str, Any]:
    region, meeting = make_region(), make_meeting()
    make_place(region, slug="kalemie")
    found = {"place": make_place(region), "elsewhere": make_region(), "meeting": meeting, "document": make_document(meeting)}
    return {name: row.pk for name, row in found.items()}


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_refuses(rule: Rule, rows: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, rows) == rule.name


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_allows_the_nearest(rule: Rule, rows: dict[str, Any]) -> None:
    run(rule.allowed, rows)
