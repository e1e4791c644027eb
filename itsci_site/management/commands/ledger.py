"""The ledger of what left the public (docs/operations.md)."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from itsci_site import reapply
from itsci_site.lib.newsroom import ledger
from itsci_site.management.steps import plain_errors, step


class Command(BaseCommand):
    help = "Write into the ledger what is not in it yet, and say whether the site is open; or open a restored one."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", type=Path, action="append", metavar="FILE", help="apply a ledger to a restored database")
        parser.add_argument(
            "--open", default="", metavar="REASON", help="open a restored database without it; the reason stays"
        )

    def handle(self, *, apply: list[Path] | None, open: str, **_options: Any) -> None:
        with plain_errors():
            if (apply or open) and ledger.is_open():
                raise CommandError("This database is open: it was not restored, or its ledger was applied.")
            if apply:
                _applied(apply)
            elif open.strip():
                reapply.opened_without(open.strip())
            is_open = ledger.is_open()
            step("Ledger", f"{ledger.keep() if is_open else 0} lines added to {settings.LEDGER}")
        step("Site", "open" if is_open else "shut for readers: restored, and its ledger was not applied")


def _applied(files: list[Path]) -> None:
    try:
        report = reapply.apply(line for one in files for line in ledger.read(one))
    except (reapply.Unfit, ledger.Damaged) as error:
        raise CommandError(str(error)) from error
    step("Applied", f"{report.new} lines, {sum(report.done.values())} of them took something out")
    for line in [*report.left, *(ledger.CUT.format(path=one) for one in files if ledger.is_cut(one))]:
        step("Look at", line)
