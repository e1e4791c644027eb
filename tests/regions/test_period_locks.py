"""A locked period: nothing of it is added, changed, moved or deleted, whoever asks; a public figure can be corrected."""

import threading
from datetime import date
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from itsci_site.lib.newsroom import trail
from itsci_site.lib.newsroom.models import Entry
from itsci_site.lib.periods import Period, Precision
from regions import importers
from regions.locks import Locks
from regions.models import PeriodLock, Reading
from tests import factories as make
from tests.newsroom.desk import Form, address, before_opening, move, told

pytestmark = pytest.mark.django_db
LOCKS = reverse("admin:regions_periodlock_changelist")
ADD = reverse("admin:regions_periodlock_add")


@pytest.fixture
def draft() -> Reading:
    """Of the second quarter of 2017, which is locked with its year."""
    made = make.make_reading(make.make_series(), 5, date(2017, 4, 1), None, precision="quarter")
    make.make_lock(date(2017, 1, 1))
    return made


@pytest.mark.parametrize(
    ("period", "locked"),
    [
        (Period(date(2017, 1, 1), Precision.YEAR), True),
        (Period(date(2017, 10, 1), Precision.QUARTER), True),
        (Period(date(2017, 12, 1), Precision.MONTH), True),
        (Period(date(2017, 12, 31), Precision.DAY), True),
        (Period(date(2018, 1, 1), Precision.QUARTER), False),
        (Period(date(2016, 12, 31), Precision.DAY), False),
    ],
)
def test_python_and_postgres_agree_on_what_a_lock_holds(period: Period, locked: bool) -> None:
    make.make_lock(date(2017, 1, 1))
    assert (Locks().on(period) is not None) == locked
    with connection.cursor() as cursor:
        cursor.execute("SELECT regions_period_is_locked(%s, %s)", [period.first_day, period.precision])
        assert cursor.fetchone() == (locked,)


def test_a_locked_quarter_does_not_lock_its_year() -> None:
    make.make_lock(date(2017, 1, 1), "quarter")
    assert Locks().on(Period(date(2017, 1, 1), Precision.YEAR)) is None


def test_the_form_says_so_and_keeps_what_was_typed(alices: Client, draft: Reading) -> None:
    values = {
        "series": draft.series_id, "effective_on": "2017-07-01", "precision": "quarter", "status": "reported", "value": "123",
        "source": draft.source_id, "published_at_0": "", "published_at_1": "",
    }  # fmt: skip
    page = alices.post(reverse("admin:regions_reading_add"), values)
    html = page.content.decode()
    assert page.status_code == 200 and "2017 is locked" in html and 'value="123"' in html
    assert Reading.objects.count() == 1


def test_a_locked_draft_opens_read_only_and_is_not_moved(opened: None, alices: Client) -> None:
    with before_opening():
        draft = make.make_reading(make.make_series(), 5, date(2017, 4, 1), None, precision="quarter")
    make.make_lock(date(2017, 1, 1))
    html = alices.get(address(draft)).content.decode()
    assert "2017 is locked" in html and 'name="value"' not in html
    assert alices.post(address(draft), {"value": "6", "_reason": "x"}).status_code == 403
    assert alices.post(address(draft, "delete"), {"post": "yes", "_reason": "x"}).status_code == 403
    page = move(alices, draft, "submit")
    assert page.status_code == 400 and "2017 is locked" in page.content.decode()
    data = {"action": "delete_selected", "_selected_action": [draft.pk], "post": "yes"}
    page = alices.post(reverse("admin:regions_reading_changelist"), data, follow=True)
    assert "The periods of these are locked" in page.content.decode()
    assert Reading.objects.get().stage == "draft"


def test_an_import_says_so(tmp_path: Path) -> None:
    series = make.make_series()
    make.make_source(name_en="A count")
    make.make_lock(date(2017, 1, 1))
    row = f"{series.region.slug},{series.metric.slug},2017-04-01,quarter,5,reported,A count"
    (tmp_path / "file").write_text(f"region,metric,period_start,precision,value,status,source_en\n{row}\n")
    with pytest.raises(importers.Refused, match="Row 2, period_start: 2017 is locked"):
        importers.load(tmp_path / "file")


def test_a_correction_of_what_is_public_goes_its_way(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        wrong = make.make_reading(make.make_series(), 5)
    make.make_lock(date(2017, 1, 1))
    link = reverse("admin:regions_reading_add")
    values = {
        "series": wrong.series_id, "effective_on": "2017-01-01", "precision": "year", "status": "reported", "value": "6",
        "source": wrong.source_id, "supersedes": wrong.pk, "published_at_0": "", "published_at_1": "",
    }  # fmt: skip
    page = alices.post(link, values)
    assert "Say why it is corrected" in page.content.decode()
    assert alices.post(link, values | {"reason_en": "A figure was read wrongly"}).status_code == 302
    right = Reading.objects.get(supersedes=wrong)
    for who, name in ((alices, "submit"), (bobs, "approve"), (bobs, "publish")):
        move(who, right, name)
    assert Reading.objects.get(supersedes=wrong).is_public()


def test_a_lock_is_set_and_taken_away_with_a_reason(alices: Client, draft: Reading) -> None:
    page = alices.post(ADD, {"effective_on": "2016-02-01", "precision": "quarter", "note": "Sent to the donors"})
    assert "Give the first day of the period" in page.content.decode()
    page = alices.post(ADD, {"effective_on": "2017-01-01", "precision": "year", "note": "Again"})
    assert "This period is locked already." in page.content.decode()
    alices.post(ADD, {"effective_on": "2017-04-01", "precision": "quarter", "note": "Sent to the donors"})
    lock = PeriodLock.objects.get(precision="quarter")
    assert lock.locked_by and lock.locked_by.username == "alice"
    entry = Entry.objects.filter(table_name="regions_periodlock", row_id=lock.pk).get()
    assert (entry.actor, entry.reason, entry.operation) == ("alice", "Sent to the donors", "insert")
    link = reverse("admin:regions_periodlock_delete", args=[lock.pk])
    page = alices.post(link, {"post": "yes", "_reason": "  "}, follow=True)
    assert "Say why" in page.content.decode() and PeriodLock.objects.count() == 2
    alices.post(link, {"post": "yes", "_reason": "A late report came"})
    assert PeriodLock.objects.count() == 1
    entry = Entry.objects.filter(table_name="regions_periodlock", row_id=lock.pk).first()  # type: ignore[assignment]
    assert (entry.actor, entry.reason, entry.operation) == ("alice", "A late report came", "delete")


def test_locking_tells_what_is_left_behind(alices: Client) -> None:
    make.make_reading(make.make_series(), 5, date(2017, 4, 1), None, precision="quarter")
    make.make_reading(make.make_series(), 5, date(2018, 4, 1), None, precision="quarter")
    page = alices.post(ADD, {"effective_on": "2017-01-01", "precision": "year", "note": ""})
    assert told(page)[0].startswith("1 figure of this period is not public yet")


def test_who_may_not_delete_locks_does_not_unlock(draft: Reading) -> None:
    carol = make.make_user("carol", superuser=False)
    carol.user_permissions.set(Permission.objects.filter(codename__in=["view_periodlock", "add_periodlock"]))
    make.make_desk(user=carol, everywhere=True)
    client = Client()
    make.sign_in(client, carol)
    lock = PeriodLock.objects.get()
    link = reverse("admin:regions_periodlock_delete", args=[lock.pk])
    assert client.post(link, {"post": "yes", "_reason": "x"}).status_code == 403
    client.post(LOCKS, {"action": "delete_selected", "_selected_action": [lock.pk], "post": "yes"})
    assert PeriodLock.objects.count() == 1
    assert Form(client.get(ADD)).values


@pytest.mark.django_db(transaction=True)
def test_no_figure_slips_in_while_a_period_is_being_locked() -> None:
    """Whoever writes waits for whoever locks, and then finds the lock."""
    series, source = make.make_series(), make.make_source()
    refused: list[str] = []
    begun = threading.Event()

    def enter() -> None:
        try:
            begun.set()
            make.make_reading(series, 5, published_at=None, source=source)
        except DatabaseError as error:
            refused.append(str(error))
        finally:
            connection.close()

    writer = threading.Thread(target=enter)
    with transaction.atomic():
        make.make_lock(date(2017, 1, 1))
        writer.start()
        begun.wait()
        writer.join(0.5)
        assert writer.is_alive(), "it did not wait"
    writer.join()
    assert len(refused) == 1 and "its period is locked" in refused[0]
    assert not Reading.objects.exists()
    with trail.acting(None, "the end of a test"):
        PeriodLock.objects.all().delete()
