"""The ledger: every way in which something leaves the public, on the disk before anybody is told that it left."""

import json
import multiprocessing
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.test.utils import override_settings

from itsci_site.lib.newsroom import ledger
from testimonials.models import Testimonial
from tests import factories as make
from tests.newsroom.desk import address, before_opening, move

from .conftest import Drill
from .test_drill import story, with_document

pytestmark = pytest.mark.django_db
Sql = Callable[..., list[Any]]


def lines(drill: Drill) -> list[tuple[str, str, int]]:
    """All but the first, which says whose ledger it is."""
    first, *rest = ledger.read(drill.ledger)
    assert first.what == ledger.BEGAN and {line.site for line in rest} <= {first.site}
    return [(line.what, line.table, line.row) for line in rest]


@pytest.fixture
def one(drill: Drill) -> Testimonial:
    with before_opening():
        return story(slug="one", quote="Kanarienvogel said", story_title_en="Kanarienvogel")


STORY, CONSENT = "UPDATE testimonials_testimonial SET", "UPDATE testimonials_consent SET"
WHOSE = "UPDATE testimonials_contributor SET"
WAYS = {
    "suspended": (f"{STORY} status = 'suspended' WHERE id = {{story}}", "left"),
    "withdrawn": (f"{STORY} status = 'withdrawn' WHERE id = {{story}}", "left"),
    "consent": (f"{CONSENT} withdrawn_at = now() WHERE id = {{consent}}", "withdrawn"),
    "less": (f"{CONSENT} scope_photo = false WHERE id = {{consent}}", "cut"),
    "shorter": (f"{CONSENT} expires_on = expires_on - 1 WHERE id = {{consent}}", "cut"),
    "a child": (f"{WHOSE} age = 'minor', guardian = 'x' WHERE id = {{contributor}}", "minor"),
    "a meeting": ("UPDATE meetings_meeting SET status = 'withdrawn' WHERE id = {meeting}", "left"),
    "a region": ("UPDATE regions_region SET status = 'withdrawn' WHERE id = {region}", "left"),
    "a document": ("DELETE FROM meetings_document WHERE id = {document}", "gone"),
    "its file": ("UPDATE meetings_document SET file = 'meetings/1.pdf' WHERE id = {document}", "gone"),
}
TABLES = {
    "story": "testimonials_testimonial", "consent": "testimonials_consent", "contributor": "testimonials_contributor",
    "meeting": "meetings_meeting", "region": "regions_region", "document": "meetings_document",
}  # fmt: skip


def test_a_plain_statement_is_in_it_with_the_next_request(drill: Drill, sql: Sql) -> None:
    expected = set()
    for number, (statement, what) in enumerate(WAYS.values()):
        with before_opening():
            mine = make.make_testimonial(quote="Kanarienvogel said", slug=f"one-{number}")
            document = with_document(make.make_meeting(), f"%PDF- {number}".encode())
        rows = {
            "story": mine.pk, "consent": mine.consent_id, "contributor": mine.contributor_id, "meeting": document.meeting_id,
            "region": mine.region_id, "document": document.pk,
        }  # fmt: skip
        key = next(name for name in rows if f"id = {{{name}}}" in statement)
        with before_opening() if key == "document" else nullcontext():  # of a public meeting: by a next version, or its owner
            sql(statement.format(**rows))
        expected.add((what, TABLES[key], rows[key]))
    assert not drill.ledger.exists() and Client().get("/").status_code == 200
    assert expected <= set(lines(drill)) and len(expected) == len(WAYS)
    assert "Kanarien" not in drill.ledger.read_text()
    assert drill.ledger.stat().st_mode & 0o777 == 0o600


def test_it_is_there_before_staff_are_told(drill: Drill, one: Testimonial) -> None:
    alices = make.sign_in(Client(), make.make_user())
    assert move(alices, one, "suspend").status_code == 302
    assert lines(drill) == [("left", "testimonials_testimonial", one.pk)]
    _first, line = ledger.read(drill.ledger)
    assert line.detail == {"to": "suspended"} and line.actor
    assert alices.post(address(one, "erase"), {"reason": "They asked"}).status_code == 302
    assert [what for what, _table, _row in lines(drill)].count("erased") == 1


def test_words_that_changed_count_and_other_columns_do_not(drill: Drill, one: Testimonial, sql: Sql) -> None:
    with before_opening():
        sql("UPDATE testimonials_testimonial SET changed_at = now() WHERE id = %s", one.pk)
        assert ledger.keep() == 0
        sql("UPDATE testimonials_testimonial SET quote = 'Another' WHERE id = %s", one.pk)
    assert ledger.keep() == 1 and lines(drill) == [("changed", "testimonials_testimonial", one.pk)]


def test_what_is_taken_back_is_not_in_it(drill: Drill, one: Testimonial) -> None:
    with transaction.atomic():
        Testimonial.objects.filter(pk=one.pk).update(status="suspended")
        assert ledger.keep() == 0, "nothing is certain yet"
        transaction.set_rollback(True)
    assert ledger.keep() == 0 and not drill.ledger.exists()


def test_a_ledger_that_cannot_be_written_keeps_nobody_from_withdrawing(
    drill: Drill, one: Testimonial, sql: Sql, tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    alices = make.sign_in(Client(), make.make_user())
    with suppress(OSError):
        (tiny / "all").write_bytes(bytes(2**18))
    with override_settings(LEDGER=tiny / "ledger"):
        assert move(alices, one, "suspend").status_code == 302
        assert Client().get(one.get_absolute_url()).status_code == 404
    assert f"The ledger {tiny}/ledger cannot be written: No space left on device" in caplog.text
    assert sql("SELECT count(*) FROM newsroom_ledger WHERE NOT kept") == [(1,)]
    assert Client().get("/").status_code == 200
    assert lines(drill) == [("left", "testimonials_testimonial", one.pk)]


def test_a_database_that_goes_away_keeps_nobody_from_being_told(
    drill: Drill, one: Testimonial, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    """It went down after the withdrawal was committed, and came again."""
    alices = make.sign_in(Client(), make.make_user())

    def gone() -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "_waiting", gone)
        assert move(alices, one, "suspend").status_code == 302
    assert "could not be read for the ledger" in caplog.text
    assert Client().get("/").status_code == 200
    assert lines(drill) == [("left", "testimonials_testimonial", one.pk)]


def test_half_a_line_goes_and_its_row_is_written_again(drill: Drill, one: Testimonial, sql: Sql) -> None:
    sql("UPDATE testimonials_testimonial SET status = 'suspended' WHERE id = %s", one.pk)
    ledger.keep()
    whole = drill.ledger.read_bytes()
    drill.ledger.write_bytes(whole[:-20])
    sql("UPDATE newsroom_ledger SET kept = false")
    assert ledger.keep() == 1 and drill.ledger.read_bytes() == whole
    sql("UPDATE newsroom_ledger SET kept = false")
    assert ledger.keep() == 0 and drill.ledger.read_bytes() == whole, "a line that is there is not written twice"


def _keep(name: str, path: Path) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
    with override_settings(LEDGER=path):
        ledger.keep()
    connection.close()


def test_several_processes_write_each_line_once(drill: Drill, one: Testimonial, sql: Sql) -> None:
    sql(
        "INSERT INTO newsroom_ledger (what, table_name, row_id) SELECT 'left', 'testimonials_testimonial', n"
        " FROM generate_series(1001, 1300) AS n"
    )
    connection.close()
    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=_keep, args=(drill.name, drill.ledger)) for _number in range(4)]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0] * 4
    assert sorted(row for _what, _table, row in lines(drill)) == list(range(1001, 1301))
    assert all(set(json.loads(text)) == set(ledger.Line.__slots__) for text in drill.ledger.read_text().splitlines())
