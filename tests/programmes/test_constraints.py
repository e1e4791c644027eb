from datetime import date
from typing import Any

import pytest

from programmes.models import CountryShare
from tests.factories import FUTURE, make_country, make_headline, make_metric, make_partner, make_programme, make_user
from tests.refusals import Rule, refused_by, rule, run, update

pytestmark = pytest.mark.django_db

TOLD = {"headline": ", correction_reason_en = 'Counted again'"}
"""What readers have seen may change when they are told why."""
RULES = [
    rule(f"programmes_{model}_{name}", f"programmes_{model}", model, wrong + TOLD.get(model, ""), right + TOLD.get(model, ""))
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

HEADLINE = "programmes_headline"
NEVER_SEEN = ("draft", "to_come")
SEEN = ("headline", "corrected", "withdrawn")
OTHERWISE = (
    "value = 99", "effective_on = '2015-01-01'", "precision = 'day'", "metric_id = %(other_metric)s, comparison = 'other'",
    "comparison = 'none', beside_id = NULL", "comparison = 'other', beside_id = %(other_metric)s",
)  # fmt: skip
PUBLIC_AGAIN = "status = 'published', publish_at = '2021-01-01'"
REASONS = [
    *(
        rule("programmes_headline_correction_has_reason", HEADLINE, row, f"{change}{wrong}", f"{change}{right}")
        for change in OTHERWISE
        for row, wrong, right in (
            ("headline", "", ", correction_reason_en = 'Counted again'"),
            ("headline", ", correction_reason_en = ' '", ", correction_reason_en = '-'"),
            ("headline", ", correction_reason_fr = 'Recompté'", ", correction_reason_en = 'A', correction_reason_fr = 'B'"),
            ("headline", ", correction_reason_en = NULL, status = 'withdrawn'", ", correction_reason_en = 'A'"),
            ("corrected", "", ", correction_reason_en = 'Counted a third time'"),
            ("corrected", ", correction_reason_en = 'Counted again '", ", correction_reason_en = 'And again'"),
            ("withdrawn", f", {PUBLIC_AGAIN}", ", status = 'withdrawn'"),
            ("withdrawn", f", {PUBLIC_AGAIN}", f", correction_reason_en = 'Found again', {PUBLIC_AGAIN}"),
        )
    ),
    rule(
        "programmes_headline_correction_has_reason", HEADLINE, "corrected",
        "correction_reason_en = ''", "correction_reason_en = 'Counted again, twice'",
    ),
]  # fmt: skip
FREE = [
    *(
        change
        for row in SEEN
        for change in ((row, "label_en = 'other', explanation_en = 'other'"), (row, "status = 'withdrawn'"))
    ),
    *((row, change) for row in NEVER_SEEN for change in OTHERWISE),
    *((row, f"{change}, {PUBLIC_AGAIN}") for row in NEVER_SEEN for change in OTHERWISE),
    ("withdrawn", PUBLIC_AGAIN),
]


@pytest.fixture
def rows() -> dict[str, Any]:
    programme, metric = make_programme(), make_metric()
    make_programme(iati_identifier="XX-0")
    countries = [make_country() for _place in range(3)]
    shares = [CountryShare.objects.create(programme=programme, country=country, percentage=50) for country in countries[:2]]
    make_partner(programme)
    make_headline(programme, metric, effective_on=date(2016, 1, 1))
    withdrawn = make_headline(programme, metric, effective_on=date(2014, 1, 1))
    withdrawn.withdraw(by=make_user())
    found = {
        "programme": programme, "other_programme": make_programme(), "other_metric": make_metric(),
        "partner": make_partner(programme, name_en="WORTH"), "headline": make_headline(programme, metric),
        "draft": make_headline(programme, metric, public_from=None, effective_on=date(2011, 1, 1)),
        "to_come": make_headline(programme, metric, public_from=FUTURE, effective_on=date(2012, 1, 1)),
        "corrected": make_headline(
            programme, metric, effective_on=date(2013, 1, 1), correction_reason_en="Counted again"
        ),
        "withdrawn": withdrawn,
        "countryshare": shares[0], "other_country": countries[1], "third_country": countries[2],
    }  # fmt: skip
    return {name: row.pk for name, row in found.items()}


@pytest.mark.parametrize("rule", [*RULES, *REASONS], ids=str)
def test_postgres_refuses(rule: Rule, rows: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, rows) == rule.name


@pytest.mark.parametrize("rule", [*RULES, *REASONS], ids=str)
def test_postgres_allows_the_nearest(rule: Rule, rows: dict[str, Any]) -> None:
    run(rule.allowed, rows)


@pytest.mark.parametrize(("row", "change"), FREE, ids=str)
def test_what_readers_never_saw_and_other_words_need_no_reason(row: str, change: str, rows: dict[str, Any]) -> None:
    run(update(HEADLINE, row, change), rows)


def test_a_reason_counts_once_though_the_headline_was_withdrawn_in_between(rows: dict[str, Any]) -> None:
    """Edited while nobody sees it, in two steps, and public again: compared with what readers saw last."""
    run(update(HEADLINE, "withdrawn", "value = 99"), rows)
    assert refused_by(update(HEADLINE, "withdrawn", PUBLIC_AGAIN), rows) == "programmes_headline_correction_has_reason"
    run(update(HEADLINE, "withdrawn", "correction_reason_en = 'Found again'"), rows)
    run(update(HEADLINE, "withdrawn", PUBLIC_AGAIN), rows)
    assert refused_by(update(HEADLINE, "withdrawn", "value = 98"), rows) == "programmes_headline_correction_has_reason"
