"""What pages and files cost as the content grows tenfold and a hundredfold (synthetic.py): the first render of each.

    python -m benchmarks.curves [--small]

`make bench` runs it with the rest. Of a page: CPU of this process, queries, milliseconds that Postgres was waited for, bytes.
Of a file of the readings: the same in a process of its own, and by how much that grew beyond a small file. The sizes take
turns, so that a slow minute of the machine meets all of them; the least of the turns is told, which other programs on the
machine disturb least. Prints tables and writes them to benchmarks/results/.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "itsci_site.settings")
    django.setup()

from django.db import connection
from django.test import Client, override_settings

from benchmarks import synthetic
from benchmarks.machine import SITE, machine, write
from meetings.models import Meeting

TURNS = 2
ENOUGH = 10.0
"""Seconds after which a page is not asked for again."""
PATIENCE = 150
"""Seconds that a file may take."""
PAGES = {
    "Our work": "/", "Where we work": "/where-we-work/", "a region": "/where-we-work/region-1/", "Progress": "/progress/",
    "Progress as at a day": "/progress/?as-at={today}", "a figure": "/progress/metric-0/",
    "a figure, framed": "/embed/metric-0/", "what changed": "/progress/changes/?from=2026-01-01&to=2026-01-31",
    "Stories": "/stories/", "Stories of a region": "/stories/?region=region-1",
    "Stories, a later page": "/stories/?before={story}",
    "a story": "/stories/story-1/", "the register": "/meetings/", "the register, middle": "/meetings/?before={middle}",
    "the register, last page": "/meetings/?before={last}", "the register, a region": "/meetings/?region=region-1",
    "the register, a word in most": "/meetings/?q=tagging", "the register, a rare word": "/meetings/?q=rare17",
    "a meeting": "/meetings/{meeting}/", "search, a word in most": "/search/?q=tagging",
    "search, three words": "/search/?q=tagging+procedures+minerals", "search, a rare word": "/search/?q=rare17",
    "search, a phrase": "/search/?q=%22tagging+procedures%22", "search, nothing like it": "/search/?q=zzzzqqqq+xxyyxxyy",
    "Open data": "/data/", "Corrections": "/data/corrections/",
}  # fmt: skip
FILES = {
    "feed of figures": "/feeds/figures.atom", "feed of meetings": "/feeds/meetings.atom",
    "calendar of meetings": "/feeds/meetings.ics", "sitemap, its index": "/sitemap.xml",
    "sitemap, pages": "/sitemap-pages.xml", "sitemap, regions": "/sitemap-regions.xml",
    "sitemap, last part of meetings": "/sitemap-meetings.xml?p={part}", "GeoJSON": "/data/regions.geojson",
}  # fmt: skip
STREAMS = {
    "CSV": "/data/readings.csv", "JSON": "/data/readings.json", "XLSX": "/data/readings.xlsx", "IATI": "/data/iati.xml",
}  # fmt: skip

Cost = dict[str, float]


def measured(client: Client, address: str) -> Cost:
    """One first render of a page, its body read to the end."""
    waited, queries = 0.0, 0

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal waited, queries
        queries += 1
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return execute(sql, params, many, context)
        finally:
            waited += time.perf_counter() - wall - (time.process_time() - cpu)

    with connection.execute_wrapper(note):
        begun = time.process_time()
        answer: Any = client.get(address)
        size = sum(map(len, answer.streaming_content)) if answer.streaming else len(answer.content)
        spent = time.process_time() - begun
    if answer.status_code != 200:
        raise RuntimeError(f"{address} answers {answer.status_code}")
    return {"CPU ms": round(1000 * spent, 1), "database ms": round(1000 * waited, 1), "queries": queries, "bytes": size}


def spots() -> dict[str, Any]:
    """What addresses name: pages in the middle and at the end of lists."""
    public = Meeting.objects.published().order_by("shown_on", "pk")
    count = public.count()
    return {
        "middle": public[count // 2].spot, "last": public[min(10, count - 1)].spot, "meeting": public[count // 2].slug,
        "today": datetime.now(UTC).date(), "story": "2000-01-09.9999999999", "part": -(-2 * count // 2000),
    }  # fmt: skip


def pages(names: dict[synthetic.Size, str], addresses: dict[str, str]) -> dict[str, dict[str, Cost]]:
    """By page and size: the least CPU and waiting of several turns."""
    client = Client()
    client.get("/accessibility/")  # loads the middleware
    found: dict[str, dict[str, Cost]] = {label: {} for label in addresses}
    asked: dict[synthetic.Size, dict[str, Any]] = {}
    for turn in range(TURNS + 1):
        for size, name in names.items():
            synthetic.use(name)
            if size not in asked:
                asked[size] = spots()
            for label, address in addresses.items():
                before = found[label].get(size.name)
                if before and turn > 1 and before["CPU ms"] + before["database ms"] > 1000 * ENOUGH:
                    continue
                now = measured(client, address.format(**asked[size]))
                if turn > 1 and before:  # the first warms up
                    now |= {kind: min(now[kind], before[kind]) for kind in ("CPU ms", "database ms")}
                found[label][size.name] = now
    return found


def streams(names: dict[synthetic.Size, str]) -> dict[str, dict[str, Cost]]:
    """By file and size. What takes longer than we wait for is left out."""
    found: dict[str, dict[str, Cost]] = {label: {} for label in STREAMS}
    for size, name in names.items():
        for label, address in STREAMS.items():
            if found[label] and len(found[label]) < list(names).index(size):
                continue  # it took too long with less
            command = [sys.executable, "-m", "benchmarks.curves", "--stream", address]
            try:
                said = subprocess.run(
                    command, cwd=synthetic.ROOT, env=synthetic.environment(name), check=True, capture_output=True, text=True,
                    timeout=PATIENCE,
                ).stdout  # fmt: skip
            except subprocess.TimeoutExpired:
                print(f"{label}, {size.name}: over {PATIENCE} s, left out")
            else:
                found[label][size.name] = json.loads(said)
    return found


def stream(address: str) -> Cost:
    """One download by this process, whose memory is asked before and at its peak; after a page, so that all is loaded."""
    client = Client()
    measured(client, "/data/readings.csv?region=region-1&metric=metric-0")
    before = memory("VmRSS")
    cost = measured(client, address)
    return cost | {"MB before": round(before, 1), "grown, MB": round(memory("VmHWM") - before, 1)}


def memory(what: str) -> float:
    """Megabytes that this process holds, now (VmRSS) or at its peak (VmHWM). `resource` would add its parent's."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what)]
    return int(line.split()[1]) / 1024


def print_curves(title: str, rows: dict[str, dict[str, Cost]], kinds: tuple[str, ...]) -> None:
    """A column for each kind of cost and size."""
    sizes = list(dict.fromkeys(size for by_size in rows.values() for size in by_size))
    heads = [f"{kind}, {size}" for kind in kinds for size in sizes]
    print(f"\n| {title} | " + " | ".join(heads) + " |\n|---|" + "---:|" * len(heads))
    for label, by_size in rows.items():
        cells = [f"{by_size[size][kind]:,}" if size in by_size else "" for kind in kinds for size in sizes]
        print(f"| {label} | " + " | ".join(cells) + " |")


@contextmanager
def of_the_site() -> Iterator[None]:
    """Settings under which pages can be asked for in this process."""
    with override_settings(**SITE):
        yield


def curves(sizes: tuple[synthetic.Size, ...]) -> dict[str, Any]:
    with of_the_site(), synthetic.databases(sizes) as names:
        found = {"pages": pages(names, PAGES), "files": pages(names, FILES), "streams": streams(names)}
    print_curves("First render", found["pages"], ("CPU ms", "database ms", "queries", "bytes"))
    print_curves("Files", found["files"], ("CPU ms", "database ms", "queries", "bytes"))
    print_curves("Streams", found["streams"], ("CPU ms", "database ms", "bytes", "grown, MB"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="What pages and files cost as the content grows.")
    parser.add_argument("--small", action="store_true", help="Little content: does the benchmark work?")
    parser.add_argument("--stream", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stream:
        with of_the_site():
            print(json.dumps(stream(asked.stream)))
        return
    found = {"machine": machine()} | curves(synthetic.SMALL if asked.small else synthetic.SIZES)
    if not asked.small:
        write("curves", found)


if __name__ == "__main__":
    main()
