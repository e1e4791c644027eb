"""A backup in the place of the database and the files (docs/operations.md)."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from itsci_site import backup, restore
from itsci_site.lib.newsroom import ledger as newsroom_ledger
from itsci_site.management.steps import plain_errors, step


class Command(BaseCommand):
    help = "Restore a backup, take out again what left the public since, and open the site. A failure leaves what was."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("backup", type=Path, help="a backup, or a folder: the newest one in it")
        parser.add_argument("--replace", default="", metavar="NAME", help="the database whose content is to be replaced")
        parser.add_argument(
            "--ledger",
            type=Path,
            action="append",
            metavar="FILE",
            help="the ledger of the site that made it, if not this one's; may be given again",
        )
        parser.add_argument("--identity", default="", metavar="FILE", help="your key, for a backup encrypted with age")

    def handle(self, *, replace: str, ledger: list[Path] | None, identity: str, **options: Any) -> None:
        own = Path(settings.LEDGER)
        ledgers = [*(ledger or []), *([own] if own.exists() else [])]
        try:
            with plain_errors():
                cut = [one for one in ledgers if newsroom_ledger.is_cut(one)]  # before this site's goes on
                found = restore.restore(backup.newest(options["backup"]), replace, ledgers, identity, step)
        except newsroom_ledger.Damaged as error:
            raise CommandError(f"{error} Nothing was touched. Give another copy as --ledger, or mend it.") from error
        _told(found)
        for one in cut:
            step("Look at", newsroom_ledger.CUT.format(path=one))
        if found.report is None:
            raise CommandError(
                f"The backup is restored, but the site stays shut for readers: {found.why_shut} Find the ledger and "
                "run `manage.py ledger --apply FILE`. If it is lost, and you know that nothing in the backup was withdrawn: "
                "`manage.py ledger --open REASON`."
            )


def _told(found: restore.Outcome) -> None:
    step("Migrations", f"{found.migrated} applied" if found.migrated else "none to apply")
    step("Files", f"{len(found.manifest.files)} in the backup")
    for name in found.manifest.missing:
        step("Missing", f"{name} was not there when the backup was made")
    step("Trail", "whole" if found.trail.is_whole else "NOT WHOLE: see manage.py verify_trail")
    step(
        "Head",
        f"{found.trail.head} (seal {found.trail.last_seal}): of the backup; hashes written down later are not found any more",
    )
    if found.report:
        step(
            "Ledger", f"{found.report.new} lines since the backup, {sum(found.report.done.values())} of them took something out"
        )
        for line in found.report.left:
            step("Look at", line)
        step("Site", "open")
