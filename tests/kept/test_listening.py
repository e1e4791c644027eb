"""A process that knows the state of the content by itself is never wrong for longer than a second, notices or not."""

import http.client
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from regions.models import Region
from tests import factories as make

from .server import PATIENCE, gunicorn

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = 1.0
BUSY = """
SELECT pid, query_start FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'SELECT mark%%clock_timestamp%%'
"""

SCANS = "SELECT relid, seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = 'regions_milestone'"
"""How often Postgres looked for the milestones of a region: once a page that is made."""


@pytest.fixture
def region() -> Region:
    return make.make_region(slug="katanga", lead_en="As it was")


@pytest.fixture
def port(region: Region, tmp_path: Path) -> Iterator[int]:
    with gunicorn(tmp_path, PAGE_CACHE_VERSION="listen") as one:
        assert "As it was" in read(one)
        yield one


def read(port: int) -> str:
    one = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        one.request("GET", "/where-we-work/katanga/")
        return one.getresponse().read().decode()
    finally:
        one.close()


def rows(statement: str) -> dict[int, object]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return dict(cursor.fetchall())


def sessions() -> list[int]:
    """The sessions of Postgres by which the process hears of changes, and asks by itself: nobody else asks just now."""
    listening = "SELECT pid, query FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN content'"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        before = rows(BUSY)
        time.sleep(SECOND)
        asking = [pid for pid, at in rows(BUSY).items() if pid in before and before[pid] != at]
        if asking and rows(listening):
            return [*rows(listening), *asking]
    raise AssertionError("nothing listens")


def test_a_notice_makes_pages_ahead_of_readers(port: int) -> None:
    """Nobody asks meanwhile: the process hears of it and makes the page."""
    time.sleep(2 * SECOND)  # counts are told once a second
    before = rows(SCANS)
    Region.objects.update(lead_en="As it is")
    deadline = time.monotonic() + PATIENCE
    while rows(SCANS) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert rows(SCANS) != before, "nothing was made"
    assert "As it is" in read(port)


@pytest.mark.skipif(os.geteuid() != 0, reason="sessions of Postgres belong to another account")
@pytest.mark.parametrize("lost", ["the notice", "the notice and the asking"])
def test_without_either_a_reader_after_a_second_sees_the_change(port: int, lost: str) -> None:
    stopped = sessions()[: 1 if lost == "the notice" else None]
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        for edition in range(3):
            Region.objects.update(lead_en=f"Edition {edition}.")
            time.sleep(SECOND)
            assert f"Edition {edition}." in read(port)
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
