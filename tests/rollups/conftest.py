"""Fixtures of the tests of the rollups, and of what reads them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.rollups import tasks
from tests.rollups.entries import Store, configure
from tests.rollups.past import KEYS


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few tasks be more than one slice."""
    monkeypatch.setattr(tasks, "SLICE", 3)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Rollups in which both ledgers of timed entries are built, and empty."""
    found = Store(tmp_path)
    found.begin("costs", "impacts")
    yield found
    found.rollups.close()


@pytest.fixture
def compacting(tmp_path: Path) -> Iterator[Store]:
    """The same with a configuration by which months before May are compacted."""
    found = Store(tmp_path, configure(**KEYS))
    found.begin("costs", "impacts")
    yield found
    found.rollups.close()
