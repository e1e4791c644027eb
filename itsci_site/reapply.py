"""Takes out of a restored database what left the public after its backup was made, line by line of a ledger (decision 28).

Only lines that the database does not know: what was put back before the backup stays. What leaves here leaves in the name of
whoever took it away then, with a reason that says where it comes from.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection, models, transaction
from django.db.models import ProtectedError
from django.utils.dateparse import parse_datetime

from itsci_site.lib.newsroom import ledger, trail
from itsci_site.lib.newsroom.guard import columns_of_state
from itsci_site.lib.newsroom.ledger import Line
from itsci_site.lib.newsroom.models import Note
from itsci_site.lib.publishing import Approved, Status
from testimonials.erasing import erase
from testimonials.models import Consent, Contributor, Testimonial

REASON = "Once more after a restore: it happened on {at}, after the backup was made"
STATES = {
    "suspended": {Status.PUBLISHED: Status.SUSPENDED, Status.SUBMITTED: Status.DRAFT, Status.APPROVED: Status.DRAFT},
    "withdrawn": {
        Status.PUBLISHED: Status.WITHDRAWN, Status.SUSPENDED: Status.WITHDRAWN, Status.SUBMITTED: Status.DRAFT,
        Status.APPROVED: Status.DRAFT,
    },
}  # fmt: skip
"""Where a row goes from the state it was restored in."""


class Unfit(Exception):
    """A ledger that is not this database's, or that this code cannot apply. The text says why and what to do."""


@dataclass(slots=True)
class Report:
    """`done`: lines that changed something, by what they say. `left`: what somebody has to look at, a line each."""

    known: int = 0
    new: int = 0
    done: Counter[str] = field(default_factory=Counter)
    left: list[str] = field(default_factory=list)


def apply(lines: Iterable[Line]) -> Report:
    """All of it or nothing; then the database is open to readers. Raises Unfit."""
    with transaction.atomic():
        own = ledger.site()
        given = {line.mark: line for line in lines if line.site == own}
        if not given:
            raise Unfit("No line of the ledger is of the site that made the backup.")
        known = ledger.marks()
        if lost := known - given.keys() - _waiting():
            raise Unfit(
                f"{len(lost)} of the {len(known)} lines that this database knows are not in the ledger: it was cut off, "
                "or is an older copy."
            )
        report = Report(known=len(known))
        new = sorted(
            (line for line in given.values() if line.mark not in known and line.what != ledger.BEGAN), key=lambda line: line.at
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('itsci.ledger', 'applying', true)")
        for line in new:
            report.new += 1
            with trail.acting(_account(line.actor), REASON.format(at=line.at)):
                if _act(line, report):
                    report.done[line.what] += 1
        ledger.add(new)
        _never_again(new)
        opened(report)
    return report


def opened(report: Report) -> None:
    with trail.acting(None, ""), connection.cursor() as cursor:
        cursor.execute("SELECT newsroom_open()")
        said = {"known": report.known, "new": report.new, "done": dict(report.done), "left": report.left}
        Note.objects.create(kind=Note.Kind.RESTORED, said=said)


def opened_without(reason: str) -> None:
    """On the word of the operator, which stays in the trail."""
    with trail.acting(None, reason), connection.cursor() as cursor:
        cursor.execute("SELECT newsroom_open()")
        Note.objects.create(kind=Note.Kind.OPENED, said={"reason": reason})


def _waiting() -> set[str]:
    """Lines that were in the table alone when the backup was made: no file need have them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT mark::text FROM newsroom_ledger WHERE NOT kept")
        return {mark for (mark,) in cursor.fetchall()}


def _account(pk: int | None) -> Any:
    return get_user_model()._default_manager.filter(pk=pk).first() if pk else None


def _act(line: Line, report: Report) -> bool:
    """Did it change anything? A row that came after the backup is not here."""
    if line.what not in ACTS:
        raise Unfit(f"The ledger says “{line.what}”, which this version of the site does not know: use the newer one.")
    model = next((one for one in apps.get_models(include_auto_created=True) if one._meta.db_table == line.table), None)
    if model is None:
        raise Unfit(
            f"The ledger names the table {line.table}, which this version of the site does not have: use the newer one."
        )
    row = model._default_manager.filter(pk=line.row).first()
    return row is not None and ACTS[line.what](row, line, report)


def _out_of_sight(row: Any, line: Line, to: str) -> bool:
    if not isinstance(row, Approved):
        raise Unfit(f"The ledger says that {line.table} {line.row} left, which has no state.")
    becomes = STATES[to].get(row.state)
    if becomes is None or getattr(row, "applied_at", None):  # a next version that is part of its record is nothing by itself
        return False
    state, _moment = columns_of_state(type(row))
    quoted = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quoted(line.table)} SET {quoted(state)} = %s WHERE id = %s",  # noqa: S608 - names of our own
            [becomes, row.pk],
        )
    return True


def _left(row: Any, line: Line, _report: Report) -> bool:
    return _out_of_sight(row, line, "suspended" if line.detail.get("to") == "suspended" else "withdrawn")


def _changed(row: Any, line: Line, report: Report) -> bool:
    """What readers saw of a person was changed, and the backup has it as it was: nobody sees that until staff looked at it."""
    is_done = _out_of_sight(row, line, "suspended" if isinstance(row, Testimonial) else "withdrawn")
    if is_done:
        report.left.append(
            f"{line.table} {line.row} was changed after the backup: write that change again before it is public."
        )
    return is_done


def _erased(row: Any, line: Line, _report: Report) -> bool:
    if row.erased_at:
        return False
    by = _account(line.actor) or get_user_model()._default_manager.filter(is_superuser=True).order_by("pk").first()
    if by is None:
        raise Unfit("There is no account that could stand for the erasing: make an administrator first (manage.py new_admin).")
    erase(row, by, REASON.format(at=line.at))
    return True


def _withdrawn(row: Consent, line: Line, _report: Report) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE testimonials_consent SET withdrawn_at = least(%s::timestamptz, statement_timestamp())"
            " WHERE id = %s AND withdrawn_at IS NULL",
            [parse_datetime(line.at), row.pk],
        )
        return cursor.rowcount > 0


def _cut(row: Consent, line: Line, _report: Report) -> bool:
    """Less than it covered, for less long; what no longer rests on it is suspended by the rules of consent."""
    if row.withdrawn_at:
        return False
    names = [name for name in line.detail["scopes"] if name.startswith("scope_")]
    ends = min(str(line.detail["expires_on"]), f"{row.expires_on}")
    return bool(Consent.objects.filter(pk=row.pk).update(**dict.fromkeys(names, False), expires_on=ends))


def _minor(row: Contributor, line: Line, report: Report) -> bool:
    if row.age == Contributor.Age.MINOR:
        return False
    report.left.append(f"Contributor {row.reference} turned out to be under 18 after the backup: write the guardian in again.")
    return bool(Contributor.objects.filter(pk=row.pk).update(age=Contributor.Age.MINOR, guardian=row.guardian or "?"))


def _gone(row: models.Model, line: Line, report: Report) -> bool:
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError:
        report.left.append(
            f"{line.table} {line.row} was deleted after the backup, and something restored rests on it: look at it."
        )
        return False
    return True


def _closed(row: Any, _line: Line, _report: Report) -> bool:
    """Whoever left the staff does not come back."""
    return bool(type(row)._default_manager.filter(pk=row.pk, is_active=True).update(is_active=False))


ACTS: dict[str, Callable[[Any, Line, Report], bool]] = {
    "left": _left, "changed": _changed, "erased": _erased, "withdrawn": _withdrawn, "cut": _cut, "minor": _minor, "gone": _gone,
    "closed": _closed,
}  # fmt: skip


def _never_again(lines: Iterable[Line]) -> None:
    """No new row gets the number of one that the ledger speaks of: applied to a later backup, it would hit the wrong one."""
    with connection.cursor() as cursor:
        for table in sorted({line.table for line in lines}):
            highest = max(line.row for line in lines if line.table == table)
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            (sequence,) = cursor.fetchone()
            cursor.execute(f"SELECT setval(%s, greatest(last_value, %s)) FROM {sequence}", [sequence, highest])  # noqa: S608
