"""The database, the uploaded files and a manifest as one file (docs/operations.md)."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from itsci_site import backup
from itsci_site.management.steps import plain_errors, step


class Command(BaseCommand):
    help = "Write a backup into a folder, whole or not at all. Ends with status 1 if a file that a row names is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="best on another disk or machine; it is made if it is not there")
        parser.add_argument(
            "--encrypt-to",
            default="",
            metavar="KEY",
            help="an age recipient (age1…) or a key that gpg knows, best by its fingerprint",
        )

    def handle(self, *, folder: Path, encrypt_to: str, **_options: Any) -> None:
        try:
            with plain_errors():
                path, manifest = backup.make(folder, encrypt_to)
        except CommandError as error:
            raise CommandError(f"No backup was made. {error}") from error
        step("Backup", f"{path}, {path.stat().st_size:,} bytes")
        step("Holds", f"{sum(manifest.rows.values()):,} rows in {len(manifest.rows)} tables, {len(manifest.files):,} files")
        step("Head", f"{manifest.trail_head or '-'} (seal {manifest.trail_seal or '-'}): write it down elsewhere")
        if manifest.missing:
            names = "\n".join(manifest.missing)
            raise CommandError(f"The backup was made, but these files that rows name were not there:\n{names}")
