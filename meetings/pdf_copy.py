"""What a PDF may hold to be handed out, and a copy of it that tells nothing about who made it. Run by a child (pdf.py).

Refused: what is locked or broken, what runs or starts something, what carries other files. Left out of the copy: the document's
properties, XMP metadata, editors' private data and whatever no page reaches any more.
"""

from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from itertools import takewhile
from typing import IO, Any
from zlib import decompressobj, error

from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

ACTING = {
    "/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition", "/Movie", "/Sound",
    "/RichMediaExecute",
}  # fmt: skip
"""Kinds of action (ISO 32000-1, table 198, and its supplements) that do more than turn to a page or name a web address."""
CARRYING = {"/JS", "/XFA", "/EmbeddedFiles", "/EF", "/RichMediaContent"}
TELLING = ("/Metadata", "/PieceInfo", "/LastModified")
MOST_OBJECTS = 200_000
MOST_UNPACKED = 200 * 2**20
"""Bytes of all streams: what readers would have to unpack."""


class Refused(Exception):
    """Its text is a key of pdf.TOLD."""


def in_child(content: bytes) -> dict[str, str]:
    """{"file": base64} or {"refused": a key of pdf.TOLD}."""
    try:
        return {"file": b64encode(_copy(BytesIO(content))).decode()}
    except Refused as refused:
        return {"refused": str(refused)}
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OverflowError):
        return {"refused": "broken"}


def _copy(file: IO[bytes]) -> bytes:
    reader = PdfReader(file)
    if reader.is_encrypted:
        raise Refused("encrypted")
    writer = PdfWriter(clone_from=reader)
    if not writer.pages:
        raise Refused("no_page")
    unpacked = 0
    for part in _parts(writer.root_object):
        if CARRYING & part.keys() or str(part.get("/S")) in ACTING:
            raise Refused("active")
        for name in TELLING:
            part.pop(name, None)
        unpacked += _unpacked(part, MOST_UNPACKED - unpacked)
        if unpacked >= MOST_UNPACKED:
            raise Refused("too_much")
    writer.metadata = None
    writer.compress_identical_objects(remove_duplicates=False, remove_unreferenced=True)
    copy = BytesIO()
    writer.write(copy)
    return copy.getvalue()


def _unpacked(part: DictionaryObject, most: int) -> int:
    """Bytes that a packed stream holds, counted up to a bound; 0 of what is none, or is packed in another way."""
    if not isinstance(part, StreamObject):
        return 0
    filters = part.get("/Filter")
    names = filters if isinstance(filters, ArrayObject) else [filters]
    pieces: Iterator[bytes] = iter([part._data])
    turns = list(takewhile(lambda name: name in ("/FlateDecode", "/Fl"), names))
    for _turn in turns:
        pieces = _inflated(pieces)
    size = 0
    for piece in pieces if turns else ():
        size += len(piece)
        if size >= most:
            break
    return size


def _inflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """In pieces of a bounded size; of what is damaged, what comes before, as viewers show it."""
    unpacker = decompressobj()
    for left in pieces:
        while left:
            try:
                piece = unpacker.decompress(left, PIECE)
            except error:
                return
            if not piece:
                break
            yield piece
            left = unpacker.unconsumed_tail


PIECE = 2**20


def _parts(root: DictionaryObject) -> Iterator[DictionaryObject]:
    """Every dictionary that can be reached from the root, each once. Raises ValueError beyond a bound."""
    found: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        one = waiting.pop()
        if isinstance(one, IndirectObject):
            if one.idnum in found:
                continue
            found.add(one.idnum)
            if len(found) > MOST_OBJECTS:
                raise ValueError("too many objects")
            one = one.get_object()
        if isinstance(one, DictionaryObject):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, ArrayObject):
            waiting.extend(one)
