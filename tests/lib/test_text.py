import pytest
from django.utils import translation

from itsci_site.lib import text

NARROW = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1690, "1,690", f"1{NARROW}690"),
        (54836, "54,836", f"54{NARROW}836"),
        (9223372036854775807, "9,223,372,036,854,775,807", NARROW.join(["9", "223", "372", "036", "854", "775", "807"])),
        (None, "not reported", "non communiqué"),
    ],
)
def test_number(value: int | None, english: str, french: str) -> None:
    assert text.number(value) == english
    with translation.override("fr"):
        assert text.number(value) == french


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (370, "+370", "+370"),
        (1, "+1", "+1"),
        (0, "0", "0"),
        (-1, "\N{MINUS SIGN}1", "\N{MINUS SIGN}1"),
        (-54466, "\N{MINUS SIGN}54,466", f"\N{MINUS SIGN}54{NARROW}466"),
    ],
)
def test_signed(value: int, english: str, french: str) -> None:
    assert text.signed(value) == english
    with translation.override("fr"):
        assert text.signed(value) == french


@pytest.mark.parametrize(("count", "shown"), [(1, "1"), (1000, "1"), (1001, "2"), (12_345, "13"), (1_234_567, "1,235")])
def test_kilobytes_promise_no_less_than_comes(count: int, shown: str) -> None:
    assert text.kilobytes(count) == f"{shown}\N{NO-BREAK SPACE}kB"


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (0, "No", "Aucune"),
        (1, "One", "Une"),
        (6, "Six", "Six"),
        (12, "Twelve", "Douze"),
        (13, "13", "13"),
        (1200, "1,200", f"1{NARROW}200"),
    ],
)
def test_count_word(value: int, english: str, french: str) -> None:
    assert text.count_word(value) == english
    with translation.override("fr"):
        assert text.count_word(value) == french


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [(1, "First", "Première"), (5, "Fifth", "Cinquième"), (12, "Twelfth", "Douzième"), (13, "13", "13")],
)
def test_rank_word(value: int, english: str, french: str) -> None:
    assert text.rank_word(value) == english
    with translation.override("fr"):
        assert text.rank_word(value) == french


def test_small_counts_and_ranks_all_differ() -> None:
    assert len({text.count_word(value) for value in range(20)}) == 20
    assert len({text.rank_word(value) for value in range(1, 21)}) == 20


def test_lines() -> None:
    assert text.lines("Tagging\r\n\r\n  Prices \nIncidents") == ["Tagging", "Prices", "Incidents"]
    assert text.lines("") == []


@pytest.mark.parametrize("gap", ["\n\n", "\r\n\r\n", "\n\n\n\n", "\n \n", "\n\t\n\n"])
def test_blank_lines_part_paragraphs(gap: str) -> None:
    assert text.paragraphs(f"One\nstill one{gap}Two ") == ["One still one", "Two"]


def test_no_paragraphs() -> None:
    assert text.paragraphs(" \r\n\r\n ") == []


def test_typographic_spaces_stay() -> None:
    """French sets a no-break space before : and a narrow one before ? and inside numbers; a line must not break there."""
    kept = f"Prix\N{NO-BREAK SPACE}: 1{NARROW}690{NARROW}?"
    assert text.paragraphs(kept) == [kept]
