"""What search engines are told: titles, cut descriptions, data that cannot end its element."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from itsci_site.lib import found

NARROW = "\N{NARROW NO-BREAK SPACE}"
PUBLIC = datetime(2020, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("page", "section", "said"),
    [
        ("Katanga", "Where we work", "Katanga - Where we work - Scaling Up ITSCI"),
        ("Where we work", "", "Where we work - Scaling Up ITSCI"),
        ("Progress", "Progress", "Progress - Scaling Up ITSCI"),
        ("", "", "Scaling Up ITSCI"),
    ],
)
def test_a_title_goes_from_the_page_to_the_site(page: str, section: str, said: str) -> None:
    assert found.title(page, section) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("All of it.", "All of it."),
        ("  Two\r\n\r\nparagraphs.\t", "Two paragraphs."),
        (f"a{NARROW}: b", f"a{NARROW}: b"),
        ("x" * 20, "x" * 20),
        ("A first sentence. Then one that is too long", "A first sentence."),
        ("A. But what follows is too long", "A. But what follows…"),
        ("Words without any end to them", "Words without any…"),
        ("Words, comma at the end", "Words, comma at the…"),
        ("Sixteen letters, and more", "Sixteen letters…"),
        ("x" * 21, "x" * 19 + "…"),
        ("", ""),
    ],
)
def test_a_description_ends_with_a_sentence_or_a_word(text: str, said: str) -> None:
    assert found.short(text, 20) == said
    assert len(said) <= 20


@pytest.mark.parametrize("most", range(2, 60))
def test_a_description_is_never_longer_than_asked(most: int) -> None:
    text = f"Étiquetage{NARROW}: le suivi. Un mot, puis un autre; et encore un-long-mot-sans-fin! Fin"
    cut = found.short(text, most)
    assert 0 < len(cut) <= most
    assert cut == text or text.startswith(cut.removesuffix("…"))


def test_the_last_change_is_the_later_of_two() -> None:
    def row(**fields: Any) -> Any:
        return SimpleNamespace(publish_at=PUBLIC, **fields)

    later, earlier = PUBLIC + timedelta(days=1), PUBLIC - timedelta(days=1)
    assert found.last_change(row()) == PUBLIC
    assert found.last_change(row(changed_at=later)) == later
    assert found.last_change(row(changed_at=earlier)) == PUBLIC  # written before it became public by itself
    assert found.last_change(row(changed_at=None)) == PUBLIC


def test_data_cannot_end_the_element_that_holds_it() -> None:
    hostile = {"a": "</script><script>alert(1)</script><!--", "b": "\u2028 & '\""}
    block = found.data_block(hostile)
    assert "<" not in block
    assert json.loads(block) == hostile
