"""Content for the tests of pages: the programme's own, public since the first day of 2020, whatever day it is now."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from django.db import connection

from itsci_site.management.commands.load_content import FIXTURE, load

LOADED_ON = "2020-01-01"


@pytest.fixture
def edited_at(db: None) -> Callable[[datetime | None], None]:
    """`edited_at(moment)`: changes from here on count from that moment; for None from when they are made."""

    def set_moment(moment: datetime | None) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('itsci.version_at', %s, true)", [moment.isoformat() if moment else ""])

    return set_moment


@pytest.fixture
def programme(tmp_path: Path, edited_at: Callable[[datetime | None], None]) -> None:
    content = tmp_path / "programme.json"
    content.write_text(FIXTURE.read_text(encoding="utf-8").replace("2026-11-23", LOADED_ON), encoding="utf-8")
    assert load(content)
    edited_at(None)  # the test is one transaction, in which the loader's moment would last
