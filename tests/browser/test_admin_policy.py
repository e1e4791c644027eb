"""The admin in a real browser, signed in: its policy refuses nothing, because there is nothing to refuse.

Every page of every model is opened in test_scripts.py, which watches for the same and for more.
"""

from collections.abc import Iterator

import pytest
from django.db import models
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from tests import factories as make
from tests.admin.test_admin import rows  # noqa: F401 - a fixture
from tests.browser.live import led_by

pytestmark = pytest.mark.django_db(transaction=True)

WATCH = """document.addEventListener('securitypolicyviolation', event => {
  window.told(`${location.pathname}: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});"""


@pytest.fixture
def refused() -> list[str]:
    """What the browser refused or complained of, in any window of the test."""
    return []


@pytest.fixture
def context(browser: Browser, refused: list[str]) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.expose_function("told", lambda said: refused.append(said))
    context.add_init_script(WATCH)
    context.on("console", lambda said: refused.append(said.text) if said.type == "error" else None)
    context.on("weberror", lambda error: refused.append(str(error.error)))
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, live_server: LiveServer) -> Page:
    context.add_cookies([make.signed_in_cookie(make.make_user("alice"), live_server.url)])
    page = context.new_page()
    page.goto(f"{live_server.url}/admin/")
    expect(page.get_by_role("heading", name="What the site shows")).to_be_visible()
    return page


def test_a_violation_is_seen(page: Page, refused: list[str], live_server: LiveServer) -> None:
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: '1'}))")
    page.goto(f"{live_server.url}/admin/")
    told = "\n".join(refused)
    assert "style-src-attr inline" in told and "script-src-elem inline" in told


def test_pages_of_no_model_open(page: Page, refused: list[str], live_server: LiveServer) -> None:
    for address in ("/admin/regions/", "/admin/password_change/", "/admin/auth/user/add/"):
        answer = page.goto(live_server.url + address)
        assert answer and answer.status == 200, address
    led_by(page.get_by_role("button", name="Log out"))
    expect(page.get_by_text("Thanks for spending some quality time")).to_be_visible()
    page.goto(f"{live_server.url}/admin/login/")
    assert refused == []


def test_what_scripts_do_on_a_page(
    page: Page,
    context: BrowserContext,
    refused: list[str],
    live_server: LiveServer,
    rows: dict[type[models.Model], models.Model],  # noqa: F811
) -> None:
    """Pickers, completion, rows that are added, windows that open, choose and close, two lists, folds and filters."""
    page.goto(f"{live_server.url}/admin/regions/reading/add/")
    page.locator(".field-effective_on .date-icon").click()
    page.locator(".calendarbox:visible td a").first.click()
    expect(page.locator("#id_effective_on")).not_to_have_value("")
    page.locator(".field-published_at .clock-icon").click()
    page.locator(".clockbox:visible li a").first.click()
    expect(page.locator("#id_published_at_1")).not_to_have_value("")
    page.locator(".field-series .select2-selection").click()
    page.locator(".select2-search__field").press_sequentially("reg")
    page.locator(".select2-results__option").first.click()
    with context.expect_page() as other:
        page.locator("#add_id_source").click()
    popup = other.value
    popup.locator("#id_name_en").fill("A report of the test")
    popup.get_by_role("button", name="Save").click(no_wait_after=True)  # the window that answers closes itself
    expect(page.locator("#id_source option:checked")).to_have_text("A report of the test")

    page.goto(f"{live_server.url}/admin/regions/region/add/")
    page.locator("#id_name_en").press_sequentially("Haut-Lomami")
    expect(page.locator("#id_slug")).to_have_value("haut-lomami")
    page.get_by_text("Add another Milestone").click()
    expect(page.locator("#id_milestones-0-text_en")).to_be_visible()
    page.locator("#milestones-0 .inline-deletelink").click()
    page.get_by_text("Add another Succession").click()
    page.locator("#successions-0 .select2-selection").click()
    expect(page.locator(".select2-results__option").first).to_be_visible()

    page.goto(f"{live_server.url}/admin/programmes/programme/add/")
    page.locator("#id_regions_from option").first.dblclick()
    expect(page.locator("#id_regions_to option")).to_have_count(1)
    page.locator("#id_regions_input").fill("nothing")

    page.goto(f"{live_server.url}/admin/regions/region/?_popup=1")
    page.goto(f"{live_server.url}/admin/regions/region/")
    page.locator("#action-toggle").check()
    page.locator("#nav-filter").fill("me")
    page.locator("#toggle-nav-sidebar").click()
    page.locator(".theme-toggle").first.click()
    assert refused == []
