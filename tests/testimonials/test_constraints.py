from typing import Any

import pytest

from tests.factories import both, make_testimonial
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
] + [
    rule(f"testimonials_testimonial_portrait_{name}", "testimonials_testimonial", "shown", wrong, right)
    for name, wrong, right in (
        ("named", "portrait = repeat('A', 32)", "portrait = repeat('a', 32)"),
        ("named", "portrait = repeat('a', 31)", "portrait = repeat('f', 32)"),
        ("described", "portrait_alt_en = ''", "portrait_alt_en = 'A man'"),
        ("described", "portrait_alt_fr = NULL", "portrait_alt_fr = NULL, portrait = '', portrait_bytes = NULL"),
        ("described", "portrait_alt_en = NULL", "portrait_alt_en = '', portrait = '', portrait_bytes = NULL"),
        ("described", "portrait_alt_fr = ' '", "portrait_alt_fr = '-'"),
        ("weighed", "portrait_bytes = NULL", "portrait_bytes = 1"),
        ("weighed", "portrait_bytes = 0", "portrait_bytes = 20000"),
        ("weighed", "portrait = ''", "portrait = '', portrait_bytes = NULL"),
    )
]


@pytest.fixture
def rows() -> dict[str, Any]:
    texts: dict[str, Any] = both(portrait_alt=("A woman", "Une femme"))
    return {
        "testimonial": make_testimonial().pk,
        "shown": make_testimonial(portrait="0" * 32, portrait_bytes=9000, **texts).pk,
    }


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_refuses(rule: Rule, rows: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, rows) == rule.name


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_allows_the_nearest(rule: Rule, rows: dict[str, Any]) -> None:
    run(rule.allowed, rows)
