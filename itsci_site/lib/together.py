"""Rows of several models by one statement: what shows a little of many tables asks once for all of them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import IntegerField, Model, QuerySet, Value
from django.db.models.functions import JSONObject

from .replica import here


def rows(asked: dict[int, tuple[QuerySet, Sequence[str]]]) -> dict[tuple[int, int], Any]:
    """Rows with the columns that are named, by the number they were asked under and their key.

    A column of a related row is named through its relation: "region__country__name_en". Any other is read when it is asked for.
    """
    branches = [
        found.order_by()
        .annotate(
            asked_as=Value(number, output_field=IntegerField()), told=JSONObject(id="pk", **{name: name for name in names})
        )
        .values_list("asked_as", "pk", "told")
        for number, (found, names) in asked.items()
    ]
    if not branches:
        return {}
    models = {number: found.model for number, (found, _names) in asked.items()}
    return {(number, pk): _row(models[number], told) for number, pk, told in branches[0].union(*branches[1:], all=True)}


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
