"""Files made to burst what reads them, each small; and plain ones of the wrong kind."""

import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from random import Random
from typing import Any

HEADER = "region,metric,period_start,precision,value,status,source_en"
TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
    '<Override PartName="/xl/sharedStrings.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELS = (
    f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>"
)
BOOK = (
    f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets><sheet name="data" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
BOOK_RELS = (
    f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{RELATIONS}/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
)
LAUGHS = "<!DOCTYPE lolz [<!ENTITY a0 'lol'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)
) + "]>"  # fmt: skip
OUTSIDE = "<!DOCTYPE x [<!ENTITY a9 SYSTEM 'file:///etc/passwd'>]>"


NOISE = {"xl/media/image1.png": Random(0).randbytes(400_000)}
"""A part that hardly packs: with it the whole looks no worse than any workbook with a picture."""


def workbook(
    sheet: str | Iterator[str], strings: str | Iterator[str] = "", head: str = "", others: dict[str, Any] | None = None
) -> bytes:
    """An XLSX file of one sheet, part by part; `head` stands before the root of the sheet."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as package:
        parts: dict[str, Any] = {
            "[Content_Types].xml": TYPES, "_rels/.rels": RELS, "xl/workbook.xml": BOOK, "xl/_rels/workbook.xml.rels": BOOK_RELS,
        }  # fmt: skip
        for name, text in (parts | (others or {})).items():
            package.writestr(name, text)
        with package.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(f'{head}<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            for piece in [sheet] if isinstance(sheet, str) else sheet:
                part.write(piece.encode())
            part.write(b"</sheetData></worksheet>")
        with package.open("xl/sharedStrings.xml", "w") as part:
            part.write(f'<sst xmlns="{MAIN}">'.encode())
            for piece in [strings] if isinstance(strings, str) else strings:
                part.write(piece.encode())
            part.write(b"</sst>")
    return file.getvalue()


def cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def row(*texts: str) -> str:
    return f"<row>{''.join(map(cell, texts))}</row>"


HEAD = row(*HEADER.split(","))


def high_ratio() -> bytes:
    """A hundred megabytes of blanks in a hundred kilobytes."""
    return workbook(" " * 2**20 for _piece in range(100))


def nested() -> bytes:
    """A package in a package in a package: nothing opens the inner ones."""
    content = high_ratio()
    for _turn in range(3):
        file = BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
            package.writestr("inner.xlsx", content)
        content = file.getvalue()
    return content


def shared_strings() -> bytes:
    """Below every limit of the package, and far more objects than memory has room for."""
    return workbook(HEAD, (f"<si><t>{number}</t></si>" * 40 for number in range(70_000)), others=NOISE)


def columns() -> bytes:
    """A million cells in one row."""
    return workbook(iter([HEAD, "<row>", *("<c/>" * 1000 for _piece in range(1000)), "</row>"]), others=NOISE)


def header_of_columns() -> bytes:
    return workbook(iter(["<row>", *(cell("x") * 1000 for _piece in range(1000)), "</row>"]), others=NOISE)


def wide() -> bytes:
    return workbook(row(*HEADER.split(","), *("more" for _cell in range(40))))


def far_row() -> bytes:
    """A sheet whose second row is its last one, a million rows down."""
    return workbook(HEAD + '<row r="1048576"><c r="A1048576"><v>1</v></c></row>' * 2)


def rows() -> bytes:
    return workbook(iter([HEAD, *(row("katanga", "miners") * 100 for _piece in range(101))]))


def entities() -> bytes:
    return workbook(HEAD + row("&a9;"), head=LAUGHS)


def outside() -> bytes:
    return workbook(HEAD + row("&a9;"), head=OUTSIDE)


def entities_in_styles() -> bytes:
    return workbook(HEAD, others={"xl/styles.xml": LAUGHS + "<styleSheet>&a9;</styleSheet>"})


def lying() -> bytes:
    """A part that says it unpacks to ten bytes and holds fifty megabytes."""
    content = workbook("<row/>" * 100_000 for _piece in range(80))
    with zipfile.ZipFile(BytesIO(content)) as package:
        size = package.getinfo("xl/worksheets/sheet1.xml").file_size.to_bytes(4, "little")
    return content.replace(size, (10).to_bytes(4, "little"))


def deep() -> bytes:
    """Elements in elements, a million deep."""
    return workbook("<row>" * 1_000_000, others=NOISE)


def text() -> bytes:
    """Few rows of very long texts: small packed, more than an answer may be."""
    return workbook(iter([HEAD, *(row(*"abcdef", "x" * 2_000_000) for _piece in range(10))]), others=NOISE)


def csv_of(megabytes: int) -> bytes:
    line = b"katanga,miners,2017-01-01,year,5,reported,A count\n"
    return HEADER.encode() + b"\n" + line * (megabytes * 2**20 // len(line))


def one_long_line() -> bytes:
    return HEADER.encode() + b"\n" + b"," * (2 * 2**20 - 100)


def one_long_quote() -> bytes:
    return HEADER.encode() + b'\n"' + b"x" * (2 * 2**20 - 100)


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "high ratio": (high_ratio, "Unpacked it would have"),
    "nested": (nested, "This XLSX file cannot be opened"),
    "shared strings": (shared_strings, "Reading this file took too"),
    "a million columns": (columns, "Reading this file took too"),
    "a million columns in the header": (header_of_columns, "Reading this file took too"),
    "more columns than may be": (wide, "More than 40 columns."),
    "ten thousand rows and more": (rows, "More than 10,000 rows."),
    "entities": (entities, "This XLSX file cannot be opened"),
    "entities from outside": (outside, "This XLSX file cannot be opened"),
    "entities in another part": (entities_in_styles, "This XLSX file cannot be opened"),
    "a lie about its size": (lying, "This XLSX file cannot be opened"),
    "a million deep": (deep, "Reading this file took too"),
    "too much text": (text, "This file holds too much text."),
    "10 MB of CSV": (lambda: csv_of(10), "10,485,810 bytes are more than the 2,097,152"),
    "2 MB of CSV": (lambda: csv_of(2)[: 2 * 2**20 - 30], "More than 10,000 rows."),
    "one long quotation": (one_long_quote, "Row 2: This row cannot be read"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(1000), "This is neither XLSX nor CSV"),
    "a PDF": (lambda: b"%PDF-1.7\n" + bytes(range(256)), "This is neither XLSX nor CSV"),
    "NULs": (lambda: bytes(2**20), "Row 1: This row cannot be read"),
    "UTF-16": (lambda: f"{HEADER}\n".encode("utf-16"), "This is neither XLSX nor CSV"),
    "a zip of something else": (lambda: zipped("photo.jpg"), "This XLSX file cannot be opened"),
    "nothing": (lambda: b"", "The file is empty."),
}
"""What each is, and how its refusal begins."""


def zipped(name: str) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        package.writestr(name, "no sheet")
    return file.getvalue()
