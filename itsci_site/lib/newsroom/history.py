"""The history of a record and of what is edited with it, from the trail; and how a row is put back as it was."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import Q
from django.utils.text import capfirst

from .. import languages
from ..publishing import Approved
from . import guard, proposals, words
from .models import Entry
from .words import Difference, Names

ENTRIES_A_PAGE = 50
NEXT_VERSION = re.compile(r"Next version (\d+)")
"""The reason that `newsroom_apply_due` gives."""
Child = tuple[type[models.Model], str]
"""A model that is edited with a record, and the column of the way back."""


@dataclass(frozen=True, slots=True)
class Told:
    """One entry in words. `without`: why there are no values ("hidden", "erased"), or empty."""

    entry: Entry
    row: str
    differences: list[Difference]
    without: str
    can_revert: bool


@dataclass(frozen=True, slots=True)
class Event:
    """What one person did at once. `version`: what was said of the next version that it came with, (who, note)."""

    at: datetime
    actor: str
    reason: str
    told: list[Told]
    version: list[tuple[str, str]] = field(default_factory=list)


def entries_of(row: models.Model, children: Iterable[Child], last: int) -> "models.QuerySet[Entry]":
    """Every entry of a record and of the rows that stand or stood in its page, the newest first.

    `last`: the last entry that counts. A next version that is tried out around makes some that are none.
    """
    which = Q(table_name=row._meta.db_table, row_id=row.pk)
    for model, column in children:
        there = Entry.objects.filter(
            Q(before__contains={column: row.pk}) | Q(after__contains={column: row.pk}),
            table_name=model._meta.db_table,
            changed__contains=[column],
        )
        which |= Q(table_name=model._meta.db_table, row_id__in=there.values("row_id"))
    return Entry.objects.filter(which, pk__lte=last).order_by("-pk")


def told(entry: Entry, names: Names) -> Told:
    model = proposals.models_by_table().get(entry.table_name)
    values = {**(entry.before or {}), **(entry.after or {})}
    without = "" if values else "erased" if entry.is_erased else "hidden"
    if model is None:
        return Told(entry, f"{entry.table_name} {entry.row_id}", [], without, False)
    row = f"{capfirst(model._meta.verbose_name)}: {names.of(model, entry.row_id, values)}"
    differences = list(words.of_row(model, row, entry.before, entry.after, names))
    if without:
        nothing = words.escape("")
        differences = [Difference(row, words.label(model, column), nothing, nothing) for column in entry.changed]
    return Told(entry, row, differences, without, entry.operation == Entry.Operation.UPDATE and not without)


def events(entries: Iterable[Entry]) -> list[Event]:
    """Entries with what was done at once together."""
    names, found, last = Names(), list[Event](), None
    entries = list(entries)
    versions = _versions({int(match[1]) for one in entries if (match := NEXT_VERSION.fullmatch(one.reason))})
    for entry in entries:
        place = (entry.transaction, entry.actor, entry.reason)
        if place != last:
            match = NEXT_VERSION.fullmatch(entry.reason)
            found.append(Event(entry.at, entry.actor, entry.reason, [], versions.get(int(match[1]), []) if match else []))
            last = place
        found[-1].told.append(told(entry, names))
    return found


def _versions(ids: set[int]) -> dict[int, list[tuple[str, str]]]:
    """Who said what of next versions."""
    found = defaultdict[int, list[tuple[str, str]]](list)
    entries = Entry.objects.filter(table_name="newsroom_proposal", row_id__in=ids).exclude(reason="").order_by("pk")
    for pk, actor, reason in entries.values_list("row_id", "actor", "reason"):
        if not NEXT_VERSION.fullmatch(reason) and (actor, reason) not in found[pk]:
            found[pk].append((actor, reason))
    return found


# Putting back


@dataclass(frozen=True, slots=True)
class Putting:
    """What putting a row back makes of it. `before` and `after`: the columns that differ. `left_out`: names of fields."""

    model: type[models.Model]
    pk: int
    before: dict[str, Any]
    after: dict[str, Any]
    left_out: list[str]

    @property
    def change(self) -> dict[str, Any]:
        return {"table": self.model._meta.db_table, "id": self.pk, "op": "update", "before": self.before, "after": self.after}


def present(model: type[models.Model], pk: int) -> dict[str, Any] | None:
    """A row as JSON by column, as entries have it; None where there is none."""
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(model._meta.db_table)
        cursor.execute(f"SELECT to_jsonb(t)::text FROM {table} AS t WHERE id = %s", [pk])  # noqa: S608 - a table of ours
        found = cursor.fetchone()
    return found and words.json.loads(found[0])


def never_put_back(model: type[models.Model]) -> set[str]:
    """Columns that moves, the database and files alone change."""
    fixed = {*guard.apart_of(model), *getattr(model, "kept_outside", ()), "id"}
    return fixed | set(guard.columns_of_state(model)) if issubclass(model, Approved) else fixed


def putting(entry: Entry, model: type[models.Model], last: int) -> Putting | None:
    """How the row would be as it was before an entry: what that and later ones changed undone. None where the row is gone.

    `last`: the last entry that counts, as for `entries_of`. What a next version changes beside that stays.
    """
    now = present(model, entry.row_id)
    if now is None:
        return None
    fixed, was, left_out = never_put_back(model), dict[str, Any](), dict[str, str]()
    later = Entry.objects.filter(table_name=entry.table_name, row_id=entry.row_id, pk__range=(entry.pk, last))
    for one in later.exclude(operation=Entry.Operation.INSERT).order_by("pk").iterator():
        was_then = one.before or {}
        for column in {*one.changed} - fixed - was.keys() - left_out.keys():
            if column not in now or column not in was_then or is_lost(model, column, was_then[column]):
                left_out[column] = words.label(model, column)
            else:
                was[column] = was_then[column]
    differing = [column for column, value in was.items() if now[column] != value]
    before, after = ({column: one[column] for column in differing} for one in (now, was))
    return Putting(model, entry.row_id, before, after, sorted(left_out.values()))


def is_lost(model: type[models.Model], column: str, value: Any) -> bool:
    """Does a column name a file that is no longer there?"""
    found = words.field_of(model, column)
    return isinstance(found, models.FileField) and bool(value) and not found.storage.exists(value)


def check(what: Putting) -> None:
    """Raises ValidationError, in words, where the row could not be so: beforehand, and not as Postgres would say it."""
    row: Any = what.model._base_manager.get(pk=what.pk)
    fields = [(words.field_of(what.model, column), value) for column, value in what.after.items()]
    written = {found.name for found, _value in fields if found} - set(languages.fields(what.model))
    for found, value in fields:
        if found and found.name in written:
            setattr(row, found.attname, found.to_python(value))
    valid(row, {one.name for one in what.model._meta.fields} - written)


def valid(row: models.Model, exclude: set[str]) -> None:
    """`full_clean`, with every error under the name of its field. Raises ValidationError."""
    errors = []
    for ask in (row.clean_fields, row.validate_unique, row.validate_constraints):
        try:
            ask(exclude=exclude if ask == row.clean_fields else None)
        except ValidationError as error:
            errors += list(_named(row, error))
    if errors:
        raise ValidationError(list(dict.fromkeys(errors)))


def _named(row: models.Model, error: ValidationError) -> Iterator[str]:
    for name, said in error.message_dict.items():
        found = next((one for one in row._meta.fields if one.name == name), None)
        for one in said:
            yield f"{words.label(type(row), str(found.column))}: {one}" if found else one
