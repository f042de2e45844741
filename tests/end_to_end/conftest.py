"""The exporter with the known ledger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.process import Exporter, serving


@pytest.fixture
def exporter(tmp_path: Path, known_ledger: str) -> Iterator[Exporter]:
    """A real process that serves the known ledger."""
    with serving(tmp_path, known_ledger) as exporter:
        yield exporter
