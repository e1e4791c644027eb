"""What every test shares."""

import pytest
from django.db import connection

from itsci_site.lib.newsroom import trail


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """Tests that commit are cleaned up with TRUNCATE, which the trail of changes refuses (tests/newsroom/test_trail.py)."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(trail.NO_TRUNCATE.partition("CREATE TRIGGER")[0].replace("EXISTS", "false AND EXISTS"))
