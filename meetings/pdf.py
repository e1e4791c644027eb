"""A PDF from outside, opened by a child within bounds (pdf_copy.py): the site's processes never load what reads it."""

from base64 import b64decode
from typing import IO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from itsci_site.lib import child

TOLD = {
    "encrypted": _("This PDF is locked with a password. Save it without one, then upload it again."),
    "no_page": _("This PDF has no page. Export it again, then upload the new file."),
    "broken": _("This PDF is damaged. Export it again, then upload the new file."),
    "active": _("This PDF holds a script, another file or what starts by itself. Print it to a new PDF, then upload that."),
    "too_much": _("Reading this PDF took too long or too much memory. Print it to a new PDF, then upload that."),
    "too_busy": _("This site was too busy to read the PDF in time. Choose it again in a moment, or make it smaller first."),
}
REFUSED = {"broken": "broken", "clock": "too_busy"}
"""What to tell of a child that burst at a bound; of any other: too_much."""


def cleaned(file: IO[bytes]) -> bytes:
    """The PDF without metadata, as a child within bounds makes it. Raises ValidationError, in words for staff, if it may not be
    handed out."""
    try:
        found = child.run("meetings.pdf_copy:in_child", file.read(), child.Bounds(**settings.UPLOADED_FILE_READER))
    except child.Burst as burst:
        found = {"refused": REFUSED.get(burst.bound, "too_much")}
    if code := found.get("refused"):
        raise ValidationError(TOLD[code], code=code)
    return b64decode(found["file"])
