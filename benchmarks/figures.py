"""How long figures take as history grows: the aggregate behind every page, a figure page, and the export of everything.

    python -m benchmarks.figures [10000 100000 1000000]

Every size gets a database of its own on the configured server, made here and dropped at the end. All hold the same 1,200
region-metric pairs; only the length of their history differs. The sizes take turns, so that a slow minute of the machine
meets all of them alike, and medians are printed. docs/performance.md holds what one run said.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "itsci_site.settings")
    django.setup()

from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.urls import reverse

from itsci_site.lib.publishing import Status
from programmes.models import Programme
from regions import figures
from regions.models import Country, Metric, Region, Series, Source

ROOT = Path(__file__).parent.parent
COUNTRIES, REGIONS, METRICS = 10, 100, 12
SIZES = (10_000, 100_000, 1_000_000)
TURNS, RUNS_A_TURN = 9, 3
PAGE_TURNS = 3
"""Of pages, which take long: one run a turn."""
OPENED = datetime(2000, 1, 1, tzinfo=UTC)
LAST = datetime(2026, 1, 5, tzinfo=UTC)
"""The last period, a week. Earlier ones go back from it, so that every size ends alike."""
SITE = {
    "ALLOWED_HOSTS": ["testserver"],
    "SECURE_SSL_REDIRECT": False,
    "STORAGES": settings.STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
}
"""Pages can be asked for without collecting static files first."""

ORIGINALS = """
INSERT INTO regions_reading (series_id, effective_on, precision, period_note, value, status, source_id, published_at, reason)
SELECT series_id, day, 'day', '', CASE WHEN missing THEN NULL ELSE 1000 + (series_id * 7919 + week * 31) %% 9000 END,
       CASE WHEN missing THEN 'not_reported' ELSE 'reported' END, %(source)s,
       CASE WHEN week = 0 AND series_id %% 97 = 0 THEN NULL ELSE day + interval '20 days' END, ''
FROM (
    SELECT series.id AS series_id, week, %(last)s::date - 7 * week AS day, (series.id + week * 13) %% 31 = 0 AS missing
    FROM generate_series(0, %(weeks)s) AS week, regions_series AS series
    WHERE NOT (series.id %% 7 = 0 AND week %% 5 = 2)
    ORDER BY week, series.id
    LIMIT %(count)s
) AS rows
ORDER BY day, series_id
"""
CORRECTIONS = """
INSERT INTO regions_reading (series_id, effective_on, precision, period_note, value, status, source_id, published_at,
                             reason, reason_en, supersedes_id)
SELECT series_id, effective_on, precision, '', value + 1, status, source_id, published_at + interval '60 days',
       'A typing error', 'A typing error', id
FROM regions_reading WHERE value IS NOT NULL AND published_at IS NOT NULL AND id %% 53 = 0 ORDER BY id LIMIT %(count)s
"""


def fill(size: int) -> None:
    """Exactly `size` readings over every pair, in the order in which they would have come in; one in sixty is a correction."""
    country = [
        Country.objects.create(slug=f"country-{n}", iso_code=f"A{chr(65 + n)}", name_en=f"Country {n}", order=n)
        for n in range(COUNTRIES)
    ]
    public = {"status": Status.PUBLISHED, "publish_at": OPENED}
    regions = [
        Region.objects.create(
            country=country[n * COUNTRIES // REGIONS], slug=f"region-{n}", name_en=f"Region {n}", order=n,
            code=chr(65 + n // 26) + chr(65 + n % 26), **public,
        )
        for n in range(REGIONS)
    ]  # fmt: skip
    metrics = [
        Metric.objects.create(slug=f"metric-{n}", code=chr(65 + n), name_en=f"Metric {n}", additive=n % 4 != 3, order=n)
        for n in range(METRICS)
    ]
    programme = Programme.objects.create(slug="programme", name_en="Programme", **public)
    programme.regions.set(regions)
    programme.metrics.set(metrics)
    Series.objects.bulk_create(Series(region=region, metric=metric) for region in regions for metric in metrics)
    source = Source.objects.create(name_en="Made up")
    corrections = size // 60
    weeks = size // (len(regions) * len(metrics)) + 25  # more than it takes: the limit says how many
    with connection.cursor() as cursor:
        originals: dict[str, Any] = {"source": source.pk, "last": LAST.date(), "weeks": weeks, "count": size - corrections}
        cursor.execute(ORIGINALS, originals)
        cursor.execute(CORRECTIONS, {"count": corrections})
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT count(*), count(DISTINCT series_id) FROM regions_reading")
        if (found := cursor.fetchone()) != (size, len(regions) * len(metrics)):
            raise RuntimeError(f"{found} readings and pairs, not {size}")


@contextmanager
def databases(sizes: list[int]) -> Iterator[dict[int, str]]:
    """A filled database for each size, by name."""
    home = connection.settings_dict["NAME"]
    names = {size: f"{home}_benchmark_{size}" for size in sizes}
    try:
        for size, name in names.items():
            with _server(home) as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
                cursor.execute(f'CREATE DATABASE "{name}"')
            _manage(name, "migrate", "--verbosity=0")
            use(name)
            fill(size)
            print(f"{size:,} readings are written.", flush=True)
        yield names
    finally:
        for name in names.values():
            with _server(home) as cursor:
                cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


@contextmanager
def _server(home: str) -> Iterator[Any]:
    use(home)
    with connection.cursor() as cursor:
        yield cursor


def _environment(name: str) -> dict[str, str]:
    """The environment of a process that uses another database on the same server."""
    to = connection.settings_dict
    keys = {"PGHOST": to["HOST"], "PGPORT": to["PORT"], "PGUSER": to["USER"], "PGPASSWORD": to["PASSWORD"]}
    return os.environ | {key: str(value) for key, value in keys.items() if value} | {"DATABASE_URL": f"postgresql:///{name}"}


def _manage(name: str, *arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=_environment(name), check=True)


def use(name: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name


def middle() -> datetime:
    """A moment with half of the history before it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY published_at) FROM regions_reading")
        return cursor.fetchone()[0]


def seconds(ask: Callable[[], object]) -> float:
    start = time.perf_counter()
    ask()
    return time.perf_counter() - start


def run(at: datetime | None, statement: str = figures.LATEST) -> list[tuple]:
    regions = list(Region.objects.values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(statement, {"regions": regions, "metrics": None, "known_at": at})
        return cursor.fetchall()


def page(address: str) -> bytes:
    response = Client().get(address)
    if response.status_code != 200:
        raise RuntimeError(f"{address} answers {response.status_code}")
    return response.content


def questions() -> dict[str, Callable[[], object]]:
    """What is timed in one database, by what the table calls it."""
    regions, half = list(Region.objects.in_order()), middle()
    found: dict[str, Callable[[], object]] = {
        "Aggregate, the statement": lambda: run(None),
        "Aggregate, as at a day half-way": lambda: run(half),
        "Aggregate with its rows (figures.table)": lambda: figures.table(regions),
    }
    pages = {"Page Progress": reverse("progress"), "Page of one figure": reverse("figure", args=["metric-0"])}
    return found | {label: lambda address=address: page(address) for label, address in pages.items()}


def timed(names: dict[int, str]) -> dict[str, dict[int, float]]:
    """The median in milliseconds of each question at each size. What runs first in a turn warms up and is not counted."""
    told: dict[str, dict[int, list[float]]] = {}
    for turn in range(TURNS):
        for size, name in names.items():
            use(name)
            for label, ask in questions().items():
                runs = told.setdefault(label, {}).setdefault(size, [])
                if not label.startswith("Page"):
                    ask()
                    runs += [1000 * seconds(ask) for _run in range(RUNS_A_TURN)]
                elif turn < PAGE_TURNS:
                    runs.append(1000 * seconds(ask))
    return {label: {size: statistics.median(runs) for size, runs in by_size.items()} for label, by_size in told.items()}


def exports(names: dict[int, str]) -> dict[str, dict[int, float]]:
    """Seconds to stream all of /data/readings.csv, its size and the peak memory of a process that does nothing else."""
    told: dict[str, dict[int, float]] = {}
    for size, name in names.items():
        said = subprocess.run(
            [sys.executable, "-m", "benchmarks.figures", "--stream", reverse("readings_csv")],
            cwd=ROOT, env=_environment(name), check=True, capture_output=True, text=True,
        ).stdout.split()  # fmt: skip
        for label, number in zip(("Export, s", "Export, MB", "Export, peak memory, MB"), said, strict=True):
            told.setdefault(label, {})[size] = float(number)
    return told


def stream(address: str) -> None:
    """Prints seconds, megabytes and peak memory of one download. Linux knows the peak; `resource` would add the parent's."""
    start = time.perf_counter()
    response: Any = Client().get(address)
    size = sum(len(chunk) for chunk in response.streaming_content)
    took = time.perf_counter() - start
    (peak,) = (line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    print(took, size / 1e6, int(peak) / 1024)


def table(rows: dict[str, dict[int, float]], sizes: list[int]) -> str:
    lines = [
        "| ms, median | " + " | ".join(f"{size:,}" for size in sizes) + " | grows by |",
        "|---|" + "---:|" * (len(sizes) + 1),
    ]
    for label, by_size in rows.items():
        numbers = [f"{by_size[size]:,.1f}" for size in sizes]
        lines.append(f"| {label} | " + " | ".join(numbers) + f" | {by_size[sizes[-1]] / by_size[sizes[0]]:.1f} |")
    return "\n".join(lines)


def plan() -> str:
    """The plan of the aggregate, without its estimates: what was read, how often, and how many rows came of it."""
    lines = [line for (line,) in run(None, f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {figures.LATEST}")]
    return "\n".join(line if len(line) < 160 else f"{line[:150]} ..." for line in lines)


def machine() -> str:
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('shared_buffers')")
        version, buffers = cursor.fetchone()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return (
        f"{os.cpu_count()} cores ({processor}), {memory} GB, load {os.getloadavg()[0]:.1f}; "
        f"Postgres {version}, shared_buffers {buffers}; Python {platform.python_version()}, Django {django.get_version()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the figures as history grows.")
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES)
    parser.add_argument("--stream", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    with override_settings(**SITE):
        if asked.stream:
            stream(asked.stream)
            return
        print(machine())
        with databases(sizes := sorted(asked.sizes)) as names:
            print(table(timed(names) | exports(names), sizes))
            use(names[sizes[-1]])
            print(plan())


if __name__ == "__main__":
    main()
