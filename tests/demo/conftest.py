"""One simulated history that all tests in this folder share and none of them changes."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from exporter.demo import History, prepare
from exporter.demo.postgres import Server, running

NOW = datetime(2026, 3, 18, 14, 25, 7, 120, tzinfo=UTC)  # a Wednesday


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def history(server: Server) -> History:
    """The history, written into the server's default database."""
    return asyncio.run(prepare(server.conninfo(), NOW))
