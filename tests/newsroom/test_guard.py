"""What Postgres refuses of whoever writes as the application does, once the register is open; and the nearest it allows."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from itsci_site.lib.newsroom.guard import open_register
from itsci_site.lib.newsroom.models import Entry, Proposal
from meetings.models import Meeting
from tests import factories as make
from tests.refusals import Rule, delete, refused_by, rule, run, update

from .desk import before_opening

pytestmark = pytest.mark.django_db

M, T, P, R = "meetings_meeting", "testimonials_testimonial", "newsroom_proposal", "regions_region"
F, H, D, MS = "regions_reading", "programmes_headline", "meetings_document", "regions_milestone"
NOW = "publish_at = now()"
PUBLISH = f"status = 'published', {NOW}"
ANOTHER = "summary_en = 'Another'"
BY_BOB, BY_ALICE = "approved_by_id = %(bob)s", "approved_by_id = %(alice)s"

RULES = [
    # Nobody approves what they wrote
    rule("newsroom_four_eyes", M, "submitted", f"status = 'approved', {BY_ALICE}", f"status = 'approved', {BY_BOB}"),
    rule("newsroom_four_eyes", T, "story_submitted", f"status = 'approved', {BY_ALICE}", f"status = 'approved', {BY_BOB}"),
    rule("newsroom_authors_stay", M, "submitted", f"authors = '{{}}', status = 'approved', {BY_ALICE}", "authors = authors"),
    rule("newsroom_authors_stay", M, "submitted", "authors = '{}'", "authors = authors || %(bob)s::bigint"),
    rule("newsroom_authors_stay", T, "story_submitted", "authors = ARRAY[%(bob)s]", "status_by_id = %(bob)s"),
    rule("newsroom_needs_approval", M, "submitted", "status = 'approved'", f"status = 'approved', {BY_BOB}"),
    rule("newsroom_needs_approval", M, "approved", f"{PUBLISH}, {BY_ALICE}", PUBLISH),
    rule("newsroom_needs_approval", M, "approved", f"{PUBLISH}, approved_by_id = NULL", PUBLISH),
    rule("newsroom_moves_alone", M, "approved", BY_ALICE, BY_BOB),
    rule("newsroom_moves_alone", M, "draft", BY_BOB, "approved_by_id = NULL"),
    rule("newsroom_moves_alone", M, "submitted", NOW, "status = 'draft'"),
    rule("newsroom_moves_alone", M, "public", NOW, "publish_at = publish_at"),
    rule("newsroom_moves_alone", T, "story", "publish_at = now() - interval '1 year'", "status = 'suspended'"),
    *(rule("newsroom_four_eyes", table, row, f"status = 'approved', {BY_ALICE}", f"status = 'approved', {BY_BOB}")
      for table, row in ((P, "version"), (R, "region_submitted"), (H, "headline_submitted"))),
    rule("newsroom_four_eyes", F, "figure_submitted", f"stage = 'approved', {BY_ALICE}", f"stage = 'approved', {BY_BOB}"),
    rule("newsroom_authors_stay", F, "figure_submitted", "authors = '{}'", "stage = 'draft'"),
    rule("newsroom_authors_stay", P, "version", "authors = '{}'", "status = 'draft'"),
    rule("newsroom_needs_approval", P, "version", "status = 'approved'", f"status = 'approved', {BY_BOB}"),
    # No state is skipped
    *(rule("newsroom_no_such_move", table, row, wrong, right) for table, row, wrong, right in (
        (M, "draft", f"status = 'approved', {BY_BOB}", "status = 'submitted'"),
        (M, "draft", f"{PUBLISH}, {BY_BOB}", "status = 'submitted'"),
        (M, "draft", "status = 'withdrawn'", "status = 'draft'"),
        (M, "draft", "status = 'returned'", "status = 'submitted'"),
        (M, "submitted", f"{PUBLISH}, {BY_BOB}", f"status = 'approved', {BY_BOB}"),
        (M, "submitted", "status = 'withdrawn'", "status = 'returned'"),
        (M, "approved", "status = 'submitted'", "status = 'returned'"),
        (M, "approved", "status = 'suspended'", "status = 'draft'"),
        (M, "public", "status = 'draft'", "status = 'withdrawn'"),
        (M, "public", "status = 'submitted'", "status = 'suspended'"),
        (M, "public", "status = 'approved'", "status = 'withdrawn'"),
        (M, "public", "status = 'returned'", "status = 'withdrawn'"),
        (M, "withdrawn", PUBLISH, "status = 'draft'"),
        (M, "withdrawn", f"status = 'approved', {BY_BOB}", "status = 'draft'"),
        (M, "withdrawn", "status = 'submitted'", "status = 'draft'"),
        (T, "story", "status = 'draft'", "status = 'withdrawn'"),
        (T, "suspended", PUBLISH, "status = 'draft'"),
        (T, "suspended", f"status = 'approved', {BY_BOB}", "status = 'withdrawn'"),
        (T, "story_draft", f"{PUBLISH}, {BY_BOB}", "status = 'submitted'"),
        (P, "applied", "status = 'draft'", "status = status"),
        (P, "version", f"{PUBLISH}, {BY_BOB}", f"status = 'approved', {BY_BOB}"),
        (F, "figure", f"stage = 'published', published_at = now(), {BY_BOB}", "stage = 'submitted'"),
        (F, "figure", f"stage = 'approved', {BY_BOB}", "value = 6"),
        (H, "headline_submitted", f"{PUBLISH}, {BY_BOB}", "status = 'returned'"),
    )),
    # Nothing is backdated
    *(rule("newsroom_not_backdated", M, "approved", f"status = 'published', {wrong}", f"status = 'published', {right}")
      for wrong, right in (
          ("publish_at = '2020-01-01'", NOW), ("publish_at = now() - interval '6 minutes'", "publish_at = now()"),
          ("publish_at = NULL", "publish_at = now() + interval '1 year'"),
      )),
    rule("newsroom_not_backdated", T, "story_approved", "status = 'published', publish_at = '2020-01-01'", PUBLISH),
    # What is public stays as it is; only a draft is written in
    *(rule("newsroom_public_copy_stays", table, row, wrong, right) for table, row, wrong, right in (
        (M, "public", ANOTHER, "status = 'withdrawn'"),
        (M, "public", "held_on = '2016-01-01'", "translated_from = translated_from"),
        (M, "public", "summary_en = 'Another', status = 'withdrawn'", "status = 'withdrawn'"),
        (M, "public", "slug = 'elsewhere'", "changed_at = now()"),
        (T, "story", "quote = 'Other words'", "status = 'suspended'"),
        (T, "story", "consent_id = NULL", "consent_until = NULL"),
        (T, "story", "place_precision = 'country'", "status_by_id = NULL"),
        (R, "region", "name_en = 'Elsewhere'", "name_en = name_en"),
        (P, "applied", "changes = '[{}]'", "title = title"),
        (H, "headline", "value = 7", "status = 'withdrawn'"),
        # and all that stands in its page
        (D, "document", "title_en = 'Another'", "title_en = title_en"),
        (D, "draft_document", "meeting_id = %(public)s", "meeting_id = %(submitted)s"),
        (MS, "milestone", "text_en = 'Another'", "translated_from = translated_from"),
        ("regions_series", "series", "region_id = %(region_submitted)s", "region_id = region_id"),
        ("programmes_activity", "activity", "title_en = 'Another'", "title_en = title_en"),
    )),
    Rule("newsroom_public_copy_stays", delete(D, "document"), delete(D, "draft_document")),
    Rule("newsroom_public_copy_stays", delete(MS, "milestone"), delete(MS, "draft_milestone")),
    Rule("newsroom_public_copy_stays", "INSERT INTO programmes_programme_regions (programme_id, region_id)"
         " VALUES (%(programme)s, %(region_submitted)s)", "INSERT INTO programmes_programme_regions (programme_id, region_id)"
         " VALUES (%(programme_draft)s, %(region_submitted)s)"),
    *(rule("newsroom_drafts_are_written_in", table, row, wrong, right) for table, row, wrong, right in (
        (M, "submitted", ANOTHER, "summary_en = 'Another', status = 'draft'"),
        (M, "approved", ANOTHER, "summary_en = 'Another', status = 'returned', approved_by_id = NULL"),
        (M, "approved", f"summary_en = 'Another', status = 'published', {NOW}", PUBLISH),
        (M, "withdrawn", ANOTHER, "summary_en = 'Another', status = 'draft'"),
        (T, "suspended", "quote = 'Other words'", "quote = 'Other words', status = 'draft'"),
        (T, "story_approved", "quote = 'Other words'", "status = 'draft'"),
        (P, "version", "changes = '[{}]'", "changes = '[{}]', status = 'draft'"),
        (F, "figure_submitted", "value = 8", "value = 8, stage = 'draft'"),
        (H, "headline_submitted", "value = 8", "value = 8, status = 'draft'"),
    )),
    Rule("newsroom_published_is_not_deleted", delete(M, "public"), delete(M, "draft")),
    Rule("newsroom_published_is_not_deleted", delete(T, "story"), delete(T, "story_draft")),
    Rule("newsroom_published_is_not_deleted", delete(P, "applied"), delete(M, "withdrawn")),
    # The register and the trail
    Rule("newsroom_register_stays_open", "DELETE FROM newsroom_register", "SELECT 1"),
    Rule("newsroom_register_stays_open", "UPDATE newsroom_register SET opened_at = now()", "SELECT 1"),
    Rule("newsroom_trail_append_only", delete("newsroom_entry", "entry"), "SELECT 1"),
    Rule("newsroom_trail_append_only", update("newsroom_entry", "entry", "actor = 'bob'"),
         update("newsroom_entry", "entry", "before = NULL, after = NULL, pinch = ''")),
    Rule("newsroom_trail_append_only", update("newsroom_entry", "entry", "at = now() - interval '1 year'"), "SELECT 1"),
    Rule("newsroom_trail_append_only", update("newsroom_entry", "entry", "reason = 'Another'"), "SELECT 1"),
    Rule("newsroom_trail_append_only", update("newsroom_entry", "entry", "after = '{}'"), "SELECT 1"),
    *(Rule("newsroom_replay_content",
           f'SELECT newsroom_replay(\'[{{"table": "{table}", "id": 1, "op": "delete"}}]\')', "SELECT 1")
      for table in ("auth_group", "newsroom_entry", "django_session")),
]  # fmt: skip
NEW = {
    "newsroom_begins_as_draft": (
        "'published', now(), NULL", "'submitted', NULL, NULL", "'approved', NULL, %(bob)s", "'draft', now(), NULL",
    ),
    "": ("'draft', NULL, NULL",),
}  # fmt: skip
INSERT = (
    "INSERT INTO meetings_meeting (status, publish_at, approved_by_id, place_id, slug, held_on, topics, summary, is_excerpt,"
    " sensitivity, from_source) SELECT {}, place_id, 'another', held_on, '', 'x', false, 'none', false FROM meetings_meeting"
    " WHERE id = %(draft)s"
)


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
    """By Alice, approved by Bob."""
    alice, bob = make.make_user("alice"), make.make_user("bob")
    open_register()
    with before_opening():
        region, place = make.make_region(), make.make_place()
        by_alice: dict[str, Any] = dict(authors=[alice.pk])
        found: dict[str, Any] = {
            state: make.make_meeting(place, public_from=None, status=state, **by_alice)
            for state in ("draft", "submitted", "withdrawn")
        }
        found["public"] = make.make_meeting(place, **by_alice)
        found["approved"] = make.make_meeting(place, public_from=None, status="approved", authors=[alice.pk], approved_by=bob)
        for name, state in {"story_draft": "draft", "story_submitted": "submitted", "suspended": "suspended"}.items():
            found[name] = make.make_testimonial(region, None, status=state, authors=[alice.pk])
        found["story_approved"] = make.make_testimonial(region, None, status="approved", authors=[alice.pk], approved_by=bob)
        found |= {"story": make.make_testimonial(region, authors=[alice.pk]), "region": region}
        submitted: dict[str, Any] = by_alice | {"public_from": None, "status": "submitted"}
        programme, metric, series = make.make_programme(), make.make_metric(), make.make_series(region)
        found |= {
            "region_submitted": make.make_region(**submitted), "programme": programme, "series": series,
            "programme_draft": make.make_programme(public_from=None), "activity": make.make_activity(programme),
            "headline": make.make_headline(programme, metric, 5),
            "headline_submitted": make.make_headline(programme, make.make_metric(), 5, **submitted),
            "figure": make.make_reading(series, 5, published_at=None, **by_alice),
            "figure_submitted": make.make_reading(make.make_series(), 5, published_at=None, stage="submitted", **by_alice),
            "milestone": make.make_milestone(region), "document": make.make_document(make.make_meeting(place)),
            "draft_milestone": make.make_milestone(make.make_region(public_from=None)),
            "draft_document": make.make_document(make.make_meeting(place, public_from=None)),
        }  # fmt: skip
        version: dict[str, Any] = dict(record="regions.region", title="x")
        found["applied"] = Proposal.objects.create(
            row_id=region.pk, status="published", publish_at=make.PAST, applied_at=make.PAST, **version
        )
        found["version"] = Proposal.objects.create(row_id=0, status="submitted", authors=[alice.pk], **version)
    entry = Entry.objects.first()
    return {name: row.pk for name, row in found.items()} | {"alice": alice.pk, "bob": bob.pk, "entry": entry.pk if entry else 0}


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_it_is_refused_and_the_nearest_is_not(rule: Rule, rows: dict[str, Any]) -> None:
    assert refused_by(rule.forbidden, rows) == rule.name
    run(rule.allowed, rows)


@pytest.mark.parametrize(("name", "values"), [(name, one) for name, several in NEW.items() for one in several])
def test_what_is_new_is_a_draft(name: str, values: str, rows: dict[str, Any]) -> None:
    assert refused_by(INSERT.format(values), rows) == name


def test_the_database_knows_who_writes(rows: dict[str, Any]) -> None:
    """Who wrote is on record whoever says otherwise; so Alice, who only typed a comma, does not approve it either."""
    carol = User.objects.create(username="carol")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('itsci.actor', %s, true)", [str(carol.pk)])
    run(update(M, "draft", "summary_en = 'By Carol', authors = authors"), rows)
    run(update(M, "draft", "status = 'submitted'"), rows)
    approve = update(M, "draft", "status = 'approved', approved_by_id = %(carol)s")
    assert refused_by(approve, rows | {"carol": carol.pk}) == "newsroom_four_eyes"


@pytest.mark.parametrize(
    ("state", "becomes"), [("submitted", "draft"), ("approved", "draft"), ("withdrawn", "draft"), ("draft", "draft")]
)
def test_what_stands_in_a_page_is_written_with_it(state: str, becomes: str, rows: dict[str, Any]) -> None:
    """A document of a meeting that waits for approval, or has it: the meeting waits anew, and whoever wrote is its author."""
    carol = User.objects.create(username="carol")
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('itsci.actor', %s, true)", [str(carol.pk)])
    make.make_document(Meeting.objects.get(pk=rows[state]))
    meeting = Meeting.objects.get(pk=rows[state])
    assert (meeting.status, meeting.approved_by_id) == ("draft", None) and carol.pk in meeting.authors
    run(update(M, state, "status = 'submitted'"), rows)
    assert refused_by(update(M, state, "status = 'approved', approved_by_id = %(carol)s"), rows | {"carol": carol.pk})
