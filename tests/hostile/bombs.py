"""Files made to burst what reads them, or to be two things at once, each made here and small: photos, documents, tables.

None is copied from anywhere. What a polyglot would do is written as PAYLOAD, which no stored file may hold.
"""

import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO

from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from tests.meetings import pdf_files
from tests.regions import bombs as tables
from tests.testimonials.photos import content, plain, png_header, with_a_smaller_copy

Make = Callable[[], bytes]
PAYLOAD = b"<script>alert('PAYLOAD')</script><?php PAYLOAD ?>"


def zipped(name: str = "PAYLOAD.js", inner: bytes = PAYLOAD) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(name, inner)
    return file.getvalue()


# Photos


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, depth: int = 8, colour: int = 2, *, packed: bytes = b"", interlaced: int = 0) -> bytes:
    """Of one colour, and really so large."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    if not packed:
        packer = zlib.compressobj(9)
        row = b"\0" + b"\x55" * ((width * samples * depth + 7) // 8)
        packed = b"".join(packer.compress(row) for _row in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def with_chunk(name: bytes, data: bytes) -> bytes:
    whole = content(plain(), "PNG")
    return whole[:33] + chunk(name, data) + whole[33:]


@cache
def blanks(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(2**20)) for _piece in range(megabytes)) + packer.flush()


def animated(kind: str, frames: int) -> bytes:
    others = [plain(size=(384, 480), colour=(n % 256, n // 256, 9)) for n in range(1, frames)]
    return content(plain(size=(384, 480)), kind, save_all=True, append_images=others)


def with_segment(marker: int, data: bytes, times: int = 1) -> bytes:
    """A JPEG with a segment of its own after the first two bytes."""
    whole = content(plain())
    return whole[:2] + (struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data) * times + whole[2:]


def jpeg_of(width: int, height: int) -> bytes:
    whole = bytearray(content(plain(size=(384, 480))))
    place = whole.index(b"\xff\xc0")
    whole[place + 5 : place + 9] = struct.pack(">HH", height, width)
    return bytes(whole)


def many_scans() -> bytes:
    """A progressive JPEG whose last scan comes ten thousand times: each makes a decoder go through the whole picture."""
    whole = content(plain(size=(3_000, 3_000)), progressive=True)
    place = whole.rindex(b"\xff\xda")
    return whole[:place] + whole[place:-2] * 10_000 + whole[-2:]


def exif_loop() -> bytes:
    """Its list of tags names itself as the next one."""
    first = struct.pack("<H", 1) + struct.pack("<HHII", 0x0112, 3, 1, 1) + struct.pack("<I", 8)
    return with_segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + first)


def exif_huge() -> bytes:
    """A tag that says it has four thousand million values."""
    entry = struct.pack("<HHII", 0x010E, 12, 0xFFFFFFFF, 26)
    return with_segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 1) + entry + struct.pack("<I", 0))


def webp_of(width: int, height: int) -> bytes:
    """A WebP that says it is so large."""
    body = (
        b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )
    body += b"VP8L" + struct.pack("<I", 6) + b"\x2f\xff\xff\xff\x0f\0"
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def webp_with_chunk() -> bytes:
    whole = content(plain(), "WEBP") + b"PAYL" + struct.pack("<I", len(PAYLOAD) + len(PAYLOAD) % 2) + PAYLOAD
    whole += b"\0" * (len(PAYLOAD) % 2)
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def tiff_of(width: int, height: int) -> bytes:
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (279, 4, 10)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="750" onload="PAYLOAD()">' + PAYLOAD + b"</svg>"
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 600 750\n(PAYLOAD) run { } loop\n%%EOF\n"
GIF_HTML = b"GIF89a/*" + content(plain(size=(384, 480)), "GIF")[8:] + b"*/=1;alert('PAYLOAD')//"

PHOTOS: dict[str, Make] = {
    "PNG of 50,000 x 50,000": lambda: png_header(50_000, 50_000),
    "PNG of 2^31 x 2^31": lambda: png_header(2**31 - 1, 2**31 - 1),
    "PNG of 1 x 2^31": lambda: png_header(1, 2**31 - 1),
    "PNG without width": lambda: png_header(0, 480),
    "PNG that is really 9,000 x 9,000": lambda: png(9_000, 9_000),
    "PNG of grey, 36,000 x 36,000": lambda: png(36_000, 36_000, 1, 0, packed=blanks(160)),
    "PNG without its picture": lambda: png_header(600, 750),
    "PNG cut off": lambda: content(plain(), "PNG")[:-60],
    "PNG with wrong sums": lambda: content(plain(), "PNG").replace(b"IDAT", b"IDAT\1", 1),
    "PNG without its palette": lambda: png(600, 750, 8, 3)[:41] + png(600, 750, 8, 3)[60:],
    "PNG with a text of 300 MB": lambda: with_chunk(b"zTXt", b"Comment\0\0" + blanks(300)),
    "PNG with an international text of 300 MB": lambda: with_chunk(b"iTXt", b"Comment\0\1\0\0\0" + blanks(300)),
    "PNG with a chunk of no end": lambda: content(plain(), "PNG")[:33] + struct.pack(">I", 2**31) + b"tEXtPAYLOAD",
    "JPEG of 65,535 x 65,535": lambda: jpeg_of(65_535, 65_535),
    "JPEG of 65,535 x 480": lambda: jpeg_of(65_535, 480)[:400],
    "JPEG of nothing": lambda: jpeg_of(0, 0),
    "JPEG cut off": lambda: content(plain())[:-900],
    "JPEG of its first bytes": lambda: b"\xff\xd8\xff\xe0",
    "JPEG of a thousand beginnings": lambda: b"\xff\xd8" * 1_000,
    "JPEG of scans without end": many_scans,
    "WebP of 16,383 x 16,383": lambda: webp_of(16_383, 16_383),
    "WebP that says it is larger": lambda: webp_of(6_000, 6_000),
    "WebP cut off": lambda: content(plain(), "WEBP")[:-60],
    "SVG with a script": lambda: SVG,
    "SVG that laughs": lambda: tables.LAUGHS.encode() + b"<svg>&a9;</svg>",
    "SVG that reads a file": lambda: tables.OUTSIDE.encode() + b"<svg>&a9;</svg>",
    "GIF and script": lambda: GIF_HTML,
    "BMP of 60,000 x 60,000": lambda: b"BM" + struct.pack("<IIIIiiHHI", 54, 0, 54, 40, 60_000, 60_000, 1, 24, 0) + bytes(20),
    "TIFF of 60,000 x 60,000": lambda: tiff_of(60_000, 60_000),
    "PostScript": lambda: EPS,
    "ICO of a PNG of 50,000 x 50,000": lambda: bytes((0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 32, 0, 99, 0, 0, 0, 22, 0, 0, 0))
    + png_header(50_000, 50_000),
    "AVIF": lambda: content(plain(), "AVIF"),
    "a page": lambda: b"<!DOCTYPE html>" + PAYLOAD,
    "a page that begins as a JPEG": lambda: b"\xff\xd8\xff" + PAYLOAD * 99,
    "a package": zipped,
    "a package in a PNG's name": lambda: b"\x89PNG\r\n\x1a\n" + zipped(),
    "a PDF": pdf_files.plain,
    "nothing but NUL": lambda: bytes(5_000),
}  # fmt: skip
"""To be refused."""

PICTURES: dict[str, Make] = {
    "PNG of 39 million pixels in 150 kB": lambda: png(6_200, 6_200, 8, 6),
    "PNG whose picture does not end": lambda: png(600, 750, packed=blanks(300))[:-20],
    "PNG and a page": lambda: content(plain(), "PNG") + PAYLOAD,
    "PNG and a package": lambda: content(plain(), "PNG") + zipped(),
    "PNG and a PDF": lambda: content(plain(), "PNG") + pdf_files.with_script() + PAYLOAD,
    "PNG with a script in its text": lambda: with_chunk(b"tEXt", b"Comment\0" + PAYLOAD),
    "PNG with a script in its profile": lambda: with_chunk(b"iCCP", b"a\0\0" + zlib.compress(PAYLOAD)),
    "PNG with a script in a chunk nobody knows": lambda: with_chunk(b"phPx", PAYLOAD),
    "PNG of two hundred pictures": lambda: animated("PNG", 200),
    "JPEG with a script in its comment": lambda: with_segment(0xFE, PAYLOAD),
    "JPEG with a script in a thousand segments": lambda: with_segment(0xED, b"Photoshop 3.0\0" + PAYLOAD, 1_000),
    "JPEG with a script as EXIF": lambda: with_segment(0xE1, b"Exif\0\0" + PAYLOAD),
    "JPEG with EXIF in a circle": exif_loop,
    "JPEG with EXIF of 4,000 million values": exif_huge,
    "JPEG with another picture in its EXIF": lambda: with_a_smaller_copy() + PAYLOAD,
    "JPEG and a page": lambda: content(plain()) + PAYLOAD,
    "JPEG and a package": lambda: content(plain()) + zipped(),
    "WebP with a script in a chunk": webp_with_chunk,
    "WebP of two hundred pictures": lambda: animated("WEBP", 200),
}
"""Photos, and something else besides: kept as drawn anew, or refused; nothing of what they are besides is left."""


# Documents


def raw_pdf(*objects: bytes, trailer: bytes = b"/Root 1 0 R") -> bytes:
    """Objects by their numbers from 1, with a table that is right."""
    body, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(
        b"%010d 00000 n \n" % place for place in places
    )
    return body + table + b"trailer\n<</Size %d %s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, len(body))


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>"


def stream(data: bytes, more: bytes = b"") -> bytes:
    return b"<</Length %d %s>>\nstream\n%s\nendstream" % (len(data), more, data)


def packed(megabytes: int) -> bytes:
    return raw_pdf(CATALOG, PAGES, PAGE, stream(blanks(megabytes), b"/Filter/FlateDecode"))


def objects_in_a_stream(data: bytes, count: int) -> bytes:
    """The catalogue is in a packed stream of objects."""
    inner = stream(data, b"/Type/ObjStm/N %d/First %d/Filter/FlateDecode" % (count, 10))
    body = b"%PDF-1.7\n1 0 obj\n" + inner + b"\nendobj\n"
    entries = b"".join(struct.pack(">BIB", *entry) for entry in ((0, 0, 255), (1, 9, 0), (2, 1, 0), (1, len(body), 0)))
    table = stream(zlib.compress(entries), b"/Type/XRef/W[1 4 1]/Size 4/Root 2 0 R/Filter/FlateDecode")
    return body + b"3 0 obj\n" + table + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % len(body)


def with_action(where: str, kind: str = "JavaScript") -> bytes:
    def change(writer: PdfWriter) -> None:
        action = writer._add_object(pdf_files.action(kind))
        if where == "names":
            tree = pdf_files.dictionary(Names=ArrayObject([TextStringObject("a"), action]))
            writer.root_object[NameObject("/Names")] = pdf_files.dictionary(JavaScript=writer._add_object(tree))
        elif where == "field":
            field = pdf_files.dictionary(FT=NameObject("/Tx"), AA=pdf_files.dictionary(K=action))
            writer.root_object[NameObject("/AcroForm")] = pdf_files.dictionary(Fields=ArrayObject([writer._add_object(field)]))
        elif where == "next":
            first = pdf_files.dictionary(S=NameObject("/GoTo"), Next=ArrayObject([action]))
            writer.root_object[NameObject("/OpenAction")] = writer._add_object(first)
        elif where == "outline":
            writer.root_object[NameObject("/Outlines")] = pdf_files.dictionary(First=pdf_files.dictionary(A=action))
        else:
            part = writer.root_object if where == "catalogue" else writer.pages[0]
            part[NameObject("/AA")] = pdf_files.dictionary(O=action)

    return pdf_files.made(change)


def carrying(key: str) -> bytes:
    """A note on the page that holds a file, a film or a model."""

    def change(writer: PdfWriter) -> None:
        file = DecodedStreamObject()
        file.set_data(PAYLOAD)
        held = pdf_files.dictionary(**{key: pdf_files.dictionary(F=writer._add_object(file))})
        note = DictionaryObject({NameObject("/Type"): NameObject("/Annot"), NameObject("/FS"): writer._add_object(held)})
        writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(note)])

    return pdf_files.made(change)


def many_objects() -> bytes:
    def change(writer: PdfWriter) -> None:
        each = [writer._add_object(NumberObject(number)) for number in range(20_000)]
        writer.root_object[NameObject("/Many")] = ArrayObject(each)

    return pdf_files.made(change)


def named(name: bytes) -> bytes:
    """An action whose name is written in another way."""
    return raw_pdf(b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/%s/JS(PAYLOAD)>>>>" % name, PAGES, PAGE, stream(b""))


MINUTES = pdf_files.plain

DOCUMENTS: dict[str, Make] = {
    "a page that unpacks to 300 MB": lambda: packed(300),
    "a page packed twice to 300 MB": lambda: raw_pdf(
        CATALOG, PAGES, PAGE, stream(zlib.compress(blanks(300)), b"/Filter[/FlateDecode/FlateDecode]")),
    "objects that unpack to 300 MB": lambda: objects_in_a_stream(blanks(300), 1),
    "a stream of a million objects": lambda: objects_in_a_stream(zlib.compress(b"2 0 " * 2_000_000), 1_000_000),
    "a table that unpacks to 300 MB": lambda: b"%PDF-1.7\n1 0 obj\n" + stream(
        blanks(300), b"/Type/XRef/W[1 4 1]/Size 99999999/Root 2 0 R/Filter/FlateDecode") + b"\nendobj\nstartxref\n9\n%%EOF\n",
    "a hundred thousand brackets": lambda: raw_pdf(b"[" * 100_000 + b"]" * 100_000, PAGES, PAGE, stream(b"")),
    "a hundred thousand dictionaries": lambda: raw_pdf(b"<</a" * 100_000 + b">>" * 100_000, PAGES, PAGE, stream(b"")),
    "pages in a circle": lambda: raw_pdf(CATALOG, b"<</Type/Pages/Kids[2 0 R]/Count 1>>"),
    "a catalogue in a circle": lambda: raw_pdf(b"1 0 R"),
    "a thousand million pages": lambda: raw_pdf(CATALOG, b"<</Type/Pages/Kids[]/Count 999999999>>"),
    "no catalogue": lambda: raw_pdf(b"(a)", PAGES),
    "a table that lies": lambda: b"%PDF-1.7\nxref\n0 999999999\n" + b"0000000009 00000 n \n" * 99_999
    + b"trailer<</Root 1 0 R>>",
    "a place beyond the end": lambda: b"%PDF-1.7\ntrailer<</Root 1 0 R>>\nstartxref\n" + b"9" * 400 + b"\n%%EOF\n",
    "an object of a number without end": lambda: b"%PDF-1.7\n" + b"9" * 9_000 + b" 0 obj\n<<>>\nendobj\ntrailer<</Root 1 0 R>>",
    "ten megabytes of beginnings": lambda: b"%PDF-1.7\n" + b"1 0 obj\n" * 1_250_000,
    "ten megabytes of dictionaries": lambda: b"%PDF-1.7\n1 0 obj\n" + b"<<" * 4_900_000 + b"\ntrailer<</Root 1 0 R>>",
    "ten megabytes of a text": lambda: b"%PDF-1.7\n1 0 obj\n" + b"(" * 9_900_000 + b"\ntrailer<</Root 1 0 R>>",
    "noise": lambda: b"%PDF-1.7\n" + bytes(range(256)) * 4_000,
    "cut off": lambda: MINUTES()[:-150],
    "only its head": lambda: b"%PDF-1.7",
    "a page behind a head": lambda: b"%PDF-1.7\n" + PAYLOAD,
    "a package behind a head": lambda: b"%PDF-1.7\n" + zipped(),
    "locked": pdf_files.encrypted,
    "a script in its names": lambda: with_action("names"),
    "a script of the catalogue": lambda: with_action("catalogue"),
    "a script of a page": lambda: with_action("page"),
    "a script of a field": lambda: with_action("field"),
    "a script after another action": lambda: with_action("next"),
    "a script of its outline": lambda: with_action("outline"),
    "a program that starts": lambda: with_action("page", "Launch"),
    "a form that is sent": lambda: with_action("catalogue", "SubmitForm"),
    "a script under a name with signs": lambda: named(b"J#61vaScript"),
    "a script under another name with signs": lambda: named(b"#4aava#53cript"),
    "a file in it": pdf_files.with_a_file,
    "a file at a note": lambda: carrying("EF"),
    "a film at a note": lambda: carrying("RichMediaContent"),
    "a form with its own language": pdf_files.with_a_form,
}  # fmt: skip
"""To be refused."""

HARMLESS_DOCUMENTS: dict[str, Make] = {
    "minutes and a package": lambda: MINUTES() + zipped(),
    "minutes and a page": lambda: MINUTES() + PAYLOAD,
    "a page in a remark, then minutes": lambda: MINUTES().replace(b"\n", b"\n%" + PAYLOAD + b"\n", 1),
    "minutes with a table before itself": lambda: MINUTES().replace(b"/Size", b"/Prev 9/Size"),
    "twenty thousand objects": many_objects,
}
"""Kept as a copy, or refused; nothing of what they are besides is left."""


# Tables


def entries(count: int) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for number in range(count):
            package.writestr(f"xl/{number}", b"")
    return file.getvalue()


SLOW = {"shared strings", "a million columns in the header", "a million deep"}
"""They take the child all of its time: tests/regions/test_uploads.py gives them to it."""

TABLES: dict[str, Make] = {name: make for name, (make, _told) in tables.REFUSED.items() if name not in SLOW} | {
    "a package of sixty thousand files": lambda: entries(60_000),
    "a package and minutes": lambda: MINUTES() + zipped(),
    "a package that is twice packed": lambda: zipped("xl/workbook.xml", zipped("xl/workbook.xml", bytes(50 * 2**20))),
    "a package that leads outwards": lambda: zipped("../../PAYLOAD.xml"),
    "a page": lambda: PAYLOAD * 99,
}
"""To be refused."""
