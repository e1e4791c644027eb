"""The site in a running server and pages of it in Chromium: what the browser tests share.

It is served as deployed (collected static files, WhiteNoise, its whole Content-Security-Policy) from a database that holds
the programme's real content and a second programme. Pages are only read, so one server and one load of data serve a module.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer
from django.db import connection, connections
from django.test.testcases import QuietWSGIRequestHandler
from django.test.utils import override_settings
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, Response

from tests.pages import content, samples

AXE = Axe().axe_script
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "rules": {"target-size": {"enabled": True}},  # WCAG 2.2, off by default
    "resultTypes": ["violations"],
}


@contextmanager
def served(static: Path) -> Iterator[str]:
    """The address of a running site. Its data are committed for all threads to see, and flushed at the end."""
    real = override_settings(ROOT_URLCONF="tests.pages.urls", ALLOWED_HOSTS=["127.0.0.1"], SECURE_SSL_REDIRECT=False)
    with content.as_deployed(static), real, pytest.MonkeyPatch.context() as patch:
        patch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)  # a thread of the server lets go of its connection
        content.load()
        samples.add_second_programme()
        server = ThreadedWSGIServer(("127.0.0.1", 0), QuietWSGIRequestHandler, allow_reuse_address=False)
        server.set_app(WSGIHandler())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
            connections.close_all()
            assert connection.settings_dict["NAME"].startswith("test_")
            call_command("flush", interactive=False, verbosity=0)


def commit(change: Callable[[], Any]) -> Any:
    """Runs `change` on a connection of its own, outside the transaction that the running test stands in."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(change())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found, "the change failed in its thread"
    return found[0]


@contextmanager
def opened(browser: Browser, width: int = 1280, **options: Any) -> Iterator[Page]:
    """A page in a context of its own, which keeps what the browser complains about in `page.complaints`."""
    context = browser.new_context(viewport={"width": width, "height": 800}, **options)
    page = context.new_page()
    complaints: list[str] = []
    page.complaints = complaints  # type: ignore[attr-defined]

    def said(message: ConsoleMessage) -> None:
        its_own_status = message.text.startswith("Failed to load resource") and message.location["url"] == page.url
        if message.type in ("error", "warning") and not its_own_status:
            complaints.append(f"{page.url}: console: {message.text}")

    def failed(request: Request) -> None:
        complaints.append(f"{page.url}: {request.url} failed: {request.failure}")

    def answered(response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            complaints.append(f"{page.url}: {response.url} answers {response.status}")

    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on("requestfailed", failed)
    page.on("response", answered)
    try:
        yield page
    finally:
        context.close()


def led_by(target: Locator) -> None:
    """Clicks what leads to another page, and waits until that is loaded: a click itself comes back when it has begun."""
    with target.page.expect_navigation():
        target.click()


def violations(page: Page) -> list[str]:
    """What axe-core finds: the rule, its weight, and where. The site's policy stands while it runs."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    rules = page.evaluate("options => axe.run(options).then(results => results.violations)", RULES)
    return [
        f"{rule['id']} ({rule['impact']}, {len(rule['nodes'])} x): "
        f"{', '.join(' '.join(map(str, node['target'])) for node in rule['nodes'][:4])}: "
        f"{rule['nodes'][0]['failureSummary'].splitlines()[-1].strip()}"
        for rule in rules
    ]


WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const over = [...document.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && box.right + scrollX > room + 0.5 && !e.closest('.vh') && getComputedStyle(e).position !== 'absolute';
  });
  const deepest = over.filter(e => !over.some(other => other !== e && e.contains(other)));
  const name = e => `${e.tagName}.${e.getAttribute('class') ?? ''} "${e.textContent.trim().slice(0, 30)}"`;
  return [`${document.documentElement.scrollWidth - room} px too wide: ` + deepest.slice(0, 4).map(name).join('; ')];
}"""


def wide(page: Page) -> list[str]:
    """What makes the page scroll sideways."""
    return page.evaluate(WIDE)
