"""A whole story as two people act it: entered, returned, put right, approved, published, corrected, withdrawn."""

from datetime import date

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from itsci_site.lib.newsroom.guard import open_register
from itsci_site.lib.newsroom.roles import make_groups
from meetings.models import Meeting
from regions.models import Reading
from tests import factories as make

from .live import led_by, opened

pytestmark = pytest.mark.django_db(transaction=True)


def enter(page: Page, live_server: LiveServer, name: str, role: str) -> None:
    user = make.make_user(name, superuser=False)
    user.groups.add(Group.objects.get(name=role))
    make.make_desk(user=user, everywhere=True)
    page.context.add_cookies([make.signed_in_cookie(user, live_server.url)])


def press(page: Page, button: str) -> None:
    led_by(page.get_by_role("button", name=button, exact=True))


@pytest.fixture
def roles(hang_up: None) -> None:
    """Tests that commit are cleaned of the groups, which a migration made."""
    make_groups(apps)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_meeting_by_two_people(browser: Browser, live_server: LiveServer, roles: None, scripts: bool) -> None:
    place = make.make_place(make.make_region(), name_en="Kalemie")
    open_register()
    with (
        opened(browser, java_script_enabled=scripts) as alice,
        opened(browser, java_script_enabled=scripts) as bob,
        opened(browser) as reader,
    ):
        enter(alice, live_server, "alice", "Contributor")
        enter(bob, live_server, "bob", "Approver")
        alice.goto(live_server.url + reverse("admin:meetings_meeting_add"))
        if scripts:
            alice.locator(".field-place .select2-selection").click()
            alice.get_by_role("option", name=str(place)).click()
        else:
            alice.get_by_label("Place").select_option(label=str(place))
        alice.get_by_label("Held on").fill("2016-03-11")
        alice.get_by_label("Address").fill("kalemie-2016-03")
        alice.locator("#id_summary_en").fill("Tagging was looked at.")
        press(alice, "Save and submit for approval")
        expect(alice.get_by_role("heading", name="State: submitted")).to_be_visible()
        expect(alice.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
        meeting = Meeting.objects.get()

        bob.goto(live_server.url + reverse("admin:index"))
        led_by(bob.get_by_role("link", name=f"Meeting: {meeting} (submitted)"))
        bob.get_by_label("Reason").first.fill("Which procedures?")
        press(bob, "Return")
        expect(bob.get_by_role("heading", name="State: returned")).to_be_visible()

        alice.goto(live_server.url + reverse("admin:index"))
        led_by(alice.get_by_role("link", name=f"Meeting: {meeting} (returned)"))
        alice.get_by_text("Who moved it when").click()
        expect(alice.get_by_text("Which procedures?")).to_be_visible()
        alice.locator("#id_summary_en").fill("Tagging procedures were looked at.")
        alice.get_by_label("Why this change").fill("Said which procedures")
        press(alice, "Save and submit for approval")

        bob.reload()
        press(bob, "Approve")
        expect(bob.get_by_role("heading", name="State: approved")).to_be_visible()
        address = live_server.url + meeting.get_absolute_url()
        assert (answer := reader.goto(address)) and answer.status == 404
        press(bob, "Publish")
        expect(bob.get_by_role("heading", name="State: published")).to_be_visible()
        assert (answer := reader.goto(address)) and answer.status == 200
        expect(reader.get_by_text("Tagging procedures were looked at.").first).to_be_visible()

        # Its next version: readers keep the first until the second is approved.
        alice.goto(live_server.url + reverse("admin:meetings_meeting_change", args=[meeting.pk]))
        alice.locator("#id_summary_en").fill("Tagging procedures were evaluated.")
        alice.get_by_label("Why this change").fill("The minutes say so")
        press(alice, "Save and submit for approval")
        expect(alice.get_by_role("heading", name="Next version: submitted")).to_be_visible()
        reader.reload()
        expect(reader.get_by_text("Tagging procedures were looked at.").first).to_be_visible()
        bob.goto(live_server.url + reverse("admin:meetings_meeting_change", args=[meeting.pk]))
        press(bob, "Approve")
        press(bob, "Publish")
        reader.reload()
        expect(reader.get_by_text("Tagging procedures were evaluated.").first).to_be_visible()

        bob.goto(live_server.url + reverse("admin:meetings_meeting_change", args=[meeting.pk]))
        bob.get_by_label("Reason").fill("Asked for by the committee")
        press(bob, "Withdraw")
        expect(bob.get_by_role("heading", name="State: withdrawn")).to_be_visible()
        assert (answer := reader.goto(address)) and answer.status == 404


def test_a_figure_is_corrected_in_public(browser: Browser, live_server: LiveServer, roles: None) -> None:
    programme, region, metric = make.make_programme(), make.make_region(name_en="Katanga"), make.make_metric()
    programme.regions.add(region)
    programme.metrics.add(metric)
    wrong = make.make_reading(make.make_series(region, metric), 5, date(2017, 1, 1))
    open_register()
    with opened(browser) as alice, opened(browser) as bob, opened(browser) as reader:
        enter(alice, live_server, "alice", "Contributor")
        enter(bob, live_server, "bob", "Approver")
        alice.goto(live_server.url + reverse("admin:regions_reading_change", args=[wrong.pk]))
        led_by(alice.get_by_role("link", name="Correct it with a new one"))
        alice.get_by_label("Value").fill("50")
        alice.locator("#id_reason_en").fill("A nought was lost")
        press(alice, "Save and submit for approval")
        right = Reading.objects.get(supersedes=wrong)
        bob.goto(live_server.url + reverse("admin:regions_reading_change", args=[right.pk]))
        press(bob, "Approve")
        press(bob, "Publish")
        expect(bob.get_by_text("Readers have seen this reading").first).to_be_visible()
        reader.goto(f"{live_server.url}/data/corrections/")
        expect(reader.get_by_text("A nought was lost").first).to_be_visible()
