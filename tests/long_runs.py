"""What the tests of endurance share: a size for every day and one for `make soak`, and a record of what was seen."""

import fcntl
import gc
import json
import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from itsci_site.lib.logs import brief

SOAK = bool(os.environ.get("SOAK"))
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def size(everyday: int, soak: int) -> int:
    return soak if SOAK else everyday


def record(name: str, part: str, **figures: Any) -> None:
    """Prints what was seen; `make soak` also writes it to benchmarks/results/<name>-<day>.json, beside the other parts."""
    print(f"{name}, {part}: {figures}")
    if not SOAK:
        return
    path = RESULTS / f"{name}-{datetime.now(UTC):%Y-%m-%d}.json"
    with open(path, "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # the other workers write into it, too
        file.seek(0)
        parts = json.loads(file.read() or "{}")
        parts[part] = {"at": datetime.now(UTC).isoformat(timespec="seconds")} | figures
        file.truncate(0)
        file.write(json.dumps(dict(sorted(parts.items())), indent=1) + "\n")


def percentile(seconds: list[float], part: float) -> float:
    """In milliseconds; the longest for 1."""
    return round(1000 * sorted(seconds)[min(int(len(seconds) * part), len(seconds) - 1)], 1)


def resident(pid: int | str = "self") -> int:
    """Bytes of memory that a process holds; this one without what it would collect sooner or later."""
    if pid == "self":
        gc.collect()
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


class Kept(logging.Handler):
    """What the site's own handler would print a traceback of."""

    def __init__(self) -> None:
        super().__init__()
        self.tracebacks: list[str] = []
        self.addFilter(brief)

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.tracebacks.append(f"{record.name}: {record.getMessage()}: {record.exc_info[1]!r}"[:500])


@contextmanager
def tracebacks_kept() -> Iterator[list[str]]:
    """Nothing else hears the log: pytest would keep every record with its request, and memory would grow by that."""
    root, kept = logging.getLogger(), Kept()
    others, root.handlers = root.handlers, [kept]
    try:
        yield kept.tracebacks
    finally:
        root.handlers = others
