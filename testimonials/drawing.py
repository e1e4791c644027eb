"""From the bytes of a photo to the files that pages show, for the child that reads uploads (lib/child.py): Pillow alone."""

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image

READ = ["JPEG", "PNG", "WEBP"]
# At these settings a photo differs from a lossless copy by nothing that shows at 96 CSS pixels.
WRITE: dict[str, dict[str, Any]] = {
    "avif": {"format": "AVIF", "quality": 60, "speed": 6, "max_threads": 1},  # each thread reserves memory of its own
    "webp": {"format": "WEBP", "quality": 76, "method": 6},
    "jpg": {"format": "JPEG", "quality": 78, "optimize": True, "progressive": True},
}
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""What turns a picture upright, by its EXIF orientation."""
ON_ITS_SIDE = (5, 6, 7, 8)
LARGE_WEBP = 10_000_000
"""Pixels of a WebP beyond which its decoder, that holds a picture three times, may find no memory, and calls it damaged."""
STRIP = 256
"""Rows of the smaller copy that are made at once."""


class Refused(Exception):
    """`code`: too_many_pixels or too_small, with `size`, that of the upright photo in pixels."""

    def __init__(self, code: str, size: tuple[int, int] = (0, 0)) -> None:
        super().__init__(code)
        self.code, self.size = code, size


def in_child(content: bytes, widths: Sequence[int], endings: Sequence[str], most_pixels: int) -> dict[str, Any]:
    """{"files": {rendition: base64}, "said": [...]} or {"refused": code, "size": [width, height]}. Pictures are 4:5.

    Raises MemoryError for what does not fit into the child.
    """
    Image.MAX_IMAGE_PIXELS = most_pixels  # Pillow's own guard, for whatever it unpacks on the way
    largest, is_large_webp = (max(widths), max(widths) * 5 // 4), False
    try:
        with Image.open(BytesIO(content), formats=READ) as image:
            _check_size(image, largest, most_pixels)
            is_large_webp = image.format == "WEBP" and image.width * image.height > LARGE_WEBP
            said = _said(image)
            drawn = _drawn(image, largest)
        return {"files": {name: b64encode(made).decode() for name, made in _encoded(drawn, widths, endings)}, "said": said}
    except Refused as refused:
        return {"refused": refused.code, "size": refused.size}
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return {"refused": "too_many_pixels", "size": (0, 0)}
    except MemoryError:
        raise
    except Exception:  # a damaged file makes Pillow raise nearly anything: struct.error, SyntaxError, KeyError ...
        return {"refused": "too_much" if is_large_webp else "unreadable", "size": (0, 0)}


def _orientation(image: Image.Image) -> int:
    return image.getexif().get(ExifTags.Base.Orientation, 1)


def _check_size(image: Image.Image, least: tuple[int, int], most_pixels: int) -> None:
    """By what the header says, before anything is unpacked."""
    width, height = image.size
    if width * height > most_pixels:
        raise Refused("too_many_pixels")
    if _orientation(image) in ON_ITS_SIDE:
        width, height = height, width
    if width < least[0] or height < least[1]:
        raise Refused("too_small", (width, height))


def _drawn(image: Image.Image, largest: tuple[int, int]) -> Image.Image:
    """The middle of the photo, the right way up, on a new white image: no profile, place, time or comment comes along."""
    turn = _orientation(image)
    image.draft(None, (2 * largest[1], 2 * largest[1]))  # a JPEG need not be unpacked in full
    image.load()
    size = largest[::-1] if turn in ON_ITS_SIDE else largest
    fitted = _middle(image, size).resize(size, Image.Resampling.LANCZOS)
    drawn = Image.new("RGB", size, "white")
    drawn.paste(fitted.convert("RGB"), mask=fitted.getchannel("A") if fitted.mode == "RGBA" else None)
    return drawn.transpose(UPRIGHT[turn]) if turn in UPRIGHT else drawn


def _middle(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The largest part in the middle of the shape of `size`, made smaller but to twice that at least.

    Strip by strip, as a copy of the whole in other colours would take its memory again.
    """
    width, height = image.size
    wide, high = min(width, height * size[0] // size[1]), min(height, width * size[1] // size[0])
    left, top = (width - wide) // 2, (height - high) // 2
    by = max(1, wide // (2 * size[0]))
    made: Image.Image | None = None
    for row in range(0, high, STRIP * by):
        strip = image.crop((left, top + row, left + wide, top + min(row + STRIP * by, high)))
        smaller = _plain(strip).reduce(by)
        if made is None:
            made = Image.new(smaller.mode, (smaller.width, -(-high // by)))
        made.paste(smaller, (0, row // by))
    assert made is not None  # noqa: S101 - it has a row
    return made


def _plain(image: Image.Image) -> Image.Image:
    """In one of four modes, which can be scaled: RGB, RGBA, L, CMYK."""
    if image.mode.startswith("I"):  # grey in 16 bits, which Pillow would cut off and not scale
        image = image.point(lambda value: value * (1 / 256) + 0).convert("L")
    if image.has_transparency_data and image.mode != "RGBA":
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "RGBA", "L", "CMYK") else image.convert("RGB")


def _encoded(drawn: Image.Image, widths: Sequence[int], endings: Sequence[str]) -> list[tuple[str, bytes]]:
    files = []
    for width in widths:
        scaled = drawn.resize((width, width * 5 // 4), Image.Resampling.LANCZOS)
        for ending in endings:
            content = BytesIO()
            scaled.save(content, **WRITE[ending])
            files.append((f"{width}.{ending}", content.getvalue()))
    return files


def _said(image: Image.Image) -> list[str]:
    """What the upload holds besides the picture: its kinds, never its content."""
    exif = image.getexif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    base, camera = ExifTags.Base, (ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.BodySerialNumber)
    notes = {"comment", "xmp", "XML:com.adobe.xmp"} & image.info.keys() or getattr(image, "text", None)
    found = {
        "place": exif.get_ifd(ExifTags.IFD.GPSInfo),
        "time": base.DateTime in exif or base.DateTimeOriginal in details,
        "camera": any(tag in exif or tag in details for tag in camera),
        "copy": exif.get_ifd(ExifTags.IFD.IFD1),
        "notes": notes or base.ImageDescription in exif or base.Artist in exif or base.UserComment in details,
    }
    return [kind for kind, there in found.items() if there]
