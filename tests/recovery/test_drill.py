"""A restore, practised: an older backup comes back, and nothing that was taken from readers since comes back with it."""

import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from itsci_site import backup, pg_programs
from itsci_site.away import LAST_GOOD
from itsci_site.lib.lastgood import Store
from itsci_site.lib.newsroom import ledger, verify
from itsci_site.lib.newsroom.models import Entry, Note, Proposal
from meetings.models import Document, Meeting
from regions import figures
from regions.content_version import Content
from regions.models import Metric, Region
from testimonials import files as portraits
from testimonials.models import RENDITIONS, Consent, Testimonial
from tests import factories as make
from tests.newsroom.desk import address, before_opening, move
from tests.public import surfaces

from .conftest import Drill

pytestmark = pytest.mark.django_db
CANARY = "Kanarienvogel"
Sql = Callable[..., list[Any]]


def story(**fields: Any) -> Testimonial:
    return make.make_testimonial(region=Region.objects.published()[0], **fields)


def with_portrait(one: Testimonial, portrait: str) -> Testimonial:
    """Its files hold its name, so that one can be told from another."""
    for rendition in RENDITIONS:
        default_storage.save(portraits.path(portrait, rendition), ContentFile(f"{one.slug} {rendition}".encode()))
    described = {f"portrait_alt_{code}": "A face" for code in ("en", "fr")}
    Testimonial.objects.filter(pk=one.pk).update(portrait=portrait, portrait_bytes=10, **described)
    return Testimonial.objects.get(pk=one.pk)


def with_document(meeting: Meeting, content: bytes) -> Document:
    name = default_storage.save(f"meetings/{hashlib.sha256(content).hexdigest()[:32]}.pdf", ContentFile(content))
    return make.make_document(meeting, file=name)


def totals() -> str:
    return repr(figures.table(list(Region.objects.published()), list(Metric.objects.all()), timezone.now()))


def published() -> dict[str, list[int]]:
    return {
        "stories": sorted(Testimonial.objects.published().values_list("pk", flat=True)),
        "meetings": sorted(Meeting.objects.published().values_list("pk", flat=True)),
    }


def packed() -> set[str]:
    """The stories in the offline pack."""
    with zipfile.ZipFile(io.BytesIO(surfaces.read(Client(), "/data/offline-en.zip")[1])) as pack:
        return {Path(name).parent.name for name in pack.namelist() if "/stories/" in f"/{name}"}


def said_anywhere(word: str, *folders: Path) -> list[str]:
    """Tables and files that hold a word."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT count(*) FROM {table} AS one WHERE to_jsonb(one)::text ILIKE %s", [f"%{word}%"])  # noqa: S608
            if cursor.fetchone()[0]:
                found.append(table)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return found + [path.name for path in files if word.lower().encode() in path.read_bytes().lower()]


@pytest.fixture
def alices(drill: Drill) -> Client:
    return make.sign_in(Client(), make.make_user())


@pytest.fixture
def saved(drill: Drill, alices: Client) -> dict[str, Any]:
    """What the backup holds: all of it public."""
    with before_opening():
        cast: dict[str, Any] = {name: story(slug=f"{name}-story") for name in ("kept", "consent", "suspended", "sql", "cut")}
        erased = {f"{name}_{code}": CANARY for name in ("story_title", "story_body") for code in ("en", "fr")}
        whose = make.make_consent(make.make_contributor(legal_name=CANARY, notes=CANARY))
        cast["erased"] = story(slug=CANARY.lower(), quote=f"{CANARY} said", consent=whose, **erased)
        cast["kept"] = with_portrait(cast["kept"], "a" * 32)
        cast["erased"] = with_portrait(cast["erased"], "b" * 32)
        cast["meeting"] = make.make_meeting()
        cast["document"] = with_document(make.make_meeting(), b"%PDF- kept")
        cast["dropped"] = with_document(make.make_meeting(), b"%PDF- dropped")
    path, manifest = backup.make(drill.backups)
    before = len(ledger.read(drill.ledger))
    return cast | {"lines": before, "path": path, "manifest": manifest, "totals": totals(), "public": published()}


def taken_away(alices: Client, saved: dict[str, Any], sql: Sql) -> None:
    """After the backup, by every way there is."""
    assert alices.post(address(saved["consent"].consent), {"withdraw": "on", "_reason": "x"}).status_code in (200, 302)
    Consent.objects.filter(pk=saved["consent"].consent_id, withdrawn_at=None).update(withdrawn_at=timezone.now())
    assert alices.post(address(saved["erased"], "erase"), {"reason": "They asked"}).status_code == 302
    assert move(alices, saved["suspended"], "suspend").status_code == 302
    assert move(alices, saved["meeting"], "withdraw", reason="A mistake").status_code == 302
    sql("UPDATE testimonials_testimonial SET status = 'withdrawn' WHERE id = %s", saved["sql"].pk)
    sql("UPDATE testimonials_consent SET scope_web = false WHERE id = %s", saved["cut"].consent_id)
    with before_opening():
        sql("DELETE FROM meetings_document WHERE id = %s", saved["dropped"].pk)
    assert Client().get("/").status_code == 200


def restored(drill: Drill, path: Path, **options: Any) -> None:
    call_command("restore", str(path), replace=drill.name, **options)


def test_what_was_taken_away_since_does_not_come_back(
    drill: Drill, alices: Client, saved: dict[str, Any], sql: Sql, capsys: Any
) -> None:  # fmt: skip
    taken_away(alices, saved, sql)
    with before_opening():
        story(slug="later")
        brief = story(slug="brief")
    assert "later" in packed()
    sql("UPDATE testimonials_testimonial SET status = 'suspended' WHERE id = %s", brief.pk)
    Client().get("/")
    after, known = published(), {line.mark for line in ledger.read(drill.ledger)}
    head_later, seen = verify.Report(), Content()
    had = seen.state().mark
    assert sum(verify.verified(head_later)) and head_later.is_whole
    copies = Store(drill.folder / "last-good")
    copies.put("/", [], b"As of then", b"As of then")
    restored(drill, saved["path"])
    assert list(copies.addresses()) == []
    assert seen.state().mark != had, "pages that a process kept, which was not restarted, are made anew"
    seen.close()

    gone = {saved[name].pk for name in ("consent", "erased", "suspended", "sql", "cut")}
    assert published()["stories"] == sorted(set(saved["public"]["stories"]) - gone)
    assert published()["meetings"] == sorted(set(saved["public"]["meetings"]) - {saved["meeting"].pk}) == after["meetings"]
    states = {
        name: Testimonial.objects.get(pk=saved[name].pk).status for name in ("consent", "erased", "suspended", "sql", "cut")
    }
    assert states == {
        "consent": "withdrawn", "erased": "draft", "suspended": "suspended", "sql": "withdrawn", "cut": "suspended"
    }  # fmt: skip
    assert Consent.objects.get(pk=saved["consent"].consent_id).withdrawn_at
    assert not Document.objects.filter(pk=saved["dropped"].pk).exists()
    assert not Testimonial.objects.filter(slug="later").exists()
    assert totals() == saved["totals"]

    client = Client()
    for name in ("consent", "suspended", "sql", "cut", "meeting"):
        assert client.get(saved[name].get_absolute_url()).status_code == 404, name
    assert client.get(f"/stories/{CANARY.lower()}/").status_code == 404
    assert client.get(saved["kept"].get_absolute_url()).status_code == 200
    face = surfaces.read(client, saved["kept"].portrait_address(RENDITIONS[0]))
    assert face == (200, f"kept-story {RENDITIONS[0]}".encode())
    assert surfaces.read(client, saved["document"].get_absolute_url()) == (200, b"%PDF- kept")

    assert said_anywhere(CANARY, drill.media) == []
    assert "kept-story" in (pack := packed()) and pack.isdisjoint({"later", "suspended-story", CANARY.lower(), "sql-story"})
    assert not list(drill.media.rglob(f"{'b' * 32}*"))
    for name, is_saved in saved["manifest"].files.items():
        if "b" * 32 not in name and saved["dropped"].file.name != name:
            assert hashlib.sha256((drill.media / name).read_bytes()).hexdigest() == is_saved["sha256"]

    again = verify.Report()
    assert sum(verify.verified(again, head=saved["manifest"].trail_head)) and again.problems == []
    lost = verify.Report()
    assert sum(verify.verified(lost, head=head_later.head)) and "cut off or written anew" in lost.problems[0]
    assert "Kanarien" not in capsys.readouterr().out
    assert {line.mark for line in ledger.read(drill.ledger)} == known, "what was applied is not noted once more"
    assert Entry.objects.filter(row_id=saved["suspended"].pk, reason__startswith="Once more after a restore").exists()
    assert Note.objects.filter(kind="restored").get().said["new"] == len(known) - saved["lines"]

    with before_opening():
        newest = story(slug="newest")
    assert newest.pk > brief.pk, "no row gets a number that the ledger speaks of"
    assert drill.databases() == [""]


def test_what_was_put_back_before_the_backup_stays(drill: Drill, alices: Client, sql: Sql) -> None:
    with before_opening():
        one = story(slug="back-again")
    move(alices, one, "suspend")
    sql("ALTER TABLE testimonials_testimonial DISABLE TRIGGER USER")
    Testimonial.objects.filter(pk=one.pk).update(status="published")
    sql("ALTER TABLE testimonials_testimonial ENABLE TRIGGER USER")
    path, _manifest = backup.make(drill.backups)
    restored(drill, path)
    assert Testimonial.objects.published().filter(pk=one.pk).exists()


def test_another_machine_with_the_ledger_of_the_first(drill: Drill, alices: Client, saved: dict[str, Any], sql: Sql) -> None:
    """The first machine burnt down, and its ledger was copied elsewhere."""
    taken_away(alices, saved, sql)
    elsewhere = drill.folder / "copied"
    drill.ledger.rename(elsewhere)
    drill.media.rename(drill.folder / "burnt")
    restored(drill, saved["path"], ledger=[elsewhere])
    assert set(published()["stories"]).isdisjoint({saved["suspended"].pk, saved["erased"].pk})
    assert said_anywhere(CANARY, drill.media) == []
    first, second = (
        {line.mark: line for line in ledger.read(path) if line.what != ledger.BEGAN} for path in (elsewhere, drill.ledger)
    )
    assert first == second, "it is this one's now"
    assert (drill.media / saved["document"].file.name).read_bytes() == b"%PDF- kept"


# Without its ledger


def test_a_site_without_its_ledger_stays_shut(drill: Drill, alices: Client, saved: dict[str, Any], sql: Sql) -> None:
    taken_away(alices, saved, sql)
    kept = drill.ledger.rename(drill.folder / "kept")
    with pytest.raises(CommandError, match="the site stays shut for readers: there is no ledger"):
        restored(drill, saved["path"])
    client = Client()
    for path, words in {
        "/": "being put in order",
        "/fr/": "remis en ordre",
        "/data/readings.csv": "",
        "/search/?q=a": "",
    }.items():
        answer = client.get(path)
        assert answer.status_code == 503 and answer["Cache-Control"] == "no-store" and words in answer.content.decode()
        assert "script-src" not in answer["Content-Security-Policy"] and CANARY not in answer.content.decode()
    to_keep: dict[str, Any] = {LAST_GOOD: timezone.now()}
    assert client.get("/", **to_keep).status_code == 503, "no copy is made of it"
    assert client.get(saved["kept"].portrait_address(RENDITIONS[0])).status_code == 503
    assert client.get("/healthz").status_code == 200 and client.get("/admin/login/").status_code == 200
    call_command("ledger", apply=[kept])
    assert client.get("/").status_code == 200 and client.get(saved["suspended"].get_absolute_url()).status_code == 404
    assert said_anywhere(CANARY, drill.media) == []
    with pytest.raises(CommandError, match="This database is open"):
        call_command("ledger", open="Again")


def test_it_opens_on_the_word_of_the_operator(drill: Drill, saved: dict[str, Any]) -> None:
    drill.ledger.unlink()
    with pytest.raises(CommandError, match="stays shut"):
        restored(drill, saved["path"])
    call_command("ledger", open="Nothing was withdrawn that day, says the officer")
    assert Client().get("/").status_code == 200
    note = Note.objects.get(kind="opened")
    assert note.said == {"reason": "Nothing was withdrawn that day, says the officer"}
    assert Entry.objects.filter(table_name="newsroom_note", reason=note.said["reason"]).exists()


def test_the_ledger_of_another_site_opens_nothing(drill: Drill, alices: Client) -> None:
    with before_opening():
        one = story(slug="earlier")
    move(alices, one, "suspend")
    path, _manifest = backup.make(drill.backups)
    drill.ledger.write_text("")
    with pytest.raises(CommandError, match=r"No line of the ledger is of the site that made the backup"):
        restored(drill, path)
    assert Client().get("/").status_code == 503


def test_lines_of_another_site_mean_nothing_here(drill: Drill, saved: dict[str, Any]) -> None:
    """This machine had a site of its own before; the numbers of its rows are not those of the backup's."""
    foreign = {"site": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "mark": "1" * 8 + "-0000-4000-8000-" + "0" * 12}
    line = {"at": "2999-01-01T00:00:00+00:00", "what": "erased", "table": "testimonials_testimonial", "row": saved["kept"].pk}
    with open(drill.ledger, "a") as file:
        file.write(json.dumps(foreign | line | {"actor": None, "detail": {}}) + "\n")
    restored(drill, saved["path"])
    assert Testimonial.objects.published().filter(pk=saved["kept"].pk).exists()


def test_a_ledger_that_was_cut_off_opens_nothing(drill: Drill, alices: Client) -> None:
    with before_opening():
        one = story(slug="earlier")
    move(alices, one, "suspend")
    path, _manifest = backup.make(drill.backups)
    drill.ledger.write_text(drill.ledger.read_text().splitlines(keepends=True)[0])
    with pytest.raises(CommandError, match=r"1 of the 1 lines that this database knows are not in the ledger"):
        restored(drill, path)
    assert Client().get("/").status_code == 503


def test_what_was_discarded_since_does_not_become_due_while_it_is_shut(drill: Drill, saved: dict[str, Any], sql: Sql) -> None:
    """A next version for a moment that comes between the restore and the ledger."""
    alice, bob = make.make_user("writer"), make.make_user("approver")
    change = {"table": "meetings_meeting", "id": saved["meeting"].pk, "op": "update"}
    sides = {"before": {"summary_en": saved["meeting"].summary_en}, "after": {"summary_en": "Discarded"}}
    with before_opening():
        due = Proposal.objects.create(
            record="meetings.meeting", row_id=saved["meeting"].pk, title="Next", changes=[change | sides], status="published",
            publish_at=timezone.now() + timedelta(seconds=2), authors=[alice.pk], approved_by=bob,
        )  # fmt: skip
    path, _manifest = backup.make(drill.folder / "later")
    sql("UPDATE newsroom_proposal SET status = 'withdrawn' WHERE id = %s", due.pk)
    ledger.keep()
    kept = drill.ledger.rename(drill.folder / "kept")
    with pytest.raises(CommandError, match="stays shut"):
        restored(drill, path)
    sql("SELECT pg_sleep(greatest(0, extract(epoch FROM %s - clock_timestamp())))", due.publish_at)
    assert Client().get("/").status_code == 503 and Client().get("/admin/login/").status_code == 200
    call_command("ledger", apply=[kept])
    assert Client().get("/").status_code == 200
    assert sql("SELECT summary_en FROM meetings_meeting WHERE id = %s", saved["meeting"].pk) != [("Discarded",)]


def test_whoever_left_the_staff_does_not_come_back(drill: Drill, alices: Client) -> None:
    left = make.make_user("left")
    cookie = make.sign_in(Client(), left)
    assert cookie.get("/admin/").status_code == 200
    path, _manifest = backup.make(drill.backups)
    left.is_active = False
    left.save()
    ledger.keep()
    restored(drill, path)
    left.refresh_from_db()
    assert not left.is_active and cookie.get("/admin/").status_code == alices.get("/admin/").status_code == 302


def test_half_a_line_at_the_end_is_told(drill: Drill, alices: Client, saved: dict[str, Any], capsys: Any) -> None:
    """The disk was full when something left, and then the database was lost."""
    move(alices, saved["suspended"], "suspend")
    with open(drill.ledger, "ab") as file:
        file.write(b'{"site":"')
    restored(drill, saved["path"])
    assert f"{drill.ledger} ended in half a line: what left last is not in it" in capsys.readouterr().out
    assert Client().get("/").status_code == 200
    assert not Testimonial.objects.published().filter(pk=saved["suspended"].pk).exists()


def test_one_that_is_brought_back_in_place_by_other_means_is_shut(drill: Drill, saved: dict[str, Any]) -> None:
    """Into the same database of the same server, so that only the tables are others, below a site that runs."""
    dump, reach = drill.folder / "dump", f"--dbname={pg_programs.reach()}"
    subprocess.run([pg_programs.path_of("pg_dump"), "-Fc", f"--file={dump}", reach], check=True)
    seen = Content()
    had = seen.state().mark
    Client().get("/")
    connection.close()
    restoring = [pg_programs.path_of("pg_restore"), "--clean", "--if-exists", "--single-transaction", reach, str(dump)]
    connection.close()
    subprocess.run(restoring, check=True)
    assert seen.state().mark != had
    seen.close()
    assert Client().get("/").status_code == 503
    call_command("ledger", apply=[drill.ledger])
    assert Client().get("/").status_code == 200


def test_a_damaged_ledger_is_named_before_anything_is_touched(drill: Drill, saved: dict[str, Any]) -> None:
    with pytest.raises(CommandError, match=r"There is no ledger at .*nowhere\. Nothing was touched"):
        restored(drill, saved["path"], ledger=[drill.folder / "nowhere"])
    drill.ledger.write_text('{"mark": "half\n')
    with pytest.raises(CommandError, match=r"Line 1 of .*ledger is no line of a ledger\. Nothing was touched"):
        restored(drill, saved["path"])
    assert published() == saved["public"] and Client().get("/").status_code == 200
