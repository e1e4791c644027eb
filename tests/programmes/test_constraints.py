from datetime import date
from typing import Any

import pytest

from programmes.models import CountryShare
from tests.factories import make_country, make_headline, make_metric, make_partner, make_programme
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
        ("programme", "iati_identifier_spelling", "iati_identifier = 'XX-1/2'", "iati_identifier = 'XX-1-2_%%'"),
        ("programme", "iati_identifier_spelling", "iati_identifier = 'XX-1 '", "iati_identifier = 'XX-1'"),
        ("programme", "iati_reporter_ref_spelling", "iati_reporter_ref = 'XX|1'", "iati_reporter_ref = 'XX-1'"),
        (
            "programme", "iati_identifier_begins_with_reporter",
            "iati_identifier = 'XX-12', iati_reporter_ref = 'XX-1'", "iati_identifier = 'XX-1-2', iati_reporter_ref = 'XX-1'",
        ),
        (
            "programme", "iati_identifier_begins_with_reporter",
            "iati_identifier = 'XX-1', iati_reporter_ref = 'XX-1'", "iati_identifier = 'XX-1', iati_reporter_ref = ''",
        ),
        ("programme", "iati_identifier_once", "iati_identifier = 'XX-0'", "iati_identifier = 'XX-0-'"),
        ("programme", "iati_reporter_type_known", "iati_reporter_type = '12'", "iati_reporter_type = '10'"),
        ("programme", "iati_status_known", "iati_status = '7'", "iati_status = '6'"),
        ("programme", "iati_sector_five_digits", "iati_sector = '3221'", "iati_sector = '32210'"),
        (
            "programme", "planned_start_before_end",
            "planned_start = '2017-01-02', planned_end = '2017-01-01'",
            "planned_start = '2017-01-01', planned_end = '2017-01-01'",
        ),
        (
            "programme", "actual_start_before_end",
            "actual_start = '2017-01-02', actual_end = '2017-01-01'", "actual_start = '2017-01-02', planned_end = '2017-01-01'",
        ),
        ("partner", "iati_role_known", "iati_role = '5'", "iati_role = '4'"),
        ("partner", "iati_ref_spelling", "iati_ref = 'XX?1'", "iati_ref = 'XX-1'"),
        ("partner", "iati_ref_spelling", "iati_ref = E'XX-1\\n'", "iati_ref = ''"),
        ("partner", "iati_type_known", "iati_type = '1'", "iati_type = '90'"),
        ("partner", "law_is_no_organisation", "role = 'standard', iati_role = '1'", "role = 'scheme', iati_role = '1'"),
        ("countryshare", "percentage_possible", "percentage = 100.01", "percentage = 100"),
        ("countryshare", "percentage_possible", "percentage = -1", "percentage = 0"),
        ("countryshare", "once", "country_id = %(other_country)s", "country_id = %(third_country)s"),
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
    make_programme(iati_identifier="XX-0")
    countries = [make_country() for _place in range(3)]
    shares = [CountryShare.objects.create(programme=programme, country=country, percentage=50) for country in countries[:2]]
    make_partner(programme)
    make_headline(programme, metric, effective_on=date(2016, 1, 1))
    found = {
        "programme": programme, "other_programme": make_programme(), "other_metric": make_metric(),
        "partner": make_partner(programme, name_en="WORTH"), "headline": make_headline(programme, metric),
        "countryshare": shares[0], "other_country": countries[1], "third_country": countries[2],
    }  # fmt: skip
    return {name: row.pk for name, row in found.items()}


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_refuses(rule: Rule, rows: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, rows) == rule.name


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_allows_the_nearest(rule: Rule, rows: dict[str, Any]) -> None:
    run(rule.allowed, rows)
