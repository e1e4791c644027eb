"""What becomes of a request whose session cannot be saved at its end, when what it sent is saved already."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client

from itsci_site import pg_programs
from regions.models import Source
from tests import factories as make

from .test_admin import Form, address

pytestmark = pytest.mark.django_db(transaction=True)


def saved_while(act: Callable[[psycopg.Connection], Any]) -> Any:
    """The answer to an edit during which `act` runs, on another connection, just before the session is saved."""
    source = make.make_source(name_en="As it was")
    client = make.sign_in(Client(raise_request_exception=False), make.make_user("alice"))
    page = address(Source, "change", source.pk)
    typed = Form(client.get(page)).values | {"name_en": "As it is", "_reason": "A test"}

    def at_the_session(execute: Any, sql: str, params: Any, many: bool, context: dict) -> Any:
        if sql.startswith('UPDATE "django_session"'):
            with psycopg.connect(pg_programs.reach()) as other:
                act(other)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(at_the_session):
        answer = client.post(page, typed, headers={"Origin": "http://testserver"})
    connection.close()
    assert Source.objects.filter(name_en="As it is").exists()
    return answer


def test_the_database_goes_away() -> None:
    pid = connection.cursor().execute("SELECT pg_backend_pid()").fetchone()[0]
    answer = saved_while(lambda other: other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid]))
    assert answer.status_code == 503
    assert "It may have been saved before the database went away" in answer.content.decode()
    assert 'value="As it is"' in answer.content.decode()


def test_the_session_is_ended_meanwhile() -> None:
    answer = saved_while(lambda other: other.execute("DELETE FROM django_session"))
    assert answer.status_code == 400
    assert "It may be saved: sign in again" in answer.content.decode()
    assert "Nothing was changed" not in answer.content.decode()
