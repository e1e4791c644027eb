"""Rows of several models by one statement: what shows a little of many tables asks once for all of them."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import F, Model, QuerySet
from django.db.models.functions import JSONObject

from .replica import connection, here


@dataclass(frozen=True, slots=True)
class Source:
    """Rows of a model, and which of their columns are read; any other is read when it is asked for.

    `rows` is asked once in each process, as making its SQL costs more than running it: its rows rest on the database alone.
    A column of a related row is named through its relation: "region__country__name_en".
    """

    rows: Callable[[], QuerySet]
    names: tuple[str, ...]


def rows(asked: dict[int, tuple[Source, list[int]]]) -> dict[tuple[int, int], Any]:
    """The rows of each source that have these keys, by the number that they were asked under and their key."""
    if not asked:
        return {}
    parts, parameters = [], list[Any]()
    for number, (source, keys) in asked.items():
        _model, sql, given = _read(source)
        parts.append(f"SELECT {number:d}, one.* FROM ({sql}) AS one WHERE key = ANY(%s::bigint[])")  # noqa: S608 - parameters
        parameters += [*given, keys]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), parameters)
        return {(number, pk): _row(_read(asked[number][0])[0], json.loads(told)) for number, pk, told in cursor.fetchall()}


@cache
def _read(source: Source) -> tuple[type[Model], str, tuple[Any, ...]]:
    found, told = source.rows(), JSONObject(id="pk", **{name: name for name in source.names})
    # In the words of the server that is asked here: QuerySet gives those of the first database alone.
    read = found.order_by().annotate(key=F("pk"), told=told).values("key", "told")
    sql, parameters = read.query.get_compiler(here()).as_sql()
    return found.model, f"SELECT key, told FROM ({sql}) AS one", tuple(parameters)  # noqa: S608 - made by Django


def _row(model: type[Model], told: dict[str, Any]) -> Model:
    """As the ORM reads it, but from JSON."""
    meta: Any = model._meta
    own: dict[str, Any] = {}
    related: dict[str, dict[str, Any]] = defaultdict(dict)
    for name, value in told.items():
        first, _beyond, rest = name.partition("__")
        if rest:
            related[first][rest] = value
        else:
            own[name] = meta.get_field(name).to_python(value)
    fields = [field.attname for field in meta.concrete_fields if field.attname in own]
    row = model.from_db(here(), fields, [own[name] for name in fields])
    for first, values in related.items():
        relation = meta.get_field(first)
        relation.set_cached_value(row, _row(relation.related_model, values))
    return row
