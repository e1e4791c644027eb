"""Which words of the interface a language lacks: the strings marked in code and templates, held against its catalogue.

Nothing here needs the gettext programs: Django turns a template into something that reads like Python, and babel reads Python.
"""

import ast
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from babel.messages.extract import extract
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
NOT_OURS = {".venv", ".local", "tests", "migrations", "deploy", "benchmarks", "staticfiles", "media"}
Message = tuple[str, str, str]
"""Its context, its singular and its plural; the first and the last are empty for most."""


def marked(root: Path = settings.BASE_DIR) -> dict[Message, str]:
    """Every string that is marked for translation, with the file that it was first found in."""
    found: dict[Message, str] = {}
    for path in _files(root):
        text = path.read_text(encoding="utf-8")
        # In brackets, because a page's indentation is none to Python.
        source = f"({templatize(text, origin=str(path))})" if path.suffix == ".html" else f"{text}\n{_inside_f_strings(text)}"
        for _line, said, _comments, context in extract("python", BytesIO(source.encode()), KEYWORDS):
            if said:
                found.setdefault((context or "", *_pair(said)), str(path.relative_to(root)))
    return found


def _inside_f_strings(source: str) -> str:
    """The calls that stand in f-strings, one a line. To babel on Python 3.11 such a string is one piece."""
    strings = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.JoinedStr)]
    return "\n".join(ast.unparse(node) for string in strings for node in ast.walk(string) if isinstance(node, ast.Call))


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.suffix in {".py", ".html"} and not NOT_OURS & set(path.relative_to(root).parts):
            yield path


def catalogue(language: str, folder: Path | None = None) -> dict[Message, bool]:
    """The messages of a language's catalogue and whether each is translated, in every plural and not just by a guess.

    Empty where the language has no catalogue yet.
    """
    path = (folder or Path(settings.LOCALE_PATHS[0])) / to_locale(language) / "LC_MESSAGES" / "django.po"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        messages = [message for message in read_po(file, locale=to_locale(language)) if message.id]
    known: dict[Message, bool] = {}
    for message in messages:
        singular, plural = _pair(message.id)
        done = all(_forms(message.string or "")) and not message.fuzzy
        known |= {(message.context or "", singular, plural): done, (message.context or "", singular, ""): done}
    return known


def _pair(said: str | Sequence[str]) -> tuple[str, str]:
    """A message as singular and plural, which is empty for one that has none."""
    singular, *plural = _forms(said)
    return singular, "".join(plural[:1])


def _forms(said: str | Sequence[str]) -> tuple[str, ...]:
    return (said,) if isinstance(said, str) else tuple(said)


def missing(language: str) -> dict[Message, str]:
    """The marked strings that a language does not translate, each with its file."""
    translated = catalogue(language)
    return {message: where for message, where in marked().items() if not translated.get(message)}
