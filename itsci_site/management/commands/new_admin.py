"""An account for the admin with a random password, which is shown once and kept nowhere.

No account is called `admin` unless somebody wants it so: of a name that is not known no password can be tried.
"""

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from itsci_site.management.steps import plain_errors, step


class Command(BaseCommand):
    help = "Make an admin account with a random password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="", help="its user name; unset: one that nobody guesses, like staff-7d21fa")
        parser.add_argument("--first", action="store_true", help="only when there is no admin account yet")

    def handle(self, *, name: str, first: bool, **_options: Any) -> None:
        users = get_user_model()._default_manager
        password = secrets.token_urlsafe(18)
        with plain_errors(), transaction.atomic():
            if first and users.filter(is_superuser=True).exists():
                return step("Admin", "kept; `make superuser` makes another account")
            if users.filter(username=name).exists():
                raise CommandError(f"There is an account {name} already: choose another NAME.")
            name = name or f"staff-{secrets.token_hex(3)}"
            account = users.model(username=name, is_staff=True, is_superuser=True)
            account.set_password(password)
            try:
                account.full_clean()
            except ValidationError as error:
                raise CommandError(f"NAME={name}: {' '.join(error.messages)}") from error
            account.save()
            # Before the commit: an account whose password nobody saw would be of no use.
            step("Admin", f"user {name}, password {password} (shown only this once)")
