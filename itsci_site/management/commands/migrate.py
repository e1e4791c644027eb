"""Django's `migrate`, which does not make readers wait: who changes a table queues, and everybody else behind it."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import OperationalError, connections

PATIENCE = "5s"
LOCK_NOT_AVAILABLE = "55P03"


class Command(migrate.Command):
    help = f"{migrate.Command.help} Gives up where a table cannot be had within {PATIENCE}; what was applied stays applied."

    def handle(self, *words: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [PATIENCE])
        try:
            super().handle(*words, **options)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                raise
            told = f"A table is in use, and was waited for no longer than {PATIENCE}, since readers wait behind a migration."
            raise CommandError(f"{told} The migration under way was taken back. Run it again.") from error
        finally:
            if connection.connection is not None and not connection.connection.closed:
                connection.connection.execute("RESET lock_timeout")
