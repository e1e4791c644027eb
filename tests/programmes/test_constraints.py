from datetime import date
from typing import Any

import pytest

from tests.factories import make_headline, make_metric, make_partner, make_programme
from tests.refusals import Rule, refused_by, rule, run

pytestmark = pytest.mark.django_db

RULES = [
    rule(f"programmes_{model}_{name}", f"programmes_{model}", model, wrong, right)
    for model, name, wrong, right in (
        ("programme", "status_known", "status = 'secret'", "status = 'withdrawn'"),
        ("programme", "published_has_moment", "publish_at = NULL", "publish_at = NULL, status = 'draft'"),
        ("partner", "role_known", "role = 'sponsor'", "role = 'donor'"),
        ("partner", "once", "name_en = 'Pact'", "name_en = 'pact'"),
        ("partner", "once", "name_en = 'Pact'", "name_en = 'Pact', programme_id = %(other_programme)s"),
        ("headline", "status_known", "status = 'secret'", "status = 'withdrawn'"),
        ("headline", "published_has_moment", "publish_at = NULL", "publish_at = NULL, status = 'draft'"),
        ("headline", "precision_known", "precision = 'week', effective_on = '2017-01-02'", "precision = 'quarter'"),
        ("headline", "starts_period", "effective_on = '2017-02-01'", "effective_on = '2017-02-01', precision = 'month'"),
        ("headline", "not_negative", "value = -1", "value = 0"),
        ("headline", "comparison_fits", "comparison = 'none'", "comparison = 'none', beside_id = NULL"),
        ("headline", "comparison_fits", "comparison = 'same', beside_id = NULL", "comparison = 'same', beside_id = metric_id"),
        ("headline", "comparison_fits", "beside_id = %(other_metric)s", "comparison = 'other', beside_id = %(other_metric)s"),
        ("headline", "comparison_fits", "comparison = 'other'", "comparison = 'other', beside_id = %(other_metric)s"),
        ("headline", "comparison_fits", "comparison = 'other', beside_id = NULL", "comparison = 'none', beside_id = NULL"),
        ("headline", "comparison_fits", "comparison = 'any'", "comparison = 'same'"),
        ("headline", "has_explanation", "explanation_en = ''", "explanation_en = '-'"),
        ("headline", "has_explanation", "explanation_en = NULL", "explanation_en = '-', explanation_fr = NULL"),
        ("headline", "once_a_period", "effective_on = '2016-01-01'", "effective_on = '2016-01-01', precision = 'day'"),
    )
]  # fmt: skip


@pytest.fixture
def rows() -> dict[str, Any]:
    programme, metric = make_programme(), make_metric()
    make_partner(programme)
    make_headline(programme, metric, effective_on=date(2016, 1, 1))
    found = {
        "programme": programme, "other_programme": make_programme(), "other_metric": make_metric(),
        "partner": make_partner(programme, name_en="WORTH"), "headline": make_headline(programme, metric),
    }  # fmt: skip
    return {name: row.pk for name, row in found.items()}


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_refuses(rule: Rule, rows: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, rows) == rule.name


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_allows_the_nearest(rule: Rule, rows: dict[str, Any]) -> None:
    run(rule.allowed, rows)
