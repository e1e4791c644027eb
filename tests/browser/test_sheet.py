"""The sheet of a period as staff meet it: without script, by keyboard alone, on a phone; and no rule of axe-core broken."""

from decimal import Decimal

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from itsci_site.lib.newsroom.guard import open_register
from regions.models import Reading, Series
from tests import factories as make

from .live import led_by, opened, violations, wide

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def address(hang_up: None, live_server: LiveServer) -> str:
    """Two regions report two metrics; in 2017 the first had 100 miners."""
    regions = [make.make_region(name_en=name, order=n) for n, name in enumerate(("Katanga", "Kivu"))]
    metrics = [make.make_metric(short_name_en=name, order=n) for n, name in enumerate(("Miners", "Mine sites"))]
    metrics[0].jump_factor = Decimal(3)
    metrics[0].save()
    for region in regions:
        for metric in metrics:
            make.make_series(region, metric)
    make.make_source(name_en="A count")
    make.make_reading(Series.objects.get(region=regions[0], metric=metrics[0]), 100)
    open_register()
    return f"{live_server.url}{reverse('admin:regions_reading_entry')}?year=2019&part=year-1"


def sign_in(page: Page, live_server: LiveServer, name: str) -> None:
    page.context.add_cookies([make.signed_in_cookie(make.make_user(name), live_server.url)])


def broken(page: Page) -> list[str]:
    """What axe-core finds in what is ours: the trail of links above every page of the admin is Django's."""
    return [one for one in violations(page) if ".breadcrumbs" not in one]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_sheet_by_keyboard_alone(browser: Browser, live_server: LiveServer, address: str, scripts: bool) -> None:
    with opened(browser, java_script_enabled=scripts) as page:
        sign_in(page, live_server, "alice")
        page.goto(address)
        page.get_by_label("Miners, Katanga: value").focus()
        page.keyboard.type("1 234")
        press(page, "Tab", "Tab")
        expect(page.get_by_label("Mine sites, Katanga: value")).to_be_focused()
        page.keyboard.type("7")
        press(page, "Tab", "p", "Tab")
        expect(page.get_by_label("Miners, Kivu: value")).to_be_focused()
        press(page, "Tab", "n", "Tab", "Enter")  # not reported; Enter in a field saves
        expect(page.get_by_text("could be read in two ways")).to_be_visible()
        assert not Reading.objects.filter(effective_on__year=2019).exists()
        field = page.get_by_label("Miners, Katanga: value")
        expect(field).to_have_value("1 234")
        expect(page.get_by_label("Miners, Kivu: status")).to_have_value("not_reported")
        field.focus()
        press(page, "Control+A")
        page.keyboard.type("1234")
        for _step in range(40):
            press(page, "Tab")
            if page.evaluate("document.activeElement.name") == "source":
                break
        press(page, "A")
        press(page, "Enter" if not scripts else "Tab")
        page.get_by_label("Mine sites, Kivu: value").focus()
        press(page, "Enter")
        expect(page.get_by_text("3 figures saved as drafts.")).to_be_visible()
        expect(page.get_by_text("1,234 after 100 in 2017: more than 3 times up or down. Is it right?")).to_be_visible()
        expect(page.get_by_text("1 year skipped since 2017.")).to_be_visible()
        said = {(one.value, one.status) for one in Reading.objects.filter(effective_on__year=2019)}
        assert said == {(1234, "reported"), (7, "provisional"), (None, "not_reported")}
        assert page.complaints == []  # type: ignore[attr-defined]


def test_two_people_bring_a_sheet_to_the_public(browser: Browser, live_server: LiveServer, address: str) -> None:
    with opened(browser, width=360, java_script_enabled=False) as alice, opened(browser, width=360) as bob:
        sign_in(alice, live_server, "alice")
        sign_in(bob, live_server, "bob")
        alice.goto(address)
        alice.get_by_label("Miners, Kivu: value").fill("250")
        alice.get_by_label("Source").select_option(label="A count")
        led_by(alice.get_by_role("button", name="Save and submit all"))
        expect(alice.get_by_text("1 figure is submitted now.")).to_be_visible()
        bob.goto(address)
        led_by(bob.get_by_role("button", name="Approve (1)"))
        led_by(bob.get_by_role("button", name="Publish (1)"))
        expect(bob.get_by_text("1 figure is published now.")).to_be_visible()
        assert Reading.objects.published().get(effective_on__year=2019).value == 250
        assert bob.complaints == alice.complaints == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out_and_no_rule_is_broken(browser: Browser, live_server: LiveServer, address: str, width: int) -> None:
    with opened(browser, width) as page:
        sign_in(page, live_server, "alice")
        for where in (address, f"{live_server.url}{reverse('import_readings')}"):
            page.goto(where)
            assert wide(page) == []
            assert broken(page) == []
        page.goto(address)
        page.get_by_label("Miners, Kivu: value").fill("N/A")
        led_by(page.get_by_role("button", name="Save drafts"))
        assert wide(page) == [] and broken(page) == []
