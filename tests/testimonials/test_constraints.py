"""Every rule of the database about what people said, who they are and what they agreed to, and the nearest that is allowed."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from itsci_site.lib.newsroom.guard import open_register
from testimonials.models.testimonial import DANGEROUS
from tests.factories import both, keeper, make_consent, make_contributor, make_region, make_testimonial
from tests.refusals import Rule, delete, refused_by, rule, run, update

pytestmark = pytest.mark.django_db

SAID, AGREED, PERSON = "testimonials_testimonial", "testimonials_consent", "testimonials_contributor"
NO_PORTRAIT = "portrait = '', portrait_bytes = NULL"
BY_KEEPER = "erased_at = now(), erased_by_id = %(keeper)s"
EMPTY = (
    "quote = '', contributor_id = NULL, consent_id = NULL, story_title = '', story_title_en = '', story_title_fr = NULL,"
    " story_teaser = '', story_teaser_en = '', story_teaser_fr = ''"
)
HIGH = "risk = 'high', place_precision = 'country'"
LONGEST = "(given_at + interval '{} months')::date"


def of_said(row: str, *cases: tuple[str, str, str]) -> list[Rule]:
    return [rule(f"{SAID}_{name}", SAID, row, wrong, right) for name, wrong, right in cases]


RULES = [
    *of_said(
        "testimonial",
        ("status_known", "status = 'secret'", "status = 'withdrawn'"),
        ("published_has_moment", "publish_at = NULL", "publish_at = NULL, status = 'draft'"),
        ("has_quote", "quote = ''", "quote = '-'"),
        ("language_codes", "quote_language = ''", "quote_language = 'fr'"),
        ("language_codes", "quote_language = 'FR'", "quote_language = 'swa'"),
        ("language_codes", "original_language = 'fr-CD'", "original_language = 'fr'"),
        ("language_codes", "original_language = 'f'", "original_language = ''"),
        ("attribution_known", "attribution = 'initials', shown_as_en = 'J.'", "attribution = 'role', shown_as_en = 'A washer'"),
        ("place_known", "place_precision = 'pit'", "place_precision = 'country'"),
        ("risk_known", "risk = 'none'", "risk = 'medium'"),
        ("assessed_by_somebody", "assessed_by_id = NULL", "assessed_by_id = NULL, assessed_at = NULL, status = 'draft'"),
        ("assessed_by_somebody", "assessed_at = NULL, status = 'draft', risk = 'high', place_precision = 'country'",
         "risk = '', status = 'draft'"),
        ("shown_as", "attribution = 'full'", "attribution = 'full', shown_as_en = 'Jeanne'"),
        ("shown_as", "attribution = 'first_name', shown_as_en = ' '", "attribution = 'first_name', shown_as_en = 'J'"),
        ("shown_as", "attribution = 'pseudonym', shown_as_fr = 'Jeanne'", "attribution = 'pseudonym', shown_as_en = 'J'"),
        ("shown_as", "shown_as_en = 'Jeanne'", "shown_as_en = ''"),
        ("shown_as", "shown_as_fr = 'Jeanne'", "shown_as_fr = NULL"),
        ("erased_by_somebody", "erased_by_id = %(keeper)s", "status_by_id = %(keeper)s"),
        ("quote_not_translated", "words_en = 'A translation'", "words_fr = 'Une traduction'"),
        ("quote_not_translated", "words_fr = 'Une', quote_language = 'fr'", "words_en = 'A', quote_language = 'fr'"),
        ("assessed", "risk = ''", "risk = '', status = 'draft'"),
        ("assessed", "risk = '', status = 'submitted'", "status = 'submitted'"),
        ("assessed", "risk = '', status = 'approved'", "status = 'approved'"),
        ("has_consent", "consent_id = NULL", "consent_id = NULL, status = 'draft'"),
        ("has_consent", "consent_id = NULL, contributor_id = NULL, status = 'submitted'",
         "consent_id = NULL, contributor_id = NULL, status = 'suspended'"),
        ("has_consent", "consent_id = NULL, contributor_id = NULL, status = 'approved'",
         "consent_id = NULL, contributor_id = NULL, status = 'withdrawn'"),
        ("consent_is_theirs", "contributor_id = NULL", "contributor_id = NULL, status = 'returned'"),
        ("consent_is_theirs", "contributor_id = %(other_person)s",
         "contributor_id = %(other_person)s, consent_id = %(others_consent)s"),
        ("consent_is_theirs", "consent_id = %(others_consent)s", "consent_id = %(second_consent)s"),
        ("consent_lives", "consent_id = %(over)s", "consent_id = %(over)s, status = 'draft'"),
        ("consent_lives", "consent_id = %(withdrawn)s", "consent_id = %(withdrawn)s, status = 'suspended'"),
        ("consent_within_ceiling", "consent_id = %(two_years)s, risk = 'medium'", "consent_id = %(two_years)s"),
        ("consent_within_ceiling", "consent_id = %(two_years)s, risk = 'high', place_precision = 'country'",
         "consent_id = %(one_year)s, risk = 'medium'"),
        ("consent_within_ceiling", "consent_id = %(one_year)s, risk = 'high', place_precision = 'country'",
         "risk = 'high', place_precision = 'country'"),
        *((f"covers_{scope}", f"{shown}, consent_id = %(all_but_{scope})s", f"{shown}")
          for scope, shown in (
              ("quote", "risk = 'low'"), ("web", "risk = 'low'"), ("translation", "words_fr = 'Une traduction'"),
              ("full_name", "attribution = 'full', shown_as_en = 'Jeanne M.'"),
              ("first_name", "attribution = 'first_name', shown_as_en = 'Jeanne'"),
              ("role", "attribution = 'role', shown_as_en = 'A washer'"),
          )),
        ("covers_province", "consent_id = %(all_but_province)s",
         "consent_id = %(all_but_province)s, place_precision = 'country'"),
        ("place_unsaid", "place_precision = 'country', story_title_en = 'Women of KITUNDU-EST'",
         "place_precision = 'country', story_title_en = 'Women of the east'"),
        ("place_unsaid", "place_precision = 'country', story_teaser_fr = 'À Kitoundou'",
         "place_precision = 'region', story_teaser_fr = 'À Kitoundou'"),
        ("place_unsaid", "place_precision = 'country', slug = 'women-of-kitundu-est'",
         "place_precision = 'country', slug = 'women-of-the-east'"),
        ("place_unsaid", "place_precision = 'country', quote = 'Here in Kitundu Est'",
         "place_precision = 'country', quote = 'Here in the east'"),
    ),
    *of_said("after_withdrawal",
        ("consent_after_withdrawal", "status = 'published'", "status = 'published', consent_id = %(after)s"),
        ("consent_after_withdrawal", "status = 'submitted'", "status = 'submitted', consent_id = %(after)s"),
    ),
    *(found for flag in DANGEROUS for found in of_said("testimonial",
        ("danger_country_only", f"{flag} = true", f"{flag} = true, place_precision = 'country'"),
        ("danger_unnamed", f"{flag} = true, place_precision = 'country', attribution = 'full', shown_as_en = 'J'",
         f"{flag} = true, place_precision = 'country', attribution = 'role', shown_as_en = 'J'"),
    )),
    *of_said("testimonial",
        ("danger_country_only", "risk = 'high'", "risk = 'high', place_precision = 'country'"),
        ("danger_unnamed", "risk = 'high', place_precision = 'country', attribution = 'pseudonym', shown_as_en = 'J'",
         "risk = 'medium', place_precision = 'country', attribution = 'pseudonym', shown_as_en = 'J'"),
        ("child_unnamed", "child_labour = true, attribution = 'first_name', shown_as_en = 'J'",
         "child_labour = true, attribution = 'role', shown_as_en = 'J'"),
        ("child_unnamed", "child_labour = true, attribution = 'pseudonym', shown_as_en = 'J'", "child_labour = true"),
    ),
    *of_said("of_minor",
        ("minor_unnamed", "attribution = 'pseudonym', shown_as_en = 'J'", "attribution = 'role', shown_as_en = 'A pupil'"),
        ("minor_unnamed", "attribution = 'full', shown_as_en = 'J', status = 'submitted'",
         "attribution = 'full', shown_as_en = 'J', status = 'suspended'"),
        ("minor_faceless", "portrait = repeat('a', 32), portrait_bytes = 9, portrait_alt_en = 'A', portrait_alt_fr = 'B'",
         "portrait_alt_en = 'A', portrait_alt_fr = 'B'"),
    ),
    *of_said("shown",
        ("portrait_named", "portrait = repeat('A', 32)", "portrait = repeat('a', 32)"),
        ("portrait_named", "portrait = repeat('a', 31)", "portrait = repeat('f', 32)"),
        ("portrait_described", "portrait_alt_en = ''", "portrait_alt_en = 'A man'"),
        ("portrait_described", "portrait_alt_fr = NULL", f"portrait_alt_fr = NULL, {NO_PORTRAIT}"),
        ("portrait_described", "portrait_alt_en = NULL", f"portrait_alt_en = '', {NO_PORTRAIT}"),
        ("portrait_described", "portrait_alt_fr = ' '", "portrait_alt_fr = '-'"),
        ("portrait_weighed", "portrait_bytes = NULL", "portrait_bytes = 1"),
        ("portrait_weighed", "portrait_bytes = 0", "portrait_bytes = 20000"),
        ("portrait_weighed", "portrait = ''", NO_PORTRAIT),
        ("danger_faceless", "risk = 'high', place_precision = 'country'", f"{HIGH}, {NO_PORTRAIT}"),
        ("danger_faceless", "armed_group = true, place_precision = 'country'",
         f"armed_group = true, place_precision = 'country', {NO_PORTRAIT}"),
        ("child_faceless", "child_labour = true", f"child_labour = true, {NO_PORTRAIT}"),
        ("covers_photo", "consent_id = %(photoless)s", f"consent_id = %(photoless)s, {NO_PORTRAIT}"),
    ),
    *of_said("erased",
        ("erased_stays", "quote = 'Words'", "publish_at = publish_at"),
        ("erased_stays", "status = 'published', publish_at = now()", "changed_at = now()"),
        ("erased_stays", "erased_at = NULL, erased_by_id = NULL, quote = 'x'", "authors = '{1}'"),
        ("erased_stays", "erased_at = now() - interval '1 year'", "status_by_id = NULL"),
    ),
    Rule(f"{SAID}_erased_stays", delete(SAID, "erased"), delete(SAID, "testimonial")),
    *of_said("draft",
        ("erased_by_somebody", f"erased_at = now(), {EMPTY}, slug = 'erased-' || id", '"order" = 3'),
        ("erased_is_empty", BY_KEEPER, f"{BY_KEEPER}, {EMPTY}, slug = 'erased-' || id"),
        ("erased_is_empty", f"{BY_KEEPER}, {EMPTY}", EMPTY.replace("quote = ''", "quote = '-'")),
        ("erased_is_empty", f"{BY_KEEPER}, {EMPTY}, slug = 'erased-' || id, words_fr = 'Une'", "words_fr = 'Une'"),
    ),
    # What was agreed to
    *(rule(f"{AGREED}_{name}", AGREED, row, wrong, right) for row, name, wrong, right in (
        ("consent", "how_known", "how = 'assumed'", "how = 'audio'"),
        ("consent", "on_record", "given_at = NULL", "given_at = given_at - interval '1 hour'"),
        ("consent", "on_record", "taken_by_id = NULL", "taken_by_id = %(keeper)s"),
        ("consent", "on_record", "contributor_id = NULL", "contributor_id = %(other_person)s"),
        ("consent", "on_record", "language = ''", "language = 'swa'"),
        ("consent", "on_record", "how = 'not_held'",
         "how = 'not_held', given_at = NULL, taken_by_id = NULL, contributor_id = NULL, language = ''"),
        ("consent", "not_ahead", "given_at = now() + interval '1 hour'", "given_at = now()"),
        ("consent", "not_ahead", "withdrawn_at = now() + interval '1 hour'", "withdrawn_at = now()"),
        ("consent", "withdrawn_after_it_was_given", "withdrawn_at = given_at - interval '1 second'", "withdrawn_at = given_at"),
        ("consent", "ends_later", "expires_on = given_at::date", "expires_on = given_at::date + 1"),
        ("consent", "ends_later", "expires_on = '2001-01-01'", "expires_on = NULL"),
        ("consent", "not_forever", f"expires_on = {LONGEST.format(24)} + 1", f"expires_on = {LONGEST.format(24)} - 1"),
        ("consent", "not_forever", "expires_on = '2999-01-01'", f"expires_on = {LONGEST.format(6)}"),
        ("withdrawn", "withdrawal_is_final", "withdrawn_at = NULL", "withdrawn_at = withdrawn_at"),
        ("withdrawn", "withdrawal_is_final", "withdrawn_at = now()", "registered_at = registered_at"),
        ("withdrawn", "withdrawal_is_final", "expires_on = expires_on + 1", "how = how"),
        ("withdrawn", "withdrawal_is_final", "scope_web = false", "scope_web = scope_web"),
        ("relied", "never_widened", "expires_on = expires_on + 1", "expires_on = expires_on - 1"),
        ("relied", "never_widened", "given_at = given_at + interval '1 minute'", "scope_web = false"),
        ("relied", "never_widened", "contributor_id = %(other_person)s", "contributor_id = contributor_id"),
        ("relied", "never_widened", "how = 'audio'", "language = 'en'"),
        ("relied", "never_widened", "registered_at = now()", "withdrawn_at = now()"),
        ("relied", "never_widened", "taken_by_id = %(second_keeper)s", "taken_by_id = %(keeper)s"),
        ("relied_narrow", "never_widened", "scope_photo = true", "scope_translation = false"),
        ("relied_narrow", "never_widened", "scope_photo = true, scope_web = false", "scope_web = false"),
        ("of_withdrawn_draft", "never_widened", "given_at = now()", "scope_print = false"),
    )),
    # Whose words they are
    *(rule(f"{PERSON}_{name}", PERSON, "person", wrong, right) for name, wrong, right in (
        ("reference_opaque", "reference = 'jeanne'", "reference = 'P-0123ABCD'"),
        ("age_known", "age = '17'", "age = 'unknown'"),
        ("minor_has_guardian", "age = 'minor'", "age = 'minor', guardian = 'Her aunt'"),
        ("minor_has_guardian", "age = 'minor', guardian = ' '", "guardian = ' '"),
        ("language_code", "preferred_language = 'FR'", "preferred_language = 'swa'"),
    )),
]  # fmt: skip
OF_OPENING = [
    rule(f"{SAID}_record_held", SAID, "without_record", "status = 'submitted'", "risk = 'low'"),
    Rule(
        f"{AGREED}_record_held", update(AGREED, "consent", "how = 'not_held', given_at = NULL, taken_by_id = NULL,"
        " contributor_id = NULL, language = ''"), update(AGREED, "not_held", "scope_print = true"),
    ),
    Rule(
        f"{AGREED}_record_held",
        "INSERT INTO testimonials_consent (how, language, scope_quote, scope_translation, scope_first_name, scope_full_name,"
        " scope_role, scope_province, scope_photo, scope_web, scope_print)"
        " VALUES ('not_held', '', true, true, true, true, true, true, true, true, true)",
        update(AGREED, "not_held", "scope_web = false"),
    ),
]  # fmt: skip
"""Those that hold from the opening of the register on; the guard of what two people publish is left out here."""


@pytest.fixture(scope="module")
def rows_made(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Any]]:
    """Made once: each test's own transaction is a savepoint in theirs, and all is undone."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_rows()
        transaction.set_rollback(True)


@pytest.fixture
def rows(rows_made: dict[str, Any], db: None) -> dict[str, Any]:
    return rows_made


def make_rows() -> dict[str, Any]:
    texts: dict[str, Any] = both(portrait_alt=("A woman", "Une femme"))
    region = make_region(slug="kitundu-est", name_en="Kitundu-Est", name_fr="Kitoundou")
    person = make_contributor()
    consent = make_consent(person)
    given_at: Any = consent.given_at
    given = {"given_at": given_at}
    found: dict[str, Any] = {
        "second_consent": make_consent(person), "others_consent": make_consent(),
        "over": make_consent(person, given_at=given_at.replace(year=2020), expires_on="2021-01-01"),
        "withdrawn": make_consent(person, **given, withdrawn_at=given_at),
        "one_year": make_consent(person, **given, expires_on=None),
        "two_years": make_consent(person, **given, expires_on=(given_at + timedelta(days=700)).date()),
        "testimonial": make_testimonial(region, consent=consent),
        "relied": consent, "consent": make_consent(), "person": make_contributor(), "keeper": keeper(),
    }  # fmt: skip
    for scope in ("quote", "web", "translation", "full_name", "role", "province"):
        found[f"all_but_{scope}"] = make_consent(person, **{f"scope_{scope}": False})
    found["all_but_first_name"] = make_consent(person, scope_first_name=False, scope_full_name=False)
    found["other_person"] = found["others_consent"].contributor
    shown = make_testimonial(region, portrait="0" * 32, portrait_bytes=9000, **texts)
    found |= {"shown": shown, "photoless": make_consent(shown.contributor, scope_photo=False)}
    found["draft"] = make_testimonial(region, None)
    found["of_minor"] = make_testimonial(region, consent=make_consent(make_contributor(age="minor", guardian="An aunt")))
    found["relied_narrow"] = make_consent(scope_photo=False)
    make_testimonial(region, consent=found["relied_narrow"])
    back = make_testimonial(region, status="withdrawn")
    found |= {"after_withdrawal": back, "of_withdrawn_draft": back.consent}
    found["after"] = make_consent(back.contributor)
    run("UPDATE testimonials_consent SET given_at = statement_timestamp() WHERE id = %(id)s", {"id": found["after"].pk})
    found["erased"] = make_testimonial(region, None)
    run(update(SAID, "id", f"{BY_KEEPER}, {EMPTY}, slug = 'erased-' || id"), {"id": found["erased"].pk, "keeper": keeper().pk})
    return {name: row.pk for name, row in found.items()} | {"second_keeper": keeper().pk + 1}


@pytest.fixture
def without_record() -> dict[str, Any]:
    """Rows from before the register was opened, and a consent of after."""
    before = make_consent(
        how="not_held", contributor=None, given_at=None, taken_by=None, language="", expires_on=None, scope_web=False
    )
    rest = dict(contributor=None, assessed_by=None, assessed_at=None)
    row = make_testimonial(public_from=None, consent=before, **rest)
    found = {"without_record": row.pk, "not_held": before.pk, "consent": make_consent().pk}
    open_register()
    return found


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_refuses(rule: Rule, rows: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, rows) == rule.name


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_postgres_allows_the_nearest(rule: Rule, rows: dict[str, Any]) -> None:
    run(rule.allowed, rows)


@pytest.mark.parametrize("rule", OF_OPENING, ids=str)
def test_from_the_opening_on_every_consent_has_its_record(rule: Rule, without_record: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, without_record) == rule.name
    run(rule.allowed, without_record)


def test_a_hundred_ways_are_refused() -> None:
    assert len({rule.forbidden for rule in (*RULES, *OF_OPENING)}) > 100
