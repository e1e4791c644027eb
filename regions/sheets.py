"""A table out of a file, CSV or XLSX, as text cell by cell; what cannot be read is said by its row and column."""

import csv
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl

LARGEST_FILE = 20 * 1024 * 1024
LARGEST_UNPACKED = 500 * 1024 * 1024
LARGEST_RATIO = 200
"""Unpacked bytes to a packed one. The sheets of a spreadsheet come to 10 or 20, a file made to fill the memory to 1,000."""
MOST_ROWS = 1_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    row: int
    """As a spreadsheet numbers it: the header is row 1. 0 speaks of the whole file."""
    column: str
    text: str

    def __str__(self) -> str:
        place = ", ".join([f"Row {self.row}"] * bool(self.row) + [self.column] * bool(self.column))
        return f"{place}: {self.text}" if place else self.text


class Refused(Exception):
    """Everything that is wrong with a file."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Table:
    rows: list[tuple[int, dict[str, str]]]
    """Each row's number and cells by column; rows without any text are left out."""
    problems: list[Problem]


def read(path: Path, required: Collection[str], known: Collection[str]) -> Table:
    """The rows of a file whose header has all of `required` and nothing but `known`. Raises Refused, and OSError."""
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise _whole(f"{size:,} bytes are more than the {LARGEST_FILE:,} that one file may have. Split it.")
    content = path.read_bytes()
    problems: list[Problem] = []
    lines = _xlsx(content, problems) if content.startswith(b"PK") else _csv(content, known)
    header = next(lines, None)
    if header is None:
        raise _whole("The file is empty.")
    names = _header(header, required, known)
    rows: list[tuple[int, dict[str, str]]] = []
    for number, cells in enumerate(lines, start=2):
        if not any(cells):
            continue
        if len(rows) == MOST_ROWS:
            raise _whole(f"More than {MOST_ROWS:,} rows. Split the file.")
        if len(cells) != len(names):
            problems.append(
                Problem(number, "", f"{len(cells)} cells, but the header has {len(names)}. Is a delimiter missing?")
            )
            continue
        rows.append((number, dict(zip(names, cells, strict=True))))
    return Table(rows, problems)


def _whole(text: str) -> Refused:
    return Refused([Problem(0, "", text)])


def _header(cells: Sequence[str], required: Collection[str], known: Collection[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    missing = [Problem(1, name, "There is no such column, and it is needed.") for name in required if name not in names]
    unknown = [
        Problem(1, name or f"column {place}", "No such column is known. Correct its name, or remove it.")
        for place, name in enumerate(names, start=1)
        if name not in known
    ]
    twice = [Problem(1, name, "This column is there twice. Keep one.") for name in sorted(known) if names.count(name) > 1]
    if problems := missing + unknown + twice:
        raise Refused(problems)
    return names


def _csv(content: bytes, known: Collection[str]) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        told = f"Byte {error.start + 1} is not UTF-8. Save it as “CSV UTF-8”, or as XLSX."
        raise _whole(f"This is neither XLSX nor CSV that can be read. {told}") from error
    first = text.partition("\n")[0]
    delimiter = max(",;", key=lambda mark: sum(name.strip('" \r') in known for name in first.split(mark)))
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 1
    try:
        for cells in reader:
            yield cells
            row += 1
    except csv.Error as error:
        raise Refused([Problem(row, "", f"This row cannot be read ({error}). Look for a stray quotation mark.")]) from error


def _xlsx(content: bytes, problems: list[Problem]) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(BytesIO(content)) as package:
            unpacked = sum(part.file_size for part in package.infolist())
        if unpacked > min(LARGEST_UNPACKED, LARGEST_RATIO * len(content)):
            raise _whole(f"Unpacked it would have {unpacked:,} bytes, far more than a table of readings. It was not opened.")
        book = openpyxl.load_workbook(BytesIO(content), read_only=True)
        sheet = _sheet(book)
        sheet.reset_dimensions()  # some programs write a size that would cut rows off
        names: list[str] = []
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            texts = [_text(cell) for cell in cells]
            if number == 1:
                names = _trimmed(texts, 0)
                yield names
                continue
            for place, cell in enumerate(cells):
                if cell.data_type == "f":
                    name = names[place] if place < len(names) else ""
                    problems.append(Problem(number, name, "A formula. Put its value in its place."))
            yield _trimmed(texts, len(names))
    except (zipfile.BadZipFile, ParseError, KeyError, ValueError, TypeError, AttributeError, EOFError) as error:
        raise _whole(f"This XLSX file cannot be opened ({error}). Save it anew, or as “CSV UTF-8”.") from error


def _sheet(book: Any) -> Any:
    if "data" in book.sheetnames:
        return book["data"]
    if len(book.worksheets) != 1:
        raise _whole("The file has several sheets. Name the one with the readings “data”.")
    return book.worksheets[0]


def _trimmed(texts: list[str], least: int) -> list[str]:
    """As long as the header: a sheet's rows end where its cells do, or go on with empty ones."""
    end = max((place for place, text in enumerate(texts, start=1) if text), default=0)
    return texts[: max(end, least)] + [""] * (least - len(texts))


def _text(cell: Any) -> str:
    """What CSV would have in this cell: 17466.0 is 17466 (a spreadsheet has no whole numbers), a day is 2017-01-01."""
    value = cell.value
    if value is None or cell.data_type == "f":
        return "" if value is None else "="
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat()
    return str(value)
