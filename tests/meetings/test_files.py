"""The files of documents: one that no row names does not stay, one that a next version waits for does."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse

from itsci_site.lib import uploads
from itsci_site.lib.newsroom.guard import open_register
from itsci_site.lib.newsroom.models import Proposal
from meetings import files
from meetings.models import Document, Meeting
from tests import factories as make
from tests.admin.test_admin import Form, Page
from tests.meetings import pdf_files
from tests.newsroom.desk import address, move

pytestmark = pytest.mark.django_db(transaction=True)
ADD = reverse("admin:meetings_document_add")
FULL = "The disk is full, and nothing was saved."
AGAIN = "What you typed is kept, the file is not"


@pytest.fixture(autouse=True)
def media(tmp_path: Path) -> Iterator[Path]:
    with override_settings(MEDIA_ROOT=tmp_path):
        yield tmp_path


@pytest.fixture
def draft() -> Meeting:
    return make.make_meeting(public_from=None)


@pytest.fixture
def public() -> Meeting:
    """Of the open register: whatever is added to it waits for a second person."""
    meeting = make.make_meeting()
    open_register()
    return meeting


def stored(media: Path) -> list[str]:
    return sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())


def pdf(content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile("Minutes of Mr X.pdf", content or pdf_files.plain())


def typed(of: Meeting, **values: Any) -> dict[str, Any]:
    return {"meeting": of.pk, "title_en": "Typed at length", "language": "fr", "file": pdf()} | values


def within(client: Client, meeting: Meeting, **values: Any) -> Page:
    """The same in the form of the meeting itself."""
    form = Form(client.get(address(meeting))).values
    inline = {
        "documents-TOTAL_FORMS": "1", "documents-0-id": "", "documents-0-meeting": meeting.pk, "documents-0-language": "fr",
        "documents-0-title_en": "Typed at length", "documents-0-file": pdf(),
    }  # fmt: skip
    return client.post(address(meeting), form | inline | {"_reason": "The minutes came"} | values)


def grown_old(media: Path) -> None:
    for path in media.rglob("*.pdf"):
        os.utime(path, (time.time() - 7200,) * 2)


def test_an_upload_leaves_a_file_and_a_row(alices: Client, draft: Meeting, media: Path) -> None:
    assert alices.post(ADD, typed(draft)).status_code == 302
    assert within(alices, make.make_meeting(public_from=None)).status_code == 302
    assert stored(media) == sorted(str(one.file.name) for one in Document.objects.all()) and len(stored(media)) == 2
    grown_old(media)
    assert files.sweep() == []


@pytest.mark.parametrize("values", [{"language": "French"}, {"title_en": ""}, {"meeting": ""}])
def test_a_form_with_a_fault_leaves_neither(
    values: dict[str, str], alices: Client, draft: Meeting, media: Path
) -> None:  # fmt: skip
    page = alices.post(ADD, typed(draft, **values))
    html = page.content.decode()
    assert page.status_code == 200 and AGAIN in html and ("Typed at length" in html or not values.get("title_en", "x"))
    assert stored(media) == [] and not Document.objects.exists()


def test_a_fault_elsewhere_in_the_form_leaves_neither(alices: Client, draft: Meeting, media: Path) -> None:
    page = within(alices, draft, held_on="never")
    html = page.content.decode()
    assert page.status_code == 200 and AGAIN in html and "Typed at length" in html
    assert stored(media) == [] and not Document.objects.exists()


TRIGGERS = {
    "at once": "CREATE TRIGGER refuse BEFORE INSERT ON meetings_document",
    "at the end": "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON meetings_document DEFERRABLE INITIALLY DEFERRED",
}
STATES = {"a rule": "23514", "no room": "53100", "a fault": "XX000"}


@pytest.fixture(params=[(when, why) for when in TRIGGERS for why in STATES], ids=" ".join)
def refusing(request: pytest.FixtureRequest) -> Iterator[tuple[str, Callable[[], None]]]:
    """Call it, and the database refuses every new document: as it comes, or when its transaction ends."""
    when, why = request.param
    text = "could not extend file: No space left on device" if why == "no room" else "it is refused"

    def run(*statements: str) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def begin() -> None:
        run(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{text}' USING ERRCODE = '{STATES[why]}'; END $$",
            f"{TRIGGERS[when]} FOR EACH ROW EXECUTE FUNCTION refuse()",
        )

    yield why, begin
    run("DROP FUNCTION IF EXISTS refuse() CASCADE")


def test_what_the_database_refuses_leaves_neither(
    refusing: tuple[str, Callable[[], None]], alices: Client, draft: Meeting, media: Path
) -> None:  # fmt: skip
    why, begin = refusing
    begin()
    alices.raise_request_exception = False
    for page in (alices.post(ADD, typed(draft)), within(alices, draft)):
        html = page.content.decode()
        if why == "a fault":
            assert page.status_code == 500
        else:
            assert page.status_code == 200 and "Typed at length" in html and AGAIN in html
            assert ("The database refused this" if why == "a rule" else FULL) in html
        assert stored(media) == [] and not Document.objects.exists()


def test_a_full_disk_leaves_neither_and_is_told(
    alices: Client, draft: Meeting, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """The first bytes find room, the rest does not."""

    def half(storage: FileSystemStorage, name: str, content: Any) -> str:
        path = Path(storage.path(name))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"%PDF-")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", half)
    for page in (alices.post(ADD, typed(draft)), within(alices, draft)):
        html = page.content.decode()
        assert page.status_code == 200 and FULL in html and "Typed at length" in html and AGAIN in html
        assert stored(media) == [] and not Document.objects.exists()


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kilobytes, where the machine lets one be mounted."""
    disk = tmp_path / "tiny"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        with override_settings(MEDIA_ROOT=disk):
            yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_disk_that_is_really_full(alices: Client, draft: Meeting, tiny: Path) -> None:
    large = pdf_files.made(lambda writer: [writer.add_blank_page(width=200 + n, height=200) for n in range(900)])
    assert len(large) > 64 * 1024
    page = alices.post(ADD, typed(draft, file=pdf(large)))
    assert page.status_code == 200 and FULL in page.content.decode()
    assert stored(tiny) == [] and not Document.objects.exists()
    assert alices.post(ADD, typed(draft)).status_code == 302, "what was left behind makes no room for the next"


def test_another_error_of_the_disk_is_no_full_disk(
    alices: Client, draft: Meeting, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def gone(*_given: Any) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(FileSystemStorage, "_save", gone)
    with pytest.raises(OSError, match="Input/output error"):
        alices.post(ADD, typed(draft))


# Next versions


def test_the_file_of_a_next_version_stays_as_long_as_that_waits(
    alices: Client, bobs: Client, public: Meeting, media: Path
) -> None:  # fmt: skip
    assert within(alices, public).status_code == 302
    assert not Document.objects.exists() and len(stored(media)) == 1
    grown_old(media)
    assert files.sweep() == []
    move(alices, public, "submit")
    move(bobs, public, "approve")
    move(bobs, public, "publish")
    document = Document.objects.get()
    assert stored(media) == [str(document.file.name)]
    handed_out = Client().get(document.get_absolute_url())
    assert handed_out.getvalue().startswith(b"%PDF-")


def test_it_goes_when_that_is_discarded(alices: Client, public: Meeting, media: Path) -> None:
    within(alices, public)
    grown_old(media)
    move(alices, public, "discard")
    assert Proposal.objects.get().status == "withdrawn"
    assert stored(media) == []


def test_it_goes_when_another_takes_its_place(alices: Client, public: Meeting, media: Path) -> None:
    within(alices, public)
    (first,) = stored(media)
    grown_old(media)
    form = Form(alices.get(address(public))).values
    assert form["documents-INITIAL_FORMS"] == "1"
    answer = alices.post(address(public), form | {"_reason": "A better copy", "documents-0-file": pdf()})
    assert answer.status_code == 302, answer.context["errors"]
    (second,) = stored(media)
    assert second != first and second in str(Proposal.objects.get().changes)


def test_it_goes_with_a_document_that_is_deleted(alices: Client, draft: Meeting, media: Path) -> None:
    alices.post(ADD, typed(draft))
    grown_old(media)
    alices.post(address(Document.objects.get(), "delete"), {"post": "yes", "_reason": "Twice"})
    assert not Document.objects.exists() and stored(media) == []


# The sweep


def test_only_what_nothing_names_and_nobody_is_writing_goes(draft: Meeting, media: Path, capsys: Any) -> None:
    (media / "meetings").mkdir()
    (media / "portraits").mkdir()
    for name in ("meetings/kept.pdf", "meetings/old.pdf", "portraits/other.jpg"):
        (media / name).write_bytes(b"x")
    make.make_document(draft, file="meetings/kept.pdf")
    for path in media.rglob("*.*"):
        os.utime(path, (time.time() - 7200,) * 2)
    (media / "meetings" / "young.pdf").write_bytes(b"x")
    call_command("sweep_files")
    assert capsys.readouterr().out == "Files       1 removed\n"
    assert stored(media) == ["meetings/kept.pdf", "meetings/young.pdf", "portraits/other.jpg"]
    assert timedelta(hours=1) == files.UNTOUCHED


def test_a_folder_that_is_not_there_is_empty() -> None:
    assert files.sweep() == []


def test_a_database_that_is_gone_leaves_it_to_the_sweep(media: Path) -> None:
    def gone(_names: Any) -> list[str]:
        raise OperationalError("the connection is closed")

    with uploads.kept_if_named(default_storage, gone):
        (media / uploads.noted("file.pdf")).write_bytes(b"x")
    assert stored(media) == ["file.pdf"]
