"""The programme's real content, as the pages' tests have it."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.pages import content
from tests.pages.conftest import programme as programme


@pytest.fixture(scope="module")
def programme_loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """For a module: its transaction must have ended before tests of this folder that commit."""
    with django_db_blocker.unblock(), content.loaded():
        yield
