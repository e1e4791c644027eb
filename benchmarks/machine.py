"""On which machine a benchmark ran, where its results go, and under which settings it asks for pages."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
SITE = {
    "ALLOWED_HOSTS": ["testserver"],
    "SECURE_SSL_REDIRECT": False,
    "STORAGES": settings.STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}},
}
"""Pages can be asked for without collecting static files first."""


def machine() -> str:
    """Processor, memory, versions, and how busy it was as this was asked."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    processor = next(names, platform.processor())
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('shared_buffers')")
        version, buffers = cursor.fetchone()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**30
    return (
        f"{os.cpu_count()} cores ({processor}), {memory} GB, load {os.getloadavg()[0]:.1f}; "
        f"Postgres {version}, shared_buffers {buffers}; Python {platform.python_version()}, Django {django.get_version()}"
    )


def write(name: str, found: dict[str, Any]) -> None:
    """To benchmarks/results/<name>-<day>.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{datetime.now(UTC):%Y-%m-%d}.json"
    path.write_text(json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds")} | found, indent=1) + "\n")
    print(f"\nwritten to {path.relative_to(ROOT)}")
