"""The staff board: what waits for whom, and what has grown old; nobody sees more than at their desk."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from itsci_site.lib.periods import Period, Precision
from meetings.models import Meeting
from regions.models import Reading, Region
from tests import factories as make

from .desk import before_opening, move, write

pytestmark = pytest.mark.django_db


def board(client: Client) -> dict[str, list[str]]:
    page: Any = client.get(reverse("admin:index"))
    assert page.status_code == 200
    return {section.name: [line.what for line in section.lines] for section in page.context["board"]}


def lines(client: Client, name: str) -> str:
    return "\n".join(board(client).get(name, []))


def person(role: str, *regions: Region) -> Client:
    user = make.make_user(f"{role} {User.objects.count()}", superuser=False)
    user.groups.add(Group.objects.get(name=role))
    make.make_desk(*regions, user=user)
    return make.sign_in(Client(), user)


def test_what_waits_for_whom(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        meeting, region = make.make_meeting(public_from=None), make.make_region(name_en="Kivu")
    write(alices, meeting)
    assert "draft" in lines(alices, "yours") and lines(bobs, "approve") == ""
    move(alices, meeting, "submit")
    write(alices, region, lead_en="New", _submit="x")
    assert lines(alices, "approve") == "", "nobody approves their own"
    waiting = lines(bobs, "approve")
    assert "Meeting: Place" in waiting and "Region: Kivu (submitted)" in waiting
    move(bobs, meeting, "send_back", reason="The date")
    assert board(alices)["yours"][0].endswith("(returned)")
    move(bobs, region, "approve")
    assert "Region: Kivu (approved)" in lines(bobs, "publish")


def test_figures_of_a_period_wait_as_one_and_a_correction_by_itself(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        series = [make.make_series() for _number in range(2)]
        public = make.make_reading(series[0], 5)
        for one in series:
            make.make_reading(one, 7, date(2018, 1, 1), published_at=None)
        correction = make.correct(public, 6, None)
    for row in (*Reading.objects.filter(effective_on__year=2018), correction):
        write(alices, row, _submit="x")
    page: Any = bobs.get(reverse("admin:index"))
    (section,) = [one for one in page.context["board"] if one.name == "approve"]
    sheet, single = section.lines
    assert (sheet.what, sheet.by) == ("2018: 2 figures (submitted)", "alice") and sheet.since
    assert sheet.address == f"{reverse('admin:regions_reading_entry')}?year=2018&part=year-1"
    assert (single.what, single.by) == (f"Reading: {correction} (submitted)", "alice")
    assert single.address == reverse("admin:regions_reading_change", args=[correction.pk])
    assert lines(alices, "approve") == ""


def test_links_lead_where_the_work_is(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        metric = make.make_metric()
    write(alices, metric, name_en="Another name", _submit="x")
    page: Any = bobs.get(reverse("admin:index"))
    (section,) = [one for one in page.context["board"] if one.name == "approve"]
    assert section.lines[0].address == reverse("admin:regions_metric_change", args=[metric.pk])
    assert "Another name" in bobs.get(section.lines[0].address).content.decode()


def test_a_desk_ends_the_board(opened: None, alices: Client) -> None:
    with before_opening():
        ours, theirs = make.make_region(), make.make_region()
        meetings = [make.make_meeting(make.make_place(region), public_from=None) for region in (ours, theirs)]
        make.make_series(ours, make.make_metric(short_name_en="Miners"))
        make.make_series(theirs, make.make_metric(short_name_en="Sites"))
    for meeting in meetings:
        write(alices, meeting, _submit="x")
    for region in (ours, theirs):
        write(alices, region, lead_en=f"New of {region}", _submit="x")
    approver = person("Approver", ours)
    waiting = lines(approver, "approve")
    assert str(meetings[0]) in waiting and str(meetings[1]) not in waiting
    assert ours.name in waiting and theirs.name not in waiting
    assert "Miners" in lines(approver, "overdue") and "Sites" not in lines(approver, "overdue")
    assert "approve" not in board(person("Contributor", ours))


@pytest.mark.parametrize(
    ("precision", "ago", "is_overdue"),
    [
        (Precision.YEAR, 3 * 365, True), (Precision.YEAR, 200, False), (Precision.QUARTER, 300, True),
        (Precision.QUARTER, 95, False), (Precision.MONTH, 150, True), (Precision.MONTH, 32, False),
    ],
)  # fmt: skip
def test_what_is_overdue(precision: Precision, ago: int, is_overdue: bool, opened: None, alices: Client) -> None:
    """A period of the same length has ended more than 45 days ago without a word about it."""
    day = timezone.now().date() - timedelta(days=ago)
    month = {Precision.YEAR: 1, Precision.QUARTER: (day.month - 1) // 3 * 3 + 1, Precision.MONTH: day.month}[precision]
    with before_opening():
        series = make.make_series(make.make_region(name_en="Kivu"), make.make_metric(short_name_en="Miners"))
        make.make_reading(series, 5, date(day.year, month, 1), precision=precision)
        period = Period(date(day.year, month, 1), precision)
    told = f"Miners, last reported: {period}: Kivu"
    assert (told in board(alices)["overdue"]) == is_overdue


def test_a_headline_whose_difference_is_no_longer_the_explained_one(opened: None, alices: Client) -> None:
    with before_opening():
        programme, metric, region = make.make_programme(), make.make_metric(), make.make_region()
        programme.regions.add(region)
        programme.metrics.add(metric)
        series = make.make_series(region, metric)
        reading = make.make_reading(series, 90)
        headline = make.make_headline(programme, metric, 100, public_from=timezone.now())
    assert lines(alices, "headlines") == "", "ten apart, as was explained"
    with before_opening():
        make.correct(reading, 95, timezone.now())
    assert lines(alices, "headlines") == f"{headline}: +5 apart from the sum of its regions; +10 when it was published"


def test_meetings_and_translations(opened: None, alices: Client) -> None:
    with before_opening():
        silent = make.make_meeting(public_from=None, summary_en="", summary_fr="")
        make.make_meeting()
        region = make.make_region(lead_en="English", lead_fr="")
    assert board(alices)["meetings"] == [str(silent)]
    assert any(line.startswith("Regions: ") and line.endswith("(not translated yet)") for line in board(alices)["translations"])
    with before_opening():
        Region.objects.filter(pk=region.pk).update(lead_fr="Français")
        Meeting.objects.all().delete()
    assert board(alices)["meetings"] == []
    assert not any(line.startswith("Regions: ") for line in board(alices)["translations"])


def test_consents_that_end_and_stories_to_review(opened: None, alices: Client) -> None:
    now = timezone.now()
    with before_opening():
        ends = {}
        for days in (10, 59, 90):
            given = {"given_at": now - timedelta(days=100), "expires_on": (now + timedelta(days=days)).date()}
            ends[days] = make.make_testimonial(consent=make.make_consent(**given))
    told = board(alices)["consents"]
    assert [line.split(":")[0] for line in told] == [str(ends[10]), str(ends[59])]
    assert str(ends[90]) not in "\n".join(told)
    page: Any = alices.get(reverse("admin:index"))
    (section,) = [one for one in page.context["board"] if one.name == "review"]
    assert {line.what for line in section.lines} <= {str(story) for story in ends.values()}


def test_nobody_else_sees_it(client: Client) -> None:
    assert client.get(reverse("admin:index")).status_code == 302
    make.sign_in(client, make.make_user("nobody", superuser=False))
    assert board(client) == {}
