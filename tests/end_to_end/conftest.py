"""A known ledger, and the exporter over it."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.end_to_end.process import Exporter, serving

LEDGER = Path(__file__).parent / "ledger.sql"


@pytest.fixture
def known_ledger(database: str) -> str:
    """The connection string of a database that holds ``ledger.sql``."""
    with psycopg.connect(database) as connection:
        connection.execute(LEDGER.read_bytes())
    return database


@pytest.fixture
def exporter(tmp_path: Path, known_ledger: str) -> Iterator[Exporter]:
    """A real process that serves the known ledger."""
    with serving(tmp_path, known_ledger) as exporter:
        yield exporter
