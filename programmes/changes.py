"""What became public, was corrected or was defined anew between two moments."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import groupby, zip_longest
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils.translation import get_language_info, gettext
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.languages import column, fields
from itsci_site.lib.publishing import Status
from itsci_site.lib.statements import Statement
from itsci_site.lib.translated import Words, joined, words
from regions.models import Metric, Reading, Region, Version

from .models import Headline, Programme
from .public import ALL_METRICS, programmes_at

Moments = tuple[datetime, datetime]
BEGINNING = datetime.min.replace(tzinfo=UTC)
IN_LANGUAGE = {"en": _("in English"), "fr": _("in French")}


@dataclass(frozen=True, slots=True)
class New:
    """First readings of a metric for one period that became public on one day, region by region."""

    day: date
    metric: Metric
    as_of: str
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class HeadlineChange:
    """A headline that became public (`old` is None), says otherwise since (both), or was withdrawn (`new` is None)."""

    version: int
    """The version that began what is said now or, of a withdrawn one, what was said: with `kind` it names this for good."""
    at: datetime
    old: Headline | None
    new: Headline | None
    again: bool
    """Was it withdrawn between the two?"""
    page: str
    """The address of its figure page; empty where it stands on none any more."""

    @property
    def kind(self) -> str:
        if self.old and self.new:
            return "corrected"
        return "new" if self.new else "withdrawn"

    @property
    def day(self) -> date:
        return self.at.astimezone(UTC).date()

    @property
    def headline(self) -> Headline:
        return self.new or self.old  # type: ignore[return-value]

    @property
    def reason(self) -> Words:
        """Of a correction. Empty for those from before reasons were kept, which the log says."""
        return self.new.told_reason if self.old and self.new else Words()

    @property
    def otherwise(self) -> list[tuple[str, str, str]]:
        """What else than the value was corrected: its name, before and since."""
        if self.old is None or self.new is None:
            return []
        told = [
            (gettext("Metric"), words(self.old.metric, "name"), words(self.new.metric, "name")),
            (gettext("Period"), str(self.old.period), str(self.new.period)),
            (gettext("Beside the regions"), _comparison(self.old), _comparison(self.new)),
        ]
        return [(name, before, since) for name, before, since in told if before != since]


def _comparison(headline: Headline) -> Words:
    other = headline.beside if headline.comparison == Headline.Beside.OTHER else None
    return joined(headline.get_comparison_display(), words(other, "name") if other else "")


@dataclass(frozen=True, slots=True)
class Definition:
    """One text about a metric before and after. `language` is empty for a rule that has no words of its own."""

    day: date
    metric: Metric
    what: str
    language: str
    old: str
    new: str

    @property
    def in_language(self) -> str:
        """ "in English"; the language's own name where no words are given for it."""
        return str(IN_LANGUAGE.get(self.language) or get_language_info(self.language)["name_local"])


_READINGS = Statement(
    lambda first, last: Reading.objects.published()
    .filter(published_at__range=(first, last), series__region__in=Region.objects.published())
    .select_related("series__metric", "series__region", "supersedes")
    .order_by(
        F("published_at__date").desc(), "series__metric__order", "series__metric__slug", "-effective_on", "precision",
        "series__region__country__order", "series__region__order", "published_at",
    )
)  # fmt: skip


def readings(moments: Moments) -> list[Reading]:
    """Of public regions, public by now and since some moment of the span; the newest day first, then by metric and region."""
    return _READINGS(*moments)


def new_data(found: Iterable[Reading]) -> Iterator[New]:
    originals = [reading for reading in found if not reading.supersedes_id]
    for (day, metric, as_of), group in groupby(originals, key=lambda one: (_day(one), one.series.metric, one.as_of)):
        yield New(day, metric, as_of, tuple(group))


def _day(reading: Reading) -> date:
    """In UTC, as the database hands it out. Only public readings come here, and they have it."""
    return reading.published_at.date()  # type: ignore[union-attr]


def headline_changes(moments: Moments, known_at: datetime) -> list[HeadlineChange]:
    """Of public programmes, the newest first, as known at a moment: reasons are sometimes reworded or translated later."""
    found = [change for change in _changes(known_at) if moments[0] <= change.at <= moments[1]]
    return _told(found, known_at)


def headline_corrections(known_at: datetime) -> list[HeadlineChange]:
    """Every one since the beginning, withdrawals among them."""
    return _told([change for change in _changes(known_at) if change.old], known_at)


def corrected_headlines(programme: Programme, metric: Metric, known_at: datetime) -> list[HeadlineChange]:
    """What was ever said otherwise of one metric for the whole programme."""

    def concerns(row: dict[str, Any] | None) -> bool:
        return row is not None and (row["programme_id"], row["metric_id"]) == (programme.pk, metric.pk)

    return _told([one for one in _changes(known_at) if one.old and (concerns(one.old) or concerns(one.new))], known_at)


@dataclass(frozen=True, slots=True)
class _Span:
    """How long readers saw a headline say the same."""

    version: int
    publish_at: datetime
    since: datetime
    until: datetime | None
    row: dict[str, Any]
    """Its last version."""


class _Change(NamedTuple):
    """A HeadlineChange in rows."""

    version: int
    at: datetime
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    again: bool


_VERSIONS = Statement(
    lambda at: Version.objects.filter(table_name=Headline._meta.db_table, at__lte=at).order_by("row_id", "at", "id")
)


def _changes(known_at: datetime) -> Iterator[_Change]:
    for _row, group in groupby(_VERSIONS(known_at), key=lambda version: version.row_id):
        of_headline = list(group)
        for programme in {version.row["programme_id"] for version in of_headline if version.row}:
            yield from _between(_spans(of_headline, programme, known_at))


def _spans(versions: list[Version], programme: int, known_at: datetime) -> list[_Span]:
    spans: list[_Span] = []
    for version, following in zip_longest(versions, versions[1:]):
        row, until = version.row, following.at if following else None
        if row is None or row["programme_id"] != programme or row["status"] != Status.PUBLISHED:
            continue
        publish_at = datetime.fromisoformat(row["publish_at"])
        since = max(version.at, publish_at)
        if since > known_at or (until and since >= until):
            continue
        if spans and spans[-1].until == since and _says(spans[-1].row) == _says(row):
            spans[-1] = replace(spans[-1], until=until, row=row)
        else:
            spans.append(_Span(version.pk, publish_at, since, until, row))
    return spans


def _says(row: dict[str, Any]) -> list[Any]:
    return [row[name] for name in Headline.corrected_by]


def _between(spans: list[_Span]) -> Iterator[_Change]:
    """What changed from one to the next. A headline is new from the moment it names; versions were first kept later."""
    for before, span in zip([None, *spans], spans, strict=False):
        again = before is not None and before.until != span.since
        if before and before.until and again:
            yield _Change(before.version, before.until, before.row, None, False)
        if before and _says(before.row) != _says(span.row):
            yield _Change(span.version, span.since, before.row, span.row, again)
        elif before is None or again:
            yield _Change(span.version, span.publish_at, None, span.row, False)
    if spans and spans[-1].until:
        yield _Change(spans[-1].version, spans[-1].until, spans[-1].row, None, False)


_PUBLIC = Statement(
    lambda programmes, at: (
        Headline.objects.published(at).filter(programme__in=programmes).values_list("pk", "programme", "metric")
    )
)


def _told(found: list[_Change], known_at: datetime) -> list[HeadlineChange]:
    """Those whose programme is public and whose metrics are there, the newest first."""
    if not found:
        return []
    metrics = ALL_METRICS.by_key()
    programmes = {one.pk: one for one in programmes_at(known_at)}
    places = {pk: place for place, pk in enumerate(programmes)}
    pages = {
        (pk, programme): _page(programmes[programme], metrics[metric], places[programme] == 0)
        for pk, programme, metric in _PUBLIC(list(programmes), known_at)
    }
    told = []
    for change in found:
        rows = [row for row in (change.old, change.new) if row]
        if all(row["programme_id"] in programmes and row["metric_id"] in metrics for row in rows):
            old, new = (_headline(row, programmes, metrics) if row else None for row in (change.old, change.new))
            page = pages.get((rows[0]["id"], rows[0]["programme_id"]), "")
            told.append(HeadlineChange(change.version, change.at, old, new, change.again, page))

    def place(change: HeadlineChange) -> tuple[float, int, int, int]:
        headline = change.headline
        return -change.at.timestamp(), places[headline.programme_id], headline.order, -change.version

    return sorted(told, key=place)


def _page(programme: Programme, metric: Metric, leads: bool) -> str:
    return metric.get_absolute_url() if leads else reverse("programme_figure", args=[programme.slug, metric.slug])


def _headline(row: dict[str, Any], programmes: dict[int, Programme], metrics: dict[int, Metric]) -> Headline:
    """The row of a version as an object; of what a version from before a column does not know, None."""
    headline, translated = Headline(), fields(Headline)
    for field in Headline._meta.concrete_fields:
        if field.name not in translated:  # each of those stands for its column in the current language
            setattr(headline, field.attname, field.to_python(row.get(field.attname)))
    headline.programme, headline.metric = programmes[headline.programme_id], metrics[headline.metric_id]
    headline.beside = metrics.get(headline.beside_id or 0)
    return headline


def definitions(moments: Moments) -> Iterator[Definition]:
    """Changes to what the metrics mean, of those that have something public."""
    metrics = _PUBLIC_METRICS.by_key()
    texts = {"name": gettext("Name"), "definition": gettext("Definition"), "unit": gettext("Unit")}
    for at, old, new in _edits(moments):
        metric = metrics.get(old["id"])
        if metric is None or new is None:
            continue
        for name, what in texts.items():
            for language, _name in settings.LANGUAGES:
                # A version from before a language was added knows nothing of it.
                before, after = (row.get(column(name, language)) or "" for row in (old, new))
                if before != after:
                    yield Definition(at.date(), metric, what, language, before, after)
        if old["additive"] != new["additive"]:
            yield Definition(at.date(), metric, gettext("Regions"), "", roll_up(old["additive"]), roll_up(new["additive"]))


def roll_up(additive: bool) -> str:
    if additive:
        return gettext("Regions add up to countries and to the programme.")
    return gettext("Regions do not add up: no total is shown.")


def _public_metrics() -> QuerySet[Metric]:
    headlines = Headline.objects.published().filter(programme__in=Programme.objects.published())
    public = Reading.objects.published().filter(series__region__in=Region.objects.published())
    return Metric.objects.filter(
        Exists(public.filter(series__metric=OuterRef("pk"))) | Exists(headlines.filter(metric=OuterRef("pk")))
    )


_PUBLIC_METRICS = Statement(_public_metrics)


def _versions_of_metrics(first: datetime, last: datetime) -> QuerySet[Version]:
    """Each with the row `before` it."""
    versions = Version.objects.filter(table_name=Metric._meta.db_table)
    earlier = Q(at__lt=OuterRef("at")) | Q(at=OuterRef("at"), id__lt=OuterRef("id"))
    before = versions.filter(earlier, row_id=OuterRef("row_id")).order_by("-at", "-id").values("row")[:1]
    return versions.filter(at__range=(first, last)).annotate(before=Subquery(before)).order_by("-at", "-id")


_OF_METRICS: Statement[Any] = Statement(_versions_of_metrics)


def _edits(moments: Moments) -> Iterator[tuple[datetime, dict[str, Any], dict | None]]:
    """Each change to a metric within the span, the last first: when, the row before it and after (None: deleted)."""
    for version in _OF_METRICS(*moments):
        if version.before is not None:
            yield version.at, version.before, version.row
