"""PDFs as meetings get them: harmless ones, ones that tell about people, and ones that act."""

from collections.abc import Callable
from io import BytesIO

from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    TextStringObject,
)

CANARY = "JeanCanariMukendi"


def made(change: Callable[[PdfWriter], object] | None = None) -> bytes:
    """A PDF of one empty page, changed."""
    writer = PdfWriter()
    writer.add_blank_page(width=200, height=200)
    if change:
        change(writer)
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def plain() -> bytes:
    return made()


def page_count(content: bytes) -> int:
    return len(PdfReader(BytesIO(content)).pages)


def encrypted() -> bytes:
    return made(lambda writer: writer.encrypt("secret"))


def with_a_file() -> bytes:
    return made(lambda writer: writer.add_attachment("list.txt", CANARY.encode()))


def dictionary(**parts: object) -> DictionaryObject:
    return DictionaryObject({NameObject(f"/{name}"): part for name, part in parts.items()})


def action(kind: str) -> DictionaryObject:
    return dictionary(S=NameObject(f"/{kind}"), F=TextStringObject("cmd.exe"), URI=TextStringObject("https://example.org/"))


def opening_with(kind: str) -> bytes:
    return made(lambda writer: writer.root_object.update({NameObject("/OpenAction"): writer._add_object(action(kind))}))


def with_script() -> bytes:
    return opening_with("JavaScript")


def with_a_link_that(kind: str) -> bytes:
    """The action stands where a viewer meets it: at an annotation of a page, behind two references."""

    def change(writer: PdfWriter) -> None:
        link = dictionary(Type=NameObject("/Annot"), Subtype=NameObject("/Link"), A=writer._add_object(action(kind)))
        writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(link)])

    return made(change)


def with_a_form() -> bytes:
    return made(lambda writer: writer.root_object.update({NameObject("/AcroForm"): dictionary(XFA=ArrayObject())}))


def telling() -> bytes:
    """The canary in the properties, in XMP of the document and of a page, and in an object that no page reaches any more."""

    def change(writer: PdfWriter) -> None:
        writer.add_metadata({"/Author": CANARY, "/Title": f"Minutes of {CANARY}", "/Custom": CANARY})
        for part in (writer.root_object, writer.pages[0]):
            xmp = DecodedStreamObject()
            xmp.set_data(f"<x:xmpmeta>{CANARY}</x:xmpmeta>".encode())
            part[NameObject("/Metadata")] = writer._add_object(xmp)
        writer.pages[0][NameObject("/PieceInfo")] = dictionary(Editor=TextStringObject(CANARY))
        writer._add_object(TextStringObject(f"an earlier version by {CANARY}"))

    return made(change)
