"""From an uploaded photo to the files that pages show. Whatever else the upload holds stays behind."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from PIL import ExifTags, Image, ImageOps

from .models import PORTRAIT_TYPES, PORTRAIT_WIDTHS

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
LARGEST = (max(PORTRAIT_WIDTHS), max(PORTRAIT_WIDTHS) * 5 // 4)
"""Width and height of the largest file: the least an upload must have, as nothing is scaled up."""
READ = ["JPEG", "PNG", "WEBP"]
# At these settings a photo differs from a lossless copy by nothing that shows at 96 CSS pixels.
WRITE: dict[str, dict[str, Any]] = {
    "avif": {"format": "AVIF", "quality": 60, "speed": 6},
    "webp": {"format": "WEBP", "quality": 76, "method": 6},
    "jpg": {"format": "JPEG", "quality": 78, "optimize": True, "progressive": True},
}
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own guard, for whatever it unpacks on the way


@dataclass(frozen=True, slots=True)
class Picture:
    """`files`: content by rendition ("96.avif"). `dropped`: what the upload said besides the picture, in words, for staff."""

    files: dict[str, bytes]
    dropped: list[Any]


def read(upload: UploadedFile) -> Picture:
    """The files of a portrait. Raises ValidationError, in words that say what to do, for what is no photo of the right size."""
    if (upload.size or 0) > MAX_BYTES:
        raise ValidationError(_("The photo is over 10 MB. Make it smaller, then choose it again."), code="too_large")
    try:
        upload.seek(0)
        with Image.open(upload, formats=READ) as image:
            _check_size(image)
            return Picture(_encoded(_drawn(image)), _said(image))
    except ValidationError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except Exception as error:  # a damaged file makes Pillow raise nearly anything: struct.error, SyntaxError, KeyError ...
        raise ValidationError(
            _("This is not a JPEG, PNG or WebP picture, or it is damaged. Save it as JPEG, then choose it again."),
            code="unreadable",
        ) from error


def _check_size(image: Image.Image) -> None:
    """By what the header says, before anything is unpacked."""
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    if image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8):  # lies on its side
        width, height = height, width
    if width < LARGEST[0] or height < LARGEST[1]:
        words = _("The photo is {width} × {height} pixels. It must be at least {least_width} × {least_height}.")
        told = str(words).format(width=width, height=height, least_width=LARGEST[0], least_height=LARGEST[1])
        raise ValidationError(told, code="too_small")


def _too_many_pixels() -> ValidationError:
    words = _("The photo has more than 40 million pixels. Make it smaller, then choose it again.")
    return ValidationError(words, code="too_many_pixels")


def _drawn(image: Image.Image) -> Image.Image:
    """The middle of the photo, the right way up, on a new white image: no profile, place, time or comment comes along."""
    image.draft(None, (2 * LARGEST[1], 2 * LARGEST[1]))  # a JPEG need not be unpacked in full
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I"):  # grey in 16 bits, which Pillow would cut off and not scale
        upright = upright.point(lambda value: value * (1 / 256) + 0).convert("L")
    if upright.has_transparency_data and upright.mode != "RGBA":
        upright = upright.convert("RGBA")
    elif upright.mode not in ("RGB", "RGBA", "L", "CMYK"):
        upright = upright.convert("RGB")
    fitted = ImageOps.fit(upright, LARGEST, Image.Resampling.LANCZOS)
    drawn = Image.new("RGB", LARGEST, "white")
    drawn.paste(fitted.convert("RGB"), mask=fitted.getchannel("A") if fitted.mode == "RGBA" else None)
    return drawn


def _encoded(drawn: Image.Image) -> dict[str, bytes]:
    files = {}
    for width in PORTRAIT_WIDTHS:
        scaled = drawn.resize((width, width * 5 // 4), Image.Resampling.LANCZOS)
        for ending in PORTRAIT_TYPES:
            content = BytesIO()
            scaled.save(content, **WRITE[ending])
            files[f"{width}.{ending}"] = content.getvalue()
    return files


def _said(image: Image.Image) -> list[Any]:
    """What the upload holds besides the picture: its kinds, never its content."""
    exif = image.getexif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    base, camera = ExifTags.Base, (ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.BodySerialNumber)
    notes = {"comment", "xmp", "XML:com.adobe.xmp"} & image.info.keys() or getattr(image, "text", None)
    found = {
        _("where it was taken"): exif.get_ifd(ExifTags.IFD.GPSInfo),
        _("when it was taken"): base.DateTime in exif or base.DateTimeOriginal in details,
        _("the camera"): any(tag in exif or tag in details for tag in camera),
        _("a smaller copy of the whole picture"): exif.get_ifd(ExifTags.IFD.IFD1),
        _("written notes"): notes or base.ImageDescription in exif or base.Artist in exif or base.UserComment in details,
    }
    return [words for words, there in found.items() if there]
