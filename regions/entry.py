"""The sheet of a period: regions by metrics, a figure to enter in each cell, what was said before it beside it.

A cell that is empty says nothing yet; "not reported" is said on purpose; neither is ever 0. Figures become drafts, one reading
a cell; what is submitted, approved or public is shown and not written in (decision 24).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.urls import reverse
from django.utils import dates, timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from itsci_site.lib import text
from itsci_site.lib.languages import in_each_language
from itsci_site.lib.newsroom.models import Entry
from itsci_site.lib.periods import Period, Precision
from itsci_site.lib.publishing import Status as Stage

from .import_rows import Fault, digits_of, fault_of, is_jump
from .locks import Locks, PeriodLock
from .models import Metric, Reading, Region, Series, Source

USUAL_JUMP = Decimal(3)
"""Asked about where the metric names no largest jump of its own: so many times up or down. An import asks the metric alone."""
WRITTEN_IN = (Stage.DRAFT, Stage.RETURNED)
MONTHS = {Precision.YEAR: 12, Precision.QUARTER: 3, Precision.MONTH: 1}
FAULTS = {
    Fault.TOO_LARGE: _("{value} is larger than any count."),
    Fault.NEGATIVE: _("“{value}” is below 0, which no count is."),
    Fault.GROUPED: _("“{value}” could be read in two ways. If {digits} is meant, write {digits}: digits alone."),
    Fault.NOT_WHOLE: _("“{value}” is no whole number. Write digits alone."),
    Fault.NO_NUMBER: _("“{value}” is no number. If there is none, empty this field and choose “not reported”."),
}
NO_VALUE = _(
    "Give the value. If there is none, choose “not reported”; to say nothing yet, leave it empty and choose “reported”."
)
TWO_WORDS = _("Leave this empty or choose another status: what is not reported is not 0 either.")


class PeriodForm(forms.Form):
    """Which period. What can be entered has begun."""

    year = forms.IntegerField(
        label=_("Year"), min_value=1900, max_value=2100,
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value", "required"), _("A year from 1900 to 2100.")),
    )  # fmt: skip
    part = forms.ChoiceField(
        label=_("Quarter, month or whole year"),
        choices=[
            (_("Quarter"), [(f"quarter-{n}", words) for n, words in enumerate(
                (_("1st quarter"), _("2nd quarter"), _("3rd quarter"), _("4th quarter")), start=1)]),
            (_("Month"), [(f"month-{n}", words) for n, words in dates.MONTHS.items()]),
            ("year-1", _("whole year")),
        ],
        error_messages=dict.fromkeys(("invalid_choice", "required"), _("Choose a quarter, a month or the whole year.")),
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if "year" in data and "part" in data and self.period.first_day > today():
            self.add_error("year", _("This period is still to come: a figure speaks of one that has begun."))
        return data

    @property
    def period(self) -> Period:
        name, _dash, number = self.cleaned_data["part"].partition("-")
        precision = Precision(name)
        return Period(date(self.cleaned_data["year"], (int(number) - 1) * MONTHS[precision] + 1, 1), precision)


def today() -> date:
    return timezone.now().astimezone(UTC).date()


def last_quarter() -> Period:
    """The one that ended last: what is entered first."""
    before = today().replace(month=(today().month - 1) // 3 * 3 + 1, day=1) - timedelta(days=1)
    return Period(before.replace(month=before.month - 2, day=1), Precision.QUARTER)


def query(period: Period) -> dict[str, str]:
    """The period as PeriodForm reads it."""
    number = (period.first_day.month - 1) // MONTHS[period.precision] + 1
    return {"year": str(period.first_day.year), "part": f"{period.precision}-{number}"}


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the two fields of a cell."""

    value: str = ""
    status: str = Reading.Status.REPORTED

    @property
    def says_nothing(self) -> bool:
        return self == Typed()

    def __str__(self) -> str:
        label = Reading.Status(self.status).label if self.status in Reading.Status.values else self.status
        return f"{self.value} ({label})" if self.value else str(label) if self.status != Reading.Status.REPORTED else "–"


def typed_of(reading: Reading | None) -> Typed:
    if reading is None:
        return Typed()
    return Typed("" if reading.value is None else str(reading.value), reading.status)


def digest(reading: Reading | None) -> str:
    """Differs where a reading says another thing or stands elsewhere."""
    if reading is None:
        return "-"
    texts: Any = (reading.period_note_en, reading.period_note_fr)  # type: ignore[attr-defined]
    said = (reading.pk, reading.value, reading.status, reading.stage, reading.source_id, *texts, reading.published_at)
    return sha256(repr(said).encode()).hexdigest()[:16]


def correction_address(reading: Reading) -> str:
    """The form of a correction, with all that it has in common with a public reading."""
    same = ("series", "effective_on", "precision", *in_each_language("period_note"), "source")
    values = {name: getattr(reading, reading._meta.get_field(name).attname) for name in same}  # type: ignore[union-attr]
    values = {name: value for name, value in values.items() if value} | {"supersedes": reading.pk}
    return f"{reverse('admin:regions_reading_add')}?{urlencode(values)}"


@dataclass(frozen=True, slots=True)
class Cell:
    series: Series
    period: Period
    reading: Reading | None
    """The first word on this period, whatever its stage."""
    word: Reading | None
    """The last public correction of it; itself where there is none."""
    correction: Reading | None
    """A correction that is on its way."""
    before: Reading | None
    """The last word on an earlier period."""
    value_before: Reading | None
    """The last one with a value."""
    is_open: bool
    typed: Typed
    returned: str = ""
    """Why it was returned."""
    seen: str = ""
    errors: tuple[str, ...] = ()
    is_overtaken: bool = False
    """Somebody else changed it after this sheet was opened: whoever saves now leaves it as it is."""

    @property
    def key(self) -> str:
        """Names its fields. A number would be printed with separators."""
        return str(self.series.pk)

    @property
    def name(self) -> str:
        """For whoever does not see the table: "Miners, Katanga"."""
        return f"{self.series.metric.short_name}, {self.series.region}"

    @property
    def correct(self) -> str:
        """Where the last public word is corrected."""
        return correction_address(self.word) if self.word else ""

    @property
    def flags(self) -> list[str]:
        """What to look at again before it is public. It can be saved all the same."""
        return [] if self.reading and self.reading.is_public() else [*self._jump(), *self._gap()]

    def _jump(self) -> Iterable[str]:
        value, factor, before = self.typed.value, self.series.metric.jump_factor or USUAL_JUMP, self.value_before
        if before is None or before.value is None or not value or fault_of(value):
            return
        if is_jump(int(value), before.value, factor):
            told = gettext("{value} after {before} in {period}: more than {factor} times up or down. Is it right?")
            yield told.format(
                value=text.number(int(value)), before=text.number(before.value), period=before.period,
                factor=f"{factor.normalize():f}",
            )  # fmt: skip

    def _gap(self) -> Iterable[str]:
        if self.before and (count := skipped(self.before.period, self.period)):
            told = {
                Precision.YEAR: ngettext(
                    "{count} year skipped since {period}.", "{count} years skipped since {period}.", count
                ),
                Precision.QUARTER: ngettext(
                    "{count} quarter skipped since {period}.", "{count} quarters skipped since {period}.", count
                ),
                Precision.MONTH: ngettext(
                    "{count} month skipped since {period}.", "{count} months skipped since {period}.", count
                ),
            }
            yield told[self.period.precision].format(count=count, period=self.before.period)


def skipped(before: Period, period: Period) -> int:
    """How many periods as long as the second lie between the two."""
    start = before.last_day + timedelta(days=1)
    months = (period.first_day.year - start.year) * 12 + period.first_day.month - start.month
    return max(0, months // MONTHS[period.precision])


@dataclass(frozen=True, slots=True)
class Line:
    region: Region
    cells: tuple[Cell | None, ...]
    """One a metric; None where the region does not report it."""


@dataclass(frozen=True, slots=True)
class Sheet:
    period: Period
    metrics: tuple[Metric, ...]
    lines: tuple[Line, ...]
    lock: PeriodLock | None

    @property
    def cells(self) -> list[Cell]:
        return [cell for line in self.lines for cell in line.cells if cell]

    @property
    def readings(self) -> list[Reading]:
        """The first words on this period: what is submitted and approved together."""
        return [cell.reading for cell in self.cells if cell.reading]

    @property
    def has_errors(self) -> bool:
        return any(cell.errors for cell in self.cells)

    @property
    def is_open(self) -> bool:
        return any(cell.is_open for cell in self.cells)

    def with_cells(self, cells: Iterable[Cell]) -> "Sheet":
        by_key = {cell.key: cell for cell in cells}
        lines = [replace(line, cells=tuple(cell and by_key.get(cell.key, cell) for cell in line.cells)) for line in self.lines]
        return replace(self, lines=tuple(lines))


def sheet(period: Period, regions: QuerySet[Region], readings: QuerySet[Reading], may_write: Any) -> Sheet:
    """The sheet of a period as it stands. `regions` and `readings`: those a person may see; `may_write(reading or None)`."""
    earlier = Reading.objects.filter(series=OuterRef("pk"), effective_on__lt=period.first_day).order_by(
        "-effective_on", F("published_at").desc(nulls_first=True), "-pk"
    )
    series = list(
        Series.objects.filter(region__in=regions)
        .select_related("region", "metric")
        .defer("region__outline")
        .annotate(
            before=Subquery(earlier.values("pk")[:1]),
            value_before=Subquery(earlier.filter(value__isnull=False).values("pk")[:1]),
        )
        .order_by("region__country__order", "region__order", "region__slug", "metric__order", "metric__slug")
    )
    known = Reading.objects.in_bulk({pk for one in series for pk in (one.before, one.value_before) if pk})
    of_period = readings.filter(series__in=series, effective_on=period.first_day, precision=period.precision).select_related(
        "source", "series__region", "series__metric"
    )
    by_series: dict[int, list[Reading]] = defaultdict(list)
    for reading in of_period.order_by(F("published_at").asc(nulls_last=True), "pk"):
        by_series[reading.series_id].append(reading)
    lock = Locks().on(period)
    returned = _why_returned([one for found in by_series.values() for one in found if one.stage == Stage.RETURNED])
    cells = {}
    for one in series:
        found = by_series[one.pk]
        first = next((reading for reading in found if reading.supersedes_id is None), None)
        public = [reading for reading in found if reading.is_public()]
        is_open = lock is None and (first is None or first.stage in WRITTEN_IN) and may_write(first)
        cells[one.region_id, one.metric_id] = Cell(
            one, period, first, public[-1] if public else first,
            next((reading for reading in found if reading.supersedes_id and not reading.is_public()), None),
            known.get(one.before), known.get(one.value_before),
            is_open, typed_of(first), returned.get(first.pk, "") if first else "", seen(first),
        )  # fmt: skip
    metrics = sorted({one.metric for one in series}, key=lambda metric: (metric.order, metric.slug))
    places = list({one.region_id: one.region for one in series}.values())
    lines = tuple(Line(place, tuple(cells.get((place.pk, metric.pk)) for metric in metrics)) for place in places)
    return Sheet(period, tuple(metrics), lines, lock)


def seen(reading: Reading | None) -> str:
    """What a cell held when its sheet was opened: goes with the form and comes back."""
    typed = typed_of(reading)
    return f"{digest(reading)}|{typed.value}|{typed.status}"


def _why_returned(readings: Sequence[Reading]) -> dict[int, str]:
    """The last reason each was returned with, from the trail."""
    entries = Entry.objects.filter(
        table_name=Reading._meta.db_table, row_id__in=[one.pk for one in readings], after__stage=Stage.RETURNED
    )
    return dict(entries.order_by("pk").values_list("row_id", "reason")) if readings else {}


# What was typed


def bound(sheet: Sheet, sent: Mapping[str, str]) -> Sheet:
    """The sheet with what was typed into it, and what is wrong with that by its cell."""
    return sheet.with_cells([_bound(cell, sent) for cell in sheet.cells if f"value-{cell.key}" in sent])


def _bound(cell: Cell, sent: Mapping[str, str]) -> Cell:
    typed = Typed(sent[f"value-{cell.key}"].strip(), sent.get(f"status-{cell.key}", Reading.Status.REPORTED))
    was, _bar, base = sent.get(f"seen-{cell.key}", "").partition("|")
    is_mine = f"{typed.value}|{typed.status}" != base and typed != cell.typed
    is_overtaken = bool(was) and was != digest(cell.reading)
    if not cell.is_open:
        return replace(cell, errors=(_shut(cell, typed),)) if is_mine else cell
    if is_overtaken and not is_mine:
        return replace(cell, is_overtaken=True)
    if is_overtaken:
        told = gettext(
            "Somebody else saved this cell after you opened the sheet: “{theirs}” stands there now, you typed “{yours}”. "
            "Nothing was overwritten. Save again to keep yours."
        )
        return replace(cell, typed=typed, errors=(told.format(theirs=cell.typed, yours=typed),))
    return replace(cell, typed=typed, errors=tuple(_wrong(typed)))


def _shut(cell: Cell, typed: Typed) -> str:
    if cell.reading is None:
        return gettext("You typed “{yours}”, but this cell takes nothing from you.").format(yours=typed)
    told = gettext("This is “{stage}” now with “{theirs}” and stays as it is. You typed “{yours}”.")
    return told.format(stage=cell.reading.get_stage_display(), theirs=cell.typed, yours=typed)


def _wrong(typed: Typed) -> Iterable[str]:
    if typed.status not in Reading.Status.values:
        yield gettext("Choose one of the statuses.")
    elif not typed.value:
        if typed.status not in (Reading.Status.REPORTED, Reading.Status.NOT_REPORTED):
            yield str(NO_VALUE)
    elif fault := fault_of(typed.value):
        yield FAULTS[fault].format(value=typed.value[:40], digits=digits_of(typed.value)[:40])
    elif typed.status == Reading.Status.NOT_REPORTED:
        yield str(TWO_WORDS)


class SheetForm(forms.Form):
    """What all figures of a sheet share."""

    source = forms.ModelChoiceField(
        Source.objects.all(), label=_("Source"), required=False, empty_label="–",
        error_messages={"invalid_choice": _("Choose one of the sources.")},
    )  # fmt: skip
    note_en = forms.CharField(label=_("Note on the period, in English"), max_length=100, required=False)
    note_fr = forms.CharField(label=_("Note on the period, in French"), max_length=100, required=False)
    reason = forms.CharField(
        label=_("Why this change"), max_length=500, help_text=_("In a few words. Staff see it in the history."),
        error_messages={"required": _("Say why, in a few words: it stays on record.")},
    )  # fmt: skip

    def __init__(self, sheet: Sheet, data: Any = None) -> None:
        drafts = [cell.reading for cell in sheet.cells if cell.is_open and cell.reading]
        sources = {draft.source_id for draft in drafts}
        notes: set[tuple[str, str]] = {
            (draft.period_note_en or "", draft.period_note_fr or "")  # type: ignore[attr-defined]
            for draft in drafts
        }
        self.keeps_notes = len(notes) > 1
        note = notes.pop() if len(notes) == 1 else ("", "")
        initial = {"source": sources.pop() if len(sources) == 1 else None, "note_en": note[0], "note_fr": note[1]}
        super().__init__(data, initial=initial | {"reason": gettext("Figures: {period}").format(period=sheet.period)})
        if len(sources) > 1:
            self.fields["source"].empty_label = _("each figure keeps its own")  # type: ignore[attr-defined]
        if self.keeps_notes:
            self.fields["note_en"].help_text = _("The figures have different notes: left empty, each keeps its own.")


@dataclass(frozen=True, slots=True)
class Change:
    """What saving a sheet makes of one cell: a reading to be saved, or one to be deleted."""

    reading: Reading
    is_deletion: bool = False


def changes(sheet: Sheet, form: SheetForm) -> list[Change]:
    """What saving makes of a sheet without errors. Adds an error to the form where new figures have no source."""
    found = []
    source, note = form.cleaned_data["source"], (form.cleaned_data["note_en"], form.cleaned_data["note_fr"])
    for cell in sheet.cells:
        if not cell.is_open or cell.is_overtaken:
            continue
        if cell.typed.says_nothing:
            found += [Change(cell.reading, is_deletion=True)] if cell.reading else []
            continue
        if cell.reading is None and source is None:
            form.add_error("source", _("Choose the source of the new figures."))
            return []
        reading = cell.reading or Reading(
            series=cell.series, effective_on=sheet.period.first_day, precision=sheet.period.precision
        )
        before = digest(reading)
        reading.value, reading.status = int(cell.typed.value) if cell.typed.value else None, cell.typed.status
        if source:
            reading.source = source
        if any(note) or not form.keeps_notes:
            reading.period_note_en, reading.period_note_fr = note  # type: ignore[attr-defined]
        if reading.pk is None or digest(reading) != before:
            found.append(Change(reading))
    return found
