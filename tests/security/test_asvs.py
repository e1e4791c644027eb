"""docs/asvs.md names every requirement of ASVS 5.0.0 at levels 1 and 2 once, counts rightly, and points at what is there."""

import re

from django.conf import settings

TEXT = (settings.BASE_DIR / "docs" / "asvs.md").read_text(encoding="utf-8")
NUMBERS = """
1.1: 1-2; 1.2: 1-9; 1.3: 1-11; 1.4: 1-3; 1.5: 1-2; 2.1: 1-3; 2.2: 1-3; 2.3: 1-4; 2.4: 1; 3.2: 1-2; 3.3: 1-4; 3.4: 1-6; 3.5: 1-5;
3.7: 1-2; 4.1: 1-3; 4.2: 1; 4.3: 1-2; 4.4: 1-4; 5.1: 1; 5.2: 1-3; 5.3: 1-2; 5.4: 1-3; 6.1: 1-3; 6.2: 1-12; 6.3: 1-4; 6.4: 1-4;
6.5: 1-5; 6.6: 1-3; 6.8: 1-4; 7.1: 1-3; 7.2: 1-4; 7.3: 1-2; 7.4: 1-5; 7.5: 1-2; 7.6: 1-2; 8.1: 1-2; 8.2: 1-3; 8.3: 1; 8.4: 1;
9.1: 1-3; 9.2: 1-4; 10.1: 1-2; 10.2: 1-2; 10.3: 1-4; 10.4: 1-11; 10.5: 1-5; 10.6: 1-2; 10.7: 1-3; 11.1: 1-2; 11.2: 1-3;
11.3: 1-3; 11.4: 1-4; 11.5: 1; 11.6: 1; 12.1: 1-3; 12.2: 1-2; 12.3: 1-4; 13.1: 1; 13.2: 1-5; 13.3: 1-2; 13.4: 1-5; 14.1: 1-2;
14.2: 1-4; 14.3: 1-3; 15.1: 1-3; 15.2: 1-3; 15.3: 1-7; 16.1: 1; 16.2: 1-5; 16.3: 1-4; 16.4: 1-3; 16.5: 1-3; 17.1: 1; 17.2: 1-4;
17.3: 1-2
"""
"""Sections with their first and last requirement of level 1 or 2, from the standard's own list (version 5.0.0, May 2025)."""
ROW = re.compile(r"(?m)^\| V([\d.]+) \| [^|]+ \| (yes|\*\*no\*\*) \| [^|]+ \|$")


def ids() -> list[str]:
    found = []
    for part in NUMBERS.split(";"):
        section, numbers = part.strip().split(": ")
        first, _dash, last = numbers.partition("-")
        found += [f"{section}.{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def applicable() -> dict[str, bool]:
    return {number: said == "yes" for number, said in ROW.findall(TEXT)}


def not_applicable() -> list[str]:
    return re.findall(r"V(\d+\.\d+\.\d+)", TEXT.partition("## What does not apply")[2])


def test_every_requirement_is_named_once() -> None:
    assert len(ids()) == 253
    named = [number for number, _said in ROW.findall(TEXT)] + not_applicable()
    assert sorted(named) == sorted(ids())


def test_the_counts_are_right() -> None:
    answered, apply = sum(applicable().values()), len(applicable())
    assert f"**{answered} of the {apply} that apply are answered**" in TEXT
    assert f"; {apply - answered} are not, and say why. {len(not_applicable())} do not apply." in TEXT


def test_what_answers_is_there() -> None:
    named = set(re.findall(r"`((?:itsci_site|tests|deploy|regions|testimonials|meetings|programmes)/[\w./-]+)`", TEXT))
    named |= {f"docs/{path}" for path in re.findall(r"\]\(([\w./-]+\.md)\)", TEXT)} | {"requirements.lock", "pyproject.toml"}
    assert len(named) > 40
    assert {path for path in named if not (settings.BASE_DIR / path).exists()} == set()
