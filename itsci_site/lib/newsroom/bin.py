"""The bin: deleted rows as the trail has them, and how they come back, with what hung on them: as drafts or next versions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import DatabaseError, models, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from ..publishing import Approved, Status, register_is_open
from . import guard, history, proposals, trail, words
from .models import Entry, Proposal
from .words import Names

ROWS_A_PAGE = 50
AT_MOST = timedelta(days=1)
"""How far apart entries of one transaction lie: its number alone could have been another's in a database restored since."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deleted row that can come back. `along`: the rows that hung on it and went with it."""

    entry: Entry
    kind: str
    name: str
    along: list[Entry]


def desks(site: admin.AdminSite) -> dict[str, Any]:
    """The admins of content by table: those that say who may see what was deleted."""
    return {model._meta.db_table: page for model, page in site._registry.items() if hasattr(page, "may_see_deleted")}


def gone(tables: Iterable[str]) -> "models.QuerySet[Entry]":
    """The last deletions of rows that are not there now and whose values are kept, the newest first."""
    known, which = proposals.models_by_table(), Q(pk__in=[])
    for table in tables:
        which |= Q(table_name=table) & ~Q(row_id__in=known[table]._base_manager.values("pk"))
    later = Entry.objects.filter(
        table_name=models.OuterRef("table_name"),
        row_id=models.OuterRef("row_id"),
        operation="delete",
        pk__gt=models.OuterRef("pk"),
    )
    found = Entry.objects.filter(which, operation=Entry.Operation.DELETE, before__isnull=False)
    return found.exclude(models.Exists(later)).order_by("-pk")


def listed(site: admin.AdminSite, request: HttpRequest, entries: Iterable[Entry]) -> Iterator[Deleted]:
    """What this person may see of them, without rows that come back with another."""
    pages, names = desks(site), Names()
    for entry in entries:
        page = pages.get(entry.table_name)
        if page and page.may_see_deleted(request, entry.before) and not _hangs_on_another(entry):
            name = names.of(page.model, entry.row_id, entry.before)
            yield Deleted(entry, capfirst(page.model._meta.verbose_name), name, list(went_along(entry)))


def _of_same_transaction(entry: Entry) -> "models.QuerySet[Entry]":
    return Entry.objects.filter(
        transaction=entry.transaction, at__range=(entry.at - AT_MOST, entry.at + AT_MOST), operation=Entry.Operation.DELETE,
        before__isnull=False,
    ).exclude(pk=entry.pk)  # fmt: skip


def _hangs_on_another(entry: Entry) -> bool:
    """Was the row that shows it deleted with it? That is where it comes back."""
    model = proposals.models_by_table()[entry.table_name]
    for field in _ways_up(model):
        up = (entry.before or {}).get(field.column)
        table = field.related_model._meta.db_table
        if up is not None and gone([table]).filter(row_id=up, transaction=entry.transaction).exists():
            return True
    return False


def _ways_up(model: type[models.Model]) -> list[Any]:
    """The foreign keys whose row takes this one along when it is deleted."""
    return [
        one for one in model._meta.fields if one.remote_field and getattr(one.remote_field, "on_delete", None) is models.CASCADE
    ]


def went_along(entry: Entry) -> Iterator[Entry]:
    """The rows that hung on a deleted one, went with it and are not there now; then those that hung on them."""
    above = proposals.models_by_table()[entry.table_name]
    for model in proposals.models_by_table().values():
        ways = [one for one in _ways_up(model) if one.related_model is above]
        if not ways or model._meta.db_table not in trail.watched():
            continue
        hung = Q(pk__in=[])
        for one in ways:
            hung |= Q(before__contains={one.column: entry.row_id})
        missing = ~Q(row_id__in=model._base_manager.values("pk"))
        for below in _of_same_transaction(entry).filter(hung, missing, table_name=model._meta.db_table).order_by("pk"):
            yield below
            yield from went_along(below)


@dataclass(frozen=True, slots=True)
class Restored:
    """`proposal`: where what was restored waits for a second person, instead of standing there already."""

    row: models.Model
    proposal: Proposal | None
    left_out: list[str]


def restore(entry: Entry) -> Restored:
    """Inside a transaction that says who acts and why (trail.acting). Raises ValidationError with what stands in the way."""
    model = proposals.models_by_table()[entry.table_name]
    if Proposal.objects.pending().of(model, entry.row_id).exists():
        raise ValidationError(_("It is being restored already: its next version waits for approval."))
    start, mark, left_out = trail.last_entry(), transaction.savepoint(), list[str]()
    try:
        with transaction.atomic():
            if register_is_open():
                proposals.try_out()
            row = _made(model, entry, left_out)
            for below in list(went_along(entry)):
                _made(proposals.models_by_table()[below.table_name], below, left_out)
    except DatabaseError as error:
        raise ValidationError(_("The database refused this: {why}").format(why=proposals.plainly(error))) from error
    changes = trail.changes_since(start)
    transaction.savepoint_rollback(mark)
    if register_is_open() and any(proposals.is_shown(change) for change in changes):
        title = f"{model._meta.verbose_name}: {row}"[:300]
        proposal = Proposal(
            record=model._meta.label_lower, row_id=row.pk, title=title, changes=[one.as_json() for one in changes]
        )
        proposal.save()
        return Restored(row, proposal, left_out)
    try:
        with transaction.atomic():
            proposals.replay([one.as_json() for one in changes])
    except DatabaseError as error:
        raise ValidationError(_("The database refused this: {why}").format(why=proposals.plainly(error))) from error
    return Restored(row, None, left_out)


def _made(model: type[models.Model], entry: Entry, left_out: list[str]) -> models.Model:
    """The row of a deletion, a draft where it has a state. Raises ValidationError with its name."""
    values = dict(entry.before or {})
    if issubclass(model, Approved):
        state, moment = guard.columns_of_state(model)
        values |= {state: Status.DRAFT, moment: None, "approved_by_id": None}
        values |= {one: None for one in ("status_by_id", "status_at") if one in values}
    for column in getattr(model, "kept_outside", ()):
        if values.pop(column, None):
            left_out.append(words.label(model, column))
    name = f"{capfirst(model._meta.verbose_name)} {entry.row_id}"
    for column in [one for one in values if history.is_lost(model, one, values[one])]:
        raise ValidationError(
            _("{name}: the file of “{field}” is gone, so it cannot come back. Add it anew.").format(
                name=name, field=words.label(model, column)
            )
        )
    try:
        row = words.built(model, values)
        row.pk = entry.row_id
        history.valid(row, {one.name for one in model._meta.fields if not one.editable or one.primary_key})
    except ValidationError as error:
        raise ValidationError([f"{name}: {one}" for one in error.messages]) from error
    row.save(force_insert=True)
    return row
