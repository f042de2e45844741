"""Fixtures of all tests of the rollups."""

import pytest

from exporter.rollups import tasks


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few tasks be more than one slice."""
    monkeypatch.setattr(tasks, "SLICE", 3)
