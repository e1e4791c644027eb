"""Open data as files: a list of columns describes a data set, and every format is written from it, row by row.

CSV is UTF-8 with a byte order mark, commas and CRLF; an empty cell is a missing value, never 0. Numbers stay numbers. Text that
a spreadsheet would run as a formula is disarmed in cells; JSON, which nothing runs, carries it as it is.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

from django.utils.functional import Promise

Cell = str | int | bool | date | datetime | None
Words = str | Promise

BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
ROWS_A_CHUNK = 500
ARMED = re.compile(r"'*[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a data set: header, JSON key, spreadsheet cell and line of the data dictionary."""

    name: str
    type: str
    """In the words of Table Schema: string, integer, boolean, date or datetime."""
    meaning: Words
    cell: Callable[[Any], Cell]
    required: bool = False
    values: tuple[str, ...] = ()
    """All there can be, where they are few."""


def disarm(text: str) -> str:
    """With a leading apostrophe where a spreadsheet would take the text for a formula. `rearm` gives the text back."""
    return f"'{text}" if ARMED.match(text) else text


def rearm(text: str) -> str:
    """What `disarm` was given."""
    return text[1:] if text.startswith("'") and ARMED.match(text[1:]) else text


def moment(at: datetime) -> str:
    """ISO 8601 in UTC: 2026-11-23T09:15:02Z, with microseconds only where there are any."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def plain(value: Cell) -> str | int | bool | None:
    """A value as JSON has it: days and moments in ISO 8601, null where there is none or an empty text."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return value.isoformat()
    return None if value == "" else value


def table_cell(value: Cell) -> str | int | None:
    """A value as CSV has it: text disarmed, true or false in small letters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return disarm(value)
    return plain(value)


def record(columns: Iterable[Column], row: Any) -> dict[str, Any]:
    """A row as JSON has it."""
    return {column.name: plain(column.cell(row)) for column in columns}


def csv_chunks(header: Sequence[str], lines: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """The file in pieces of some hundred lines, whatever its length."""
    buffer = StringIO()
    writer = csv.writer(buffer)
    buffer.write(BOM)
    writer.writerow(header)
    for number, line in enumerate(lines, start=1):
        writer.writerow([table_cell(value) for value in line])
        if number % ROWS_A_CHUNK == 0:
            yield _taken(buffer)
    yield _taken(buffer)


def json_chunks(head: dict[str, Any], lists: Iterable[tuple[str, Iterable[dict[str, Any]]]]) -> Iterator[bytes]:
    """One JSON object: `head`, then each list under its name, a line a record, in pieces of some hundred."""
    buffer = StringIO()
    buffer.write(dumps(head)[:-1])
    number = 0
    for name, records in lists:
        buffer.write(f",\n{dumps(name)}: [")
        separator = "\n"
        for each in records:
            buffer.write(separator + dumps(each))
            separator = ",\n"
            number += 1
            if number % ROWS_A_CHUNK == 0:
                yield _taken(buffer)
        buffer.write("\n]")
    buffer.write("}\n")
    yield _taken(buffer)


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _taken(buffer: StringIO) -> bytes:
    """What the buffer holds; it is empty afterwards."""
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
