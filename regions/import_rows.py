"""One row of a table of readings: what is wrong with its cells, and the reading they make."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum

from django.db.models import QuerySet
from django.utils import timezone

from itsci_site.lib.exports import moment, rearm
from itsci_site.lib.periods import Precision

from .models import Metric, Reading, Region, Series, Source

REQUIRED = ("region", "metric", "period_start", "precision", "value", "status", "source_en")
READ = (
    "record", "tag", "country", *REQUIRED, "period_note_en", "period_note_fr", "published_at", "supersedes", "reason_en",
    "reason_fr",
)  # fmt: skip
"""Every column whose cells are looked at. The others of an export only say in words what these say."""
TEXTS = ("period_note_en", "period_note_fr", "source_en", "reason_en", "reason_fr")
"""Free text, which an export disarms and which is kept to the letter. Blanks around any other cell mean nothing."""
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
DIGITS = re.compile(r"\d+", re.ASCII)
GROUPED = re.compile(r"\d{1,3}([\s.,'’]\d{3})+")
NAMED = re.compile(r"([A-Z]{2}-[A-Z]):(\d{4}-\d\d-\d\d):([a-z]+):(.+)")
LARGEST = 2**63 - 1
NEVER = datetime.max.replace(tzinfo=UTC)
"""Where a draft stands among moments."""


@dataclass(frozen=True, slots=True)
class Line:
    """One reading as a row of the file, or of the register, has it."""

    row: int
    """In the file; 0 for one of the register."""
    series: int
    tag: str
    effective_on: date
    precision: str
    value: int | None
    status: str
    note: tuple[str, str]
    source: int
    published_at: datetime | None
    corrects: datetime | None
    """When the reading that it corrects became public: with the period that names it."""
    reason: tuple[str, str]
    pk: int | None = None

    @property
    def period(self) -> tuple[int, date, str]:
        return self.series, self.effective_on, self.precision

    @property
    def said(self) -> tuple:
        return self.value, self.status, self.note, self.source

    def name(self, at: datetime | None = None) -> str:
        """The id an export gives to the reading of this period that became public at `at`, by default this one."""
        return f"{self.tag}:{self.effective_on}:{self.precision}:{moment(at or self.published_at or NEVER)}"

    def is_public(self, now: datetime) -> bool:
        return self.published_at is not None and self.published_at <= now


@dataclass(frozen=True, slots=True)
class Register:
    """What rows of a file are held against."""

    now: datetime
    regions: dict[str, Region]
    metrics: dict[str, Metric]
    sources: dict[str, int]
    series: dict[tuple[int, int], int]
    out_of_reach: frozenset[str]
    """The regions that whoever imports has no say in."""

    @classmethod
    def load(cls, regions: QuerySet[Region] | None = None) -> "Register":
        """`regions`: those that whoever imports may touch, by default all."""
        every = {region.slug: region for region in Region.objects.select_related("country").defer("outline")}
        within = every.keys() if regions is None else set(regions.values_list("slug", flat=True))
        return cls(
            timezone.now(),
            {slug: region for slug, region in every.items() if slug in within},
            {metric.slug: metric for metric in Metric.objects.all()},
            {source.name_en or "": source.pk for source in Source.objects.all()},  # type: ignore[attr-defined]
            {(region, metric): pk for pk, region, metric in Series.objects.values_list("pk", "region", "metric")},
            frozenset(every.keys() - within),
        )

    def factors(self) -> dict[int, Decimal]:
        """The largest jump of each series that has one."""
        by_metric = {metric.pk: metric.jump_factor for metric in self.metrics.values() if metric.jump_factor}
        return {pk: by_metric[metric] for (_region, metric), pk in self.series.items() if metric in by_metric}


def problems_of(cells: dict[str, str], register: Register) -> Iterator[tuple[str, str]]:
    """All that can be said against one row by itself: (column, what to do)."""
    plain = {name: text.strip() for name, text in cells.items()}
    if plain.get("record") not in (None, "", "reading"):
        yield "record", f"“{plain['record']}” is neither reading nor headline."
    yield from _place_problems(plain, register)
    yield from _period_problems(plain, register.now)
    yield from _value_problems(plain["value"], plain["status"])
    if (source := rearm(cells["source_en"])) not in register.sources:
        yield "source_en", _unknown("source", source, register.sources)
    for name in TEXTS:
        if "\0" in cells.get(name, ""):
            yield name, "There is an invisible character (NUL) in this text: write it again."
        if name.startswith("period_note") and len(rearm(cells.get(name, ""))) > 100:
            yield name, "Shorten this note to 100 characters."
    if (text := plain.get("published_at")) and _moment(text) is None:
        yield "published_at", _no_moment(text)
    if plain.get("supersedes"):
        yield from _correction_problems(plain, register)


def _place_problems(plain: dict[str, str], register: Register) -> Iterator[tuple[str, str]]:
    region, metric = register.regions.get(plain["region"]), register.metrics.get(plain["metric"])
    if plain["region"] in register.out_of_reach:
        yield "region", f"{plain['region']} is outside of your regions. Leave its rows to those who look after it."
    elif region is None:
        yield "region", _unknown("region", plain["region"], register.regions)
    if metric is None:
        yield "metric", _unknown("metric", plain["metric"], register.metrics)
    if region and plain.get("country") not in (None, "", region.country.iso_code):
        yield "country", f"{region.slug} lies in {region.country.iso_code}: write that, or nothing, or another region."
    if region and metric:
        tag = f"{region.code}-{metric.code}"
        if plain.get("tag") not in (None, "", tag):
            yield "tag", f"The tag of {region.slug} and {metric.slug} is {tag}: write that, or nothing, or correct the two."
        if (region.pk, metric.pk) not in register.series:
            yield "metric", f"{region.slug} does not report {metric.slug}. If it does now, add the series in the admin first."


def _unknown(kind: str, text: str, known: Collection[str]) -> str:
    if not text:
        return f"Name the {kind}."
    near = get_close_matches(text, known, 1, 0.7) or (sorted(known) if len(known) <= 12 else [])
    hint = f" Is it {' or '.join(near)}?" if near else " Write it as an export does."
    return f"There is no {kind} “{text}”.{hint}"


def _period_problems(plain: dict[str, str], now: datetime) -> Iterator[tuple[str, str]]:
    day, precision = _day(plain["period_start"]), plain["precision"]
    if day is None:
        yield "period_start", f"“{plain['period_start']}” is no day. Write it like 2017-01-01: year, month, day."
    elif day > now.astimezone(UTC).date():
        yield "period_start", f"{day} is still to come: a reading speaks of a period that has begun."
    if precision not in Precision.values:
        yield "precision", f"“{precision}” is no precision. Write day, month, quarter or year."
    elif day is not None and day != (first := _first_day(day, precision)):
        yield "period_start", f"{day} does not begin a {precision}. Give its first day, {first}."


def _first_day(day: date, precision: str) -> date:
    month = {Precision.YEAR: 1, Precision.QUARTER: day.month - (day.month - 1) % 3}.get(Precision(precision), day.month)
    return day if precision == Precision.DAY else day.replace(month=month, day=1)


class Fault(Enum):
    """Why a text is no count."""

    TOO_LARGE = "too large"
    NEGATIVE = "negative"
    GROUPED = "grouped"
    NOT_WHOLE = "not whole"
    NO_NUMBER = "no number"


def fault_of(value: str) -> Fault | None:
    """What keeps a text from being a count; None where it is one."""
    if DIGITS.fullmatch(value):
        return Fault.TOO_LARGE if len(value) > len(str(LARGEST)) or int(value) > LARGEST else None
    if value[:1] in ("-", "−", "–") and DIGITS.fullmatch(value[1:]):
        return Fault.NEGATIVE
    if GROUPED.fullmatch(value):
        return Fault.GROUPED
    return Fault.NOT_WHOLE if value[:1].isdigit() else Fault.NO_NUMBER


def is_jump(value: int, before: int, factor: Decimal) -> bool:
    """Is it more than so many times the one before, or less than that part of it?"""
    low, high = sorted((value, before))
    return high > low * factor


def digits_of(value: str) -> str:
    """Of a grouped number: "1 234" is probably 1234."""
    return re.sub(r"\D", "", value)


def _value_problems(value: str, status: str) -> Iterator[tuple[str, str]]:
    if status not in Reading.Status.values:
        yield "status", f"“{status}” is no status. Write reported, provisional, estimated or not_reported."
    if value == "":
        if status in Reading.Status.values and status != Reading.Status.NOT_REPORTED:
            yield "value", f"Empty, but the status is {status}. Give the value; if there is none, write not_reported there."
        return
    told = {
        Fault.TOO_LARGE: "{value} is larger than any count.",
        Fault.NEGATIVE: "“{value}” is below 0, which no count is.",
        Fault.GROUPED: "“{value}” could be read in two ways. If {digits} is meant, write {digits}: digits alone.",
        Fault.NOT_WHOLE: "“{value}” is no whole number. Write digits alone.",
        Fault.NO_NUMBER: (
            "“{value}” is no number. If there is none, leave this cell empty and write not_reported as the status."
        ),
    }
    fault = fault_of(value)
    if fault:
        yield "value", told[fault].format(value=value, digits=digits_of(value))
    if fault in (None, Fault.TOO_LARGE) and status == Reading.Status.NOT_REPORTED:
        yield "value", f"{value}, but the status is not_reported. Empty this cell, or write another status."


def _correction_problems(plain: dict[str, str], register: Register) -> Iterator[tuple[str, str]]:
    named = NAMED.fullmatch(plain["supersedes"])
    if not named or _moment(named[4]) is None:
        yield "supersedes", f"“{plain['supersedes']}” names no reading. Copy the id of the one to correct from an export."
    elif (region := register.regions.get(plain["region"])) and (metric := register.metrics.get(plain["metric"])):
        own = (f"{region.code}-{metric.code}", plain["period_start"], plain["precision"])
        if named.groups()[:3] != own:
            told = ":".join(own)
            yield "supersedes", f"A correction is of its own region, metric and period: it names a reading that begins {told}."
    if not plain.get("reason_en"):
        yield "reason_en", "Say why it is corrected: readers see it."


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        return None


def _moment(text: str) -> datetime | None:
    """A moment with its zone. None for anything else."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _no_moment(text: str) -> str:
    return f"“{text}” is no moment with a time zone. Write it like 2026-11-23T09:15:00Z, as text; leave it empty for a draft."


def line_of(row: int, cells: dict[str, str], register: Register) -> Line:
    """A row without problems of its own."""
    plain = {name: text.strip() for name, text in cells.items()}
    texts = {name: rearm(cells.get(name, "")) for name in TEXTS}
    region, metric = register.regions[plain["region"]], register.metrics[plain["metric"]]
    named = NAMED.fullmatch(plain.get("supersedes", ""))
    return Line(
        row=row,
        series=register.series[region.pk, metric.pk],
        tag=f"{region.code}-{metric.code}",
        effective_on=date.fromisoformat(plain["period_start"]),
        precision=plain["precision"],
        value=int(plain["value"]) if plain["value"] else None,
        status=plain["status"],
        note=(texts["period_note_en"], texts["period_note_fr"]),
        source=register.sources[texts["source_en"]],
        published_at=_moment(plain.get("published_at", "")),
        corrects=_moment(named[4]) if named else None,
        reason=(texts["reason_en"], texts["reason_fr"]),
    )
