"""What became public, was corrected or was defined anew between two moments."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import get_language_info, gettext
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.languages import column
from itsci_site.lib.publishing import Status
from itsci_site.lib.translated import Words, words
from regions.models import Metric, Reading, Region, Version

from .models import Headline, Programme

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
    """A public headline that was edited; `new` is None where it was withdrawn. No reason is kept for either."""

    day: date
    metric: Metric
    label: Words
    old: int
    new: int | None


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


def readings(moments: Moments) -> QuerySet[Reading]:
    """Of public regions, public by now and since some moment of the span; the newest day first, then by metric and region."""
    return (
        Reading.objects.published()
        .filter(published_at__range=moments, series__region__in=Region.objects.published())
        .select_related("series__metric", "series__region", "supersedes")
        .order_by(
            F("published_at__date").desc(), "series__metric__order", "series__metric__slug", "-effective_on", "precision",
            "series__region__country__order", "series__region__order", "published_at",
        )
    )  # fmt: skip


def new_data(found: QuerySet[Reading]) -> Iterator[New]:
    originals = found.filter(supersedes__isnull=True)
    for (day, metric, as_of), group in groupby(originals, key=lambda one: (_day(one), one.series.metric, one.as_of)):
        yield New(day, metric, as_of, tuple(group))


def _day(reading: Reading) -> date:
    """In UTC, as the database hands it out. Only public readings come here, and they have it."""
    return reading.published_at.date()  # type: ignore[union-attr]


def new_headlines(moments: Moments) -> QuerySet[Headline]:
    public = Headline.objects.published().filter(publish_at__range=moments, programme__in=Programme.objects.published())
    return public.select_related("metric").order_by("-publish_at", "programme__order", "order")


def headline_changes(moments: Moments) -> Iterator[HeadlineChange]:
    found = list(_revalued(moments))
    metrics = Metric.objects.in_bulk() if found else {}
    programmes = set(Programme.objects.published().values_list("pk", flat=True)) if found else set()
    for at, old, value in found:
        if old["programme_id"] in programmes:
            yield _headline_change(at, metrics[old["metric_id"]], old, value)


def corrected_headlines(programme: Programme, metric: Metric, at: datetime) -> Iterator[HeadlineChange]:
    """What was ever said otherwise of one metric for the whole programme, by `at`."""
    for moment, old, value in _revalued((BEGINNING, at)):
        if (old["programme_id"], old["metric_id"]) == (programme.pk, metric.pk):
            yield _headline_change(moment, metric, old, value)


def _headline_change(at: datetime, metric: Metric, old: dict[str, Any], value: int | None) -> HeadlineChange:
    return HeadlineChange(at.date(), metric, words(SimpleNamespace(**old), "label"), old["value"], value)


def _revalued(moments: Moments) -> Iterator[tuple[datetime, dict[str, Any], int | None]]:
    """When a public headline got another value, or none any more: the row before, and the value after."""
    for at, old, new in _edits(Headline, moments):
        was_public = old["status"] == Status.PUBLISHED and datetime.fromisoformat(old["publish_at"]) <= at
        value = new["value"] if new and new["status"] == Status.PUBLISHED else None
        if was_public and value != old["value"]:
            yield at, old, value


def definitions(moments: Moments) -> Iterator[Definition]:
    """Changes to what the metrics mean, of those that have something public."""
    metrics = _public_metrics().in_bulk()
    texts = {"name": gettext("Name"), "definition": gettext("Definition"), "unit": gettext("Unit")}
    for at, old, new in _edits(Metric, moments):
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


def _edits(model: type[Metric] | type[Headline], moments: Moments) -> Iterator[tuple[datetime, dict[str, Any], dict | None]]:
    """Each change to a row of this table within the span, the last first: when, the row before it and after (None: deleted)."""
    versions = Version.objects.filter(table_name=model._meta.db_table)
    earlier = Q(at__lt=OuterRef("at")) | Q(at=OuterRef("at"), id__lt=OuterRef("id"))
    before = versions.filter(earlier, row_id=OuterRef("row_id")).order_by("-at", "-id").values("row")[:1]
    for version in versions.filter(at__range=moments).annotate(before=Subquery(before)).order_by("-at", "-id"):
        if version.before is not None:
            yield version.at, version.before, version.row
