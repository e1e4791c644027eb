"""The page of the trail, an entry of it, and the file: read by those who may, changed by nobody."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from itsci_site.lib.newsroom import admin as audit
from itsci_site.lib.newsroom import trail
from itsci_site.lib.newsroom.models import Entry, Note, Seal
from regions.models import Region
from tests import factories as make

from .conftest import signed_in
from .desk import before_opening, write

pytestmark = pytest.mark.django_db
Page = Any
LIST, FILE = "/admin/newsroom/entry/", "/admin/newsroom/entry/csv/"


def seal() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


def listed(client: Client, **query: Any) -> list[int]:
    page: Page = client.get(LIST, query)
    assert page.status_code == 200, (query, page)
    return [entry.pk for entry in page.context["cl"].result_list]


def file(client: Client, **query: Any) -> list[dict[str, str]]:
    seal()
    page: Page = client.get(FILE, query)
    assert page.status_code == 200 and page["Cache-Control"] == "no-store" and page.streaming
    assert page["Content-Disposition"] == 'attachment; filename="trail.csv"'
    text = b"".join(page.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def region(opened: None, alices: Client, bobs: Client) -> Region:
    with before_opening():
        region = make.make_region(public_from=None)
    write(alices, region, "Alice's reason", lead_en="=HYPERLINK(1)")
    write(bobs, region, "=1+1", lead_en="Bob's lead")
    seal()
    return region


FILTERS: list[dict[str, Any]] = [
    {}, {"table": "regions_region"}, {"who": "alice"}, {"operation__exact": "update"}, {"q": "reason"}, {"since": "2020-01-01"},
    {"until": "2020-01-01"}, {"table": "regions_region", "who": "bob", "operation__exact": "update"}, {"q": "row"},
]  # fmt: skip


@pytest.mark.parametrize("query", FILTERS, ids=str)
def test_the_file_is_the_list(query: dict[str, Any], region: Region, alices: Client) -> None:
    if query.get("q") == "row":
        query = {"q": str(region.pk)}
    shown = listed(alices, **query)
    lines = file(alices, **query)
    assert [int(line["entry"]) for line in lines][: len(shown)] == shown  # the list has pages
    expected = Entry.objects.all()
    if "table" in query:
        expected = expected.filter(table_name=query["table"])
    if "who" in query:
        expected = expected.filter(actor=query["who"])
    assert set(shown) <= set(expected.values_list("pk", flat=True))
    if set(query) <= {"table", "who"}:
        without_notes = expected.exclude(table_name="newsroom_note").filter(pk__gte=min(shown))  # the list has pages
        assert set(shown) == set(without_notes.values_list("pk", flat=True)) | {
            pk for pk in shown if Entry.objects.get(pk=pk).table_name == "newsroom_note"
        }
    assert bool(shown) == ("until" not in query)


def test_filters_say_what_they_should(region: Region, alices: Client) -> None:
    mine = Entry.objects.filter(actor="alice", table_name="regions_region", changed__contains=["lead_en"]).get()
    assert listed(alices, who="alice", table="regions_region", operation__exact="update") == [mine.pk]
    assert listed(alices, q="Alice's") == [mine.pk]
    assert set(listed(alices, q=str(region.pk), table="regions_region")) == set(
        Entry.objects.filter(table_name="regions_region", row_id=region.pk).values_list("pk", flat=True)
    )
    today, yesterday = (f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}" for days in (0, 1))
    assert mine.pk in listed(alices, since=yesterday, until=today) and not listed(alices, until="1999-12-31")


@pytest.mark.parametrize(
    "query",
    [{"since": "abc"}, {"until": "9999-12-31"}, {"since": "\0"}, {"q": "\0"}, {"q": "9" * 40}, {"table": "nowhere"},
     {"since": "0001-01-01"}, {"q": "%_\\"}],
    ids=str,
)  # fmt: skip
def test_nonsense_is_said_or_passed_over(query: dict[str, str], region: Region, alices: Client) -> None:
    page: Page = alices.get(LIST, query)
    if "\0" in "".join(query.values()):
        assert page.status_code == 302, "asked again without it"
        return
    assert page.status_code == 200
    if query.get("since") == "abc":
        assert "Give a day like 2026-12-01." in page.content.decode() and 'value="abc"' in page.content.decode()
    assert alices.get(FILE, query).status_code == 200


@pytest.mark.parametrize("query", ["next=1", "operation__exact__in=1", "at__year=9e22", "actor__id__exact=a"])
def test_a_filter_that_cannot_be_read_leads_to_the_list(query: str, region: Region, alices: Client) -> None:
    """Which tells what of the address it left out. Nothing was taken away."""
    answer = alices.get(f"{FILE}?{query}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{LIST}?{query}")
    assert not Note.objects.exists()
    listed: Page = alices.get(answer.headers["Location"], follow=True)
    assert "Left out of the address, as it cannot be read" in listed.content.decode()


def test_formulas_are_disarmed_and_values_are_json(region: Region, alices: Client) -> None:
    lines = file(alices, table="regions_region", operation__exact="update")
    assert lines[0]["reason"] == "'=1+1"
    assert json.loads(lines[1]["after"])["lead_en"] == "=HYPERLINK(1)"
    assert lines[1]["who"] == "alice" and lines[1]["values"] == "kept"
    sealed = Seal.objects.get(pk=lines[1]["seal"])
    assert lines[1]["seal_hash"] == sealed.hash


def test_taking_the_file_away_is_on_record(region: Region, alices: Client) -> None:
    file(alices, who="bob")
    note = Note.objects.get()
    assert (note.kind, note.said) == (Note.Kind.EXPORTED, {"filters": {"who": ["bob"]}})
    entry = Entry.objects.filter(table_name="newsroom_note").get()
    assert (entry.actor, entry.row_id) == ("alice", note.pk)


def test_an_entry_in_words_with_its_seal(region: Region, alices: Client) -> None:
    entry = Entry.objects.filter(actor="bob", table_name="regions_region")[0]
    html = alices.get(f"{LIST}{entry.pk}/change/").content.decode()
    assert "Lead (English)" in html and "<del>=HYPERLINK(1)</del>" in html and "<ins>Bob&#x27;s lead</ins>" in html
    assert entry.digest in html and entry.seal.hash in html and entry.seal.previous in html
    assert reverse("admin:regions_region_history", args=[region.pk]) in html
    missing: Page = alices.get(f"{LIST}99999999/change/")
    assert missing.status_code == 302
    assert alices.get(f"{LIST}{entry.pk}/history/").status_code == 302


def test_nobody_changes_anything(region: Region, alices: Client) -> None:
    entry = Entry.objects.first()
    assert entry
    before = list(Entry.objects.values())
    assert alices.get(f"{LIST}add/").status_code == 403
    assert alices.post(f"{LIST}add/", {"actor": "x"}).status_code == 403
    assert alices.post(f"{LIST}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    alices.post(f"{LIST}{entry.pk}/change/", {"actor": "x"})
    alices.post(LIST, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert list(Entry.objects.values()) == before


def test_it_is_read_by_those_who_may(region: Region) -> None:
    carol = make.make_user("carol", superuser=False)
    entry = Entry.objects.first()
    assert entry
    pages = (LIST, FILE, f"{LIST}{entry.pk}/change/")
    assert [signed_in(carol).get(page).status_code for page in pages] == [403, 403, 403]
    carol.user_permissions.add(Permission.objects.get(codename="view_entry"))
    desk = make.make_desk(region, user=carol)
    assert [signed_in(carol).get(page).status_code for page in pages] == [403, 403, 403], "drafts of other regions are in it"
    desk.everywhere = True
    desk.save()
    carol = type(carol).objects.get(pk=carol.pk)
    assert [signed_in(carol).get(page).status_code for page in pages] == [200, 200, 200]
    assert [Client().get(page).status_code for page in pages] == [302, 302, 302]
    outsider = make.make_user("olga", staff=False)
    assert [signed_in(outsider).get(page).status_code for page in pages] == [302, 302, 302]


def test_it_says_whether_the_chain_was_whole(region: Region, alices: Client, capsys: Any) -> None:
    assert "never verified" in alices.get(LIST).content.decode()
    call_command("verify_trail")
    html = alices.get(LIST).content.decode()
    head = capsys.readouterr().out.split("Head")[1].split()[0]
    assert "it was whole" in html and head in html
    Note.objects.create(kind=Note.Kind.BROKEN, said={"seal": 5})
    assert "it was broken" in alices.get(LIST).content.decode()


def test_a_long_trail_costs_no_more_than_its_newest_part(region: Region, alices: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(audit, "LISTED", 3)
    page: Page = alices.get(LIST)
    assert page.context["cl"].result_count == 3 and "leads back to the newest" in page.content.decode()
    assert Entry.objects.count() > 3
    assert len(file(alices)) == Entry.objects.filter(pk__lt=trail.last_entry()).count()


def test_the_count_of_questions_is_small(region: Region, alices: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(11):  # one is the second factor's
        alices.get(LIST)
