"""The stock admin's own scripts run under the site's Content-Security-Policy."""

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_admin_works_under_the_policy(browser: Browser, live_server: LiveServer) -> None:
    page, refused = browser.new_page(), list[str]()
    page.on("console", lambda told: refused.append(told.text) if "Content Security Policy" in told.text else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    make.make_user("alice", password="alice's own words")
    reading = make.make_reading(make.make_series(), None, published_at=None)
    programme = make.make_programme()
    programme.regions.add(reading.series.region)

    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill("alice's own words")
    page.get_by_role("button", name="Log in").click()

    page.goto(live_server.url + reverse("admin:regions_region_add"))
    page.locator("#id_name_en").press_sequentially("Haut-Lomami")
    expect(page.locator("#id_slug")).to_have_value("haut-lomami")

    page.goto(live_server.url + reverse("admin:regions_reading_change", args=[reading.pk]))
    page.locator("#select2-id_series-container").click()
    expect(page.get_by_role("option", name=str(reading.series))).to_be_visible()

    page.goto(live_server.url + reverse("admin:programmes_programme_change", args=[programme.pk]))
    expect(page.locator("#id_regions_to option")).to_have_text([str(reading.series.region)])
    page.goto(live_server.url + reverse("admin:regions_reading_changelist"))
    assert refused == []
    page.close()
