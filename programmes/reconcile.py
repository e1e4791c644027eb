"""A published headline beside the computed sum of the regions, with the signed difference and what is known of it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import formats
from django.utils.translation import gettext

from regions.figures import Table, Total, only
from regions.models import Dated, Metric, Source

from .models import Headline


@dataclass(frozen=True, slots=True)
class Reconciliation:
    headline: Headline
    total: Total | None
    """The regions' sum of the metric set beside the headline, comparable or not; None where no region reports it."""

    @property
    def difference(self) -> int | None:
        """Headline less sum; None where the two are not the same measure, or a part of the sum is missing."""
        same = self.headline.comparison == Headline.Beside.SAME
        if not same or self.total is None or self.total.value is None or self.total.coverage:
            return None
        return self.headline.value - self.total.value

    @property
    def coverage(self) -> str:
        """Of the sum, "partial: 5 of 6 regions reported"; empty where there is no sum to be partial."""
        return self.total.coverage if self.total and self.total.metric.additive else ""

    @property
    def no_total(self) -> str:
        """What stands where there is no sum."""
        return self.total.words if self.total else gettext("not broken down by region")

    @property
    def no_difference(self) -> str:
        """What stands where none can be told."""
        same = self.headline.comparison == Headline.Beside.SAME
        return gettext("a part of the sum is missing") if same and self.coverage else gettext("not comparable")

    @property
    def share(self) -> str:
        """The size of the difference in per cent of the headline, as "0.7"; empty without one."""
        if not self.difference or not self.headline.value:
            return ""
        return formats.number_format(round(abs(self.difference) / self.headline.value * 100, 1), decimal_pos=1)


def reconcile(headlines: Iterable[Headline], table: Table) -> list[Reconciliation]:
    return [Reconciliation(headline, table.total(headline.beside) if headline.beside else None) for headline in headlines]


@dataclass(frozen=True, slots=True)
class Counted:
    """What one metric counts: where its figures come from, and what they speak of."""

    metric: Metric
    by_region: bool
    as_of: str
    """The one as-of line of its figures; empty where they differ."""
    sources: list[Source]


def counted(headlines: Iterable[Headline], table: Table) -> list[Counted]:
    """Every metric on a page of headlines and regional figures, in the metrics' own order."""
    found: dict[Metric, list[Dated]] = {metric: [*table.readings(metric)] for metric in table.metrics}
    for headline in headlines:
        found.setdefault(headline.metric, []).append(headline)
    return [
        Counted(
            metric,
            metric in table.metrics,
            only({figure.as_of for figure in figures}),
            list({figure.source_id: figure.source for figure in figures}.values()),
        )
        for metric, figures in sorted(found.items(), key=lambda pair: (pair[0].order, pair[0].slug))
    ]
