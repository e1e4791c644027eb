"""Readings as the pages print them: one query, one roll-up, frozen rows.

`table()` answers region, country and whole for every surface. Postgres finds each series' latest reading and sums; Python only
arranges. Its cost grows with the number of series, not with the length of their history.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby

from django.utils.translation import gettext, ngettext

from itsci_site.lib import charts, text
from itsci_site.lib.replica import connection
from itsci_site.lib.statements import Statement
from itsci_site.lib.translated import filled, words

from .models import Country, Metric, Reading, Region

# The lateral join reads one index entry a series (regions_reading_latest). A former province and those it was divided into are
# the same people (docs/decisions/0009): for one metric, whichever speaks of the later period counts and the other stands back.
# Of a province that stood back, each successor that does not report is counted as expected, so that the sum says it is partial.
LATEST = """
WITH RECURSIVE descent AS (
    SELECT predecessor_id AS ancestor_id, successor_id AS descendant_id FROM regions_succession
    UNION
    SELECT descent.ancestor_id, succession.successor_id
    FROM descent JOIN regions_succession AS succession ON succession.predecessor_id = descent.descendant_id
),
line AS MATERIALIZED (
    SELECT series.metric_id, series.region_id, latest.id, latest.value,
           coalesce(latest.effective_on, '-infinity') AS effective_on
    FROM regions_series AS series
    LEFT JOIN LATERAL (
        SELECT reading.id, reading.value, reading.effective_on FROM regions_reading AS reading
        WHERE reading.series_id = series.id AND reading.published_at <= coalesce(%(known_at)s, statement_timestamp())
        ORDER BY reading.effective_on DESC, reading.published_at DESC, reading.precision DESC -- a year ends after its quarter
        LIMIT 1
    ) AS latest ON true
    WHERE series.region_id = ANY(%(regions)s) AND (%(metrics)s::bigint[] IS NULL OR series.metric_id = ANY(%(metrics)s))
),
kin AS MATERIALIZED (
    SELECT former.metric_id, former.region_id AS ancestor_id, part.region_id AS descendant_id,
           bool_or(part.effective_on > former.effective_on) OVER (PARTITION BY former.metric_id, former.region_id) AS over
    FROM descent
    JOIN line AS former ON former.region_id = descent.ancestor_id
    JOIN line AS part ON part.region_id = descent.descendant_id AND part.metric_id = former.metric_id
),
place AS (
    SELECT line.metric_id, line.region_id, line.id, line.value, true AS reports
    FROM line
    WHERE (line.metric_id, line.region_id) NOT IN (
        SELECT metric_id, ancestor_id FROM kin WHERE over UNION ALL SELECT metric_id, descendant_id FROM kin WHERE NOT over
    )
    UNION ALL
    SELECT gone.metric_id, succession.successor_id, NULL, NULL, false
    FROM (
        SELECT metric_id, ancestor_id FROM kin WHERE over EXCEPT SELECT metric_id, descendant_id FROM kin WHERE NOT over
    ) AS gone
    JOIN regions_succession AS succession ON succession.predecessor_id = gone.ancestor_id
    WHERE NOT EXISTS (
        SELECT FROM line WHERE line.metric_id = gone.metric_id AND line.region_id IN (
            SELECT succession.successor_id
            UNION ALL SELECT descendant_id FROM descent WHERE descent.ancestor_id = succession.successor_id
        )
    )
)
SELECT place.metric_id, place.region_id, region.country_id, place.id, place.value,
       rank() OVER (PARTITION BY place.metric_id ORDER BY place.value DESC NULLS LAST),
       sum(place.value) OVER country, count(place.value) OVER country, count(*) OVER country,
       sum(place.value) OVER whole, count(place.value) OVER whole, count(*) OVER whole,
       count(*) FILTER (WHERE place.reports) OVER whole, place.reports
FROM place
JOIN regions_region AS region ON region.id = place.region_id
JOIN regions_metric AS metric ON metric.id = place.metric_id
WINDOW country AS (PARTITION BY place.metric_id, region.country_id), whole AS (PARTITION BY place.metric_id)
ORDER BY metric."order", metric.slug
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """The latest public word on one region and metric. `reading` is None where nothing was ever published."""

    region: Region
    metric: Metric
    reading: Reading | None
    rank: int
    of: int
    width: int
    """Characters of the widest number in its column, totals among them."""
    bar: str
    """Path of the bar on the metric's common scale (lib/charts.py)."""

    @property
    def value(self) -> int | None:
        return self.reading.value if self.reading else None

    @property
    def code(self) -> str:
        return f"{self.region.code}-{self.metric.code}"

    @property
    def as_of(self) -> str:
        return self.reading.as_of if self.reading else gettext("nothing published yet")

    @property
    def rank_in_words(self) -> str:
        """ "Fifth of six regions"; empty where there is no value to rank."""
        if self.value is None:
            return ""
        return gettext("{rank} of {count} regions").format(
            rank=text.rank_word(self.rank), count=text.count_word(self.of).lower()
        )


@dataclass(frozen=True, slots=True)
class Total:
    """A sum over regions. `value` is None where the metric does not add up or nothing was reported."""

    metric: Metric
    value: int | None
    reported: int
    expected: int
    width: int

    @property
    def words(self) -> str:
        """What stands where there is no value."""
        if not self.metric.additive:
            return gettext("no total")
        return gettext("not reported") if self.expected else "–"

    @property
    def coverage(self) -> str:
        """ "partial: 5 of 6 regions reported"; empty when all did."""
        if self.reported == self.expected:
            return ""
        return ngettext(
            "partial: {reported} of {expected} region reported",
            "partial: {reported} of {expected} regions reported",
            self.expected,
        ).format(reported=self.reported, expected=self.expected)


@dataclass(frozen=True, slots=True)
class Row:
    region: Region
    figures: tuple[Figure | None, ...]
    """One a metric of the table; None where the region does not report that metric at all."""
    metrics: tuple[Metric, ...]

    @property
    def cells(self) -> list[tuple[Metric, Figure | None]]:
        return list(zip(self.metrics, self.figures, strict=True))


@dataclass(frozen=True, slots=True)
class CountryRows:
    country: Country
    rows: tuple[Row, ...]
    totals: tuple[Total, ...]

    @property
    def divided(self) -> bool:
        """Is it shown by province? A country that is itself one region needs no subtotal."""
        return not (len(self.rows) == 1 and self.rows[0].region.kind == Region.Kind.COUNTRY)


@dataclass(frozen=True)
class Table:
    """What a page asks of it more than once is worked out once: a template asks in every cell."""

    metrics: tuple[Metric, ...]
    countries: tuple[CountryRows, ...]
    totals: tuple[Total, ...]
    tops: tuple[int, ...]
    """The common top of each metric's bars, a round number at or above the largest region."""

    @cached_property
    def rows(self) -> list[Row]:
        return [row for country in self.countries for row in country.rows]

    @cached_property
    def as_of(self) -> str:
        """The as-of line if every figure has the same one, else empty: each then carries its own."""
        return only({figure.as_of for row in self.rows for figure in row.figures if figure})

    def readings(self, metric: Metric) -> list[Reading]:
        """The latest readings of one metric of this table, region by region; none for those never published."""
        place = self.metrics.index(metric)
        figures = [row.figures[place] for row in self.rows]
        return [figure.reading for figure in figures if figure and figure.reading]

    @property
    def whole(self) -> str:
        """What the last line sums: "Six regions"."""
        count = len(self.rows)
        return ngettext("{count} region", "{count} regions", count).format(count=text.count_word(count))

    @property
    def scales(self) -> list[tuple[Metric, int]]:
        """Each metric with the top of its bars."""
        return list(zip(self.metrics, self.tops, strict=True))

    def row(self, region: Region) -> Row:
        return next(row for row in self.rows if row.region == region)

    def total(self, metric: Metric) -> Total | None:
        return next((total for total in self.totals if total.metric == metric), None)

    def extremes(self, metric: Metric) -> str:
        """ "Most: Katanga, 17,466. Fewest: Burundi, 3,304."; empty where fewer than two regions have a value."""
        place = self.metrics.index(metric)
        known = [figure for row in self.rows if (figure := row.figures[place]) and figure.value is not None]
        if len(known) < 2:
            return ""
        most, least = (ends(known, key=lambda figure: figure.value or 0) for ends in (max, min))
        return filled(
            gettext("Most: {most_place}, {most}. Fewest: {least_place}, {least}."),
            most_place=words(most.region, "name"),
            most=text.number(most.value),
            least_place=words(least.region, "name"),
            least=text.number(least.value),
        )

    def ranked(self) -> list[Figure]:
        """The regions' figures for the table's first metric, largest first, missing ones last."""
        firsts = [row.figures[0] for row in self.rows if row.figures]
        return sorted((figure for figure in firsts if figure), key=lambda figure: figure.rank)


def only(lines: set[str]) -> str:
    """The one line that all share, or empty where they differ."""
    return next(iter(lines)) if len(lines) == 1 else ""


def table(
    regions: Sequence[Region],
    metrics: Iterable[Metric] | None = None,
    known_at: datetime | None = None,
    read: Mapping[int, Reading] | None = None,
) -> Table:
    """Every figure of `regions` (with their countries loaded, in the order to print) as public at `known_at`, by default now.

    Without `metrics` it holds every metric that one of the regions reports. `read`: readings that the page has already, by key
    and with their sources; only others are asked for.
    """
    wanted = None if metrics is None else {metric.pk: metric for metric in metrics}
    asked = {"regions": [region.pk for region in regions], "metrics": None if wanted is None else list(wanted)}
    with connection.cursor() as cursor:
        cursor.execute(LATEST, asked | {"known_at": known_at})
        found = cursor.fetchall()
    return _arrange(regions, found, wanted, read or {})


_METRICS = Statement(lambda keys: Metric.objects.filter(pk__in=keys))
_READINGS = Statement(lambda keys: Reading.objects.select_related("source").filter(pk__in=keys).order_by())


def _arrange(
    regions: Sequence[Region], found: list[tuple], metrics_by_pk: dict[int, Metric] | None, read: Mapping[int, Reading]
) -> Table:
    """The lines of LATEST as a table, with the metrics and readings they name (at the most two queries)."""
    if metrics_by_pk is None:
        metrics_by_pk = _METRICS.by_key([*{line[0] for line in found}])
    metrics = tuple(metrics_by_pk[pk] for pk in dict.fromkeys(line[0] for line in found))
    latest = {line[3] for line in found if line[3]}
    readings = {pk: read[pk] for pk in latest if pk in read}
    if missing := latest - readings.keys():
        readings |= _READINGS.by_key([*missing])
    by_place = {(line[1], line[0]): line for line in found if line[13]}
    by_country = {(line[2], line[0]): line[6:9] for line in found}
    whole = {line[0]: line[9:13] for line in found}
    tops = {
        metric.pk: charts.nice_top(max((line[4] for line in found if line[0] == metric.pk and line[4] is not None), default=0))
        for metric in metrics
    }

    widths = {
        metric.pk: max(
            len(text.number(line[9] if metric.additive and line[9] else line[4]))
            for line in by_place.values()
            if line[0] == metric.pk
        )
        for metric in metrics
    }

    def figure(region: Region, metric: Metric) -> Figure | None:
        line = by_place.get((region.pk, metric.pk))
        if line is None:
            return None
        return Figure(
            region,
            metric,
            readings.get(line[3]),
            line[5],
            whole[metric.pk][3],
            widths[metric.pk],
            charts.bar(line[4], tops[metric.pk]),
        )

    def total(metric: Metric, sums: tuple[int | None, int, int]) -> Total:
        value, reported, expected = sums
        return Total(
            metric, int(value) if metric.additive and value is not None else None, reported, expected, widths[metric.pk]
        )

    countries = []
    for country, members in groupby(regions, key=lambda region: region.country):
        rows = tuple(Row(region, tuple(figure(region, metric) for metric in metrics), metrics) for region in members)
        totals = tuple(total(metric, by_country.get((country.pk, metric.pk), (None, 0, 0))) for metric in metrics)
        countries.append(CountryRows(country, rows, totals))
    return Table(
        metrics, tuple(countries), tuple(total(metric, whole[metric.pk][:3]) for metric in metrics), tuple(tops.values())
    )


def strip(table: Table, figure: Figure) -> charts.Strip:
    """The columns of every region for one figure's metric, its own region in focus."""
    place = table.metrics.index(figure.metric)
    cells = [row.figures[place] for row in table.rows]
    return charts.strip([(cell.region.code, cell.value) for cell in cells if cell], own=figure.region.code)
