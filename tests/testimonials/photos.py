"""Photos for tests, drawn here: of nobody, and with all that a camera or an editor may hide in a file."""

import struct
import zlib
from functools import cache
from io import BytesIO
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from testimonials import files, pictures
from testimonials.models import REDUCED, Testimonial
from tests.factories import agree_to_all

SIZE = (600, 750)
ALT = {"en": "A woman at a scale", "fr": "Une femme devant une balance"}
NAME = "Jeanne Mukendi.jpg"
GONE = [b"CANARY", b"Mukendi", "CANARY".encode("utf-16-le"), b"Exif", b"ICC_PROFILE", b"http://ns.adobe.com", b"xmpmeta"]
"""What no stored file may hold: our own words and what announces such data in a JPEG, WebP or AVIF."""


def plain(mode: str = "RGB", size: tuple[int, int] = SIZE, colour: Any = (150, 100, 50)) -> Image.Image:
    return Image.new(mode, size, colour)


def content(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The bytes of a file; JPEG and WebP good enough for colours to be told."""
    file = BytesIO()
    image.save(file, kind, **({"quality": 95} if kind in ("JPEG", "WEBP") else {}) | options)
    return file.getvalue()


def upload(data: bytes, name: str = NAME) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "image/jpeg")


def revealing(kind: str = "JPEG") -> bytes:
    """A photo with place, time, camera, a smaller copy, XMP, profile and comments in it."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "CANARY camera"
    exif[ExifTags.Base.DateTime] = "2016:03:04 05:06:07"
    exif[ExifTags.Base.Artist] = "CANARY Mukendi"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"CANARY note"
    place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    place[ExifTags.GPS.GPSLatitudeRef], place[ExifTags.GPS.GPSLatitude] = "S", (2.0, 30.0, 15.0)
    place[ExifTags.GPS.GPSAreaInformation] = b"CANARY pit"
    options: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": b"CANARY profile" * 20}
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">CANARY</x:xmpmeta>'
    if kind == "PNG":
        told = PngInfo()
        told.add_text("Comment", "CANARY text")
        told.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options["pnginfo"] = told
    else:
        options["xmp"] = xmp
    if kind == "JPEG":
        options["comment"] = b"CANARY comment"
    return content(plain(), kind, **options) + b"CANARY after the end"


def with_a_smaller_copy() -> bytes:
    """As cameras write it: the whole picture again in the EXIF data, and no cut of ours would touch it."""
    entry = struct.Struct("<HHII")
    copy = b"CANARY" + content(plain(size=(16, 20)))
    first = struct.pack("<H", 1) + entry.pack(0x0112, 3, 1, 1) + struct.pack("<I", 26)
    second = struct.pack("<H", 2) + entry.pack(0x0201, 4, 1, 56) + entry.pack(0x0202, 4, 1, len(copy)) + struct.pack("<I", 0)
    return content(plain(), exif=b"Exif\0\0II*\0\x08\0\0\0" + first + second + copy)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is so large, and ends there."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" * 1000)),
        (b"IEND", b""),
    ]
    packed = (struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


@cache
def _files_of_a_portrait() -> dict[str, bytes]:
    return pictures.read(upload(content(plain(), "PNG"))).files


def give(testimonial: Testimonial, portrait: str = "0123456789abcdef" * 2) -> Testimonial:
    """A portrait as an upload leaves it, in a test's own transaction."""
    made = _files_of_a_portrait()
    for rendition, data in made.items():
        default_storage.save(files.path(portrait, rendition), ContentFile(data))
    agree_to_all(testimonial)
    testimonial.portrait, testimonial.portrait_bytes = portrait, len(made[REDUCED])
    for language, words in ALT.items():
        setattr(testimonial, f"portrait_alt_{language}", words)
    testimonial.save()
    return testimonial
