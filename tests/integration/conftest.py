"""The databases of the property tests, and an exporter over that of a LiteLLM proxy."""

from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import pytest

from tests.integration.litellm import NOW, fill, teams
from tests.integration.running import Clock, Exporter, running

# Other schemas may contain rows that the constraints of this one forbid.
LOOSEN = """
ALTER TABLE quest_budget_allocations DROP CONSTRAINT quest_budget_allocations_pkey;
ALTER TABLE quest_budget_allocations DROP CONSTRAINT quest_budget_allocations_quest_id_fkey;
ALTER TABLE quest_budget_allocations ALTER quest_id DROP NOT NULL, ALTER spent_usd DROP NOT NULL,
    ALTER allocated_usd DROP NOT NULL;
ALTER TABLE cost_ledger ALTER created_at DROP NOT NULL;
ALTER TABLE impact_ledger ALTER created_at DROP NOT NULL;
"""


@pytest.fixture
def ledger_database(database: str) -> str:
    """A database of the scidex schema without its constraints; :func:`empty` clears it between examples."""
    with psycopg.connect(database) as connection:
        connection.execute(LOOSEN)
    return database


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def proxy(database: str) -> str:
    """The database of a LiteLLM proxy, with hostile rows."""
    return fill(database, NOW)


@pytest.fixture
async def exporter(proxy: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Exporter]:
    """An exporter that has read the teams of the proxy."""
    async with running(teams(proxy, tmp_path / "rollups"), clock) as exporter:
        await exporter.refresh(2)
        yield exporter


def empty(conninfo: str) -> None:
    """Delete all rows of the ledgers, between the examples of a test."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("TRUNCATE quests, quest_budget_allocations, cost_ledger, impact_ledger")
