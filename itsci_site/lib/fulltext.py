"""Full text search in Postgres: a configuration and a generated column a language, and the conditions that use them.

The columns `search_en`, `search_fr`, ... are made by migrations and are no fields of the models: nothing but a search reads
them, and no query of a page carries them along (decision 11). A language without a stemmer here is searched word by word.
"""

import re
from collections.abc import Iterable

from django.apps import apps
from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

STEMMERS = {"en": "english", "fr": "french"}
SIMPLE = "site_simple"
"""The configuration of every other language."""
LONGEST = 200
"""Characters of a search. What is longer is refused before Postgres sees it."""
REFUSED = {
    "max_length": _("That is too long to search for. Give at most %(limit_value)d characters."),
    "null_characters_not_allowed": _("One of these characters cannot be read. Type the words again."),
}
"""What a form says of words that cannot be searched for."""
READ = 50_000
"""Characters of a text that can be found: Postgres refuses a vector of over a megabyte, and with it the row."""
_KINDS = "asciiword, asciihword, hword_asciipart, word, hword, hword_part"
CONFIGURATIONS = "CREATE EXTENSION IF NOT EXISTS unaccent; CREATE EXTENSION IF NOT EXISTS pg_trgm;" + "".join(
    f"CREATE TEXT SEARCH CONFIGURATION {name} (COPY = pg_catalog.{stemmer});"
    f"ALTER TEXT SEARCH CONFIGURATION {name} ALTER MAPPING FOR {_KINDS} "
    f"WITH unaccent, {'simple' if stemmer == 'simple' else f'{stemmer}_stem'};"
    for name, stemmer in [*((f"site_{code}", stemmer) for code, stemmer in STEMMERS.items()), (SIMPLE, "simple")]
)
"""SQL for a migration. Accents go first: "etiquetage" finds "étiquetage". A database's owner may make both extensions."""
NO_CONFIGURATIONS = "".join(
    f"DROP TEXT SEARCH CONFIGURATION {name};" for name in [*(f"site_{code}" for code in STEMMERS), SIMPLE]
)


def configuration(language: str) -> str:
    return f"site_{language}" if language in STEMMERS else SIMPLE


def columns(table: str, weights: dict[str, Iterable[str]], languages: Iterable[str] = ("en", "fr")) -> tuple[str, str]:
    """SQL for a migration that makes a table's search columns and their indexes, and the way back.

    `weights`: fields by weight, A to D. `summary*` is translated, `quote@quote_language` names the field with its language,
    any other field is searched in all languages. A search asks every column: a text need stand only in that of its language.
    """
    forth, back = [], []
    for language in languages:
        configured = configuration(language)
        parts = " || ".join(
            f"setweight(to_tsvector('{configured}', left({_text(field, language, languages)}, {READ})), '{weight}')"
            for weight, fields in weights.items()
            for field in fields
        )
        name = f"search_{language}"
        forth.append(f"ALTER TABLE {table} ADD COLUMN {name} tsvector GENERATED ALWAYS AS ({parts}) STORED;")
        forth.append(f"CREATE INDEX {table}_{name} ON {table} USING gin ({name});")
        back.append(f"ALTER TABLE {table} DROP COLUMN {name};")
    return "".join(forth), "".join(back)


def add_columns(**_signal: object) -> None:
    """After migrations: the columns of a language that was added since, for every model that says what is `searched` of it."""
    with transaction.atomic(), connection.cursor() as cursor:
        for model in apps.get_models():
            table = model._meta.db_table
            cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s)", [table])
            there = {name for (name,) in cursor.fetchall()}
            missing = [code for code, _name in settings.LANGUAGES if f"search_{code}" not in there]
            if missing and there and hasattr(model, "searched"):
                cursor.execute(columns(table, model.searched, missing)[0])


def _text(field: str, language: str, languages: Iterable[str]) -> str:
    """SQL of what a field holds in a language; empty where none. English takes what has no column."""
    name, _at, code_field = field.partition("@")
    if name.endswith("*"):
        return f"coalesce({name.removesuffix('*')}_{language}, '')"
    if not code_field:
        return f"coalesce({name}, '')"
    others = ", ".join(f"'{code}'" for code in languages if code != "en")
    condition = f"{code_field} NOT IN ({others})" if language == "en" else f"{code_field} = '{language}'"
    return f"CASE WHEN {condition} THEN {name} ELSE '' END"


def _languages() -> list[str]:
    """The page's language first."""
    codes = [code for code, _name in settings.LANGUAGES]
    return sorted(codes, key=lambda code: code != get_language())


def found(table: str, words: str) -> Q:
    """A condition: do the search columns of a row hold these words, in any language? Never an error, whatever is typed.

    Operators as on search engines: "two words" together, `or`, a minus before what must not be there in any language.
    """
    return matching(table, *parted(words))


def matching(table: str, wanted: str, unwanted: str) -> Q:
    """`found` of words that were parted."""
    condition = Q(_matches(table, wanted))
    return condition & ~Q(_matches(table, unwanted)) if unwanted else condition


def parted(words: str) -> tuple[str, str]:
    """What is looked for, and what must not be there, joined by `or`."""
    unwanted = [" ".join(STRAY.sub(" ", match[1]).split()) for match in MINUS.finditer(words)]
    return STRAY.sub(" ", MINUS.sub(" ", words)), " or ".join(filter(None, unwanted))


MINUS = re.compile(r'(?:^|(?<=\s))-("[^"]*"|[^\s"]+)')
STRAY = re.compile(r"(?<!\w)-+|-+(?!\w)")
"""A minus that joins no word: to Postgres each negates what follows, and it fails at more than thirty in a row."""


def _matches(table: str, words: str) -> RawSQL:
    codes = _languages()
    sql = " OR ".join(f'"{table}".search_{code} @@ websearch_to_tsquery(%s::regconfig, %s)' for code in codes)
    return RawSQL(f"({sql})", _parameters(codes, words), output_field=models.BooleanField())  # noqa: S611 - names of our own


def rank(table: str, wanted: str) -> RawSQL:
    """How well a row fits, from the stored columns: its best language counts."""
    codes = _languages()
    sql = ", ".join(f'ts_rank("{table}".search_{code}, websearch_to_tsquery(%s::regconfig, %s))' for code in codes)
    return RawSQL(f"greatest({sql})", _parameters(codes, wanted), output_field=models.FloatField())  # noqa: S611 - names of our own


def query(words: str) -> tuple[str, list[str]]:
    """SQL of what is looked for as a query that is true where any language finds it, with its parameters."""
    codes, (wanted, _unwanted) = _languages(), parted(words)
    return " || ".join("websearch_to_tsquery(%s::regconfig, %s)" for _code in codes), _parameters(codes, wanted)


def _parameters(codes: list[str], words: str) -> list[str]:
    return [part for code in codes for part in (configuration(code), words)]
