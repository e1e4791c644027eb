"""Words in every language of the site as IATI's XML wants them: narratives, each with its language."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.utils import translation
from lxml import etree
from lxml.builder import E

LANG = "{http://www.w3.org/XML/1998/namespace}lang"
UNFIT_FOR_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Element = Any
"""lxml's elements carry no types."""
Words = Callable[[], str]
"""Says something in the language that is current when it is called; empty where there is nothing to say in it."""


def write(xml: Any, elements: Iterable[Element]) -> None:
    for element in elements:
        xml.write(element, pretty_print=True)


def narratives(words: Words) -> list[Element]:
    return [E.narrative({LANG: language}, said) for language, said in in_each_language(words)]


def in_each_language(words: Words) -> list[tuple[str, str]]:
    """The languages in which there is something to say, with what is said. XML allows no control characters."""
    found = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            if said := UNFIT_FOR_XML.sub(" ", words()).strip():
                found.append((language, said))
    return found


def field(row: Model, name: str) -> Words:
    """A translated field in each language that it is given in: English never stands as French."""
    return lambda: getattr(row, f"{name}_{translation.get_language()}") or ""


def remark(words: Words) -> Iterator[Element]:
    """A comment in each language, for whoever opens the file or wonders why a validator complains."""
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            yield etree.Comment(f" {words()} ")
