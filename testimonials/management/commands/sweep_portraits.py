from django.core.management.base import BaseCommand

from testimonials import files


class Command(BaseCommand):
    help = "Remove the files of portraits that no story and no next version of one names any more."

    def handle(self, **_options: object) -> None:
        self.stdout.write(f"{files.sweep()} removed")
