"""A function in an interpreter of its own: what it answers, and each bound it meets."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from itsci_site.lib import child

BOUNDS = child.Bounds(memory=256 * 2**20, cpu=4, wall=20, answer=1000)
HERE = "tests.lib.child_acts"


def test_what_it_makes_of_the_content_comes_back() -> None:
    assert child.run(f"{HERE}:told", "Comté".encode(), BOUNDS, twice=True) == {"said": "ComtéComté"}


def test_it_knows_no_secret_of_the_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    monkeypatch.setenv("DATABASE_URL", "postgresql://canary")
    known = child.run(f"{HERE}:known", b"", BOUNDS)
    assert not {"SECRET_KEY", "DATABASE_URL"} & set(known["environment"])
    assert not known["django"], "nor settings and database"
    assert known["parent"] == os.getpid()


@pytest.mark.parametrize(
    ("act", "bound", "bounds"),
    [
        ("hoard", "memory", {}),
        ("spin", "time", {"cpu": 1}),
        ("sleep", "clock", {"wall": 0.5}),
        ("chatter", "answer", {}),
        ("write_a_file", "broken", {}),
        ("fail", "broken", {}),
        ("no_such", "broken", {}),
    ],
)
def test_each_bound_is_met(act: str, bound: str, bounds: dict[str, Any]) -> None:
    with pytest.raises(child.Burst) as burst:
        child.run(f"{HERE}:{act}", b"", replace(BOUNDS, **bounds))
    assert burst.value.bound == bound


def children() -> set[str]:
    """The processes that this one started and that are not gone; others of the tests' own may be among them."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_none_is_left_running() -> None:
    before = children()
    with pytest.raises(child.Burst):
        child.run(f"{HERE}:sleep", b"", replace(BOUNDS, wall=0.5))
    assert children() <= before
