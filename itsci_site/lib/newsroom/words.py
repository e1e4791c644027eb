"""What a change says in words: fields by their names, states and other rows by theirs, texts with what differs marked."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import SequenceMatcher
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils import formats
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import get_language_info, gettext

from .. import languages
from . import proposals

BOOKKEEPING = {"authors", "status_by_id", "status_at", "translated_from"}
"""Columns that say who acted when, as the entry does itself: told where nothing else changed."""
WORD = re.compile(r"\s*\w+|\s*[^\w\s]|\s+")
SENTENCE = re.compile(r"[^.!?\n]*[.!?\n]*\s*")
MOST_PIECES = 2000
"""Of a text that are compared with those of another: the work grows with their square."""
LONG = 120
"""Characters of two texts together from which on they are printed as one, with what differs marked."""
SAME_SHOWN = 80
"""Characters that are printed of each end of a long passage that stayed the same."""
MOST_JSON = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one row. `before` and `after` are HTML, empty where there is none; `together` has both in one text."""

    row: str
    field: str
    before: SafeString
    after: SafeString
    together: SafeString = SafeString("")  # noqa: RUF009 - a text never changes


@dataclass(slots=True)
class Names:
    """The names of rows, each asked for once."""

    known: dict[tuple[type[models.Model], Any], str] = field(default_factory=dict)

    def of(self, model: type[models.Model], pk: Any, values: dict[str, Any] | None = None) -> str:
        """`values`: what a row that is gone said last."""
        place = (model, pk)
        if place not in self.known:
            row = model._base_manager.filter(pk=pk).first()
            self.known[place] = _name(row) if row else (values and _name(built(model, values))) or _nameless(model, pk)
        return self.known[place]


def _name(row: models.Model) -> str:
    try:
        return str(row)
    except (ObjectDoesNotExist, AttributeError, TypeError, ValueError):  # it stands on rows or values that are gone
        return ""


def _nameless(model: type[models.Model], pk: Any) -> str:
    return f"{model._meta.verbose_name} {pk}"


def built(model: type[models.Model], values: dict[str, Any]) -> models.Model:
    """A row from its values as JSON, by column. What the table lacks now is left out, what it has gained gets its default.

    Raises ValidationError for a value that is none of its field's.
    """
    return model(**{one.attname: one.to_python(values[one.column]) for one in model._meta.fields if one.column in values})


def field_of(model: type[models.Model], column: str) -> Any:
    return next((one for one in model._meta.fields if one.column == column), None)


def label(model: type[models.Model], column: str) -> str:
    """The name of a field by its column, with the language of a translated one; the column itself where no field is left."""
    found = field_of(model, column)
    if found is None:
        return column
    if hasattr(found, "translated_field"):
        language = get_language_info(found.language.replace("_", "-"))["name_translated"]
        return f"{capfirst(found.translated_field.verbose_name)} ({language})"
    return capfirst(str(found.verbose_name))


def in_words(model: type[models.Model], column: str, value: Any, names: Names) -> str:
    """A value from JSON as people read it; empty for none."""
    found = field_of(model, column)
    if value is None or value == "" or (value == [] and column == "authors"):
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if column == "authors" and isinstance(value, list):
        return ", ".join(names.of(get_user_model(), one) for one in value)
    if found is not None and found.remote_field:
        return names.of(found.related_model, value)
    if found is not None and found.flatchoices:
        return str(dict(found.flatchoices).get(value, value))
    if isinstance(value, str) and isinstance(found, models.DateField):
        return _day(value)
    if isinstance(value, dict | list):
        said = json.dumps(value, ensure_ascii=False)
        return said if len(said) <= MOST_JSON else f"{said[:MOST_JSON]} …"
    return str(value)


def _day(said: str) -> str:
    try:
        at = datetime.fromisoformat(said) if "T" in said else date.fromisoformat(said)
    except ValueError:
        return said
    told = formats.date_format(at, "j F Y H:i:s" if isinstance(at, datetime) else "j F Y")
    return f"{told} UTC" if isinstance(at, datetime) else told


def of_row(
    model: type[models.Model], row: str, before: dict[str, Any] | None, after: dict[str, Any] | None, names: Names
) -> Iterator[Difference]:
    """What became of the fields of one row, in the order of its model; columns that have no field any more come last."""
    was, becomes = before or {}, after or {}
    order = {one.column: number for number, one in enumerate(model._meta.fields)}
    columns = sorted({*was, *becomes}, key=lambda column: (order.get(column, len(order)), column))
    changed = [column for column in columns if column != model._meta.pk.column and was.get(column) != becomes.get(column)]
    for column in told_of(model, changed):
        yield compared(row, label(model, column), *(in_words(model, column, one.get(column), names) for one in (was, becomes)))


def told_of(model: type[models.Model], changed: list[str]) -> list[str]:
    """The columns that are told of those that changed: without what follows from others, unless there is nothing else."""
    apart = BOOKKEEPING | set(languages.fields(model))  # what a translated field is named after follows one of its languages
    return [one for one in changed if one not in apart] or changed


def compared(row: str, name: str, before: str, after: str) -> Difference:
    is_long = before and after and len(before) + len(after) > LONG and (" " in before or " " in after)
    both = together(before, after) if is_long else SafeString("")
    return Difference(row, name, _lines(escape(before)), _lines(escape(after)), both)


def of_changes(changes: Iterable[dict[str, Any]], names: Names | None = None) -> Iterator[Difference]:
    """What a list of changes (trail.Change as JSON) makes of each field."""
    known, names = proposals.models_by_table(), names or Names()
    for change in changes:
        model = known.get(change["table"])
        if model is not None:
            values = {**(change["before"] or {}), **(change["after"] or {})}
            row = f"{capfirst(model._meta.verbose_name)}: {names.of(model, change['id'], values)}"
            yield from of_row(model, row, change["before"], change["after"], names)


def together(before: str, after: str) -> SafeString:
    """Two texts as one: what went in <del>, what came in <ins>; of long passages that stayed only the ends."""
    was, becomes = _pieces(before, after)
    html = []
    for what, i, j, k, m in SequenceMatcher(None, was, becomes).get_opcodes():
        if what == "equal":
            html.append(_shortened("".join(was[i:j]), at_start=i == 0, at_end=j == len(was)))
            continue
        for tag, said in (("del", "".join(was[i:j])), ("ins", "".join(becomes[k:m]))):
            html += [f"<{tag}>{escape(said)}</{tag}>"] if said else []
    return _lines(mark_safe("".join(html)))  # noqa: S308 - every piece is escaped


def _pieces(before: str, after: str) -> tuple[list[str], list[str]]:
    """Words; sentences, where there are too many words; the whole, where there are too many of those."""
    for pattern in (WORD, SENTENCE):
        was, becomes = ([one for one in pattern.findall(text) if one] for text in (before, after))
        if max(len(was), len(becomes)) <= MOST_PIECES:
            return was, becomes
    return [before], [after]


def _shortened(said: str, at_start: bool, at_end: bool) -> str:
    if len(said) <= 3 * SAME_SHOWN:
        return str(escape(said))
    first = "" if at_start else escape(said[:SAME_SHOWN].rsplit(None, 1)[0])
    last = "" if at_end else escape(said[-SAME_SHOWN:].split(None, 1)[-1])
    return f"{first} … {last}"


def _lines(html: SafeString) -> SafeString:
    return mark_safe(html.replace("\r\n", "\n").replace("\n", "<br>"))  # noqa: S308 - escaped before
