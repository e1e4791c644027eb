"""What the form asks about, and what it leaves in peace."""

import json

import pytest
from django.conf import settings

from meetings.giveaways import Giveaway, Kind, giveaways

FOUND = [
    (Kind.PHONE, "+243 990 123 456"), (Kind.PHONE, "+243(0)990-123-456"), (Kind.PHONE, "00243990123456"),
    (Kind.PHONE, "0990 12 34 56"), (Kind.PHONE, "099 012 34 56"), (Kind.PHONE, "0788123456"), (Kind.PHONE, "79 12 34 56"),
    (Kind.PHONE, "tél. 12345"), (Kind.PHONE, "WhatsApp: 990 123"), (Kind.PHONE, "+250\u00a0788\u00a0123\u00a0456"),
    (Kind.EMAIL, "j.kabongo@example.org"), (Kind.EMAIL, "a+b@mines.gouv.example"),
    (Kind.PLATE, "1234AB01"), (Kind.PLATE, "1234 AB/19"), (Kind.PLATE, "KV 3456 BA"), (Kind.PLATE, "RAB 123 C"),
    (Kind.PLATE, "UAX 345K"), (Kind.PLATE, "B 1234 A"), (Kind.PLATE, "T 123 ABC"), (Kind.PLATE, "number plate XY-99"),
    (Kind.PLATE, "immatriculé XK 77"),
    (Kind.NAME, "M. K. Kabongo"), (Kind.NAME, "M.K. Kabongo"), (Kind.NAME, "J. Mukendi"), (Kind.NAME, "Mr X"),
    (Kind.NAME, "Mr. Kabongo"), (Kind.NAME, "Mme Émilie Kahindo"), (Kind.NAME, "M. Kabongo"), (Kind.NAME, "MM. Kabila"),
    (Kind.NAME, "Dr Mukwege"), (Kind.NAME, "Colonel Bwenge"), (Kind.NAME, "Kabongo M. K."), (Kind.NAME, "É. N’Sele"),
    (Kind.COORDINATES, "-5.9234, 29.1945"), (Kind.COORDINATES, "5,9234 S"), (Kind.COORDINATES, "S 5.92340 / 29.19450"),
    (Kind.COORDINATES, "5°55'24\"S"), (Kind.COORDINATES, "29° 11’ 40” E"), (Kind.COORDINATES, "35M 743210 9345678"),
    (Kind.COORDINATES, "35M QR 12345 67890"), (Kind.COORDINATES, "6GCRMQ5V+2X"),
]  # fmt: skip
NONE = [
    "25 °C in the tunnel", "12,345,678 bags since 2014", "1 234 567 sacs", "2014-2016", "In 2016, 1,234 miners and 45 sites",
    "ITSCI 2016 and OECD Annex II", "in D.R. Congo and N. Kivu", "le S. Kivu et la R.D. Congo", "tag 1234567",
    "5.5 % of 12.25 t",
    "30,5 kg ; 12,75 kg", "section 3.1, 4.2", "the chef de groupement and the chief of mines", "on 17 March 2016",
    "2016-03-17", "Major topics", "a price of 0.75 USD", "Phone coverage is poor at 3 sites", "The plaque is new",
]  # fmt: skip
DAYS = ["17 March", "17th of March", "1er mars", "March 17", "le 17 mars 2016", "2016-03-17", "17/03/2016", "17.3.16"]


@pytest.mark.parametrize(("kind", "words"), FOUND)
@pytest.mark.parametrize("text", ["{}", "It was said that {} knows more.", "On a dit ({}) que cela suffit."])
def test_found(kind: Kind, words: str, text: str) -> None:
    (found,) = giveaways(text.format(words))
    assert found.kind == kind
    assert found.words.removesuffix(".") in words
    assert len(found.words) > len(words) / 2


@pytest.mark.parametrize("text", NONE)
def test_left_in_peace(text: str) -> None:
    assert list(giveaways(text)) == []


@pytest.mark.parametrize("text", DAYS)
def test_a_day_where_it_is_secret(text: str) -> None:
    assert [found.kind for found in giveaways(f"Met {text} in town", days=True)] == [Kind.DAY]
    assert not [found for found in giveaways(text) if found.kind == Kind.DAY]


def test_a_month_and_a_share_are_no_day() -> None:
    assert list(giveaways("In March 2016, may 20 % be said? En mars 2016.", days=True)) == []


@pytest.mark.parametrize(
    "part", ["1.234 ", "+2 ", "a.", "M. ", "Tel ", "1°", "0 ", "A-", "Mr A-", "plaque A ", "17  ", "00(", "é@"]
)
def test_a_long_text_is_read_in_a_moment(part: str) -> None:
    """Patterns that try again from each letter of a long run would take hours."""
    for text in (part * 20_000, part + " " * 50_000, part + "a" * 50_000, part + "1" * 50_000):
        assert len(list(giveaways(text, days=True))) < 40_000


def test_each_is_told_once() -> None:
    assert list(giveaways("Mr X, then Mr X\nand +243990123456")) == [
        Giveaway(Kind.PHONE, "+243990123456"),
        Giveaway(Kind.NAME, "Mr X"),
    ]


def test_the_programmes_own_summaries_ask_nothing() -> None:
    for row in json.loads((settings.BASE_DIR / "fixtures" / "programme.json").read_text(encoding="utf-8")):
        if row["model"] == "meetings.meeting":
            for name in ("topics_en", "topics_fr", "summary_en", "summary_fr"):
                assert list(giveaways(row["fields"][name], days=True)) == []
