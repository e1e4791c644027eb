"""Words that may give a person or a site away: names by their titles or initials, telephones, plates, coordinates, days.

A form asks its editor about each (meetings/admin.py). Patterns cannot know everything: a surname by
itself is not among them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    EMAIL = "email", _("an e-mail address")
    COORDINATES = "coordinates", _("coordinates")
    DAY = "day", _("a day")
    PLATE = "plate", _("a number plate")
    PHONE = "phone", _("a telephone number")
    NAME = "name", _("a person’s name")


@dataclass(frozen=True, slots=True)
class Giveaway:
    kind: Kind
    words: str
    """As the text has them."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.words}"


MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "janvier|février|fevrier|mars|avril|mai|juin|juillet|août|aout|septembre|octobre|novembre|décembre|decembre"
)
TITLES = "Mrs?|Ms|Mme|Mlle|MM?\\.|Messrs|Dr|Monsieur|Madame|Mademoiselle|Maître|Abbé|Col|Colonel|Cpt|Capt|Capitaine|Lt|Sgt"
NO_SURNAME = "Congo|Kivu|Katanga|Government|Security"
"""What stands after initials that are none of a person: D.R. Congo, N. Kivu, U.S. Government."""
NUMBER = r"(?:(?:no|n°|number|numéro)\W{1,2})?"
CAPITAL = "A-ZÀ-ÖØ-Þ"

PATTERNS: tuple[tuple[Kind, str], ...] = (
    (Kind.EMAIL, r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"),
    # -5.9234, 29.1945; 5,9234 S; 5°55'24"S 29°11'40"E; a zone, an easting and a northing; a grid of the army's; a plus code
    (Kind.COORDINATES, r"(?<![\d.,])-?\d{1,3}[.,]\d{3,}°? ?[NSEWO]? ?[,;/ ] ?-?\d{1,3}[.,]\d{3,}°?(?: ?[NSEWO]\b)?(?!\d)"),
    (Kind.COORDINATES, r"(?<![\d.,])\d{1,3}[.,]\d{2,} ?°? ?[NSEWO]\b"),
    (Kind.COORDINATES, r"\b[NSEWO]?\s?\d{1,3}\s?°\s?\d{1,2}(?:[.,]\d+)?(?: ?['’′] ?[\d.,]{0,7})?[\"”″]? ?[NSEWO]?"),
    (Kind.COORDINATES, r"\b3[3-6]\s?[C-X]?\s+\d{6}\s+\d{7}\b"),
    (Kind.COORDINATES, r"\b3[3-6][C-X]\s?[A-Z]{2}\s?\d{4,5}\s?\d{4,5}\b"),
    (Kind.COORDINATES, r"\b[2-9CFGHJMPQRVWX]{4}(?:[2-9CFGHJMPQRVWX]{4})?\+[2-9CFGHJMPQRVWX]{2,3}\b"),
    (Kind.DAY, r"\b(?:19|20)\d{2}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])\b"),
    (Kind.DAY, r"\b(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|1[0-2])[-/.](?:19|20)?\d{2}\b(?![-/.\s]?\d)"),
    (Kind.DAY, rf"(?i:\b(?:0?[1-9]|[12]\d|3[01])(?:er|st|nd|rd|th)?\s+(?:of\s+)?(?:{MONTHS})\b)"),
    (Kind.DAY, rf"(?i:\b(?:{MONTHS})\s+(?:the\s+)?(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?\b(?!\s?%))"),
    # Congo 1234 AB 01 and older KV 1234 BA, Rwanda RAB 123 C, Uganda UAX 123 C, Burundi B 1234 A, Tanzania T 123 ABC
    (Kind.PLATE, r"\b\d{4}[ -]?[A-Z]{2}[ /-]?\d{2}\b"),
    (Kind.PLATE, r"\b[A-Z]{2}[ -]?\d{4}[ -]?[A-Z]{2}\b"),
    (Kind.PLATE, r"\b[RU][A-Z]{2}[ -]?\d{3}[ -]?[A-Z]\b"),
    (Kind.PLATE, r"\b[A-Z][ -]?\d{4}[ -]?[A-Z]\b"),
    (Kind.PLATE, r"\bT[ -]?\d{3}[ -]?[A-Z]{3}\b"),
    (Kind.PLATE, rf"(?i:\b(?:plate|registration|plaque|immatricul\w+))\W{{1,3}}{NUMBER}[A-Z0-9][A-Z0-9 /-]*\d[A-Z0-9]*"),
    # +243 990 123 456, 00243..., 0990 12 34 56; Burundi's eight digits in pairs; any digits after the word
    (Kind.PHONE, r"(?<![\w+])(?:\+|00)\s?\(?\d(?:[ ().-]*\d){7,13}(?!\d)"),
    (Kind.PHONE, r"(?<![\w.,+])0\d(?:[ .-]?\d){7,9}(?![ .-]?\d)"),
    (Kind.PHONE, r"(?<![\d.,])[2367]\d(?:[ .-]\d{2}){3}(?![ .-]?\d)"),
    (Kind.PHONE, rf"(?i:\b(?:tel|tél|t[eé]l[eé]phone|phone|mobile|gsm|whatsapp))\b\W{{0,3}}{NUMBER}\+?\d(?:[ .()-]*\d){{4,}}"),
    (Kind.NAME, rf"\b(?!(?:{NO_SURNAME})\b)[{CAPITAL}][\w’'-]{{2,40}} (?:[{CAPITAL}]\. ?){{2,3}}"),
    (Kind.NAME, rf"\b(?:{TITLES})\.?[ -]+[{CAPITAL}][\w’'.-]*(?:[ -][{CAPITAL}][\w’'.-]*)*"),
    (Kind.NAME, rf"\b(?:[{CAPITAL}]\.[ -]?){{1,3}}(?!(?:{NO_SURNAME})\b)[{CAPITAL}][\w’'-]+"),
)  # fmt: skip
"""In the order in which they are looked for: what one has found no other sees."""
COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in PATTERNS)
SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2011": "-", "\u2010": "-", "\u2013": "-"})


def giveaways(text: str, days: bool = False) -> Iterator[Giveaway]:
    """What a text may give away, once each. `days`: whether a day is among it, as in a meeting told by its month."""
    plain, seen = text.translate(SPACES), set[Giveaway]()
    for kind, pattern in COMPILED:
        taken = list(pattern.finditer(plain)) if days or kind != Kind.DAY else []
        for match in taken:
            found = Giveaway(kind, text[match.start() : match.end()].strip())
            if found not in seen:
                seen.add(found)
                yield found
        for match in taken:
            plain = plain[: match.start()] + "\n" * len(match[0]) + plain[match.end() :]
