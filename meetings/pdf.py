"""What a PDF may hold to be handed out, and a copy of it that tells nothing about who made it.

Refused: what is locked or broken, what runs or starts something, what carries other files. Left out of the copy: the document's
properties, XMP metadata, editors' private data and whatever no page reaches any more.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

ACTING = {
    "/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition", "/Movie", "/Sound",
    "/RichMediaExecute",
}  # fmt: skip
"""Kinds of action (ISO 32000-1, table 198, and its supplements) that do more than turn to a page or name a web address."""
CARRYING = {"/JS", "/XFA", "/EmbeddedFiles", "/EF", "/RichMediaContent"}
TELLING = ("/Metadata", "/PieceInfo", "/LastModified")
MOST_OBJECTS = 200_000


def cleaned(file: IO[bytes]) -> bytes:
    """The PDF without metadata. Raises ValidationError, in words for staff, if it may not be handed out."""
    try:
        reader = PdfReader(file)
        if reader.is_encrypted:
            raise ValidationError(
                _("This PDF is locked with a password. Save it without one, then upload it again."), code="encrypted"
            )
        writer = PdfWriter(clone_from=reader)
        if not writer.pages:
            raise ValidationError(_("This PDF has no page. Export it again, then upload the new file."), code="broken")
        for part in _parts(writer.root_object):
            _check(part)
            for name in TELLING:
                part.pop(name, None)
        writer.metadata = None
        writer.compress_identical_objects(remove_duplicates=False, remove_unreferenced=True)
        copy = BytesIO()
        writer.write(copy)
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OverflowError) as error:
        raise ValidationError(_("This PDF is damaged. Export it again, then upload the new file."), code="broken") from error
    return copy.getvalue()


def _check(part: DictionaryObject) -> None:
    if CARRYING & part.keys() or str(part.get("/S")) in ACTING:
        raise ValidationError(
            _("This PDF holds a script, another file or what starts by itself. Print it to a new PDF, then upload that."),
            code="active",
        )


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
