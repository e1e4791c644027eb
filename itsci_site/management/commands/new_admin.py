"""An account for the admin with a random password, which is shown once and kept nowhere."""

import secrets
from collections.abc import Iterator
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from itsci_site.management.steps import plain_errors, step


class Command(BaseCommand):
    help = "Make an admin account with a random password."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", default="", help="its user name; unset: admin, or admin-2 and so on")
        parser.add_argument("--first", action="store_true", help="only when there is no admin account yet")

    def handle(self, *, name: str, first: bool, **_options: Any) -> None:
        users = get_user_model()._default_manager
        password = secrets.token_urlsafe(18)
        with plain_errors(), transaction.atomic():
            if first and users.filter(is_superuser=True).exists():
                return step("Admin", "kept; `make superuser` makes another account")
            if users.filter(username=name).exists():
                raise CommandError(f"There is an account {name} already: choose another NAME.")
            name = name or next(n for n in _names() if not users.filter(username=n).exists())
            account = users.model(username=name, is_staff=True, is_superuser=True)
            account.set_password(password)
            try:
                account.full_clean()
            except ValidationError as error:
                raise CommandError(f"NAME={name}: {' '.join(error.messages)}") from error
            account.save()
            # Before the commit: an account whose password nobody saw would be of no use.
            step("Admin", f"user {name}, password {password} (shown only this once)")


def _names() -> Iterator[str]:
    yield "admin"
    yield from (f"admin-{number}" for number in count(2))
