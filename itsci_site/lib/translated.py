"""In which language a text is printed, and whether a translation still says what the original says (languages.py)."""

from collections.abc import Iterable
from functools import reduce
from hashlib import md5
from operator import or_
from string import Formatter
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Q, Value
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from .languages import column, current_language, key, original_language, translations

EMPTY = (None, "")


class Translated(models.Model):
    """A row with translated fields. `translated_from` is Postgres's to write; NULL in versions from before it existed."""

    translated_from = models.JSONField(
        _("translated from"), default=dict, db_default=Value({}, models.JSONField()), editable=False
    )

    objects = models.Manager()

    class Meta:
        abstract = True


class Part(NamedTuple):
    """A piece of a line. `language` and `outdated` are empty where there is nothing to tell a reader."""

    said: str
    language: str = ""
    outdated: bool = False

    @property
    def html(self) -> SafeString:
        if self.language:
            return format_html('<span class="untranslated" lang="{}">{}</span>', self.language, self.said)
        return format_html('<span class="outdated">{}</span>', self.said) if self.outdated else conditional_escape(self.said)


class Words(str):
    """A line that knows what of it is in another language than the page; for everything else it is plain text."""

    parts: tuple[Part, ...]

    def __new__(cls, *parts: Part) -> "Words":
        line = super().__new__(cls, "".join(part.said for part in parts))
        line.parts = parts
        return line

    @property
    def html(self) -> SafeString:
        return mark_safe("".join(part.html for part in self.parts))  # noqa: S308 - each part is escaped


def language_of(row: Any, name: str) -> str:
    """The language that a translated field is printed in, if it is another than the page's; else, and without text, empty."""
    original = getattr(row, column(name, original_language()))
    translated = getattr(row, column(name, current_language()), None)
    return original_language() if translated in EMPTY and original not in EMPTY else ""


def is_outdated(row: Any, name: str) -> bool:
    """Is it printed in the page's language, but translated from another original than today's?"""
    return key(current_language(), name) in (getattr(row, "translated_from", None) or {})


def words(row: Any, name: str) -> Words:
    """A translated field as the page prints it."""
    current, language = current_language(), ""  # asked once: a page prints hundreds
    said = getattr(row, column(name, current), None)
    if said in EMPTY:
        said = getattr(row, column(name, original_language()))
        language = original_language() if said not in EMPTY else ""
    outdated = key(current, name) in (getattr(row, "translated_from", None) or ())
    return Words(Part(said or "", language, outdated))


def joined(*lines: str) -> Words:
    """What is not empty of these lines, with commas between them."""
    pieces: list[Part] = []
    for line in filter(None, lines):
        pieces += [Part(", ")] if pieces else []
        pieces += line.parts if isinstance(line, Words) else [Part(line)]
    return Words(*pieces)


def filled(sentence: str, **lines: str) -> Words:
    """A sentence of the page's own, like "Most: {place}.", with lines in its places."""
    pieces: list[Part] = []
    for said, name, _spec, _conversion in Formatter().parse(sentence):
        pieces += [Part(said)] if said else []
        line = lines[name] if name else ""
        pieces += line.parts if isinstance(line, Words) else [Part(line)] if line else []
    return Words(*pieces)


def outdated(row: Translated) -> list[tuple[str, str]]:
    """The translations of a row whose original has changed since: language and field."""
    return [(language, name) for language, name in translations(type(row)) if key(language, name) in row.translated_from]


def lacks(language: str, name: str) -> Q:
    """Rows with a text that this language lacks."""
    given = ~Q(**{column(name, original_language()): ""}) & Q(**{f"{column(name, original_language())}__isnull": False})
    return given & (Q(**{column(name, language): ""}) | Q(**{f"{column(name, language)}__isnull": True}))


def untranslated(model: type[models.Model]) -> Q:
    """Rows of a model with a text that one of the languages lacks."""
    return reduce(or_, (lacks(language, name) for language, name in translations(model)), Q(pk__in=[]))


def still_fits(row: Translated, of: Iterable[tuple[str, str]]) -> None:
    """Someone compared these translations with the original as this row has it, and they still say the same."""
    row.translated_from = {
        key(language, name): fingerprint(getattr(row, column(name, original_language()))) for language, name in of
    }
    row.save(update_fields=["translated_from"])
    row.refresh_from_db(fields=["translated_from"])


def fingerprint(said: str | None) -> str:
    """As the trigger makes it."""
    plain = (said or "").replace("\r", "").strip(" \t\n")
    return md5(plain.encode(), usedforsecurity=False).hexdigest()
