"""From an uploaded photo to the files that pages show. Whatever else the upload holds stays behind.

It is drawn by a child within bounds (drawing.py): a small file can unpack to more memory than a server has.
"""

from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from itsci_site.lib import child

from .models import PORTRAIT_TYPES, PORTRAIT_WIDTHS

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
LARGEST = (max(PORTRAIT_WIDTHS), max(PORTRAIT_WIDTHS) * 5 // 4)
"""Width and height of the largest file: the least an upload must have, as nothing is scaled up."""
UNREADABLE = _("This is not a JPEG, PNG or WebP picture, or it is damaged. Save it as JPEG, then choose it again.")
TOO_MANY_PIXELS = _("The photo has more than 40 million pixels. Make it smaller, then choose it again.")
TOO_SMALL = _("The photo is {width} × {height} pixels. It must be at least {least_width} × {least_height}.")
TOO_MUCH = _("Reading this photo took too long or too much memory. Save it as JPEG, and smaller, then choose it again.")
TOO_BUSY = _("This site was too busy to read the photo in time. Choose it again in a moment, or make it smaller first.")
TOLD = {"unreadable": UNREADABLE, "too_many_pixels": TOO_MANY_PIXELS, "too_much": TOO_MUCH}
SAID = {
    "place": _("where it was taken"),
    "time": _("when it was taken"),
    "camera": _("the camera"),
    "copy": _("a smaller copy of the whole picture"),
    "notes": _("written notes"),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """`files`: content by rendition ("96.avif"). `dropped`: what the upload said besides the picture, in words, for staff."""

    files: dict[str, bytes]
    dropped: list[Any]


def read(upload: UploadedFile) -> Picture:
    """The files of a portrait. Raises ValidationError, in words that say what to do, for what is no photo of the right size."""
    if (upload.size or 0) > MAX_BYTES:
        raise ValidationError(_("The photo is over 10 MB. Make it smaller, then choose it again."), code="too_large")
    upload.seek(0)
    try:
        found = child.run(
            "testimonials.drawing:in_child", upload.read(), child.Bounds(**settings.UPLOADED_FILE_READER),
            widths=PORTRAIT_WIDTHS, endings=list(PORTRAIT_TYPES), most_pixels=MAX_PIXELS,
        )  # fmt: skip
    except child.Burst as burst:
        if burst.bound == "broken":
            raise ValidationError(UNREADABLE, code="unreadable") from burst
        if burst.bound == "clock":
            raise ValidationError(TOO_BUSY, code="too_busy") from burst
        raise ValidationError(TOO_MUCH, code="too_much") from burst
    if code := found.get("refused"):
        width, height = found["size"]
        small = str(TOO_SMALL).format(width=width, height=height, least_width=LARGEST[0], least_height=LARGEST[1])
        told: dict[str, Any] = TOLD | {"too_small": small}
        raise ValidationError(told[code], code=code)
    return Picture({name: b64decode(made) for name, made in found["files"].items()}, [SAID[kind] for kind in found["said"]])
