"""A bar on the terminal while something long goes on."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")
LONG = 1000
"""Items from which on a bar is worth drawing."""
WIDTH = 30


def bar(items: Sequence[Item], label: str) -> Iterable[Item]:
    """The items; while they pass, a bar on the terminal, if it is one and there are many."""
    return _drawn(items, label) if len(items) >= LONG and sys.stderr.isatty() else items


def count(items: Iterable[Item], label: str) -> Iterator[Item]:
    """The items; while they pass, how many it were so far, on the terminal, if it is one: for what has no known end."""
    number = 0
    for number, item in enumerate(items, 1):
        if sys.stderr.isatty():
            print(f"\r{label:<10}[{'#' * (number % (WIDTH + 1)):<{WIDTH}}] {number}", end="", file=sys.stderr, flush=True)
        yield item
    if sys.stderr.isatty():
        print(f"\r{label:<10}[{'#' * WIDTH}] {number}", file=sys.stderr, flush=True)


def _drawn(items: Sequence[Item], label: str) -> Iterator[Item]:
    shown = -1
    for number, item in enumerate(items):
        percent = 100 * number // len(items)
        if percent != shown:
            shown = percent
            done = "#" * (WIDTH * percent // 100)
            print(f"\r{label:<10}[{done:<{WIDTH}}] {percent:3}%", end="", file=sys.stderr, flush=True)
        yield item
    print(f"\r{label:<10}[{'#' * WIDTH}] 100%", file=sys.stderr, flush=True)
