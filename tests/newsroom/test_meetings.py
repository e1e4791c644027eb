"""Meetings at the desk: what is sensitive waits, a summary comes later, the form asks about what may give somebody away."""

import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from itsci_site.lib.publishing import Status
from meetings.models import Meeting, Place
from tests import factories as make
from tests.meetings import pdf_files
from tests.pages import content

from .desk import Form, address, before_opening, move, told, write
from .test_preview import preview_links

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(opened: None) -> Meeting:
    with before_opening():
        return make.make_meeting(public_from=None, slug="bunia", held_on=timezone.now().date())


def approved(alices: Client, bobs: Client, meeting: Meeting, **values: str) -> None:
    page = write(alices, meeting, **values)
    assert page.status_code == 302, page.content.decode()
    assert move(alices, meeting, "submit").status_code == 302
    assert move(bobs, meeting, "approve").status_code == 302


def test_two_people_publish_it_for_a_day_after_its_wait(draft: Meeting, alices: Client, bobs: Client) -> None:
    approved(alices, bobs, draft, sensitivity="incident")
    draft.refresh_from_db()
    page = move(bobs, draft, "publish")
    assert page.status_code == 400 and "waits until 30 days after the end of its month" in page.content.decode()
    early = datetime.combine(draft.earliest_release, datetime.min.time()) - timedelta(minutes=1)
    assert move(bobs, draft, "publish", at=f"{early:%Y-%m-%d %H:%M}").status_code == 400
    assert move(bobs, draft, "publish", at="9999-12-31 23:59").status_code == 302
    draft.refresh_from_db()
    assert draft.status == Status.PUBLISHED and not draft.is_public()


def test_the_end_of_time_is_no_failure(draft: Meeting, alices: Client, bobs: Client) -> None:
    approved(alices, bobs, draft, held_on="9999-12-30", sensitivity="incident")
    page = move(bobs, draft, "publish", at="9999-12-31 23:59")
    assert page.status_code == 400 and "meetings_meeting_sensitive_waits" in page.content.decode()


def test_a_public_meeting_becomes_sensitive_by_withdrawing_it_first(opened: None, alices: Client) -> None:
    with before_opening():
        meeting = make.make_meeting(slug="bunia", held_on=date(2019, 12, 30))
    page = write(alices, meeting, sensitivity="protection", summary_en="As it was typed")
    html = page.content.decode()
    assert page.status_code == 200 and "withdraw it first" in html and "As it was typed" in html


def test_an_address_with_a_day_in_it_is_refused(draft: Meeting, alices: Client) -> None:
    for slug in ("bunia-2016-03-17", "bunia-17", "20160317", "17-mars-2016"):
        page = write(alices, draft, sensitivity="incident", slug=slug)
        assert page.status_code == 200 and "this address could tell the day" in page.content.decode(), slug
        assert slug in page.content.decode()
    assert write(alices, draft, sensitivity="incident", slug="bunia-2016-03").status_code == 302
    assert write(alices, draft, sensitivity="none", slug="bunia-2016-03-17").status_code == 302


def test_a_preview_of_what_still_waits_shows_its_month(draft: Meeting, alices: Client) -> None:
    assert write(alices, draft, sensitivity="incident", summary_en="").status_code == 302
    page = Client().get(preview_links(alices, draft)[0])
    draft.refresh_from_db()
    assert page.status_code == 200 and str(draft.title) in page.content.decode()
    assert not re.search(rf"\b{draft.held_on.day} {draft.held_on:%B}", page.content.decode())


def test_what_the_programme_published_keeps_its_place_and_day(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        content.load()
    meeting = Meeting.objects.get(sensitivity="incident")
    other = Place.objects.exclude(pk=meeting.place_id).first()
    assert write(alices, meeting, held_on="2016-03-12", place=str(other.pk), summary_en="Put right").status_code == 302  # type: ignore[union-attr]
    for who, name in ((alices, "submit"), (bobs, "approve"), (bobs, "publish")):
        move(who, meeting, name)
    after = Meeting.objects.get(pk=meeting.pk)
    assert (after.summary_en, after.held_on, after.place_id) == ("Put right", meeting.held_on, meeting.place_id)  # type: ignore[attr-defined]
    assert after.title == "Kalemie, 11 March 2016"


# The summary


def test_a_meeting_is_entered_before_its_summary(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        place = make.make_place()
    sent = {"place": place.pk, "held_on": "2016-03-11", "slug": "bunia", "sensitivity": "none",
            "documents-TOTAL_FORMS": "0", "documents-INITIAL_FORMS": "0"}  # fmt: skip
    page = alices.post("/admin/meetings/meeting/add/", sent)
    assert page.status_code == 302, page.content.decode()
    meeting = Meeting.objects.get()
    page = move(alices, meeting, "submit")
    assert page.status_code == 400 and "Write the summary first." in page.content.decode()
    assert write(alices, meeting, summary_fr="En français seulement", _submit="x").status_code == 302
    meeting.refresh_from_db()
    assert meeting.status == Status.DRAFT
    approved(alices, bobs, meeting, summary_en="What was said")
    assert move(bobs, meeting, "publish").status_code == 302
    assert Client().get(meeting.get_absolute_url()).status_code == 200
    page = write(alices, meeting, summary_en=" ")
    assert page.status_code == 200 and "Write the summary first." in page.content.decode()


def test_the_list_publishes_none_without_a_summary(alices: Client) -> None:
    meeting = make.make_meeting(public_from=None, summary_en=None, slug="bunia")
    page = alices.post("/admin/meetings/meeting/", {"action": "publish", "_selected_action": [meeting.pk]})
    assert any("Write the summary first." in said for said in told(page)), told(page)


# What may give somebody away


def test_the_form_asks_about_each_and_takes_a_tick(draft: Meeting, alices: Client) -> None:
    said = "M. K. Kabongo can be called at +243 990 123 456"
    page = write(alices, draft, summary_en=said)
    html = page.content.decode()
    assert page.status_code == 200 and said in html and "Take out what is one, tick what is not" in html
    ticks = re.findall(r'<input type="checkbox" name="checked" value="([^"]+)"', html)
    assert ticks == ["phone:+243 990 123 456", "name:M. K. Kabongo"]
    assert write(alices, draft, summary_en=said, checked=ticks[:1]).status_code == 200
    assert write(alices, draft, summary_en=f"{said}, or Mr X", checked=ticks).status_code == 200
    assert write(alices, draft, summary_en=said, checked=ticks).status_code == 302
    assert write(alices, draft, topics_en="Prices").status_code == 302, "what was ticked is not asked about again"
    assert write(alices, draft, topics_fr="Appeler le 0990 12 34 56").status_code == 200


def test_in_a_meeting_told_by_its_month_a_day_is_asked_about(draft: Meeting, alices: Client) -> None:
    assert write(alices, draft, summary_en="They met on 17 March").status_code == 302
    page = write(alices, draft, sensitivity="incident")
    assert page.status_code == 200 and "looks like a day" in page.content.decode()


def test_it_asks_of_a_document_by_itself_and_beside_its_meeting(
    draft: Meeting, alices: Client, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    document = make.make_document(draft)
    document.file.save("x.pdf", ContentFile(pdf_files.plain()))
    page = write(alices, document, title_en="Minutes of Mr X")
    assert page.status_code == 200 and "“Mr X” in" in page.content.decode()
    values = Form(alices.get(address(draft))).values | {"_reason": "x", "documents-0-title_fr": "Procès-verbal de Mme Y"}
    page = alices.post(address(draft), values)
    assert page.status_code == 200 and "“Mme Y” in" in page.content.decode()
    page = alices.post(address(draft), values | {"documents-0-checked": ["name:Mme Y"]})
    assert page.status_code == 302
