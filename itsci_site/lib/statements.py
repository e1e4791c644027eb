"""Querysets whose statement is made once in each process: to make one takes the ORM longer than Python takes with its rows.

    NEWEST = Statement(lambda region, most: Story.objects.filter(region=region, publish_at__lte=most).order_by("-pk"))
    NEWEST(region.pk, at)

The numbers, texts and moments that it is given become parameters; None, False and True make a statement of their own, as do the
size of a list, the language (of translated fields) and the server that is asked.
"""

from collections.abc import Callable, Hashable, Iterator
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler
from django.utils.translation import get_language

from .replica import here

Row = TypeVar("Row")
KEPT = 64
"""Statements of one queryset."""


@dataclass(frozen=True, slots=True)
class _Made:
    rows: QuerySet
    compiler: SQLCompiler
    """Has made `sql`, and so knows what its columns are."""
    sql: str
    parameters: tuple[Any, ...]
    places: tuple[tuple[int, int, type | None], ...]
    """Where in the parameters which given value stands, and the type that the database's adapter put round it, if any."""


class Statement(Generic[Row]):
    """A queryset by what differs from one time to the next.

    `make` is called with stand-ins of the same types, and must put them into the query as they are; rows are passed by their
    keys. It may not read a clock, and prefetches nothing: whoever has the rows does. A list is for `__in`: its last key is
    repeated until there are a power of two, so that ten statements do for a thousand sizes.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, Row]]) -> None:
        self._make = make
        self._made = lru_cache(KEPT)(self._make_once)

    def __call__(self, *given: Any) -> list[Row]:
        """The rows. `given`: int, str, date, datetime, list of int or str, bool, None."""
        made = self._made(tuple(map(_shape, given)), get_language(), here())
        if made is None:
            return []
        values = _flat(given)
        parameters = list(made.parameters)
        for place, which, kind in made.places:
            parameters[place] = values[which] if kind is None else kind(values[which])
        return list(_bound(made, tuple(parameters)))

    def first(self, *given: Any) -> Row | None:
        """The first of them; the queryset should read no more than that."""
        return next(iter(self(*given)), None)

    def by_key(self, *given: Any) -> dict[Any, Row]:
        """Rows of a model by their keys, in their order."""
        rows: list[Any] = self(*given)
        return {row.pk: row for row in rows}

    def _make_once(self, shapes: tuple[Any, ...], _language: str | None, using: str) -> _Made | None:
        """None: what finds nothing whatever the database holds."""
        numbers = iter(range(1_000_000))
        stand_ins = [_stand_in(shape, numbers) for shape in shapes]
        flat = _flat(stand_ins)
        rows = self._make(*stand_ins).using(using)
        if rows._prefetch_related_lookups:  # type: ignore[attr-defined]
            raise TypeError("A statement prefetches nothing: use prefetch_related_objects on its rows.")
        compiler = rows.query.get_compiler(using)
        try:
            sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            return None
        known = {value: which for which, value in enumerate(flat)}
        places = []
        for place, one in enumerate(parameters):
            which = known.get(one) if isinstance(one, Hashable) else None
            if which is not None:
                places.append((place, which, None if type(one) is type(flat[which]) else type(one)))
            elif isinstance(one, date):
                raise TypeError(f"{one} would stand still in a statement that is made once: let it be given.")
        if len({which for _place, which, _kind in places}) < len(flat):
            raise TypeError("Not every given value came into the statement as it is.")
        return _Made(rows, compiler, sql, tuple(parameters), tuple(places))


def _shape(given: Any) -> Any:
    """What of a value is part of the statement."""
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, list | tuple):
        return _whole(len(given)), str if given and isinstance(given[0], str) else int
    for kind in (str, int, datetime, date):
        if isinstance(given, kind):
            return kind
    raise TypeError(f"A statement cannot be given {type(given).__name__}: give what it is found by.")


def _stand_in(shape: Any, numbers: Iterator[int]) -> Any:
    """A value of that shape that nothing else in a statement has."""
    if isinstance(shape, tuple):
        count, kind = shape
        return [_stand_in(kind, numbers) for _one in range(count)]
    if shape is str:
        return f"\ue004{next(numbers)}"
    if shape is int:
        return -8_000_000_000_000_000_000 - next(numbers)
    if shape is datetime:
        return datetime(9998, 1, 1, microsecond=next(numbers), tzinfo=UTC)
    if shape is date:
        return date.fromordinal(date.max.toordinal() - next(numbers))
    return shape


def _whole(size: int) -> int:
    """The next power of two, or nothing."""
    return 1 << (size - 1).bit_length() if size else 0


def _flat(given: Any) -> list[Any]:
    """The values that are parameters."""
    found: list[Any] = []
    for one in given:
        if isinstance(one, list | tuple):
            found += one
            found += one[-1:] * (_whole(len(one)) - len(one))
        elif one is not None and not isinstance(one, bool):
            found.append(one)
    return found


def _bound(made: _Made, parameters: tuple[Any, ...]) -> QuerySet:
    """The queryset as if its statement had just been made with these parameters."""
    compiler: Any = copy(made.compiler)
    compiler.connection = connections[compiler.using]  # this thread's
    compiler.as_sql = lambda *_args, **_named: (made.sql, parameters)
    rows: Any = made.rows._chain()  # type: ignore[attr-defined]
    rows.query.get_compiler = lambda *_args, **_named: compiler
    return rows
