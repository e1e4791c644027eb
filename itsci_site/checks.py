"""What Django's own checks don't ask of this site's surroundings."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

OLDEST = 15


@register(Tags.database)
def postgres_is_new_enough(databases: Sequence[str] | None = None, **_options: Any) -> list[CheckMessage]:
    """Runs with migrate, `check --database default` and make run: it needs a connection."""
    found = {alias: connections[alias].get_database_version() for alias in databases or []}
    return [
        Error(
            f"The database {alias!r} is Postgres {version[0]}, but this site needs {OLDEST} or newer.",
            hint="Point DATABASE_URL at a newer server, or leave it unset to use the project's own.",
            id="itsci_site.E001",
        )
        for alias, version in found.items()
        if version[0] < OLDEST
    ]
