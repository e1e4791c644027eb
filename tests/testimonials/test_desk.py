"""How staff keep consents, assess, suspend: in words beside the field, with what was typed kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone

from itsci_site.lib.newsroom.guard import open_register
from itsci_site.lib.newsroom.models import Entry, Proposal
from testimonials.models import Consent, Testimonial
from tests import factories as make
from tests.admin.test_admin import Form, errors_of
from tests.newsroom.conftest import signed_in
from tests.newsroom.desk import address, before_opening, move, told, write

pytestmark = pytest.mark.django_db
SUSPEND = "/admin/testimonials/testimonial/suspend/"


@pytest.fixture
def opened(db: None) -> None:
    open_register()


@pytest.fixture
def alices(opened: None) -> Client:
    return signed_in(make.make_user("alice"))


@pytest.fixture
def bobs(opened: None) -> Client:
    return signed_in(make.make_user("bob"))


def draft(**fields: Any) -> Testimonial:
    with before_opening():
        return make.make_testimonial(public_from=None, **fields)


def test_risk_is_assessed_by_whoever_says_it_and_before_submission(alices: Client, bobs: Client) -> None:
    story = draft(risk="", assessed_by=None, assessed_at=None)
    refused = move(alices, story, "submit")
    assert refused.status_code == 400 and "Assess the risk first" in refused.content.decode()
    write(bobs, story, risk="medium")
    story.refresh_from_db()
    assert story.assessed_by and story.assessed_by.username == "bob" and story.standing == "draft, assessed"
    first = story.assessed_at
    write(alices, story, story_body_en="More")
    story.refresh_from_db()
    assert (story.assessed_by.username, story.assessed_at) == ("bob", first)
    write(alices, story, assess="on")
    story.refresh_from_db()
    assert story.assessed_by.username == "alice" and story.assessed_at > first  # type: ignore[operator]
    assert move(alices, story, "submit").status_code == 302


def test_sql_alone_puts_the_assessors_name_on_it_and_takes_none_away(alices: Client) -> None:
    story, carol = draft(), make.make_user("carol")
    Testimonial.objects.filter(pk=story.pk).update(assessed_by=None, assessed_at=None)
    story.refresh_from_db()
    assert story.assessed_by == make.keeper()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('itsci.actor', %s, true)", [str(carol.pk)])
    Testimonial.objects.filter(pk=story.pk).update(health=True)
    story.refresh_from_db()
    assert story.assessed_by == carol


@pytest.mark.parametrize(
    ("consent", "values", "field"),
    [
        ({"scope_web": False}, {}, "consent"),
        ({"scope_role": False}, {"attribution": "role", "shown_as_en": "A washer"}, "consent"),
        ({}, {"risk": "high"}, "place_precision"), ({}, {"consent": ""}, "consent"),
    ],
)  # fmt: skip
def test_a_next_version_is_asked_the_same_and_keeps_what_was_typed(
    consent: dict, values: dict, field: str, alices: Client
) -> None:
    with before_opening():
        story = make.make_testimonial()
        other = make.make_consent(story.contributor, **consent)
    page = write(alices, story, **({"consent": other.pk, "story_body_en": "Typed at length"} | values))
    assert list(errors_of(page)) == [field]
    assert Form(page).values["story_body_en"].strip() == "Typed at length" and not Proposal.objects.exists()


def test_a_consent_is_renewed_by_two(alices: Client, bobs: Client, client: Client) -> None:
    with before_opening():
        story = make.make_testimonial()
        renewed = make.make_consent(story.contributor, expires_on=(timezone.now() + timedelta(days=300)).date())
    write(alices, story, consent=renewed.pk)
    for who, step in ((alices, "submit"), (bobs, "approve"), (bobs, "publish")):
        move(who, story, step)
    before = story.consent_until
    story.refresh_from_db()
    assert story.consent == renewed and story.consent_until > before  # type: ignore[operator]
    assert client.get(story.get_absolute_url()).status_code == 200


def test_a_new_consent_is_told_with_the_day_it_ends(alices: Client) -> None:
    person, given = make.make_contributor(), timezone.now() - timedelta(days=1)
    asked = {"contributor": person.pk, "how": "written", "taken_by": make.keeper().pk, "language": "fr", "scope_quote": "on"}
    day = {"given_at_0": f"{given:%Y-%m-%d}", "given_at_1": "10:00", "expires_on": ""}
    page = alices.post("/admin/testimonials/consent/add/", asked | day)
    assert page.status_code == 302
    ends = Consent.objects.get().expires_on
    assert ends > (given + timedelta(days=360)).date() and f"&gt; {ends}" in told(page)[0]


def test_a_next_version_does_not_say_that_readers_see_what_was_withdrawn(alices: Client) -> None:
    with before_opening():
        story = make.make_testimonial()
    write(alices, story, story_body_en="More")
    assert "Readers see the public one" in alices.get(address(story)).content.decode()
    assert story.consent
    write(alices, story.consent, withdraw="on")
    page = alices.get(address(story)).content.decode()
    assert "Readers do not see this record now: withdrawn." in page and "Readers see the public one" not in page
    move(alices, story, "discard")
    assert move(alices, story, "reopen").status_code == 302
    story.refresh_from_db()
    assert story.status == "draft"


def test_a_consent_is_withdrawn_in_its_form_and_stays_so(alices: Client, client: Client) -> None:
    with before_opening():
        story = make.make_testimonial()
    consent = story.consent
    assert consent
    assert write(alices, consent, withdraw="on").status_code == 302
    consent.refresh_from_db()
    story.refresh_from_db()
    assert consent.withdrawn_at and story.status == "withdrawn"
    assert client.get(story.get_absolute_url()).status_code == 404
    assert 'name="withdraw"' not in alices.get(address(consent)).content.decode()
    assert Entry.objects.filter(
        table_name="testimonials_testimonial", row_id=story.pk, actor="alice", reason="A better word"
    ).exists()


def test_what_a_consent_cannot_become_is_said_beside_the_field(alices: Client) -> None:
    with before_opening():
        story = make.make_testimonial()
    consent = Consent.objects.get(testimonials=story)
    page = write(alices, consent, expires_on=str(consent.expires_on + timedelta(days=1)))
    assert errors_of(page) == {"how": ["A testimonial rests on this: it can be cut back here. For more, enter a new consent."]}
    page = write(alices, consent, expires_on=str(consent.expires_on - timedelta(days=1)))
    assert page.status_code == 302
    assert "record not held" not in alices.get("/admin/testimonials/consent/add/").content.decode()


def test_nothing_of_a_person_is_in_the_trail(alices: Client) -> None:
    alices.post(
        "/admin/testimonials/contributor/add/",
        {"legal_name": "Kanarienvogel", "contact": "Kanarienvogel", "preferred_language": "fr", "age": "adult"},
    )
    entry = Entry.objects.get(table_name="testimonials_contributor")
    assert (entry.actor, entry.before, entry.after) == ("alice", None, None) and "legal_name" in entry.changed
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_admin_log AS one WHERE to_jsonb(one)::text LIKE '%Kanarien%'")
        assert cursor.fetchone() == (0,)


def test_any_member_of_staff_suspends_with_one_click(opened: None, client: Client) -> None:
    with before_opening():
        story, other = make.make_testimonial(), make.make_testimonial()
    dora = signed_in(make.make_user("dora", superuser=False))
    page = dora.get(SUSPEND)
    assert page.status_code == 200 and story.quote in page.content.decode() and "<textarea" not in page.content.decode()
    assert told(dora.post(SUSPEND, {"story": story.pk}))[0].endswith("It comes back when two people publish it anew.")
    story.refresh_from_db()
    assert (story.status, story.status_by.username) == ("suspended", "dora")  # type: ignore[union-attr]
    assert client.get(story.get_absolute_url()).status_code == 404 and client.get(other.get_absolute_url()).status_code == 200
    for nonsense in (str(story.pk), "x", "", "9" * 30, "\0", "-1"):
        assert told(dora.post(SUSPEND, {"story": nonsense}))[-1] == "That story is not public any more."
    assert Client().post(SUSPEND, {"story": other.pk}).status_code == 403
    visitor = signed_in(make.make_user("visitor", staff=False, superuser=False))
    assert visitor.post(SUSPEND, {"story": other.pk}).status_code == 403
    other.refresh_from_db()
    assert other.status == "published"


def test_the_button_on_its_page_is_for_whoever_may_look(opened: None) -> None:
    with before_opening():
        story = make.make_testimonial()
    dora = make.make_user("dora", superuser=False)
    make.make_desk(user=dora, everywhere=True)
    dora.user_permissions.add(Permission.objects.get(codename="view_testimonial"))
    assert move(signed_in(dora), story, "suspend").status_code == 302
    assert Testimonial.objects.get(pk=story.pk).status == "suspended"
    assert move(signed_in(dora), story, "withdraw", reason="x").status_code == 400


def test_lists_find_what_ends_soon_and_what_is_to_be_reviewed(alices: Client) -> None:
    with before_opening():
        soon = make.make_consent(expires_on=(timezone.now() + timedelta(days=59)).date())
        ending, lasting = make.make_testimonial(consent=soon), make.make_testimonial()
        no_record = dict(how="not_held", contributor=None, given_at=None, taken_by=None, language="", expires_on=None)
        unsure = make.make_testimonial(consent=make.make_consent(**no_record), assessed_by=None, assessed_at=None)
    for query, found in (("consent_ends=soon", ending), ("review=due", unsure)):
        listed = alices.get(f"/admin/testimonials/testimonial/?{query}")
        assert list(listed.context["cl"].result_list) == [found] and lasting
    assert list(alices.get("/admin/testimonials/consent/?consent_ends=soon").context["cl"].result_list) == [soon]
