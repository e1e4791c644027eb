"""A download streams: what it holds in memory does not grow with the number of readings."""

import gc
import tracemalloc
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from itsci_site.lib.periods import Precision
from regions.models import Reading, Series, Source
from tests import factories

from .cast import known_from

FEW, MANY = 5_000, 20_000
SPARE = 400_000
"""Bytes by which the peaks may differ. The 15,000 further rows are more than six times that as text, and more as objects."""
ADDRESSES = ("/data/readings.csv?as-at=2022-01-01", "/data/readings.json")
PUBLIC = datetime(2021, 1, 1, tzinfo=UTC)


def fill(series: Series, first: int, last: int, source: Source) -> None:
    days = (date(1900, 1, 1) + timedelta(days=number) for number in range(first, last))
    Reading.objects.bulk_create(
        [
            Reading(series=series, effective_on=day, precision=Precision.DAY, value=1, published_at=PUBLIC, source=source)
            for day in days
        ],
        batch_size=2_000,
    )


def peak(address: str) -> tuple[int, int, int]:
    """The most that a download held at once; how many lines and bytes it had."""
    gc.collect()
    tracemalloc.start()
    try:
        response = Client().get(address)
        lines = size = 0
        for piece in response:
            lines += piece.count(b"\n")
            size += len(piece)
        return tracemalloc.get_traced_memory()[1], lines, size
    finally:
        tracemalloc.stop()


@pytest.mark.soak
def test_memory_stays_flat(db: None) -> None:
    known_from(factories.PAST)
    series, source = factories.make_series(), factories.make_source()
    fill(series, 0, FEW, source)
    peak(ADDRESSES[0])  # what is loaded once is loaded now
    few = [peak(address) for address in ADDRESSES]
    fill(series, FEW, MANY, source)
    many = [peak(address) for address in ADDRESSES]
    for (small, few_lines, few_bytes), (large, many_lines, many_bytes) in zip(few, many, strict=True):
        assert many_lines - few_lines == MANY - FEW
        assert many_bytes - few_bytes > 6 * SPARE
        assert large - small < SPARE
