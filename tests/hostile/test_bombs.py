"""A hundred and more files that burst what reads them or are two things at once, given to the forms that staff upload with.

Each is read by a child within bounds: 256 MB of memory and, of a table, 4 seconds of the processor and 4.4 by the clock, of
another file 3 and 3.5, whatever it holds.
What is refused leaves no row and no file; a photo or document that is something else besides leaves what was made anew of it
alone.
"""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.utils import override_settings
from django.urls import reverse

from itsci_site.lib import child
from meetings.models import Document
from regions.models import Reading
from testimonials.models import RENDITIONS, Testimonial
from tests import factories as make
from tests.long_runs import percentile, record, resident
from tests.testimonials.photos import ALT

from . import bombs

pytestmark = pytest.mark.django_db(transaction=True)
SECONDS, MEMORY = 5, 256 * 2**20


@pytest.fixture(autouse=True)
def media(tmp_path: Path) -> Iterator[Path]:
    with override_settings(MEDIA_ROOT=tmp_path):
        yield tmp_path


@pytest.fixture
def staff(client: Client) -> Client:
    return make.sign_in(client, make.make_user())


@pytest.fixture
def bounds(monkeypatch: pytest.MonkeyPatch) -> list[child.Bounds]:
    """Those under which children were started."""
    given: list[child.Bounds] = []
    start = child.run

    def noted(function: str, content: bytes, bounds: child.Bounds, **arguments: Any) -> Any:
        given.append(bounds)
        return start(function, content, bounds, **arguments)

    monkeypatch.setattr(child, "run", noted)
    return given


def uploaded(content: bytes, name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def as_photo(staff: Client) -> Callable[[bytes], Any]:
    values = {"quote": "Words", "quote_language": "en", "story_title_en": "Title", "story_teaser_en": "Teaser"}
    values |= {"attribution": "anonymous", "place_precision": "region", "order": "0", "region": str(make.make_region().pk)}
    values |= {"portrait_alt_en": ALT["en"], "portrait_alt_fr": ALT["fr"]}
    address = reverse("admin:testimonials_testimonial_add")

    def send(content: bytes) -> Any:
        slug = f"story-{Testimonial.objects.count()}"
        return staff.post(address, values | {"slug": slug, "photo": uploaded(content, "photo.jpg")})

    return send


def as_document(staff: Client) -> Callable[[bytes], Any]:
    values = {"meeting": make.make_meeting(public_from=None).pk, "title_en": "Minutes", "language": "fr"}
    address = reverse("admin:meetings_document_add")
    return lambda content: staff.post(address, values | {"file": uploaded(content, "minutes.pdf")})


def as_table(staff: Client) -> Callable[[bytes], Any]:
    return lambda content: staff.post(reverse("import_readings"), {"file": uploaded(content, "readings.xlsx")})


WAYS: dict[str, tuple[dict[str, bombs.Make], Callable[[Client], Callable[[bytes], Any]], bool]] = {
    "photos": (bombs.PHOTOS, as_photo, False),
    "photos and something else": (bombs.PICTURES, as_photo, True),
    "documents": (bombs.DOCUMENTS, as_document, False),
    "documents and something else": (bombs.HARMLESS_DOCUMENTS, as_document, True),
    "tables": (bombs.TABLES, as_table, False),
}
"""By their kind: (files, how they are sent, whether they may be kept)."""


def stored(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def rows() -> tuple[int, int, int]:
    return Testimonial.objects.count(), Document.objects.count(), Reading.objects.count()


@pytest.mark.parametrize("kind", WAYS)
def test_what_bursts_a_reader_bursts_a_child_and_leaves_nothing(
    kind: str, staff: Client, media: Path, bounds: list[child.Bounds]
) -> None:
    files, way, may_be_kept = WAYS[kind]
    send, seconds, wrong, kept = way(staff), list[float](), [], 0
    send(b"")  # the first answer of a process loads what all need
    before = resident()
    for name, made in files.items():
        content, files_before, rows_before = made(), set(stored(media)), rows()
        begun = time.perf_counter()
        answer = send(content)
        seconds.append(time.perf_counter() - begun)
        new = set(stored(media)) - files_before
        if answer.status_code == 302 and may_be_kept:
            kept += 1
            if sum(rows()) != sum(rows_before) + 1 or len(new) not in (1, len(RENDITIONS)):
                wrong.append(f"{name}: {len(new)} files, {rows()} after {rows_before}")
            wrong += [f"{name}: {path.name} holds what it was besides" for path in new if b"PAYLOAD" in path.read_bytes()]
            continue
        told = re.findall(r'class="errorlist|class="errornote|class="problems', answer.content.decode())
        if answer.status_code not in (200, 400) or not told:
            wrong.append(f"{name}: {answer.status_code} and no word of what is wrong")
        if new or rows() != rows_before:
            wrong.append(f"{name}: left {new}, {rows()} after {rows_before}")
    growth = resident() - before
    figures = {"files": len(files), "kept_as_made_anew": kept, "growth_MB": round(growth / 2**20, 1)}
    record("bombs", kind, **figures, p50_ms=percentile(seconds, 0.5), longest_ms=percentile(seconds, 1))
    assert wrong == []
    assert all(one.memory <= MEMORY and one.cpu < one.wall < SECONDS for one in bounds) and bounds
    assert growth < MEMORY  # what one of them took of this process before a child read them was twice that


def test_where_the_clock_ends_the_machine_is_said_to_be_busy(staff: Client, media: Path, settings: Any) -> None:
    """A good file, and no time to read it: what was typed is kept, and it is said that it may be sent again."""
    settings.UPLOADED_FILE_READER = settings.UPLOADED_FILE_READER | {"wall": 0.01}
    settings.UPLOADED_TABLE_READER = settings.UPLOADED_TABLE_READER | {"wall": 0.01}
    ways = [(as_photo, bombs.PICTURES["PNG and a page"]), (as_document, bombs.MINUTES), (as_table, lambda: b"region,metric")]
    for way, made in ways:
        answer = way(staff)(made()).content.decode()
        assert "This site was too busy to read" in answer
        assert way is as_table or 'value="Minutes"' in answer or 'value="Title"' in answer
    assert rows() == (0, 0, 0) and not stored(media)


def test_there_are_more_than_a_hundred() -> None:
    assert sum(len(files) for files, _way, _kept in WAYS.values()) > 100


def test_a_photo_is_read_and_a_document(staff: Client, media: Path) -> None:
    """By the same ways, or nothing was tried."""
    for send, made in ((as_photo(staff), bombs.PICTURES["PNG and a page"]), (as_document(staff), bombs.MINUTES)):
        assert send(made()).status_code == 302
    assert len(stored(media)) == len(RENDITIONS) + 1
