"""Passwords that anybody who knows the programme would try are refused, in words that say why."""

import gzip
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.contrib.auth import password_validation
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation

from itsci_site.lib import leaked
from itsci_site.passwords import WORDS
from tests import factories as make

pytestmark = pytest.mark.django_db
DOCUMENT = settings.BASE_DIR / "docs" / "sign-in.md"


def refused(password: str) -> str:
    try:
        validate_password(password)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


@pytest.mark.parametrize(
    "password",
    [
        "Scaling Up ITSCI 2026", "katanga-maniema-1", "1tsc1K4t4ng4!!", "Nord-Kivu 123456", "mineraux-du-kivu",
        "TRAÇABILITÉ-2026", "Administrator99", "www.glasshub.org", "OfficerOfficer1!", "Bukavuville2026!", "VerreriesUnies!!1",
        "ruhengeri2026...",
    ],
)  # fmt: skip
def test_what_is_mostly_names_is_refused(password: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["www.glasshub.org"]
    make.make_region(name_en="Katanga", name_fr="Katanga")
    region = make.make_region(public_from=None, name_en="Maniema-Nord", name_fr="Ruhengeri")
    make.make_place(region, name_en="Bukavu Ville", name_fr="Bukavuville")
    make.make_partner(make.make_programme(), name_en="United Glassworks", name_fr="Verreries unies")
    assert re.match(r"Without names and words of the programme and the site only \d+ characters", refused(password))


@pytest.mark.parametrize(
    "password", ["itsci: seven green umbrellas", "plough the goat by noon", "xK9-fq2-Lw7-pactA", "1234 wet horses 5678"]
)
def test_what_has_enough_besides_is_taken(password: str) -> None:
    assert refused(password) == ""


def test_a_short_one_is_told_that_alone() -> None:
    assert refused("itsci") == "This password is too short. It must contain at least 12 characters."


def test_a_form_says_so_in_french() -> None:
    client = make.sign_in(Client(), make.make_user(password="plough the goat by noon"))
    with translation.override("fr"):
        assert refused("itsci itsci itsci").startswith(
            "Sans les noms et les mots du programme et du site, il ne reste que 2 caractères"
        )
        assert any("ne comptent pas dans sa longueur" in text for text in password_validators_help_texts())
    typed = {
        "old_password": "plough the goat by noon",
        "new_password1": "itsci itsci itsci",
        "new_password2": "itsci itsci itsci",
    }
    page = client.post("/admin/password_change/", typed)
    assert "only 2 characters of this password are left: it needs 12." in page.content.decode()


@pytest.mark.parametrize(
    "password", ["passwordpasswor", "Unbelievable", "1q2w3e4r5t6y", "iloveyouforever", "azertyuiop123", "jesuisunefille"]
)
def test_what_has_leaked_is_refused(password: str) -> None:
    assert "This password is in lists of leaked ones, which are tried first. Take another." in refused(password)


def test_many_leaked_ones_are_known_and_few_others() -> None:
    """Those of Django's list that are long enough are the most used of all."""
    listed = (
        gzip.decompress((Path(password_validation.__file__).parent / "common-passwords.txt.gz").read_bytes()).decode().split()
    )
    known = [word for word in listed if len(word) >= settings.PASSWORD_LENGTH]
    assert len(known) > 100 and all(leaked.has(word) for word in known)
    assert leaked.FILE.stat().st_size * 8 > 1_000_000 * leaked.BITS
    assert leaked.SHORTEST == settings.PASSWORD_LENGTH
    others = sum(leaked.has(f"{number} not in any list") for number in range(2_000))
    assert others < 10, "one in a thousand"


def test_the_file_is_made_of_lists() -> None:
    field = leaked.made(["Some Leaked One", "short", *(f"another one {number}" for number in range(1_000))])
    assert field == leaked.made(["some leaked one", *(f"another one {number}" for number in range(1_000))])
    with patch.object(leaked, "FILE") as file:
        file.stat.return_value.st_size = len(field)
        file.open.side_effect = lambda *_, **__: BytesIO(field)
        assert leaked.has("some LEAKED one") and leaked.has("another one 999") and not leaked.has("a wholly other")


def test_the_words_are_written_down() -> None:
    listed = re.search(r"(?s)\*\*Words\*\* that do not count: (.*?)\.\n", DOCUMENT.read_text(encoding="utf-8"))
    assert listed
    assert tuple(listed[1].replace("\n", " ").split(", ")) == WORDS
