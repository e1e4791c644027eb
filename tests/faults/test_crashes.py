"""Workers, writers, the postmaster, all at once are killed; disks fill. No acknowledged write is lost, none is half there."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.admin.test_admin import Form
from tests.kept.server import ROOT
from tests.long_runs import record, size

from .site import Served, Site, site

KILLS = size(100, 2_000)
NAMES = ("publish", "correct", "withdraw", "load", "upload")
LONGER = (("upload", "raise"), ("publish", "kill"), ("publish", "raise"), ("withdraw", "raise"))
NOTHING: dict[str, list[int]] = {name: [] for name in NAMES}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("crashes")) as made:
        made.script("prepared")
        yield made


@contextmanager
def writers(made: Site) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.faults.writers", str(made.folder), *NAMES]
    with subprocess.Popen(command, cwd=ROOT, env=made.environment, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.stdin.close()  # type: ignore[union-attr]
            process.wait(60)


def kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, 9)


def writing(made: Site) -> list[int]:
    with suppress(OSError):
        return [int(pid) for pid in (made.folder / "pids").read_text().split()]
    return []


class Editor(threading.Thread):
    """Somebody who edits a draft in the admin over and over: a text, and a row below it, with the same number."""

    def __init__(self, served: Served, staff: dict[str, Any]) -> None:
        super().__init__()
        self.served, self.page, self.ended = served, staff["draft_page"], threading.Event()
        self.headers = {"Cookie": f"{staff['cookie']}; {staff['csrf']}={'a' * 64}"}
        self.acknowledged, self.answers = 0, dict[int, int]()

    def run(self) -> None:
        number, is_cut = 0, False
        while not self.ended.is_set():
            form = self.served.get(self.page, **self.headers)
            if form.status != 200:
                time.sleep(0.05)
                continue
            number += 1
            typed = fields(form.text) | {
                "csrfmiddlewaretoken": "a" * 64, "_reason": "another edition", "lead_en": f"Edition {number}",
                "milestones-0-text_en": f"Edition {number}",
            }  # fmt: skip
            answer = self.served.post(self.page, typed, **self.headers)
            if is_cut and answer.status == 200 and "Somebody else saved this" in answer.text:
                is_cut = False  # its own edit, whose worker was killed, and which the database kept after the form was read
                continue
            is_cut = answer.status == 0
            self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
            if answer.status == 302:
                self.acknowledged = number


def fields(html: str) -> dict[str, Any]:
    return Form(SimpleNamespace(content=html.encode())).values


def test_kills(prepared: Site) -> None:
    """Of workers, of writers, of the postmaster with all of its children, and of everything at once."""
    chance = random.Random(7)
    counted = dict.fromkeys(("worker", "writer", "postmaster", "everything"), 0)

    def acknowledged(name: str) -> bool:
        journal = prepared.folder / f"journal-{name}"
        return journal.exists() and journal.stat().st_size > 0

    staff = json.loads(prepared.script("staff"))
    with prepared.served(workers=2) as served, writers(prepared):
        editor = Editor(served, staff)
        editor.start()
        try:
            for _kill in range(KILLS):
                time.sleep(chance.uniform(0.05, 0.3))
                what = chance.choices(list(counted), [40, 35, 15, 10])[0]
                counted[what] += 1
                if what in ("worker", "everything"):
                    kill(chance.sample(there, 1) if (there := served.workers) and what == "worker" else served.workers)
                if what in ("writer", "everything"):
                    kill(chance.sample(there, 1) if (there := writing(prepared)) and what == "writer" else writing(prepared))
                if what in ("postmaster", "everything"):
                    prepared.database.kill()
                    prepared.database.start()
            until = time.monotonic() + 60  # a slow machine may not have let each of them finish one act between two kills
            while not (editor.acknowledged and all(map(acknowledged, NAMES))) and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            editor.ended.set()
            editor.join()
    told = json.loads(prepared.script("checked", str(prepared.folder)))
    lead, below = prepared.sql(
        "SELECT lead_en, text_en FROM regions_region AS r JOIN regions_milestone AS m ON m.region_id = r.id "
        "WHERE r.slug = 'draft-for-faults'"
    )[0]
    assert told["lost"] == NOTHING
    assert told["halves"] == []
    assert set(editor.answers) <= {0, 302, 503}, "saved, told that the database is away, or cut off"
    assert all(told["promised"].values()) and editor.acknowledged
    assert lead == below and int(lead.removeprefix("Edition ")) >= editor.acknowledged
    record("faults", "kills", kills=counted, acknowledged=told["promised"] | {"edit": editor.acknowledged}, lost=0, half=0,
           swept=told["swept"], answers={str(status): number for status, number in editor.answers.items()})  # fmt: skip


@pytest.mark.parametrize(
    ("act", "how"),
    [
        ("load", "kill"), ("load", "raise"), ("upload", "kill"), ("withdraw", "kill"),
        *(pytest.param(*one, marks=pytest.mark.soak) for one in LONGER),
    ],
)  # fmt: skip
def test_every_point_of(act: str, how: str, prepared: Site) -> None:
    told = json.loads(prepared.script("failpoints", act, how))
    assert told["wrong"] == []
    assert told["points"] > 10
    record("faults", f"failpoints-{act}-{how}", points=told["points"], wrong=0)


@pytest.mark.soak
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
def test_the_disk_of_the_database_fills_up(prepared: Site) -> None:
    """While it writes: its log, its tables. The site goes on answering; when there is room again nothing is half there."""
    database, small = prepared.database, prepared.folder / "small"
    database.stop("fast")
    moved = database.data.with_name("moved")
    database.data.rename(moved)
    used = int(subprocess.run(["du", "-sm", moved], capture_output=True, text=True, check=True).stdout.split()[0])
    database.data.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={used + 24}m,mode=700"]
    mounted = subprocess.run(["mount", *options, "tmpfs", database.data], capture_output=True, check=False)
    try:
        if mounted.returncode:
            pytest.skip("this machine lets nobody mount")
        subprocess.run(["cp", "-a", f"{moved}/.", database.data], check=True)
        if database.drop:
            os.chown(database.data, database.drop["user"], database.drop["group"])
        database.start()
        with prepared.served() as served:
            prepared.manage("keep_copies")
            with writers(prepared):
                ballast = database.data / "ballast"
                with suppress(OSError), ballast.open("wb") as file:
                    while True:
                        file.write(b"x" * 65_536)
                        file.flush()
                time.sleep(4)
                statuses = {served.get(address).status for address in ("/", "/fr/progress/", "/data/readings.csv")}
                ballast.unlink()
                with suppress(subprocess.CalledProcessError):
                    database.stop("immediate")
                database.start()
                time.sleep(2)
        assert statuses == {200}
        told = json.loads(prepared.script("checked", str(prepared.folder)))
        assert told["lost"] == NOTHING and told["halves"] == []
        record("faults", "disk-full", acknowledged=told["promised"], lost=0, half=0)
    finally:
        with suppress(subprocess.CalledProcessError):
            database.stop("immediate")
        subprocess.run(["umount", database.data], capture_output=True, check=False)
        database.data.rmdir()
        moved.rename(database.data)
        database.start()
        assert not small.exists()


def test_the_tests_find_what_is_lost(prepared: Site) -> None:
    """A journal that promises what never was, and a file of which one row is missing."""
    folder: Path = prepared.folder / "control"
    folder.mkdir()
    (folder / "journal-publish").write_text("1000000\n")
    told = json.loads(prepared.script("checked", str(folder)))
    assert told["lost"]["publish"] == [1_000_000] and told["halves"] == []
    row = prepared.sql(
        "SELECT r.slug, s.name_en FROM regions_reading JOIN regions_series ON regions_series.id = series_id "
        "JOIN regions_region AS r ON r.id = region_id JOIN regions_source AS s ON s.id = source_id "
        "WHERE precision = 'day' LIMIT 1"
    )[0]
    file = folder / "one.csv"
    file.write_text(
        f"region,metric,period_start,precision,value,status,source_en\n{row[0]},faults,1980-01-01,day,1,reported,{row[1]}\n"
    )
    prepared.manage("import_readings", str(file))
    (prepared.folder / "media" / "meetings" / "left.pdf").write_bytes(b"%PDF")
    told = json.loads(prepared.script("checked", str(folder)))
    assert len(told["halves"]) == 1 and told["halves"][0].endswith(" 1 rows") and told["swept"] == 1
