"""The register page by page, each beginning at a spot in it: page 4,000 costs what the first one does."""

from dataclasses import dataclass

from .models import Meeting, MeetingQuerySet, Spot

PAGE = 25
MOST_COUNTED = 10_000
"""Beyond it a page says "more than": to count 100,000 takes longer than to show 25."""


@dataclass(frozen=True, slots=True)
class Page:
    """`newer` and `older` are the spots from which the pages beside this one are read; None where there is none."""

    meetings: list[Meeting]
    newer: Spot | None = None
    older: Spot | None = None

    @property
    def first(self) -> Meeting:
        return self.meetings[0]

    @property
    def last(self) -> Meeting:
        return self.meetings[-1]

    @property
    def beside(self) -> bool:
        return bool(self.newer or self.older)


def page(meetings: MeetingQuerySet, before: Spot | None = None, after: Spot | None = None) -> Page:
    """The 25 next to a spot; without one, or where nothing lies beyond it, the newest. `meetings` stand newest first."""
    if after:
        rows = list(meetings.after(after).reverse()[: PAGE + 1])
        if len(rows) > PAGE:
            rows = rows[PAGE - 1 :: -1]
            return Page(rows, rows[0].spot, rows[-1].spot)
    elif before:
        rows = list(meetings.before(before)[: PAGE + 1])
        if rows:
            newer = rows[0].spot if meetings.after(rows[0]).exists() else None
            return Page(rows[:PAGE], newer, rows[PAGE - 1].spot if len(rows) > PAGE else None)
    rows = list(meetings[: PAGE + 1])
    return Page(rows[:PAGE], None, rows[PAGE - 1].spot if len(rows) > PAGE else None)


def count(meetings: MeetingQuerySet) -> tuple[int, bool]:
    """How many there are, and whether there are more than that."""
    found = meetings.order_by()[: MOST_COUNTED + 1].count()
    return min(found, MOST_COUNTED), found > MOST_COUNTED
