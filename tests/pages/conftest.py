"""The programme's real content for every test of this folder, loaded once a worker and never left behind."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import Client
from pytest_django import DjangoDbBlocker

from . import content, markup

Read = Callable[..., markup.Element]


@pytest.fixture(scope="package")
def programme_loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One transaction around all tests of this folder; each test's own is a savepoint in it, and all is undone."""
    with django_db_blocker.unblock(), content.loaded():
        yield


@pytest.fixture(autouse=True)
def programme(programme_loaded: None, db: None) -> None:
    """The content of fixtures/programme.json stands in the database; what a test adds to it goes when it ends."""


@pytest.fixture
def in_2026(monkeypatch: pytest.MonkeyPatch) -> None:
    """What changed, as of a day on which that content is news: later that page has nothing to show, and asks less."""
    monkeypatch.setattr("programmes.forms.timezone", SimpleNamespace(now=lambda: datetime(2026, 12, 1, tzinfo=UTC)))


@pytest.fixture
def read(client: Client) -> Read:
    """`read("/progress/", "fr")`: the parsed page, in English unless said. It must answer `status`, 200 unless said."""

    def read_page(address: str, language: str = "en", status: int = 200) -> markup.Element:
        response = client.get(content.in_language(address, language))
        assert response.status_code == status, f"{address} ({language}) answers {response.status_code}"
        return markup.parse(response.content)

    return read_page


@pytest.fixture
def as_deployed(built_static: Path) -> Iterator[Path]:
    """Pages link the static files of `built_static`."""
    with content.as_deployed(built_static):
        yield built_static
