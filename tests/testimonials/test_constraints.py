from typing import Any

import pytest

from tests.factories import make_testimonial
from tests.refusals import Rule, refused_by, rule, run

pytestmark = pytest.mark.django_db

RULES = [
    rule(f"testimonials_testimonial_{name}", "testimonials_testimonial", "testimonial", wrong, right)
    for name, wrong, right in (
        ("status_known", "status = 'secret'", "status = 'withdrawn'"),
        ("published_has_moment", "publish_at = NULL", "publish_at = NULL, status = 'draft'"),
        ("has_quote", "quote = ''", "quote = '-'"),
        ("language_codes", "quote_language = ''", "quote_language = 'fr'"),
        ("language_codes", "quote_language = 'FR'", "quote_language = 'swa'"),
        ("language_codes", "original_language = 'fr-CD'", "original_language = 'fr'"),
        ("language_codes", "original_language = 'f'", "original_language = ''"),
    )
]


@pytest.fixture
def rows() -> dict[str, Any]:
    return {"testimonial": make_testimonial().pk}


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_refuses(rule: Rule, rows: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, rows) == rule.name


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_allows_the_nearest(rule: Rule, rows: dict[str, Any]) -> None:
    run(rule.allowed, rows)
