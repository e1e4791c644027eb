"""The open data as a workbook of four sheets, written row by row: memory does not grow with the rows.

The same rows are the same bytes, whenever they are asked for: the package and its properties bear a fixed day.
It stands in the roof because lib is built on nothing but the standard library and Django. openpyxl is imported by the functions
that use it: it weighs 9 MB, and a process that is asked for no workbook does without.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.utils import translation

from itsci_site.lib.exports import Cell, Column, disarm, moment

MOST_ROWS = 1_048_575
"""Of one sheet, below its header."""
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What a workbook cannot hold."""
FIRST_DAY = datetime(1980, 1, 1)
"""That ZIP knows, and gives a part of no other date."""
WIDTHS = {"integer": 14, "boolean": 10, "date": 14, "datetime": 24, "string": 28}
DICTIONARY = ("column", "type", "required", "values", "meaning_en", "meaning_fr")


class Undated(ZipFile):
    """A package whose parts all bear FIRST_DAY: openpyxl would date them by the clock."""

    def writestr(self, name: Any, data: Any, *_packing: Any) -> None:
        super().writestr(_undated(name), data)

    def write(self, filename: Any, arcname: Any = None, *_packing: Any) -> None:
        part = _undated(arcname)
        part.file_size = Path(filename).stat().st_size
        with open(filename, "rb") as source, self.open(part, "w") as target:
            copyfileobj(source, target)


def _undated(name: str) -> ZipInfo:
    part = ZipInfo(name)
    part.compress_type = ZIP_DEFLATED
    return part


def write(
    file: IO[bytes],
    columns: Sequence[Column],
    lines: Iterable[Sequence[Cell]],
    others: Iterable[tuple[str, Sequence[Column], Iterable[Any]]],
    notes: Iterable[str],
) -> None:
    """Sheets "data", then each of `others` (name, columns, rows), then "read me": notes and the dictionary of the columns."""
    from openpyxl import Workbook
    from openpyxl.writer.excel import ExcelWriter

    book = Workbook(write_only=True)
    _sheet(book, "data", columns, lines)
    for name, its_columns, rows in others:
        _sheet(book, name, its_columns, ([column.cell(row) for column in its_columns] for row in rows))
    last = book.create_sheet("read me")
    for letter, width in zip("ABCDEF", (24, 12, 12, 28, 70, 70), strict=True):
        last.column_dimensions[letter].width = width
    for note in notes:
        last.append([_cell(note)])
    last.append([])
    last.append([_bold(last, name) for name in DICTIONARY])
    for column in columns:
        last.append([_cell(value) for value in dictionary_line(column)])
    book.properties.created = book.properties.modified = FIRST_DAY
    with Undated(file, "w") as package:
        ExcelWriter(book, package).save()


def dictionary_line(column: Column) -> list[Cell]:
    """What DICTIONARY heads."""
    meanings = []
    for language in ("en", "fr"):
        with translation.override(language):
            meanings.append(str(column.meaning))
    return [column.name, column.type, column.required, ", ".join(column.values), *meanings]


def _sheet(book: Any, name: str, columns: Sequence[Column], lines: Iterable[Sequence[Cell]]) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    for place, column in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = WIDTHS[column.type]
    header = [_bold(sheet, column.name) for column in columns]
    sheet.append(header)
    end = WriteOnlyCell(
        sheet
    )  # an empty cell is left out unless it has a style: this one keeps every row as long as the header
    end.number_format = "@"
    for line in lines:
        sheet.append([*(_cell(value) for value in line[:-1]), end if line[-1] in (None, "") else _cell(line[-1])])


def _bold(sheet: Any, text: str) -> Any:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _cell(value: Cell) -> Cell:
    """Numbers and days as such, text disarmed. A moment is text: Excel knows no time zone and loses microseconds."""
    if isinstance(value, str):
        return disarm(UNFIT.sub("\N{REPLACEMENT CHARACTER}", value)) or None
    return moment(value) if isinstance(value, datetime) else value
