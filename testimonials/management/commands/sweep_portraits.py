from django.core.management.base import BaseCommand, CommandError

from itsci_site.lib.uploads import Away
from testimonials import files


class Command(BaseCommand):
    help = "Remove the files of portraits that no story and no next version of one names any more."

    def handle(self, **_options: object) -> None:
        try:
            gone = files.sweep()
        except Away as error:
            raise CommandError(f"{error}: manage.py check_install tells more.") from error
        self.stdout.write(f"{gone} removed")
