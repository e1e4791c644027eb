"""The whole first sign-in in a real browser: under the policy, in light and dark, on a phone."""

import time
from base64 import b32decode
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from django_otp.oath import hotp
from django_otp.plugins.otp_totp.models import TOTPDevice
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories as make
from tests.browser.live import led_by, opened, violations, wide

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "alice's own words"


def code(secret: bytes, later: int = 0) -> str:
    """What an app shows now, or steps of 30 seconds later: each is good for a step before and after.

    Not at the end of a step: a code given in the next one teaches the device that this clock is late.
    """
    if (left := 30 - time.time() % 30) < 5:
        time.sleep(left + 0.05)
    return f"{hotp(secret, int(time.time()) // 30 + later):06}"


def assert_fit(page: Page) -> None:
    """Nothing refused, nothing beyond a phone's edge, no barrier that axe-core finds in light or dark but the stock theme's."""
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert wide(page) == [], page.url
    assert page.complaints == []  # type: ignore[attr-defined]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")  # links fade into their other colour
        assert [found for found in violations(page) if ".breadcrumbs" not in found] == [], page.url
    page.complaints.clear()  # type: ignore[attr-defined] # axe-core reads style sheets in a way that the policy refuses


def give_password(page: Page) -> None:
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    led_by(page.get_by_role("button", name="Log in"))


def test_the_first_sign_in(browser: Browser, live_server: LiveServer) -> None:
    make.make_user("alice", password=PASSWORD)
    regions = live_server.url + reverse("admin:regions_region_changelist")
    with opened(browser) as page:
        page.goto(regions)
        give_password(page)
        expect(page.get_by_role("heading", name="Set up your authenticator app")).to_be_visible()
        page.get_by_alt_text("QR code").evaluate("image => image.decode()")  # fails where it is no image
        assert_fit(page)
        link = page.get_by_role("link", name="Open the app").get_attribute("href")
        assert link and link.startswith("otpauth://totp/")
        secret = b32decode(parse_qs(urlsplit(link).query)["secret"][0])
        page.get_by_label("Code").fill(code(secret))
        led_by(page.get_by_role("button", name="Confirm"))
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        assert_fit(page)
        recovery = page.get_by_role("listitem").first.inner_text()
        led_by(page.get_by_role("link", name="I have kept them"))
        expect(page).to_have_url(regions)

        led_by(page.get_by_role("button", name="Log out"))
        page.goto(regions)
        give_password(page)
        expect(page.get_by_role("heading", name="Your code")).to_be_visible()
        assert_fit(page)
        page.get_by_label("Code").fill(code(secret, later=1))
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page).to_have_url(regions)

        led_by(page.get_by_role("link", name="Second factor"))
        assert_fit(page)
        page.get_by_label("Code").fill(recovery)
        page.get_by_role("button", name="Make new recovery codes").click()
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()


def test_what_was_typed_outlives_the_session(browser: Browser, live_server: LiveServer) -> None:
    alice = make.make_user("alice", password=PASSWORD)
    with opened(browser) as page:
        page.context.add_cookies([make.signed_in_cookie(alice, live_server.url)])
        page.goto(live_server.url + reverse("admin:regions_source_add"))
        page.locator("#id_name_en").fill("Typed <at> length")
        page.context.clear_cookies(name="sessionid")
        led_by(page.get_by_role("button", name="Save", exact=True))
        expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
        assert_fit(page)
        with page.context.expect_page() as tab:
            page.get_by_role("link", name="Sign in again in a new tab").click()
        give_password(tab.value)
        tab.value.get_by_label("Code").fill(code(TOTPDevice.objects.get().bin_key))
        tab.value.get_by_role("button", name="Sign in").click()
        expect(tab.value.get_by_role("link", name="Second factor")).to_be_visible()
        led_by(page.get_by_role("button", name="Send again"))
        expect(page.get_by_role("heading", name="Please send this again")).to_be_visible()
        led_by(page.get_by_role("button", name="Send again"))
        expect(page.get_by_text("was added successfully")).to_be_visible()
        expect(page.get_by_role("link", name="Typed <at> length", exact=True).last).to_be_visible()
