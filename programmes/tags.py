"""One figure as a tag, for pages of other sites that show it."""

from dataclasses import dataclass

from django.utils.translation import gettext

from itsci_site.lib.translated import Words, joined, words
from regions.figures import Table, only
from regions.models import Metric

from .models import Headline


@dataclass(frozen=True, slots=True)
class Tag:
    """`code` is the anchor of the same figure on its figure page, in capitals."""

    code: str
    value: int | None
    label: Words
    as_of: str


def of_region(table: Table, slug: str) -> Tag | None:
    """The one figure of a region in a table of one metric; None where the region does not report it."""
    found = next((figure for row in table.rows for figure in row.figures if figure and figure.region.slug == slug), None)
    return (
        Tag(found.code, found.value, joined(words(found.metric, "name"), words(found.region, "name")), found.as_of)
        if found
        else None
    )


def of_whole(table: Table, metric: Metric, headline: Headline | None) -> Tag | None:
    """The published headline; without one the regions' sum, which says that it is one. None where they do not add up."""
    code = f"ALL-{metric.code}"
    if headline:
        return Tag(code, headline.value, words(headline, "label"), headline.as_of)
    total = table.total(metric)
    if total is None or total.value is None:
        return None
    said = (gettext("the regions’ sum"), only({reading.as_of for reading in table.readings(metric)}), total.coverage)
    return Tag(code, total.value, words(metric, "name"), joined(*said))
