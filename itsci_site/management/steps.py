"""How the set-up commands speak: one line a step, and one line for what stops them."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management.base import CommandError
from django.db import DatabaseError
from django.db.utils import NotSupportedError, OperationalError, ProgrammingError

from itsci_site.lib.localdb import LocalServerError
from itsci_site.lib.uploads import Away

FULL = "The disk is full: free at least 500 MB and start again."


def step(name: str, text: str) -> None:
    print(f"{name:<12}{text}", flush=True)


@contextmanager
def plain_errors() -> Iterator[None]:
    """What a person can mend becomes a CommandError of one line; anything else is a fault of ours and keeps its traceback."""
    try:
        yield
    except LocalServerError as error:
        raise CommandError(str(error)) from error
    except DatabaseError as error:
        if "No space left on device" in str(error):
            raise CommandError(FULL) from error
        first = str(error).strip().partition("\n")[0].rstrip(".") + "."
        if isinstance(error, NotSupportedError):  # older than Django itself supports, so it never comes to our own check
            raise CommandError(f"{first} This site needs 15 or newer: correct DATABASE_URL, or leave it unset.") from error
        if isinstance(error, OperationalError) or "permission denied" in first:
            raise CommandError(
                f"The database cannot be used: {first} "
                "Start its server, correct DATABASE_URL, or leave DATABASE_URL unset to use the project's own."
            ) from error
        if isinstance(error, ProgrammingError) and "does not exist" in first:
            raise CommandError(f"The database has no tables of this site yet: use `make run` first. {first}") from error
        raise
    except Away as error:
        raise CommandError(f"{error}: manage.py check_install tells more.") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise CommandError(FULL) from error
        if error.errno in (errno.EACCES, errno.EROFS):
            raise CommandError(f"{error.filename} cannot be written: {error.strerror}.") from error
        raise
