"""Removes files of meetings that nothing names any more. The admin does so by itself whenever a document is saved or goes."""

from django.core.management.base import BaseCommand

from itsci_site.management.steps import plain_errors, step
from meetings import files


class Command(BaseCommand):
    help = "Remove files of meetings that no document and no next version names and that are older than an hour."

    def handle(self, **_options: object) -> None:
        with plain_errors():
            gone = files.sweep()
        step("Files", f"{len(gone)} removed")
