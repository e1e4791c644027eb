"""What staff do at the desk, as a browser would send it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.admin.test_admin import Form

Page = Any
CLOSED = "ALTER TABLE newsroom_register DISABLE TRIGGER USER; DELETE FROM newsroom_register"
OPENED = "INSERT INTO newsroom_register VALUES (1, now()); ALTER TABLE newsroom_register ENABLE TRIGGER USER"


@contextmanager
def before_opening() -> Iterator[None]:
    """As if what is made inside had been there when the register was opened: published by the programme, approved by nobody."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(CLOSED)
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute(OPENED)


def address(row: models.Model, page: str = "change") -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def write(client: Client, row: models.Model, why: str = "A better word", **values: Any) -> Page:
    """Opens the form of a record, types and saves."""
    form = Form(client.get(address(row))).values
    return client.post(address(row), form | {"_reason": why} | values)


def move(client: Client, row: models.Model, name: str, **values: Any) -> Page:
    """Presses the button of a move; `reason` and `at` go into its own fields."""
    return client.post(address(row, "move"), {"move": name} | {f"{name}-{key}": value for key, value in values.items()})


def told(page: Page) -> list[str]:
    return [str(message) for message in page.wsgi_request._messages]


def wait_for(moment: datetime) -> None:
    time.sleep(max(0, (moment - timezone.now()).total_seconds()) + 0.1)
