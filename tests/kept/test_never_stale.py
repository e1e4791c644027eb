"""While content changes by every means, readers hammer two processes: nobody who comes after a commit sees what was before.

Among them somebody opens previews of a draft: nobody else ever sees a word of it, and no preview is older than the draft.
With SOAK=1 (`make soak`) the long one, which writes what it counted to benchmarks/results/.
"""

import gzip
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import brotli
import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from benchmarks.machine import machine, write
from itsci_site.lib.newsroom import links
from meetings.models import Meeting
from regions.models import Reading
from testimonials.models import Testimonial
from tests import factories as make

from .server import environment, gunicorn

pytestmark = pytest.mark.django_db(transaction=True)

SOAK = bool(os.environ.get("SOAK"))
READS = 10_000 if SOAK else 3_000
LATE = {"ask": 0.0, "listen": 1.0}
"""Seconds after a commit in which a page may be the one before it."""
SHARE = {"ask": 1, "listen": 4}
"""The exact way is read as often as `READS` says, the other one, which test_listening.py is about, less."""
PREVIEWED = 40
"""One read in so many is of a preview, which is made anew each time."""
CANARY = "Words of a draft"
DECODERS: dict[str, Callable[[bytes], bytes]] = {"": bytes, "gzip": gzip.decompress, "br": brotli.decompress}
WRITER = """
import os, sys, django
django.setup()
from django.db import connection
connection.cursor().execute(sys.argv[1])
os.kill(os.getpid(), 9)
"""
"""Commits and is gone before it could tell anybody."""


@dataclass
class Subject:
    """Something that gets a new edition again and again. `read`: the edition that a page shows, from its status and text."""

    name: str
    addresses: list[str]
    read: Callable[[int, str], int]
    write: Callable[[int], Any]
    wraps: bool = False
    """Does a page show only whether the edition is even?"""
    is_private: bool = False
    """Is it for whoever has the link alone?"""
    begun: int = 0
    commits: list[tuple[float, int]] = field(default_factory=lambda: [(0.0, 0)])
    """When each edition was seen to be committed."""

    def publish(self) -> None:
        self.begun += 1
        self.write(self.begun)
        self.commits.append((time.monotonic(), self.begun))

    def oldest(self, asked: float, late: float) -> int:
        """The edition that an answer to a question of this moment may show at the least."""
        return max(edition for at, edition in self.commits if at <= asked - late)


def shown(pattern: str, base: int = 0) -> Callable[[int, str], int]:
    """The highest number that a pattern finds, above a base."""

    def read(status: int, text: str) -> int:
        assert status == 200, status
        found = [int(re.sub(r"\D", "", one)) - base for one in re.findall(pattern, text)]
        assert found, f"{pattern} not in {text[:2000]}"
        return max(found)

    return read


GAP = r"[, \u202f\xa0]?"
"""Between thousands, in either language and in none."""


class Newsroom:
    """What is written, through Django, through the importer, and past both."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.region = make.make_region(
            make.make_country(iso_code="CD"), slug="katanga", lead_en="Edition 0", lead_fr="Tirage 0"
        )
        self.other = make.make_region(slug="kivu")
        self.programme = make.make_programme()
        self.programme.regions.set([self.region, self.other])
        self.miners = make.make_metric(slug="miners")
        self.programme.metrics.set([self.miners])
        self.reading = make.make_reading(make.make_series(self.region, self.miners), 5_000_000)
        self.imported = make.make_series(self.other, self.miners)
        make.make_reading(self.imported, 7_000_000, date(1900, 1, 1))
        self.place = make.make_place(self.region)
        self.story = make.make_testimonial(self.region)
        self.user = make.make_user()
        self.publish_meeting(0)
        self.draft = make.make_meeting(self.place, date(1999, 1, 1), None)
        self.write_draft(0)

    def subjects(self) -> list[Subject]:
        region, kivu, story = "/where-we-work/katanga/", "/where-we-work/kivu/", self.story.get_absolute_url()
        miners, other = shown(rf"5{GAP}\d{{3}}{GAP}\d{{3}}", 5_000_000), shown(rf"7{GAP}\d{{3}}{GAP}\d{{3}}", 7_000_000)
        meeting = shown(r"Meeting number (\d+)")
        return [
            Subject("raw SQL", [region], shown(r"Edition (\d+)"), self.by_sql),
            Subject("a writer that is killed", [f"/fr{region}"], shown(r"Tirage (\d+)"), self.by_a_writer_that_dies),
            Subject("correction", [region, f"/fr{region}", "/data/regions.geojson"], miners, self.correct),
            Subject("import", [kivu, "/data/readings.csv?region=kivu", f"/fr{kivu}"], other, self.import_file),
            Subject("publication", ["/meetings/", "/fr/meetings/", "/feeds/meetings.atom"], meeting, self.publish_meeting),
            Subject(
                "preview",
                [address for _language, address in links.previews(Meeting, self.draft.pk)],
                shown(rf"{CANARY} (\d+)"),
                self.write_draft,
                is_private=True,
            ),
            Subject(
                "withdrawal", [story, f"/fr{story}"], lambda status, _text: {200: 0, 404: 1}[status], self.withdraw, wraps=True
            ),
        ]

    def by_sql(self, edition: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE regions_region SET lead_en = %s WHERE slug = 'katanga'", [f"Edition {edition}"])

    def by_a_writer_that_dies(self, edition: int) -> None:
        statement = f"UPDATE regions_region SET lead_fr = 'Tirage {edition}' WHERE slug = 'katanga'"  # noqa: S608
        command = [sys.executable, "-c", WRITER, statement]
        assert subprocess.run(command, cwd=self.folder, env=environment(self.folder), check=False).returncode == -signal.SIGKILL

    def correct(self, edition: int) -> None:
        self.reading = make.correct(self.reading, 5_000_000 + edition, timezone.now())

    def import_file(self, edition: int) -> None:
        path, period = self.folder / "readings.csv", date(1900 + edition, 1, 1)
        row = f"kivu,miners,{period},year,{7_000_000 + edition},reported,{self.reading.source}"
        path.write_text(f"region,metric,period_start,precision,value,status,source_en\n{row}\n")
        call_command("import_readings", str(path))
        Reading.objects.filter(published_at=None).update(published_at=timezone.now())

    def publish_meeting(self, edition: int) -> None:
        words = f"Meeting number {edition}."
        meeting = make.make_meeting(
            self.place, date(2000, 1, 1) + timedelta(days=edition), None, summary_en=words, summary_fr=words
        )
        meeting.publish(by=self.user)

    def write_draft(self, edition: int) -> None:
        words = f"{CANARY} {edition}."
        Meeting.objects.filter(pk=self.draft.pk).update(summary_en=words, summary_fr=words)

    def withdraw(self, edition: int) -> None:
        Testimonial.objects.filter(pk=self.story.pk).update(status="suspended" if edition % 2 else "published")


class Reader:
    """One connection of a browser that keeps what it got, in one encoding."""

    def __init__(self, port: int, encoding: str) -> None:
        self.port, self.encoding = port, encoding
        self.kept: dict[str, tuple[str, int, str]] = {}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, address: str) -> tuple[int, str, bool]:
        """Status, text, and whether the answer said that what this browser keeps is still right."""
        headers = {"Accept-Encoding": self.encoding or "identity"}
        if address in self.kept:
            headers["If-None-Match"] = self.kept[address][0]
        self.connection.request("GET", address, headers=headers)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status == 304:
            _etag, status, text = self.kept[address]
            return status, text, True
        text = DECODERS[answer.headers.get("Content-Encoding", "")](body).decode()
        self.kept.pop(address, None)
        if etag := answer.headers.get("ETag"):
            self.kept[address] = (etag, answer.status, text)
        return answer.status, text, False


class Watch:
    """What was read and what was wrong."""

    def __init__(self, late: float, wanted: int) -> None:
        self.late, self.wanted, self.reads, self.counts, self.wrong = late, wanted, 0, Counter[str](), list[str]()
        self.is_over = threading.Event()

    def look(self, reader: Reader, subject: Subject, address: str) -> None:
        asked, begun = time.monotonic(), subject.begun
        oldest = subject.oldest(asked, self.late)
        status, text, is_same = reader.get(address)
        found = subject.read(status, text)
        if subject.wraps:
            # One that was being withdrawn or published meanwhile may be either.
            is_settled = begun == oldest and subject.begun == begun
            is_stale = is_settled and found != oldest % 2
        else:
            is_stale = found < oldest
        if (subject.is_private and is_same) or (CANARY in text) != subject.is_private:
            self.wrong.append(f"{address} from {reader.port} in {reader.encoding!r}: a preview was kept")
        self.reads += 1
        self.counts[f"{subject.name}, {reader.encoding or 'plain'}"] += 1
        self.counts["304"] += is_same
        if is_stale:
            self.wrong.append(f"{address} from {reader.port} in {reader.encoding!r}: {found} after {oldest}")


def hammer(watch: Watch, ports: list[int], subjects: list[Subject], number: int) -> None:
    turn = number
    public, private = ([one for one in subjects if one.is_private == is_private] for is_private in (False, True))
    readers = [Reader(port, encoding) for port in ports for encoding in DECODERS]
    try:
        while not watch.is_over.is_set():
            turn += 1
            asked = public if turn % PREVIEWED else private
            subject = asked[turn % len(asked)]
            address = subject.addresses[turn // 5 % len(subject.addresses)]
            watch.look(readers[turn // 7 % len(readers)], subject, address)
    except Exception as error:
        watch.wrong.append(repr(error))
        watch.is_over.set()
    finally:
        for one in readers:
            one.connection.close()


@pytest.mark.parametrize("version", LATE)
def test_no_answer_is_older_than_the_last_commit(tmp_path: Path, version: str) -> None:
    newsroom = Newsroom(tmp_path)
    subjects = newsroom.subjects()
    watch = Watch(LATE[version], READS // SHARE[version])
    with ExitStack() as stack:
        ports = [stack.enter_context(gunicorn(tmp_path, PAGE_CACHE_VERSION=version)) for _process in range(2)]
        readers = [threading.Thread(target=hammer, args=[watch, ports, subjects, number]) for number in range(4)]
        for one in readers:
            one.start()
        try:
            turn = 0
            while not watch.is_over.is_set() and (watch.reads < watch.wanted or turn < 4 * len(subjects)):
                subjects[turn % len(subjects)].publish()
                turn += 1
                time.sleep(0.02)
        finally:
            watch.is_over.set()
            for one in readers:
                one.join(60)
    connections.close_all()
    print(f"{version}: {watch.reads} reads, {turn} commits, {len(watch.wrong)} wrong, {dict(watch.counts)}")
    if SOAK:
        found = {"reads": watch.reads, "commits": turn, "wrong": watch.wrong, "counts": dict(watch.counts)}
        write(f"never-stale-{version}", {"machine": machine()} | found)
    assert watch.wrong == []
    assert watch.reads >= watch.wanted and turn > 20
    assert all(subject.begun > 3 for subject in subjects)
    assert watch.counts["304"] > watch.wanted / 20, "most pages were the same as before"
    assert sum(watch.counts[f"preview, {name or 'plain'}"] for name in DECODERS) > watch.wanted / PREVIEWED / 2
    private = newsroom.draft.get_absolute_url()
    assert [one.status_code for one in map(Client().get, (private, f"/fr{private}"))] == [404, 404]
