"""Files as a program gets them: fetched whole, read by readers that are not the site's own."""

import csv
import json
from io import BytesIO, StringIO
from typing import Any

from django.test import Client
from openpyxl import load_workbook


def ask(address: str, query: dict[str, str] | None = None, **headers: str) -> Any:
    """The answer, taken whole, which closes it: `read_body` has what came."""
    response: Any = Client().get(address, query, headers={name.replace("_", "-"): value for name, value in headers.items()})
    response.read_body = b"".join(response) if response.streaming else response.content
    return response


def get(address: str, status: int = 200) -> bytes:
    response = ask(address)
    assert response.status_code == status, response.read_body[:500]
    return response.read_body


def csv_rows(query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(get(f"/data/readings.csv{query}").decode("utf-8-sig"), newline="")))


def json_of(address: str) -> Any:
    return json.loads(get(address))


def sheets(query: str = "") -> dict[str, list[tuple]]:
    """Every sheet of the workbook as its rows, the header first."""
    book = load_workbook(BytesIO(get(f"/data/readings.xlsx{query}")))
    return {sheet.title: [tuple(cell.value for cell in row) for row in sheet.iter_rows()] for sheet in book.worksheets}


def ids(rows: list[dict]) -> list[str]:
    return [row["id"] for row in rows]
