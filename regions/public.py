"""What public pages show of the regions themselves."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from itsci_site.lib.statements import Statement

from .models import Milestone, Region

MOST_STORIES = 3
"""Of a region, on a page; the others are a link away."""

_REGIONS = Statement(lambda at: Region.objects.published(at).in_order())
_WITH_OUTLINES = Statement(lambda: Region.objects.published().in_order().with_outline())
# Regions reach the models above them by a name: they may not import them.
_STORIES: Statement[Any] = Statement(
    lambda regions: (
        _model_of("testimonials")
        ._default_manager.published()
        .listed()
        .filter(region__in=regions)
        .first_of_each("region", MOST_STORIES + 1)
    )
)

MOST_MEETINGS = 5
_MEETINGS: Statement[Any] = Statement(
    lambda region: (
        _model_of("places")._default_manager.filter(region=region).meetings().published().newest_first()[:MOST_MEETINGS]
    )
)
_MILESTONES = Statement(lambda region: Milestone.objects.filter(region=region))


def _model_of(relation: str) -> Any:
    return Region._meta.get_field(relation).related_model


def regions_at(at: datetime | None = None) -> list[Region]:
    """All that are public, with their countries, in the order of every table; without their outlines."""
    return _REGIONS(at)


def regions_with_outlines() -> list[Region]:
    """As regions_at now."""
    return _WITH_OUTLINES()


def stories_of(regions: Iterable[Region]) -> dict[int, list[Any]]:
    """By the key of each region the public ones that stand first on its page, one more than there is room for."""
    places = {region.pk: region for region in regions}
    found: dict[int, list[Any]] = {pk: [] for pk in places}
    for story in _STORIES(list(places)):
        story.region = places[story.region_id]
        found[story.region_id].append(story)
    return found


def meetings_of(region: Region) -> list[Any]:
    """Its last public ones."""
    return _MEETINGS(region.pk)


def milestones_of(region: Region) -> list[Milestone]:
    return _MILESTONES(region.pk)
