"""For somebody who lost both the app and the recovery codes, when no other administrator can reset them in the admin."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from itsci_site import second_factor
from itsci_site.management.steps import plain_errors, step


class Command(BaseCommand):
    help = "Take an account's second factor away and end its sessions; it sets up a new one when it signs in next."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the account's user name")

    def handle(self, *, name: str, **_options: Any) -> None:
        with plain_errors():
            account = get_user_model()._default_manager.filter(username=name).first()
            if not account:
                raise CommandError(f"There is no account {name}: give its user name, in small and capital letters as it is.")
            second_factor.forget(account)
        step("Reset", f"user {name} sets up a new app at the next sign-in")
