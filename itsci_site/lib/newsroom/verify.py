"""Is the trail whole? Every seal is made again from its entries and the seal before it, and every entry from its values.

Read in the order of the chain, some hundred seals at a time, so that memory stays flat whatever the length. A chain that was
cut off at its end, or written anew from some point on, is whole in itself: only a hash that was written down elsewhere tells.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connection

from . import ledger, trail
from .models import Note, Seal

SEALS_A_BATCH = 200
TOLD = 20
"""Ids that one line names."""

# `unfit`: entries whose values are not those that were sealed; `silent`: whose values are gone without an entry that says so.
BATCH = """
SELECT seal.id, seal.at, seal.previous, seal.hash, seal.entries,
       newsroom_seal_hash(seal.previous, seal.id, seal.at) AS made_again, found.number, found.unfit, found.silent
FROM (SELECT * FROM newsroom_seal WHERE %(after)s::timestamptz IS NULL OR at > %(after)s ORDER BY at LIMIT %(size)s) AS seal
CROSS JOIN LATERAL (
    SELECT count(*) AS number,
           array_agg(id ORDER BY id) FILTER (
               WHERE CASE WHEN pinch <> '' THEN digest <> newsroom_digest(pinch, before, after)
                          ELSE before IS NOT NULL OR after IS NOT NULL END) AS unfit,
           array_agg(id ORDER BY id) FILTER (WHERE pinch = '' AND NOT EXISTS (
               SELECT FROM newsroom_entry AS note WHERE note.table_name = 'newsroom_entry' AND note.row_id = entry.id
               AND note.operation = 'update')) AS silent
    FROM newsroom_entry AS entry WHERE entry.seal_id = seal.id
) AS found ORDER BY seal.at
"""
# Entries of this transaction are sealed when it commits.
UNSEALED = """
SELECT id FROM newsroom_entry AS entry WHERE NOT EXISTS (SELECT FROM newsroom_seal WHERE id = entry.seal_id)
AND seal_id NOT IN (SELECT seal FROM newsroom_unsealed) ORDER BY id LIMIT %s
"""
SET = """
SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger
WHERE NOT tgisinternal
  AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
"""
OWN = {
    ("newsroom_entry", "newsroom_only_added_to"), ("newsroom_entry", "newsroom_written_by_triggers"),
    ("newsroom_entry", "newsroom_trail_update"), ("newsroom_seal", "newsroom_only_added_to"),
    ("newsroom_seal", "newsroom_written_by_triggers"), ("newsroom_unsealed", "newsroom_set_seal"),
    ("newsroom_unsealed", "newsroom_written_by_triggers"),
}  # fmt: skip
"""Table and trigger: those that guard the trail itself."""


@dataclass(slots=True)
class Report:
    """What a verification found. `head` is the hash of the last seal it read; `problems` a line each."""

    seals: int = 0
    entries: int = 0
    last_seal: int = 0
    head: str = ""
    problems: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        return not self.problems


def verified(report: Report, since: int | None = None, head: str = "") -> Iterator[int]:
    """Fills a report; yields the number of entries of each seal as it goes. Raises Seal.DoesNotExist for an unknown `since`.

    `since`: a seal that is trusted; what came before it is not read. `head`: a hash that has to be that of some seal.
    """
    start = Seal.objects.get(pk=since) if since else None
    after, report.head = (start.at, start.hash) if start else (None, "")
    report.last_seal = start.pk if start else 0
    is_head_there = not head or (start is not None and start.hash == head)
    while batch := _batch(after):
        for seal, at, previous, hash_, entries, made_again, number, unfit, silent in batch:
            report.problems += _of_seal(seal, at, previous == report.head, hash_ == made_again, entries, number)
            if unfit:
                report.problems.append(f"Values that are not those that were sealed: {_entries(unfit)} (seal {seal}).")
            if silent:
                report.problems.append(f"Values erased without an entry that says so: {_entries(silent)} (seal {seal}).")
            report.seals, report.entries = report.seals + 1, report.entries + number
            report.last_seal, report.head, after = seal, hash_, at
            is_head_there = is_head_there or hash_ == head
            yield number
    report.problems += _unsealed()
    if not is_head_there:
        read = f"after seal {since}" if since else "of the chain"
        report.problems.append(f"No seal {read} has the hash {head}: the chain was cut off or written anew before it.")
    report.problems += _not_watching()


def _batch(after: datetime | None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(BATCH, {"after": after, "size": SEALS_A_BATCH})
        return cursor.fetchall()


def _of_seal(seal: int, at: datetime, is_chained: bool, is_same: bool, entries: int, number: int) -> Iterator[str]:
    name = f"Seal {seal} of {at:%Y-%m-%d %H:%M:%S} UTC"
    if not is_chained:
        yield f"{name} does not follow the seal before it: one was taken away, put in or changed."
    if number != entries:
        yield f"{name} was set on {entries} entries, and there are {number}."
    elif not is_same:
        yield f"{name} does not fit its entries: it or one of them was changed."


def _entries(ids: list[int]) -> str:
    more = f" and {len(ids) - TOLD} more" if len(ids) > TOLD else ""
    return f"entry {', '.join(map(str, ids[:TOLD]))}{more}"


def _unsealed() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(UNSEALED, [TOLD + 1])
        if ids := [pk for (pk,) in cursor.fetchall()]:
            yield f"No seal was ever set on {_entries(ids)}, or it was taken away."


def _not_watching() -> Iterator[str]:
    """Triggers that are missing or off: what happened meanwhile is in no entry."""
    with connection.cursor() as cursor:
        cursor.execute(SET)
        state = {(table, name): enabled for table, name, enabled in cursor.fetchall()}
    watching = [(table, name) for table, name, _sql in trail.triggers()]
    watching += [(table, ledger.TRIGGER) for table in ledger.tables()]
    watching += [pair for config in apps.get_app_configs() for pair in getattr(config, "notes_for_ledger", ())]
    for table, name in [*watching, *sorted(OWN)]:
        if state.get((table, name)) != "A":
            what = "is missing" if (table, name) not in state else "is off"
            yield f"The trigger {name} of {table} {what}: changes since may have left no entry. Set it again and find out why."


def noted(report: Report) -> None:
    """Puts a verification on record, for the page of the trail."""
    kind = Note.Kind.VERIFIED if report.is_whole else Note.Kind.BROKEN
    said = {"seals": report.seals, "entries": report.entries, "seal": report.last_seal, "head": report.head}
    Note.objects.create(kind=kind, said=said | {"problems": report.problems[:TOLD]})


def last_note() -> Note | None:
    return Note.objects.filter(kind__in=[Note.Kind.VERIFIED, Note.Kind.BROKEN]).first()
