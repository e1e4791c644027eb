"""What the IATI file lacks, programme by programme."""

from django.core.management.base import BaseCommand, CommandError

from itsci_site.management.steps import plain_errors, step
from programmes import iati
from programmes.models import Programme


class Command(BaseCommand):
    help = "List what IATI demands of each public programme and nobody has given; fails where something is missing."

    def handle(self, **_options: object) -> None:
        with plain_errors():
            missing = {programme: iati.missing(iati.known(programme)) for programme in Programme.objects.published()}
        for programme, gaps in missing.items():
            for name, words in gaps:
                step("IATI", f"{programme.slug}: {name}, {words}")
        if any(missing.values()):
            raise CommandError("The IATI file is not complete. Give what is missing in the admin, under Programmes, IATI.")
