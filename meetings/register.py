"""The register page by page (lib/keyset.py)."""

from django.db.models import prefetch_related_objects

from itsci_site.lib import keyset
from itsci_site.lib.keyset import Page, Spot
from itsci_site.lib.statements import Statement

from .models import Meeting, MeetingQuerySet

PAGE = 25
MOST_COUNTED = 10_000
"""Beyond it a page says "more than": to count 100,000 takes longer than to show 25."""


_NEWEST = Statement(lambda: Meeting.objects.published().newest_first()[: PAGE + 1])


def page(meetings: MeetingQuerySet, before: Spot | None = None, after: Spot | None = None, whole: bool = False) -> Page:
    """25 meetings with their documents. `meetings` stand newest first. `whole`: they are all that are public."""
    found = keyset.page(meetings, PAGE, before, after, _NEWEST if whole else None)
    prefetch_related_objects(found.rows, "documents")
    return found


def count(meetings: MeetingQuerySet) -> tuple[int, bool]:
    """How many there are, and whether there are more than that."""
    found = meetings.order_by()[: MOST_COUNTED + 1].count()
    return min(found, MOST_COUNTED), found > MOST_COUNTED
