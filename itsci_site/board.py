"""The staff board: what waits for a person, and what has grown old.

Every list asks through the admin, so that nobody sees more here than at their desk.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db import models
from django.db.models import Count, Max, OuterRef, Q, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from itsci_site.lib import text
from itsci_site.lib.newsroom import roles
from itsci_site.lib.newsroom.models import Entry, Proposal
from itsci_site.lib.periods import Period, Precision, in_words
from itsci_site.lib.publishing import Approved, Status
from itsci_site.lib.translated import Translated, untranslated
from meetings.models import Meeting
from programmes.models import Headline, Programme
from programmes.reconcile import reconcile
from regions import entry, figures
from regions.models import Metric, Reading, Region, Series
from regions.versions import past
from testimonials.models import Testimonial

MOST = 20
"""Lines of a list; beyond, it says how many more there are."""
GRACE = timedelta(days=45)
"""After the end of a period until its figures are overdue."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to do. `since` and `by` are empty where they say nothing."""

    address: str
    what: str
    by: str = ""
    since: Any = None


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    title: Any
    nothing: Any
    """What is said where the list is empty."""
    lines: list[Line]
    more: int = 0


def board(request: HttpRequest) -> list[Section]:
    """The sections that concern this person, in the order they should be looked at."""
    sections = [
        _section("approve", _("Waits for your approval"), _("Nothing waits for you."), _to_approve(request)),
        _section("publish", _("Approved, not published yet"), _("Nothing waits to be published."), _to_publish(request)),
        _section("yours", _("Yours to go on with"), _("You have no drafts and nothing was returned to you."), _yours(request)),
        _section("consents", _("Consents that end within 60 days"), _("Every consent lasts longer."), _expiring(request)),
        _section("review", _("Stories to review"), _("Every story rests on a consent on record."), _to_review(request)),
        _section("overdue", _("Figures overdue"), _("Every series has reported its last period."), _overdue(request)),
        _section("headlines", _("Headlines to look at"), _("Every difference is the one that was explained."), _apart(request)),
        _section("meetings", _("Meetings without a summary"), _("Every meeting has a summary."), _silent(request)),
        _section("translations", _("Translations to look at"), _("Every translation is up to date."), _translations(request)),
    ]
    may = {"approve": "newsroom.approve", "publish": "newsroom.approve"}
    user: Any = request.user
    return [section for section in sections if user.has_perm(may.get(section.name, "newsroom.view_proposal"))]


def _section(name: str, title: Any, nothing: Any, lines: Iterator[Line]) -> Section:
    found = list(lines)
    return Section(name, title, nothing, found[:MOST], max(0, len(found) - MOST))


def _pages(request: HttpRequest) -> Iterator[tuple[type[models.Model], Any]]:
    """Every model of the admin that this person may see, with its admin."""
    for model, page in admin.site._registry.items():
        if page.has_view_permission(request):
            yield model, page


def _address(row: models.Model, page: str = "change") -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[row.pk])


def _standing(request: HttpRequest, states: Iterable[Status], condition: Q) -> Iterator[tuple[Approved, str]]:
    """Rows and next versions in one of these states that fit a condition, each with the address of its page.

    Without figures, which stand together on their sheets.
    """
    for model, page in _pages(request):
        if issubclass(model, Approved) and model is not Reading:
            for row in page.get_queryset(request).filter(condition, **{f"{model.STATE}__in": states})[: MOST * 5]:
                yield row, _address(row)
    for proposal in _proposals(request).filter(condition, status__in=states)[: MOST * 5]:
        app, _dot, name = proposal.record.partition(".")
        yield proposal, reverse(f"admin:{app}_{name}_change", args=[proposal.row_id])


def _proposals(request: HttpRequest) -> models.QuerySet[Proposal]:
    pending = Proposal.objects.pending()
    if roles.is_everywhere(request.user):
        return pending
    desk = roles.desk_of(request.user)
    return pending.filter(regions__overlap=list(desk.regions.values_list("pk", flat=True)) if desk else [])


def _line(row: Any, address: str) -> Line:
    by = row.status_by.get_username() if row.status_by else ""
    return Line(address, _named(row), by, row.status_at)


def _named(row: Any) -> str:
    name = str(row) if isinstance(row, Proposal) else f"{row._meta.verbose_name}: {row}"
    return f"{capfirst(name)} ({row.state.label})"


def _figures(request: HttpRequest, states: Iterable[Status], condition: Q) -> Iterator[Line]:
    """A line a period and state, which leads to the sheet where all of them are moved at once; corrections one by one."""
    page = admin.site._registry[Reading]
    if not page.has_view_permission(request):
        return
    last = Entry.objects.filter(table_name=Reading._meta.db_table, row_id=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    rows = page.get_queryset(request).filter(condition, stage__in=states).annotate(last=Subquery(last))
    alone = Q(supersedes__isnull=False) | Q(precision=Precision.DAY)
    sheets = list(
        rows.exclude(alone).values("effective_on", "precision", "stage").annotate(count=Count("pk"), newest=Max("last"))
        .order_by("-effective_on", "precision", "stage")[: MOST * 5]
    )  # fmt: skip
    singles = list(
        rows.filter(alone).select_related("series__region", "series__metric").order_by("-effective_on", "pk")[: MOST * 5]
    )
    moved = Entry.objects.only("actor", "at").in_bulk([*(one["newest"] for one in sheets), *(row.last for row in singles)])
    for one in sheets:
        period, state = Period(one["effective_on"], Precision(one["precision"])), Status(one["stage"])
        by = moved.get(one["newest"])
        told = ngettext("{period}: {count} figure ({state})", "{period}: {count} figures ({state})", one["count"])
        what = told.format(period=capfirst(str(period)), count=text.number(one["count"]), state=state.label)
        address = f"{reverse('admin:regions_reading_entry')}?{urlencode(entry.query(period))}"
        yield Line(address, what, by.actor if by else "", by.at if by else None)
    for row in singles:
        by = moved.get(row.last)
        yield Line(_address(row), _named(row), by.actor if by else "", by.at if by else None)


def _lines(request: HttpRequest, states: Iterable[Status], condition: Q) -> Iterator[Line]:
    """What is in one of these states and fits a condition: figures first, by their sheets."""
    yield from _figures(request, states, condition)
    yield from (_line(row, address) for row, address in _standing(request, states, condition))


def _to_approve(request: HttpRequest) -> Iterator[Line]:
    others = ~Q(authors__contains=[request.user.pk])
    return _lines(request, [Status.SUBMITTED], others)


def _to_publish(request: HttpRequest) -> Iterator[Line]:
    return _lines(request, [Status.APPROVED], Q())


def _yours(request: HttpRequest) -> Iterator[Line]:
    """What was returned first."""
    mine = Q(authors__contains=[request.user.pk])
    for state in (Status.RETURNED, Status.DRAFT):
        yield from _lines(request, [state], mine)


def _expiring(request: HttpRequest) -> Iterator[Line]:
    """Stories that leave the site by themselves unless somebody asks again, and those that have."""
    for story in _stories(request).expiring(timezone.now()).order_by("consent_until")[: MOST * 5]:
        until = story.consent_until
        told = gettext("{story}: until {day}") if until and until > timezone.now() else gettext("{story}: ended on {day}")
        yield Line(_address(story), told.format(story=story, day=in_words(until.date()) if until else ""))


def _to_review(request: HttpRequest) -> Iterator[Line]:
    """Without a record of consent, or whose risk nobody has assessed."""
    return (Line(_address(story), str(story)) for story in _stories(request).review_due().order_by("pk")[: MOST * 5])


def _stories(request: HttpRequest) -> Any:
    page = admin.site._registry[Testimonial]
    return page.get_queryset(request) if page.has_view_permission(request) else Testimonial.objects.none()


def _overdue(request: HttpRequest) -> Iterator[Line]:
    """By metric and last period: the regions whose next period of the same length ended more than GRACE ago."""
    today, late = timezone.now().date(), dict[tuple[Metric, str], list[str]]()
    page = admin.site._registry[Series]
    latest = Reading.objects.published().filter(series=OuterRef("pk")).newest_first()
    last = {f"last_{name}": Subquery(latest.values(name)[:1]) for name in ("effective_on", "precision")}
    every = page.get_queryset(request).filter(region__status=Status.PUBLISHED).annotate(**last)
    for series in every.select_related("region", "metric"):
        period = Period(series.last_effective_on, Precision(series.last_precision)) if series.last_precision else None
        if period is None:
            late.setdefault((series.metric, gettext("never reported")), []).append(str(series.region))
        elif _end(_next(period)) + GRACE < today:
            told = gettext("last reported: {period}").format(period=period)
            late.setdefault((series.metric, told), []).append(str(series.region))
    for (metric, told), regions in late.items():
        address = f"{reverse('admin:regions_reading_changelist')}?series__metric__id__exact={metric.pk}"
        yield Line(address, f"{metric.short_name}, {told}: {', '.join(regions)}")


MONTHS = {Precision.MONTH: 1, Precision.QUARTER: 3, Precision.YEAR: 12}


def _next(period: Period) -> Period:
    """The period of the same length after one; of a single day the year after it."""
    months = MONTHS.get(period.precision, 12)
    month = period.first_day.year * 12 + period.first_day.month - 1 + months
    day = period.first_day.day if period.precision == Precision.DAY and period.first_day.day < 29 else 1
    return Period(date(month // 12, month % 12 + 1, day), period.precision)


def _end(period: Period) -> date:
    return period.first_day if period.precision == Precision.DAY else _next(period).first_day - timedelta(days=1)


def _apart(request: HttpRequest) -> Iterator[Line]:
    """Headlines whose difference is another than on the day they were published: their explanation may be out of date."""
    page = admin.site._registry[Headline]
    if not page.has_view_permission(request):
        return
    for programme in Programme.objects.published():
        headlines = list(programme.headlines.published())
        for one in reconcile(headlines, figures.table(list(_regions(programme)), list(programme.metrics.all()))):
            if one.difference is None:
                continue
            then = _difference_then(programme, one.headline)
            if one.difference == then:
                continue
            told = gettext("{headline}: {difference} apart from the sum of its regions; {then} when it was published")
            words = told.format(
                headline=one.headline, difference=text.signed(one.difference),
                then=gettext("not comparable") if then is None else text.signed(then),
            )  # fmt: skip
            yield Line(_address(one.headline), words)


def _regions(programme: Programme) -> models.QuerySet[Region]:
    return programme.regions.published().in_order()  # type: ignore[attr-defined]


def _difference_then(programme: Programme, headline: Headline) -> int | None:
    with past(headline.publish_at):
        regions = list(programme.regions.published(headline.publish_at).in_order())  # type: ignore[attr-defined]
        table = figures.table(regions, list(programme.metrics.all()), headline.publish_at)
        return reconcile([headline], table)[0].difference


def _silent(request: HttpRequest) -> Iterator[Line]:
    page = admin.site._registry[Meeting]
    if page.has_view_permission(request):
        for meeting in page.get_queryset(request).filter(summary_en__in=["", None]).order_by("-held_on")[: MOST * 5]:
            yield Line(_address(meeting), str(meeting))


def _translations(request: HttpRequest) -> Iterator[Line]:
    """A line a model and kind of lack, with its number."""
    for model, page in _pages(request):
        if not issubclass(model, Translated) or model is Reading:
            continue
        rows = page.get_queryset(request)
        kinds = {"outdated": rows.exclude(translated_from={}), "missing": rows.filter(untranslated(model))}
        for kind, found in kinds.items():
            if count := found.count():
                label = gettext("English changed since") if kind == "outdated" else gettext("not translated yet")
                address = f"{reverse(f'admin:{model._meta.app_label}_{model._meta.model_name}_changelist')}?translation={kind}"
                yield Line(address, f"{capfirst(model._meta.verbose_name_plural)}: {text.number(count)} ({label})")
