"""What a new password must not be (docs/sign-in.md): made of the programme's own words, or one that has leaked."""

import re
import unicodedata
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from itsci_site.lib import leaked
from itsci_site.lib.languages import in_each_language
from itsci_site.lib.newsroom.roles import ROLES
from meetings.models import Place
from programmes.models import Partner, Programme
from regions.models import Country, Region

NAMED = (Country, Region, Place, Programme, Partner)
"""Their names, in every language, count for nothing: what the content is about."""
WORDS = (
    "itsci", "itri", "cfti", "pact", "scaling", "programme", "program", "mines", "mining", "miner", "mineur", "minerai",
    "mineral", "tantalum", "tantale", "tungsten", "tungstene", "coltan", "cassiterite", "wolframite", "traceability",
    "tracabilite", "kivu", "congo", "admin", "django", "staff", "editor", "website", "password", "passwort",
    "motdepasse", "secret", "login", "welcome", "bienvenue", "qwerty", "azerty",
)  # fmt: skip
"""With the names of the roles and of the hosts, the words that are known before there is any content."""
SHORTEST = 4
"""Letters of a word that counts: "and" and "des" are in every sentence."""
ALIKE = str.maketrans("0134578@$!|", "oieastbasii")
"""What people write for letters."""


class WithoutNames:
    """Refuses a password that is shorter than `least` without WORDS, names of the content, of roles and of hosts."""

    def __init__(self, least: int) -> None:
        self.least = least

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        left = len(without(password, set(words())))
        if left < self.least <= len(password):  # a shorter one is told so already
            told = _(
                "Without names and words of the programme and the site only {left} characters of this password are left: "
                "it needs {least}. Take words that have nothing to do with either."
            )
            raise ValidationError(told.format(left=left, least=self.least), code="names")

    def get_help_text(self) -> str:
        return _("Names of regions, places and partners, and words like “mining” or “ITSCI”, do not count towards its length.")


class NotLeaked:
    """Refuses what stands in lists of leaked passwords (lib/leaked.py). Nobody else is asked."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        if leaked.has(password):
            raise ValidationError(
                _("This password is in lists of leaked ones, which are tried first. Take another."), code="leaked"
            )

    def get_help_text(self) -> str:
        return _("A password that is known to have leaked, of anybody’s, is refused.")


def words() -> Iterator[str]:
    for text in (*WORDS, *ROLES, *settings.ALLOWED_HOSTS, *_names()):
        yield from (word for word in re.findall("[a-z]+", plain(text)) if len(word) >= SHORTEST)


def without(password: str, known: set[str]) -> str:
    """What is left of a password; the longest word first, so that no other leaves a rest of it."""
    return re.sub("|".join(sorted(known, key=lambda word: (-len(word), word))), "", plain(password).translate(ALIKE))


def plain(text: str) -> str:
    """In small letters without accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(sign))


def _names() -> Iterator[str]:
    for model in NAMED:
        for names in model._default_manager.values_list(*in_each_language("name")):
            yield from filter(None, names)
