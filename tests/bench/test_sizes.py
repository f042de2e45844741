"""The sizes of a run fit the bars, the steps and the disk."""

import shutil
from dataclasses import replace
from typing import NamedTuple

import pytest

from bench.bars import LARGE
from bench.machine import require_disk
from bench.processes import BenchError
from bench.sizes import SIZES, Size
from bench.steps.registry import STEPS

ALL = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)


class Usage(NamedTuple):
    """What ``shutil.disk_usage`` says."""

    total: int
    used: int
    free: int


def test_the_full_size_has_every_step() -> None:
    assert SIZES["full"].steps == SIZES["small"].steps == tuple(STEPS)


def test_the_large_size() -> None:
    large = SIZES["large"]
    assert large.ledgers[large.main].rows == 100_000_000
    assert large.days == {"large": 400}
    assert large.bars == LARGE
    assert set(large.steps) < set(STEPS)


@ALL
def test_ledgers_from_a_million_calls_a_day_on_are_refreshed_less_often(size: Size) -> None:
    seldom = {name for name in size.ledgers if size.interval_of(name) != size.interval}
    assert seldom == {"rate_1m", "rate_10m", "text_ids", "busy_day"} & set(size.ledgers)


def test_the_published_sizes_refresh_by_the_bars() -> None:
    full = SIZES["full"]
    assert (full.interval_of("long"), full.interval_of("rate_1m"), full.interval_of("rate_10m")) == (5, 15, 15)
    assert full.ledgers["rate_10m"].rows == 10_000_000
    assert full.ledgers["late"].days > 14
    assert full.ledgers["late"].rate == 100_000


@pytest.mark.parametrize("size, bytes_needed", [("full", 15_550_000_000), ("large", 50_000_000_000)])
def test_what_stands_on_the_disk_at_once(size: str, bytes_needed: int) -> None:
    assert SIZES[size].disk_bytes == bytes_needed


def test_a_run_says_what_it_needs_of_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 50_000_000_000))
    assert require_disk(SIZES["large"]).startswith("needs about 50 GB of disk in ")
    larger = replace(SIZES["large"], history={"large": replace(SIZES["large"].history["large"], days=401)})
    with pytest.raises(BenchError, match=r"where 50 GB are free; fix: set TMPDIR to a directory on a larger disk"):
        require_disk(larger)
