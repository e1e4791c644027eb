"""Readings from a CSV or XLSX file into the register, all or nothing (docs/import.md)."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DataError, IntegrityError

from itsci_site.management.bars import bar
from itsci_site.management.steps import plain_errors, step
from programmes.exports import COLUMNS
from regions import importers


class Command(BaseCommand):
    help = "Import readings from a CSV or XLSX file, all or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Check everything and write nothing.")

    def handle(self, *, file: Path, dry_run: bool, **_options: object) -> None:
        if not file.is_file():
            raise CommandError(f"There is no file {file}.")
        try:
            with plain_errors():
                outcome = importers.load(file, [column.name for column in COLUMNS], dry_run, bar)
        except importers.Refused as error:
            told = f"{len(error.problems)} to correct in {file.name}. Nothing was written: import it again afterwards."
            raise CommandError(f"{error}\n{told}") from error
        except (IntegrityError, DataError) as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"The database refused a row of {file.name}, and nothing was written: {reason}") from error
        told = f"{len(outcome.new)} new, {outcome.same} the same, {len(outcome.corrections)} corrections"
        step("Readings", told + (" (dry run: nothing was written)" if dry_run else ""))
        if outcome.drafts:
            step("Drafts", f"{outcome.drafts} without published_at: publish them in the admin")
        if outcome.headlines:
            step("Headlines", f"{outcome.headlines} rows passed over: headlines are kept in the admin")
