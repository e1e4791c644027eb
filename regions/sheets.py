"""A table out of a file, CSV or XLSX, as text cell by cell; what cannot be read is said by its row and column."""

import csv
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

LARGEST_FILE = 20 * 1024 * 1024
LARGEST_UNPACKED = 500 * 1024 * 1024
LARGEST_RATIO = 200
"""Unpacked bytes to a packed one. The sheets of a spreadsheet come to 10 or 20, a file made to fill the memory to 1,000."""
MOST_ROWS = 1_000_000
MOST_COLUMNS = 1_000
UNREADABLE = (
    zipfile.BadZipFile, zlib.error, SyntaxError, LookupError, ValueError, TypeError, AttributeError, EOFError, ArithmeticError,
    RuntimeError, OSError,
)  # fmt: skip
"""What a package that is no workbook, or a broken one, makes openpyxl raise. What XML parsers raise is a SyntaxError."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be, and what it may unpack to. Bytes are looked at first, then what a package says of itself."""

    bytes: int
    rows: int
    columns: int
    unpacked: int
    ratio: int


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
    limits = Limits(LARGEST_FILE, MOST_ROWS, MOST_COLUMNS, LARGEST_UNPACKED, LARGEST_RATIO)
    refuse_large(path.stat().st_size, limits)
    return parsed(path.read_bytes(), required, known, limits)


def refuse_large(size: int, limits: Limits) -> None:
    if size > limits.bytes:
        raise _whole(f"{size:,} bytes are more than the {limits.bytes:,} that one file may have. Split it.")


def parsed(content: bytes, required: Collection[str], known: Collection[str], limits: Limits) -> Table:
    """The same of the content of a file."""
    problems: list[Problem] = []
    lines = _xlsx(content, problems, limits) if content.startswith(b"PK") else _csv(content, known)
    header = next(lines, None)
    if header is None:
        raise _whole("The file is empty.")
    if len(header) > limits.columns:
        raise _whole(f"More than {limits.columns:,} columns. Keep those that docs/import.md names.")
    names = _header(header, required, known)
    rows: list[tuple[int, dict[str, str]]] = []
    filled = 0
    for number, cells in enumerate(lines, start=2):
        if not any(cells):
            continue
        filled += 1
        if filled > limits.rows:
            raise _whole(f"More than {limits.rows:,} rows. Split the file.")
        if len(cells) != len(names):
            problems.append(
                Problem(number, "", f"{len(cells)} cells, but the header has {len(names)}. Is a delimiter missing?")
            )
            continue
        rows.append((number, dict(zip(names, cells, strict=True))))
    return Table(rows, problems)


def in_child(
    content: bytes, required: Sequence[str], known: Sequence[str], kept: Sequence[str], limits: dict[str, int]
) -> dict[str, Any]:
    """`parsed` as JSON, for a child (lib/child.py): its problems, and the cells of the columns to be kept, a list a row."""
    try:
        table = parsed(content, required, known, Limits(**limits))
    except Refused as refused:
        return {"refused": [[one.row, one.column, one.text] for one in refused.problems]}
    columns = [name for name in kept if table.rows and name in table.rows[0][1]]
    return {
        "columns": columns,
        "rows": [[number, *(cells[name] for name in columns)] for number, cells in table.rows],
        "problems": [[one.row, one.column, one.text] for one in table.problems],
    }


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


def _xlsx(content: bytes, problems: list[Problem], limits: Limits) -> Iterator[list[str]]:
    import openpyxl  # it weighs 9 MB, and of what imports this only children and commands read a workbook

    try:
        with zipfile.ZipFile(BytesIO(content)) as package:
            unpacked = sum(part.file_size for part in package.infolist())
        if unpacked > min(limits.unpacked, limits.ratio * len(content)):
            raise _whole(f"Unpacked it would have {unpacked:,} bytes, far more than a table of readings. It was not opened.")
        book = openpyxl.load_workbook(BytesIO(content), read_only=True)
        sheet = _sheet(book)
        sheet.reset_dimensions()  # some programs write a size that would cut rows off
        names: list[str] = []
        blank: object = None
        # One column more than may be there: so much tells that there are too many, however far out the last one lies.
        for number, cells in enumerate(sheet.iter_rows(max_col=limits.columns + 1), start=1):
            if cells is blank:  # what stands for rows that are not there, maybe a million of them, is one object
                yield []
                continue
            texts = [_text(cell) for cell in cells]
            if not any(texts):
                blank = cells
            if number == 1:
                names = _trimmed(texts, 0)
                yield names
                continue
            for place, cell in enumerate(cells):
                if cell.data_type == "f":
                    name = names[place] if place < len(names) else ""
                    problems.append(Problem(number, name, "A formula. Put its value in its place."))
            yield _trimmed(texts, len(names))
    except UNREADABLE as error:
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
