"""Whether anybody changed the trail of changes (docs/history.md)."""

from django.core.management.base import BaseCommand, CommandError, CommandParser

from itsci_site.lib.newsroom import verify
from itsci_site.lib.newsroom.models import Seal
from itsci_site.management.bars import count
from itsci_site.management.steps import plain_errors, step


class Command(BaseCommand):
    help = "Verify the trail of changes and print the hash of its last seal, to be written down elsewhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=int, metavar="SEAL", help="Trust the chain up to this seal and read what follows.")
        parser.add_argument("--head", default="", metavar="HASH", help="A hash written down earlier: a seal has to have it.")

    def handle(self, *, since: int | None, head: str, **_options: object) -> None:
        report = verify.Report()
        try:
            with plain_errors():
                for _entries in count(verify.verified(report, since, head.strip().lower()), "Seals"):
                    pass
                verify.noted(report)
        except Seal.DoesNotExist:
            raise CommandError(f"There is no seal {since}: it was never set, or it was taken away.") from None
        step("Trail", f"{report.seals} seals, {report.entries} entries read")
        if not report.is_whole:
            raise CommandError("\n".join([*report.problems, "The trail is not whole."]))
        step("Head", f"{report.head} (seal {report.last_seal}): write it down elsewhere, and give it as --head next time")
