"""Copies of all that is public, made now (docs/operations.md): a deployment need not wait until the site makes them."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from itsci_site.last_good import Keeper
from itsci_site.lib.lastgood import Store
from itsci_site.management.steps import plain_errors, step
from itsci_site.readable import Application
from regions.content_version import Content


class Command(BaseCommand):
    help = "Make the copies of public pages that are given while the database does not answer."

    def handle(self, **_options: object) -> None:
        store = Store(Path(settings.LAST_GOOD_ROOT))
        try:
            with plain_errors():
                number = Keeper(Application(), Content(), store).keep_all()
        except (LookupError, OSError) as error:
            raise CommandError(f"Copies of pages could not be made: {error}") from error
        step("Copies", f"{number} addresses in {store.folder}")
