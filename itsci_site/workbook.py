"""The open data as a workbook of four sheets, written row by row: memory does not grow with the rows.

It stands in the roof because lib is built on nothing but the standard library and Django.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import IO, Any

from django.utils import translation
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from itsci_site.lib.exports import Cell, Column, disarm, moment

MOST_ROWS = 1_048_575
"""Of one sheet, below its header."""
UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What a workbook cannot hold."""
WIDTHS = {"integer": 14, "boolean": 10, "date": 14, "datetime": 24, "string": 28}
DICTIONARY = ("column", "type", "required", "values", "meaning_en", "meaning_fr")


def write(
    file: IO[bytes],
    columns: Sequence[Column],
    lines: Iterable[Sequence[Cell]],
    others: Iterable[tuple[str, Sequence[Column], Iterable[Any]]],
    notes: Iterable[str],
) -> None:
    """Sheets "data", then each of `others` (name, columns, rows), then "read me": notes and the dictionary of the columns."""
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
    book.save(file)


def dictionary_line(column: Column) -> list[Cell]:
    """What DICTIONARY heads."""
    meanings = []
    for language in ("en", "fr"):
        with translation.override(language):
            meanings.append(str(column.meaning))
    return [column.name, column.type, column.required, ", ".join(column.values), *meanings]


def _sheet(book: Workbook, name: str, columns: Sequence[Column], lines: Iterable[Sequence[Cell]]) -> None:
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


def _bold(sheet: Any, text: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _cell(value: Cell) -> Cell:
    """Numbers and days as such, text disarmed. A moment is text: Excel knows no time zone and loses microseconds."""
    if isinstance(value, str):
        return disarm(UNFIT.sub("\N{REPLACEMENT CHARACTER}", value)) or None
    return moment(value) if isinstance(value, datetime) else value
