"""Tables that staff upload: read by a child, refused in words where they are too much, and the site does not notice."""

import resource
import time
from pathlib import Path
from typing import Any

import pytest

from regions import importers, sheets
from tests.regions import bombs


@pytest.fixture(autouse=True)
def patient(settings: Any) -> None:
    """What is said of each file shall not hang on what else this machine does."""
    settings.UPLOADED_TABLE_READER = settings.UPLOADED_TABLE_READER | {"wall": 60}


HARMLESS = {"a far row": (bombs.far_row, 1), "one long line": (bombs.one_long_line, 0)}


def held() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("name", bombs.REFUSED)
def test_what_bursts_a_reader_is_refused_in_words(name: str) -> None:
    make, told = bombs.REFUSED[name]
    content = make()
    before, start = held(), time.monotonic()
    with pytest.raises(importers.Refused) as refused:
        importers.uploaded(content)
    print(f"{name}: {len(content):,} bytes, {time.monotonic() - start:.1f} s")
    assert str(refused.value).startswith(told), str(refused.value)[:200]
    assert "passwd" not in str(refused.value) and "root:" not in str(refused.value)
    assert held() - before < 64 * 2**20


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_large_is_read(name: str) -> None:
    make, count = HARMLESS[name]
    assert len(importers.uploaded(make()).rows) == count


GOOD = f"{bombs.HEADER}\nkatanga,miners,2017-01-01,year,5,reported,A count\n"


@pytest.mark.parametrize(
    "content",
    [
        GOOD.encode(),
        GOOD.encode("utf-8-sig"),
        GOOD.replace(",", ";").replace("\n", "\r\n").encode(),
        bombs.workbook("".join(bombs.row(*line.split(",")) for line in GOOD.split())),
        GOOD.replace("source_en", "source_en,region_fr").replace("A count", "A count,Le Katanga").encode(),
    ],
    ids=["plain", "mark", "semicolons", "xlsx", "more columns"],
)
def test_the_same_as_the_command_reads(content: bytes, tmp_path: Path) -> None:
    """But for cells that nothing looks at."""
    (tmp_path / "file").write_bytes(content)
    known = bombs.HEADER.split(",")
    of_command = sheets.read(tmp_path / "file", known, [*known, "region_fr"])
    of_upload = importers.uploaded(content)
    assert of_upload.problems == of_command.problems == []
    kept = [(number, {name: cells[name] for name in known}) for number, cells in of_command.rows]
    assert [(number, dict(sorted(cells.items()))) for number, cells in of_upload.rows] == [
        (number, dict(sorted(cells.items()))) for number, cells in kept
    ]


def test_problems_come_back_from_the_child() -> None:
    content = GOOD + "katanga,miners\n"
    table = importers.uploaded(content.encode())
    assert [(one.row, one.column) for one in table.problems] == [(3, "")] and len(table.rows) == 1
