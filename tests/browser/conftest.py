"""A real Chromium for the tests in this folder. Without one they are skipped, and say so."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Playwright
from pytest_django import DjangoDbBlocker

from tests.browser import chromium
from tests.browser.live import served

HERE = Path(__file__).parent
SKIP = "no Chromium: install one, or set CHROMIUM to its path"
# The browser's own errands would leave the machine, which tests never do.
ARGUMENTS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = not chromium.find()
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)
            if missing:
                item.add_marker(pytest.mark.skip(reason=SKIP))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to sandbox root
    return browser_type_launch_args | {"executable_path": chromium.find(), "args": ARGUMENTS + sandbox}


@pytest.fixture(scope="session", autouse=True)
def _allow_queries_beside_playwright() -> None:
    """Playwright's sync API keeps an event loop in the test's thread, which Django takes for asynchronous code."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(scope="session")
def hang_up(playwright: Playwright) -> Iterator[None]:
    """While Playwright's event loop runs, Django keeps another connection for this thread than before and after it."""
    yield
    connections.close_all()


@pytest.fixture(scope="module")
def site(hang_up: None, django_db_setup: None, django_db_blocker: DjangoDbBlocker, built_static: Path) -> Iterator[str]:
    """The address of a running site."""
    with django_db_blocker.unblock(), served(built_static) as address:
        yield address
