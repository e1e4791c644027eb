"""Readings from a table, CSV or XLSX, all or nothing: every cell is checked, and every problem named by its row and column.

The columns are the export's own (exports.READINGS), so that what was downloaded can be read again; docs/import.md says which
ones a table needs. A row without `published_at` becomes a draft. Moments that have passed are kept while the register holds
nothing public, as when an export is read back; later on they would change the past that was shown, and are refused. Once the
register is open (lib/newsroom/guard.py) every new row is a draft: its approval gives the moment.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from itsci_site.lib import child
from itsci_site.lib.exports import moment
from itsci_site.lib.periods import Period, Precision
from itsci_site.lib.publishing import register_is_open

from . import exports, sheets
from .import_rows import NEVER, READ, REQUIRED, Line, Register, is_jump, line_of, problems_of
from .locks import Locks
from .models import Reading, Region
from .sheets import Problem, Refused

Item = TypeVar("Item")
Watch = Callable[[Sequence[Item], str], Iterable[Item]]
"""Gives the items on, one by one, under a label: where a progress bar looks on."""
ROWS_A_BATCH = 1000


BURST = {
    "time": "Reading this file took too long. It was not read. Save it anew with the readings alone, or split it.",
    "clock": "This site was too busy to read this file in time. Choose it again in a moment, or split it.",
    "memory": "Reading this file took too much memory. It was not read. Save it anew with the readings alone, or split it.",
    "answer": "This file holds too much text. Keep the columns that docs/import.md names, or split it.",
    "broken": "This file cannot be read. Save it anew as “CSV UTF-8”.",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    new: list[Line]
    corrections: list[Line]
    corrected: dict[tuple, Line]
    """The readings of the register or the file that are corrected, by period and moment."""
    unchanged: list[Line]
    headlines: int
    """Rows of headlines, which an export holds, too: they are passed over."""

    @property
    def same(self) -> int:
        return len(self.unchanged)

    @property
    def drafts(self) -> int:
        return sum(line.published_at is None for line in [*self.new, *self.corrections])

    def before(self, correction: Line) -> Line:
        """What a correction corrects."""
        return self.corrected[correction.period, correction.corrects]

    @property
    def fingerprint(self) -> str:
        """Differs where another thing would be written, or would be corrected."""
        lines = [*((line, None) for line in self.new), *((line, self.before(line)) for line in self.corrections)]
        return sha256(repr(lines).encode()).hexdigest()


def unwatched(items: Sequence[Item], label: str) -> Iterable[Item]:
    return items


def load(path: Path, headline_columns: Collection[str] = (), dry_run: bool = False, watch: Watch = unwatched) -> Outcome:
    """Writes what is new in a file. Raises Refused with every problem, and DatabaseError; then nothing is written.

    A dry run writes and takes it back, so that the database has its say as well.
    """
    table = sheets.read(path, required=REQUIRED, known=_known(headline_columns))
    with transaction.atomic():
        one_writer_at_a_time()
        outcome = check(table, watch)
        write(outcome, watch)
        transaction.set_rollback(dry_run)
    return outcome


def one_writer_at_a_time() -> None:
    """A second import, or a sheet that is saved, waits here for the end of the first, and then finds what that has written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('import_readings'))")


def uploaded(content: bytes, headline_columns: Collection[str] = ()) -> sheets.Table:
    """The rows of an upload, read by a child within the bounds of the settings. Raises Refused, and OSError.

    Its cells are those of `import_rows.READ` alone.
    """
    sheets.refuse_large(len(content), sheets.Limits(**settings.UPLOADED_TABLE))
    try:
        found = child.run(
            "regions.sheets:in_child", content, child.Bounds(**settings.UPLOADED_TABLE_READER),
            required=REQUIRED, known=sorted(_known(headline_columns)), kept=READ, limits=settings.UPLOADED_TABLE,
        )  # fmt: skip
    except child.Burst as burst:
        raise Refused([Problem(0, "", BURST[burst.bound])]) from burst
    if "refused" in found:
        raise Refused([Problem(*one) for one in found["refused"]])
    rows = [(number, dict(zip(found["columns"], cells, strict=True))) for number, *cells in found["rows"]]
    return sheets.Table(rows, [Problem(*one) for one in found["problems"]])


def _known(headline_columns: Collection[str]) -> set[str]:
    return {column.name for column in exports.READINGS}.union(headline_columns)


def check(table: sheets.Table, watch: Watch = unwatched) -> Outcome:
    """What is new in the rows of a file. Raises Refused."""
    outcome, problems = assess(table, watch)
    if problems:
        raise Refused(problems)
    return outcome


def assess(
    table: sheets.Table, watch: Watch = unwatched, regions: QuerySet[Region] | None = None
) -> tuple[Outcome, list[Problem]]:
    """What the rows of a file would add, and everything that is wrong with them; rows that something is wrong with add nothing.

    `regions`: those that whoever imports may touch, by default all.
    """
    problems = list(table.problems)
    register = Register.load(regions)
    lines, headlines = [], 0
    for row, cells in watch(table.rows, "Checking"):
        if cells.get("record", "").strip() == "headline":
            headlines += 1
            continue
        found = list(problems_of(cells, register))
        problems += [Problem(row, column, text) for column, text in found]
        if not found:
            lines.append(line_of(row, cells, register))
    there = _there({line.series for line in lines})
    fresh, unchanged = _fresh(lines, there, register.now, problems)
    if register_is_open():
        problems += _with_moment(fresh)
    elif Reading.objects.published().exists():
        problems += _backdated(fresh, register.now)
    problems += _locked(fresh)
    problems += _jumps(fresh, there, register.factors())
    refused = {problem.row for problem in problems}
    fresh = [line for line in fresh if line.row not in refused]
    corrections = [line for line in fresh if line.corrects]
    told = [*(line for lines in there.values() for line in lines), *lines]
    corrected = {(other.period, other.published_at): other for other in reversed(told)}
    outcome = Outcome([line for line in fresh if not line.corrects], corrections, corrected, unchanged, headlines)
    return outcome, sorted(problems, key=lambda problem: problem.row)


def _there(series: set[int]) -> dict[tuple[int, date, str], list[Line]]:
    """All that the register holds of some series, drafts too, period by period."""
    found = Reading.objects.filter(series__in=series).values_list(
        "series", "series__region__code", "series__metric__code", "effective_on", "precision", "value", "status",
        "period_note_en", "period_note_fr", "source", "published_at", "supersedes__published_at", "reason_en", "reason_fr",
        "pk",
    )  # fmt: skip
    there = defaultdict(list)
    for (
        pk_of,
        region,
        metric,
        day,
        precision,
        value,
        status,
        en,
        fr,
        source,
        at,
        corrects,
        why,
        pourquoi,
        pk,
    ) in found.iterator():
        line = Line(
            0, pk_of, f"{region}-{metric}", day, precision, value, status, (en or "", fr or ""), source, at, corrects,
            (why or "", pourquoi or ""), pk,
        )  # fmt: skip
        there[line.period].append(line)
    return there


def _fresh(
    lines: list[Line], there: dict[tuple[int, date, str], list[Line]], now: datetime, problems: list[Problem]
) -> tuple[list[Line], list[Line]]:
    """The lines that are not in the register yet, and those that are. Adds what is wrong with them."""
    first: dict[tuple, Line] = {}
    public = {(line.period, line.published_at) for line in lines if line.is_public(now)}
    fresh, same = [], []
    for line in lines:
        place = (line.period, line.corrects)
        told = there.get(line.period, [])
        if (twin := first.setdefault(place, line)) is not line:
            what = f"corrects {line.name(line.corrects)}" if line.corrects else "has this region, metric and period"
            problems.append(Problem(line.row, "period_start", f"Row {twin.row} {what} already. Keep one of the two."))
        elif _is_there(line, told):
            same.append(line)
        elif problem := _conflict(line, told, public, now):
            problems.append(problem)
        else:
            fresh.append(line)
    return fresh, same


def _is_there(line: Line, told: list[Line]) -> bool:
    """Is it in the register already? A row that gives no moment and corrects nothing need only say the same."""
    if line.published_at is None and line.corrects is None:
        return any(line.said == other.said for other in told)
    return any(
        (line.said, line.corrects, line.reason) == (other.said, other.corrects, other.reason)
        and line.published_at in (None, other.published_at)
        for other in told
    )


def _conflict(line: Line, told: list[Line], public: set[tuple], now: datetime) -> Problem | None:
    """What in the register stands in the way of a line that is not there yet."""
    holder = next((other for other in told if other.corrects == line.corrects), None)
    if line.corrects is None:
        if holder is None:
            return None
        last = max((other for other in told if other.is_public(now)), key=lambda other: other.published_at or now, default=None)
        if last is None:
            text = "The register has this period, not public yet and with other content. Change or delete that in the admin."
            return Problem(line.row, "value", text)
        said = "not reported" if last.value is None else last.value
        text = (
            f"Public already: {said}, and what readers saw stays. "
            f"To correct it, write {last.name()} into supersedes and the reason into reason_en."
        )
        return Problem(line.row, "value", text)
    if holder is not None:
        next_one = f": name {holder.name()} instead" if holder.is_public(now) else ", not public yet: change that in the admin"
        return Problem(line.row, "supersedes", f"It has a correction already{next_one}.")
    if not any(other.published_at == line.corrects for other in told) and (line.period, line.corrects) not in public:
        text = f"Neither the register nor this file has a public reading {line.name(line.corrects)}."
        return Problem(line.row, "supersedes", text)
    if line.corrects > now:
        return Problem(line.row, "supersedes", "This one is not public yet. Change it in the admin instead.")
    if line.published_at and line.published_at <= line.corrects:
        text = f"A correction becomes public after what it corrects: later than {moment(line.corrects)}."
        return Problem(line.row, "published_at", text)
    return None


def _backdated(fresh: list[Line], now: datetime) -> Iterator[Problem]:
    """New lines that would change what readers saw on a past day. An empty register may be filled with its own past."""
    for line in fresh:
        if line.is_public(now):
            text = "This moment has passed, and what readers saw then stays."
            yield Problem(line.row, "published_at", f"{text} Empty this cell for a draft, or give a moment to come.")


def _with_moment(fresh: list[Line]) -> Iterator[Problem]:
    """Where two people bring a figure to the public, a file cannot."""
    for line in fresh:
        if line.published_at:
            text = "Leave this cell empty: what is imported is a draft, and its approval gives the moment."
            yield Problem(line.row, "published_at", text)


def _locked(fresh: list[Line]) -> Iterator[Problem]:
    locks = Locks()
    for line in fresh:
        lock = None if line.corrects else locks.on(Period(line.effective_on, Precision(line.precision)))
        if lock:
            yield Problem(line.row, "period_start", lock.words)


def _jumps(fresh: list[Line], there: dict[tuple[int, date, str], list[Line]], factors: dict[int, Decimal]) -> Iterator[Problem]:
    """New values beyond the metric's factor of the value before. What the file itself corrects is passed over."""
    if not factors:
        return
    words: dict[int, dict[date, Line]] = defaultdict(dict)
    for line in sorted(
        [line for lines in there.values() for line in lines] + fresh, key=lambda line: line.published_at or NEVER
    ):
        if line.series in factors:
            words[line.series][line.effective_on] = line
    valued = {series: sorted(day for day, line in of.items() if line.value is not None) for series, of in words.items()}
    for line in fresh:
        factor = factors.get(line.series)
        if factor is None or line.value is None or words[line.series][line.effective_on] is not line:
            continue
        place = bisect_left(valued[line.series], line.effective_on)
        if place == 0:
            continue
        before = words[line.series][valued[line.series][place - 1]]
        if is_jump(line.value, before.value or 0, factor):
            period = Period(before.effective_on, Precision(before.precision))
            text = (
                f"{line.value} after {before.value} in {period}: more than {factor.normalize():f} times up or down. "
                "If it is right, raise or empty the metric’s largest jump in the admin first."
            )
            yield Problem(line.row, "value", text)


def write(outcome: Outcome, watch: Watch = unwatched) -> None:
    """Inside a transaction. Round by round, as far as chains of corrections are long: what is corrected comes first."""
    made: dict[tuple, tuple[int, Reading]] = {}
    rounds: dict[int, list[Reading]] = defaultdict(list)
    for line in sorted([*outcome.new, *outcome.corrections], key=lambda line: line.published_at or NEVER):
        turn, corrected = made.get((line.period, line.corrects), (-1, None)) if line.corrects else (-1, None)
        reading = Reading(
            series_id=line.series, effective_on=line.effective_on, precision=line.precision, value=line.value,
            status=line.status, period_note_en=line.note[0], period_note_fr=line.note[1], source_id=line.source,
            published_at=line.published_at, reason_en=line.reason[0], reason_fr=line.reason[1],
        )  # fmt: skip
        if corrected:
            reading.supersedes = corrected
        elif line.corrects:
            reading.supersedes_id = outcome.before(line).pk
        rounds[turn + 1].append(reading)
        if line.published_at:
            made[line.period, line.published_at] = (turn + 1, reading)
    batches = [
        readings[start : start + ROWS_A_BATCH]
        for _turn, readings in sorted(rounds.items())
        for start in range(0, len(readings), ROWS_A_BATCH)
    ]
    for batch in watch(batches, "Writing"):
        Reading.objects.bulk_create(batch)
