"""A whole site of its own: a Postgres cluster, processes that serve it, what is asked of them. All ends with the test."""

import http.client
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psycopg

from itsci_site.lib import localdb
from itsci_site.lib.localdb import place
from tests.kept.server import ROOT, served
from tests.setup.throwaway import Server, server

PATIENCE = 60.0
LEADS = re.compile(r'href="(/[^"#]*)')
NOT_PUBLISHED = re.compile(r"/(admin|static|preview)/|/(fr/)?search/|/(fr/)?stories/[\w-]+/[\w-]+-")
"""The staff's, the style, what somebody looks for, and the files of portraits, which are gone with the words."""


@dataclass
class Site:
    database: Server
    folder: Path
    environment: dict[str, str]

    def manage(self, *words: str) -> str:
        command = [sys.executable, "manage.py", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    def script(self, name: str, *words: str) -> str:
        """The standard output of a module of this folder that Django is set up for."""
        command = [sys.executable, "-m", f"tests.faults.{name}", *words]
        return subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.PIPE, text=True).stdout

    @contextmanager
    def served(self, workers: int = 1, preload: bool = True, conf: Path | None = None) -> Iterator["Served"]:
        """`preload`: workers are made from one that has all of the code, so that one that was killed is soon back."""
        with served(self.environment, self.folder, workers=workers, preload=preload, conf=conf) as (port, process):
            yield Served(port, process)

    def sql(self, statement: str, *parameters: Any) -> list[tuple]:
        with psycopg.connect(self.database.url, autocommit=True) as opened:
            cursor = opened.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []


def until(ask: Callable[[], object]) -> None:
    """Asks again and again; fails where the answer is still no after PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not ask():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@dataclass
class Answer:
    status: int
    """0: there was none."""
    text: str
    headers: dict[str, str]
    seconds: float


@dataclass
class Served:
    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def workers(self) -> list[int]:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError, ValueError, IndexError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == self.process.pid:
                    found.append(int(stat.parent.name))
        return found

    def get(self, address: str, **headers: str) -> Answer:
        return self.ask("GET", address, headers=headers)

    def post(self, address: str, fields: dict[str, Any], **headers: str) -> Answer:
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{self.port}"}
        return self.ask("POST", address, urlencode(fields, doseq=True), kind | headers)

    def ask(self, method: str, address: str, body: str | bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        begun = time.monotonic()
        one = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            one.request(method, address, body, headers or {})
            answer = one.getresponse()
            text = answer.read().decode(errors="replace")
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, text, found, time.monotonic() - begun)
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, repr(error), {}, time.monotonic() - begun)
        finally:
            one.close()

    def published(self) -> list[str]:
        """Every address that the pages lead to, found by following them from the home pages, as a stranger would."""
        waiting, seen = ["/", "/fr/", "/robots.txt", "/sitemap.xml"], set[str]()
        while waiting:
            address = waiting.pop()
            if address in seen or NOT_PUBLISHED.match(address):
                continue
            answer = self.get(address)
            assert answer.status in (200, 302), (address, answer.status)
            if answer.status == 302:
                continue
            seen.add(address)
            if answer.headers["content-type"].startswith("text/html"):
                waiting += [link.replace("&amp;", "&") for link in LEADS.findall(answer.text)]
            elif "sitemap" in address:
                parts = [urlsplit(found) for found in re.findall(r"<loc>([^<]+)", answer.text)]
                waiting += [f"{part.path}?{part.query}" if part.query else part.path for part in parts]
        return sorted(seen)


@dataclass
class Readers:
    """Threads that ask for addresses at random, and count what they get."""

    sites: list[Served]
    addresses: list[str]
    number: int = 4
    counted: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, int, str]] = field(default_factory=list)
    longest: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def reading(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._read, args=[seed]) for seed in range(self.number)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _read(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self._stop.is_set():
            address, site = chance.choice(self.addresses), chance.choice(self.sites)
            answer = site.get(address)
            self.counted["answers"] += 1
            self.counted["from disk" if answer.headers.get("cache-control") == "no-store" else "live"] += 1
            self.longest = max(self.longest, answer.seconds)
            if answer.status != 200:
                self.failed.append((address, answer.status, answer.text[:300]))


def programs() -> Path:
    """The folder of Postgres's programs: those of the tests' server, which brings them where its account can read them."""
    home = place.home_of(ROOT / ".local" / "tests")
    localdb.start(home)
    return place.binaries(home)


@contextmanager
def site(folder: Path, options: str = "-c fsync=on") -> Iterator[Site]:
    """With the programme's own content. Postgres as it comes, so that what it acknowledged it has written."""
    with server(programs(), options) as database:
        environment = os.environ | {
            "DATABASE_URL": database.url, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(ROOT), "LAST_GOOD_ROOT": str(folder / "last-good"),
            "MEDIA_ROOT": str(folder / "media"), "OFFLINE_ROOT": str(folder / "packs"),
            "SECRET_KEY": "only-for-tests-" + "0123456789" * 5,
            "ALLOWED_HOSTS": "127.0.0.1", "HTTPS": "off",
        }  # fmt: skip
        made = Site(database, folder, environment)
        made.manage("migrate", "--verbosity", "0")
        made.manage("load_content")
        yield made
