"""What writers do to a site, one act a number, and what has to be true of it whenever they were stopped.

An act acknowledges by returning. `lost` says which of the acknowledged numbers have left no trace, `halves` what is half there.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from meetings.models import Document, Meeting
from regions.models import Reading, Region
from testimonials.models import Consent, Testimonial
from tests import factories as make
from tests.meetings.test_files import ADD, pdf
from tests.newsroom.desk import CLOSED

ROWS = 20
"""Of a file that is imported."""
BASE = 5_000_000
SLUG = "draft-for-faults"


def prepare() -> None:
    """What the acts are about. With the register closed, one person publishes: who may is not what is tried here."""
    with connection.cursor() as cursor:
        cursor.execute(CLOSED)
    user = make.make_user("alice")
    region = Region.objects.published().first()
    metric = make.make_metric(slug="faults", code="Z")
    make.make_reading(make.make_series(region, metric), BASE)
    make.make_series(Region.objects.published().last(), metric)
    place = make.make_place(region, slug="fault-place")
    make.make_meeting(place, date(1949, 1, 1), None, slug=SLUG)
    draft = make.make_region(make.make_country(slug="fault-country", iso_code="QQ"), None, slug=SLUG, code="QZ")
    make.make_milestone(draft, text_en="Edition 0", text_fr="Tirage 0")
    make.sign_in(Client(), user)


def number_of(name: str) -> int:
    """The last act of this name that was begun; the next one takes a number above it."""
    return max(_begun() if name == "withdraw" else there(name), default=0)


def there(name: str) -> set[int]:
    match name:
        case "publish":
            found = Meeting.objects.filter(summary_en__startswith="Meeting number ").values_list("summary_en", flat=True)
            return {int(words.removeprefix("Meeting number ")) for words in found}
        case "correct":
            return set(range(1, _value(latest()) - BASE + 1))  # each stands on the one before it
        case "withdraw":
            return _begun(consent__withdrawn_at__isnull=False)
        case "load":
            return set(_rows_by_file())
        case "upload":
            titles = Document.objects.filter(title_en__startswith="Upload ").values_list("title_en", flat=True)
            return {int(title.removeprefix("Upload ")) for title in titles}
    raise LookupError(name)


def publish(number: int) -> None:
    with transaction.atomic():
        words = f"Meeting number {number}"
        held_on = date(1950, 1, 1) + timedelta(days=number)
        place = Meeting.objects.get(slug=SLUG).place
        slug = f"fault-meeting-{number}"
        meeting = make.make_meeting(place, held_on, None, slug=slug, summary_en=words, summary_fr=words)
        meeting.publish(by=make.get_user_model().objects.get(username="alice"))


def correct(number: int) -> None:
    last = latest()
    if _value(last) != BASE + number - 1:  # another writer's was under way when it was killed, and came after all
        raise LookupError(number)
    make.correct(last, BASE + number, timezone.now())


def withdraw(number: int) -> None:
    """Two transactions: somebody's words go public, then they are taken back."""
    with transaction.atomic():
        region = Region.objects.published().first()
        story = make.make_testimonial(region, slug=f"fault-story-{number}", quote=f"Words that were taken back {number}")
    Consent.objects.filter(testimonials=story).update(withdrawn_at=timezone.now())


def load(number: int) -> None:
    """A file of ROWS readings of days that no other file has."""
    path = Path(settings.MEDIA_ROOT).parent / "import.csv"
    region, source = Region.objects.published().last(), latest().source
    lines = ["region,metric,period_start,precision,value,status,source_en"]
    for row in range(ROWS):
        day = date(1900, 1, 1) + timedelta(days=number * ROWS + row)
        lines.append(f"{region.slug},faults,{day},day,{number},reported,{source}")
    path.write_text("\n".join([*lines, ""]))
    call_command("import_readings", str(path))


def upload(number: int) -> None:
    """A document through the admin's form."""
    client = make.sign_in(Client(HTTP_HOST="127.0.0.1"), make.get_user_model().objects.get(username="alice"))
    meeting = Meeting.objects.get(slug=SLUG)
    typed = {"meeting": meeting.pk, "title_en": f"Upload {number}", "language": "fr", "file": pdf()}
    answer = client.post(ADD, typed)
    if answer.status_code != 302:
        raise OSError(f"The form answers {answer.status_code}")


ACTS: dict[str, Callable[[int], None]] = {
    "publish": publish, "correct": correct, "withdraw": withdraw, "load": load, "upload": upload,
}  # fmt: skip


def latest() -> Reading:
    return Reading.objects.filter(series__metric__slug="faults", precision="year").latest("pk")


def halves() -> list[str]:
    """Whatever is there in part. Files that nothing names are those of uploads that were stopped: what removes them is run."""
    found = []
    if half := Meeting.objects.filter(summary_en__startswith="Meeting number ").exclude(status="published").count():
        found.append(f"{half} meetings were made and not published")
    found += [f"of file {number} {rows} rows" for number, rows in _rows_by_file().items() if rows != ROWS]
    chain = Reading.objects.filter(series__metric__slug="faults", precision="year").order_by("pk")
    if [_value(row) - BASE for row in chain] != list(range(chain.count())):
        found.append("the corrections do not follow each other")
    withdrawn = Testimonial.objects.filter(slug__startswith="fault-story-", consent__withdrawn_at__isnull=False)
    if half := withdrawn.exclude(status="withdrawn").count():
        found.append(f"{half} stories without consent are not withdrawn")
    named = set(Document.objects.exclude(file="meetings/0.pdf").values_list("file", flat=True))
    with suppress(FileNotFoundError):
        stored = {f"meetings/{name}" for name in default_storage.listdir("meetings")[1]}
        found += [f"{name} has a row and no file" for name in named - stored]
        found += [f"{name} is named by nothing" for name in stored - named]
    return found


def _begun(**filters: Any) -> set[int]:
    """Stories. One that went public and was stopped before it was taken back keeps its number: no other may have its slug."""
    slugs = Testimonial.objects.filter(slug__startswith="fault-story-", **filters).values_list("slug", flat=True)
    return {int(slug.removeprefix("fault-story-")) for slug in slugs}


def _value(reading: Reading) -> int:
    assert reading.value is not None
    return reading.value


def _rows_by_file() -> Counter[int]:
    days = Reading.objects.filter(series__metric__slug="faults", precision="day").values_list("effective_on", flat=True)
    return Counter((day - date(1900, 1, 1)).days // ROWS for day in days)
