"""What Postgres itself refuses, asked in plain SQL: no model, form or manager stands between."""

from dataclasses import dataclass
from typing import Any

from django.db import Error, connection, transaction


@dataclass(frozen=True, slots=True)
class Rule:
    """One named rule of the database, with a statement over valid rows that it forbids and the nearest that it allows.

    Statements name rows as %(name)s; the fixture `rows` of each test module holds the ids.
    """

    name: str
    forbidden: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.name}: {self.forbidden}"


def delete(table: str, row: str) -> str:
    return f"DELETE FROM {table} WHERE id = %({row})s"  # noqa: S608 - written in the tests


def update(table: str, row: str, change: str) -> str:
    return f"UPDATE {table} SET {change} WHERE id = %({row})s"  # noqa: S608 - written in the tests


def rule(name: str, table: str, row: str, wrong: str, right: str) -> Rule:
    """A rule over one row: what may not be SET and what may."""
    return Rule(name, update(table, row, wrong), update(table, row, right))


def run(statement: str, rows: dict[str, Any]) -> None:
    """Executes `statement`, which must touch exactly one row, and has the deferred constraints of it checked too."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, rows)
        assert cursor.rowcount == 1, f"{cursor.rowcount} rows touched by: {statement}"
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def refused_by(statement: str, rows: dict[str, Any]) -> str:
    """The name of the constraint that refuses `statement`; empty if none does."""
    try:
        run(statement, rows)
    except Error as error:
        return error.__cause__.diag.constraint_name or ""  # type: ignore[union-attr]
    return ""
