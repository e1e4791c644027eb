"""The register page by page (lib/keyset.py)."""

from itsci_site.lib import keyset
from itsci_site.lib.keyset import Page, Spot

from .models import MeetingQuerySet

PAGE = 25
MOST_COUNTED = 10_000
"""Beyond it a page says "more than": to count 100,000 takes longer than to show 25."""


def page(meetings: MeetingQuerySet, before: Spot | None = None, after: Spot | None = None) -> Page:
    """25 meetings. `meetings` stand newest first."""
    return keyset.page(meetings, PAGE, before, after)


def count(meetings: MeetingQuerySet) -> tuple[int, bool]:
    """How many there are, and whether there are more than that."""
    found = meetings.order_by()[: MOST_COUNTED + 1].count()
    return min(found, MOST_COUNTED), found > MOST_COUNTED
