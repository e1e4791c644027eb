"""From a draft to the public with two people, and the public copy staying as it is until then."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from itsci_site.lib.newsroom.models import Entry, Proposal
from itsci_site.lib.newsroom.proposals import apply_due
from itsci_site.lib.publishing import Status
from meetings.models import Meeting
from programmes.models import Programme
from regions.models import Metric, Milestone, Reading, Region
from tests import factories as make

from .desk import Form, address, before_opening, move, told, wait_for, write

pytestmark = pytest.mark.django_db

MADE: dict[str, Callable[[], Any]] = {
    "region": lambda: make.make_region(public_from=None),
    "story": lambda: make.make_testimonial(public_from=None),
    "meeting": lambda: make.make_meeting(public_from=None),
    "headline": lambda: make.make_headline(make.make_programme(public_from=None), make.make_metric(), public_from=None),
    "programme": lambda: programme(),
    "reading": lambda: make.make_reading(make.make_series(), 5, published_at=None),
}


def programme() -> Programme:
    made = make.make_programme(public_from=None)
    made.regions.add(make.make_region())
    made.metrics.add(make.make_metric())
    return made


def state(row: Any) -> str:
    return str(type(row)._base_manager.get(pk=row.pk).state)


@pytest.mark.parametrize("kind", MADE)
def test_two_people_bring_a_draft_to_the_public(kind: str, opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        row = MADE[kind]()
    assert write(alices, row).status_code == 302
    page = move(alices, row, "submit")
    assert state(row) == "submitted", (page, told(page))
    page = move(alices, row, "approve")
    assert page.status_code == 400 and "somebody else has to approve it" in page.content.decode()
    assert state(row) == "submitted"
    move(bobs, row, "approve")
    assert state(row) == "approved"
    move(bobs, row, "publish")
    assert state(row) == "published"
    found = type(row)._base_manager.get(pk=row.pk)
    assert found.is_public() and found.approved_by.username == "bob" and found.authors


def test_it_is_returned_with_a_reason_that_stays(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        meeting = make.make_meeting(public_from=None)
    write(alices, meeting)
    move(alices, meeting, "submit")
    page = move(bobs, meeting, "send_back", reason=" ")
    assert page.status_code == 400 and "Say why" in page.content.decode() and state(meeting) == "submitted"
    move(bobs, meeting, "send_back", reason="The date is wrong")
    assert state(meeting) == "returned"
    html = alices.get(address(meeting)).content.decode()
    assert "The date is wrong" in html and "bob" in html
    write(alices, meeting, held_on="2016-03-12")
    move(alices, meeting, "submit")
    move(bobs, meeting, "approve")
    assert state(meeting) == "approved" and Meeting.objects.get().held_on == date(2016, 3, 12)


def test_who_approves_after_writing_a_word_is_refused(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        region = make.make_region(public_from=None)
    write(alices, region, lead_en="One")
    write(bobs, region, lead_en="Two")
    move(alices, region, "submit")
    assert move(bobs, region, "approve").status_code == 400
    assert state(region) == "submitted"


def test_what_was_submitted_and_is_written_in_again_is_a_draft_again(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        region = make.make_region(public_from=None)
    write(alices, region)
    move(alices, region, "submit")
    move(bobs, region, "approve")
    write(alices, region, lead_en="After the approval")
    region.refresh_from_db()
    assert (region.status, region.approved_by, region.lead_en) == (Status.DRAFT, None, "After the approval")  # type: ignore[attr-defined]


def test_what_stands_in_its_page_takes_its_approval_away(opened: None, alices: Client, bobs: Client) -> None:
    """A milestone or a document has a form of its own: what is written there after the approval, nobody has approved."""
    with before_opening():
        region = make.make_region(public_from=None)
        milestone, other = make.make_milestone(region), make.make_milestone(region)
    for act in (
        lambda: write(alices, milestone, text_en="Unseen"),
        lambda: alices.post(address(other, "delete"), {"post": "yes", "_reason": "No"}),
    ):
        move(alices, region, "submit")
        move(bobs, region, "approve")
        page = act()
        assert page.status_code == 302 and f"“{region}”, which this stands in, is a draft again: submit it anew." in told(page)
        assert move(bobs, region, "publish").status_code == 400
        region.refresh_from_db()
        assert (region.status, region.approved_by) == (Status.DRAFT, None)


def test_saved_and_submitted_with_one_button(opened: None, alices: Client) -> None:
    with before_opening():
        region = make.make_region(public_from=None)
    write(alices, region, lead_en="New", _submit="x")
    assert state(region) == "submitted"


def test_a_moment_to_come_and_no_job(opened: None, alices: Client, bobs: Client, client: Client) -> None:
    with before_opening():
        region = make.make_region(public_from=None)
    write(alices, region)
    move(alices, region, "submit")
    move(bobs, region, "approve")
    page = move(bobs, region, "publish", at="2020-01-01 08:00")
    assert (
        page.status_code == 400
        and "This moment has passed" in page.content.decode()
        and "2020-01-01 08:00" in page.content.decode()
    )
    soon = timezone.now() + timedelta(minutes=2)
    move(bobs, region, "publish", at=f"{soon:%Y-%m-%d %H:%M:%S}")
    assert client.get(region.get_absolute_url()).status_code == 404
    assert Region.objects.published(at=soon + timedelta(seconds=1)).get() == region


# The next version of what is public


def lead(region: Region) -> str:
    return Region.objects.get(pk=region.pk).lead_en  # type: ignore[attr-defined]


def test_the_public_copy_stays_while_its_next_version_is_written(
    region: Region, alices: Client, bobs: Client, client: Client
) -> None:
    page = write(alices, region, lead_en="As it will be")
    assert page.status_code == 302 and "draft of the next version" in told(page)[0]
    assert lead(region) == "As readers know it"
    assert "As it will be" not in client.get(region.get_absolute_url()).content.decode()
    html = alices.get(address(region)).content.decode()
    assert 'value="As it will be"' in html and "Next version" in html
    write(bobs, region, lead_en="As it will be, better")
    assert Proposal.objects.count() == 1
    move(alices, region, "submit")
    assert move(bobs, region, "approve").status_code == 400, "bob wrote some of it"
    carol = make.sign_in(Client(), make.make_user("carol"))
    move(carol, region, "approve")
    assert lead(region) == "As readers know it"
    move(carol, region, "publish")
    assert not Proposal.objects.get().problem
    assert lead(region) == "As it will be, better"
    assert "As it will be, better" in client.get(region.get_absolute_url()).content.decode()
    assert Proposal.objects.get().applied_at and "Next version" not in alices.get(address(region)).content.decode()


def test_a_next_version_holds_what_stands_in_the_page_with_it(region: Region, alices: Client, bobs: Client) -> None:
    """A milestone changed, one added, one taken away: all of it waits, and comes as a whole."""
    other = Milestone.objects.get(region=region)
    values = {
        "milestones-0-text_en": "Changed", "milestones-1-text_en": "Added", "milestones-1-text_fr": "Ajouté",
        "milestones-1-order": "2", "milestones-1-region": str(region.pk), "milestones-TOTAL_FORMS": "2",
    }  # fmt: skip
    write(alices, region, **values)
    assert [one.text_en for one in Milestone.objects.all()] == ["Started"]  # type: ignore[attr-defined]
    html = alices.get(address(region)).content.decode()
    assert "Changed" in html and "Added" in html
    move(alices, region, "submit")
    move(bobs, region, "approve")
    move(bobs, region, "publish")
    assert [one.text_en for one in Milestone.objects.order_by("pk")] == ["Changed", "Added"]  # type: ignore[attr-defined]
    form_delete = {"milestones-0-DELETE": "on"}
    write(alices, region, **form_delete)
    assert Milestone.objects.filter(pk=other.pk).exists()
    move(alices, region, "submit")
    move(bobs, region, "approve")
    move(bobs, region, "publish")
    assert [one.text_en for one in Milestone.objects.all()] == ["Added"]  # type: ignore[attr-defined]


def test_all_that_are_due_come_with_one_page(region: Region, alices: Client, bobs: Client, client: Client) -> None:
    with before_opening():
        another = make.make_region(lead_en="As readers know it")
    for row in (region, another):
        write(alices, row, lead_en="Later")
        move(alices, row, "submit")
        move(bobs, row, "approve")
    moment = timezone.now() + timedelta(seconds=6)
    for row in (region, another):
        move(bobs, row, "publish", at=f"{moment:%Y-%m-%d %H:%M:%S}")
    wait_for(moment)
    client.get("/accessibility/")
    assert lead(region) == lead(another) == "Later"


def test_a_next_version_comes_at_its_minute(region: Region, alices: Client, bobs: Client, client: Client) -> None:
    write(alices, region, lead_en="Later")
    move(alices, region, "submit")
    move(bobs, region, "approve")
    moment = timezone.now() + timedelta(seconds=6)
    move(bobs, region, "publish", at=f"{moment:%Y-%m-%d %H:%M:%S}")
    assert lead(region) == "As readers know it" and apply_due() == 0
    wait_for(moment)
    assert "Later" in client.get(region.get_absolute_url()).content.decode()
    assert lead(region) == "Later"


def test_a_version_that_no_longer_fits_is_returned_and_says_why(
    region: Region, alices: Client, bobs: Client, client: Client
) -> None:
    with before_opening():
        metric = make.make_metric()
    write(alices, metric, name_en="First name")
    move(alices, metric, "submit")
    move(bobs, metric, "approve")
    moment = timezone.now() + timedelta(seconds=6)
    move(bobs, metric, "publish", at=f"{moment:%Y-%m-%d %H:%M:%S}")
    Metric.objects.filter(pk=metric.pk).update(name_en="Changed with SQL")
    wait_for(moment)
    assert client.get(reverse("our_work")).status_code in (200, 404)
    proposal = Proposal.objects.get()
    assert (proposal.status, proposal.applied_at) == (Status.RETURNED, None) and "changed meanwhile" in proposal.problem
    assert Metric.objects.get().name_en == "Changed with SQL"  # type: ignore[attr-defined]
    html = alices.get(address(metric)).content.decode()
    assert "could not be made public" in html


def test_a_definition_takes_two_people_as_well(opened: None, alices: Client, bobs: Client) -> None:
    """A measure has no state of its own: what it counts is public from its first day on."""
    with before_opening():
        metric = make.make_metric()
    write(alices, metric, definition_en="Something else is counted")
    assert Metric.objects.get().definition_en == "What is counted"  # type: ignore[attr-defined]
    move(alices, metric, "submit")
    move(bobs, metric, "approve")
    move(bobs, metric, "publish")
    assert Metric.objects.get().definition_en == "Something else is counted"  # type: ignore[attr-defined]


def test_what_stands_in_a_public_page_is_added_and_deleted_by_two(region: Region, alices: Client, bobs: Client) -> None:
    values = {"region": region.pk, "text_en": "Another", "text_fr": "Un autre", "order": "5", "year": ""}
    page: Any = alices.post(reverse("admin:regions_milestone_add"), values)
    assert page.status_code == 302 and Milestone.objects.count() == 1
    proposal = Proposal.objects.get()
    assert page.url == reverse("admin:regions_milestone_change", args=[proposal.row_id])
    html = alices.get(page.url).content.decode()
    assert 'value="Another"' in html
    added = Milestone(pk=proposal.row_id)
    move(alices, added, "submit")
    move(bobs, added, "approve")
    move(bobs, added, "publish")
    assert Milestone.objects.get(pk=proposal.row_id).text_en == "Another"  # type: ignore[attr-defined]
    alices.post(address(added, "delete"), {"post": "yes", "_reason": "Twice"})
    assert Milestone.objects.count() == 2
    move(alices, added, "submit")
    move(bobs, added, "approve")
    move(bobs, added, "publish")
    assert Milestone.objects.count() == 1


def test_what_is_published_is_withdrawn_before_it_is_deleted(region: Region, alices: Client) -> None:
    assert alices.post(address(region, "delete"), {"post": "yes", "_reason": "x"}).status_code == 403
    move(alices, region, "withdraw", reason="Asked for by the committee")
    assert state(region) == "withdrawn"
    assert Entry.objects.filter(table_name="regions_region", row_id=region.pk).first().reason == "Asked for by the committee"  # type: ignore[union-attr]


# Two editors


def test_the_second_of_two_editors_sees_both_and_loses_nothing(
    region: Region, alices: Client, bobs: Client, opened: None
) -> None:
    with before_opening():
        draft = make.make_meeting(public_from=None)
    for row, field in ((draft, "summary_en"), (region, "lead_en")):
        alices_form, bobs_form = (Form(client.get(address(row))).values for client in (alices, bobs))
        assert bobs.post(address(row), bobs_form | {"_reason": "mine", field: "What Bob wrote"}).status_code == 302
        page = alices.post(address(row), alices_form | {"_reason": "mine too", field: "What Alice wrote"})
        html = page.content.decode()
        assert page.status_code == 200 and "Somebody else saved this" in html
        assert "What Bob wrote" in html and "What Alice wrote" in html and "mine too" in html
        again = Form(page).values
        assert again[field] == "What Alice wrote"
        assert alices.post(address(row), again).status_code == 302
    assert Meeting.objects.get().summary_en == "What Alice wrote"  # type: ignore[attr-defined]
    assert "What Alice wrote" in str(Proposal.objects.get().changes)


def test_a_change_without_a_reason_is_refused_and_kept(opened: None, alices: Client) -> None:
    with before_opening():
        meeting = make.make_meeting(public_from=None)
    page = write(alices, meeting, why=" ", summary_en="Typed at length")
    assert page.status_code == 200 and "Say why" in page.content.decode() and "Typed at length" in page.content.decode()


def test_a_correction_takes_two_people(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        reading = make.make_reading(make.make_series(), 5, published_at=None)
    write(alices, reading)
    for who, name in ((alices, "submit"), (bobs, "approve"), (bobs, "publish")):
        move(who, reading, name)
    assert Reading.objects.published().get().value == 5
    assert move(alices, reading, "reopen").status_code == 400
    assert alices.post(address(reading), {"value": "6", "_reason": "x"}).status_code == 403


def test_a_new_reading_is_a_draft_whatever_is_sent(opened: None, alices: Client) -> None:
    with before_opening():
        series, source = make.make_series(), make.make_source()
    add = reverse("admin:regions_reading_add")
    assert 'name="published_at_0"' not in alices.get(add).content.decode()
    sent = {"series": series.pk, "effective_on": "2017-01-01", "precision": "year", "status": "reported", "value": "5",
            "source": source.pk, "published_at_0": "2030-01-01", "published_at_1": "00:00"}  # fmt: skip
    assert alices.post(add, sent).status_code == 302
    assert (Reading.objects.get().published_at, Reading.objects.get().stage) == (None, "draft")


def test_moves_of_others_rows_and_nonsense(opened: None, alices: Client) -> None:
    with before_opening():
        region = make.make_region(public_from=None)
    assert alices.post(address(region, "move"), {"move": "nonsense"}).status_code == 302
    assert alices.get(address(region, "move")).status_code == 302
    assert move(alices, region, "publish").status_code == 400
    assert alices.post(reverse("admin:regions_region_move", args=["abc"]), {"move": "submit"}).status_code == 403
    assert state(region) == "draft"


def test_nothing_is_deleted_without_a_reason(alices: Client, opened: None) -> None:
    row = make.make_region(public_from=None)
    page = alices.post(address(row, "delete"), {"post": "yes", "_reason": " \0 "}, follow=True)
    assert "Say why, in a few words: it stays on record." in told(page)
    assert Region.objects.filter(pk=row.pk).exists()
    alices.post(address(row, "delete"), {"post": "yes", "_reason": "Entered twice\0"})
    assert not Region.objects.filter(pk=row.pk).exists()
    assert Entry.objects.filter(table_name="regions_region", operation="delete").latest("pk").reason == "Entered twice"
