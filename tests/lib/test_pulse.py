"""What says that the database is not there, and what speaks of a question to it alone."""

import psycopg
import pytest
from django import db

from itsci_site.lib import pulse


def of_django(cause: BaseException) -> db.OperationalError:
    error = db.OperationalError("what the driver said")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("error", [psycopg.OperationalError(), psycopg.InterfaceError(), psycopg.errors.AdminShutdown()])
def test_it_is_lost_whoever_says_so(error: psycopg.Error) -> None:
    """The driver's own error comes from a streamed answer, whose cursor Django closes without a word of its own."""
    assert pulse.is_lost(error) and pulse.is_lost(of_django(error))


@pytest.mark.parametrize(
    "error", [psycopg.errors.QueryCanceled(), psycopg.errors.LockNotAvailable(), of_django(psycopg.errors.QueryCanceled())]
)
def test_a_question_given_up_is_none(error: Exception) -> None:
    assert not pulse.is_lost(error)
    assert not pulse.is_lost(ValueError()) and not pulse.is_lost(None)
