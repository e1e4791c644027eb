"""Cells: text is disarmed and given back, numbers stay numbers, nothing missing becomes 0."""

import csv
import json
from datetime import UTC, date, datetime, timedelta, timezone
from io import StringIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itsci_site.lib import exports

WILD = st.text(alphabet=st.sampled_from("'=+-@\t\r\na1é"), max_size=8)


@pytest.mark.parametrize("text", ["=1+1", "+33", "-5", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-1"])
def test_what_could_run_gets_an_apostrophe(text: str) -> None:
    assert exports.disarm(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "a=1", "l’eau", "'quoted'", "2017", " =1"])
def test_other_text_stays(text: str) -> None:
    assert exports.disarm(text) == text


@settings(deadline=None)
@given(WILD)
def test_disarmed_text_is_harmless_and_comes_back(text: str) -> None:
    disarmed = exports.disarm(text)
    assert not disarmed.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert exports.rearm(disarmed) == text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (-370, -370),
        (0, 0),
        (None, None),
        (True, "true"),
        (False, "false"),
        (date(2017, 1, 1), "2017-01-01"),
        (datetime(2026, 11, 23, 9, 15, 2, tzinfo=UTC), "2026-11-23T09:15:02Z"),
        (datetime(2026, 11, 23, 9, 15, 2, 500, tzinfo=timezone(timedelta(hours=2))), "2026-11-23T07:15:02.000500Z"),
    ],
)
def test_cells_of_a_table(value: Any, cell: Any) -> None:
    found = exports.table_cell(value)
    assert (found, type(found)) == (cell, type(cell))


@settings(deadline=None)
@given(st.lists(st.tuples(WILD, st.none() | st.integers()), max_size=5))
def test_csv_reads_back_as_it_was(rows: list[tuple[str, int | None]]) -> None:
    text = b"".join(exports.csv_chunks(["words", "number"], rows)).decode("utf-8-sig")
    header, *lines = csv.reader(StringIO(text, newline=""))
    assert header == ["words", "number"]
    assert [(exports.rearm(words), number) for words, number in lines] == [
        (words, "" if number is None else str(number)) for words, number in rows
    ]


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1000])
def test_no_row_is_lost_where_a_piece_ends(count: int) -> None:
    rows = [{"n": number} for number in range(count)]
    found = json.loads(b"".join(exports.json_chunks({"title": "é"}, [("empty", []), ("rows", rows)])))
    assert found == {"title": "é", "empty": [], "rows": rows}
    lines = b"".join(exports.csv_chunks(["n"], ([row["n"]] for row in rows))).decode("utf-8-sig").split("\r\n")
    assert lines == ["n", *(str(number) for number in range(count)), ""]
