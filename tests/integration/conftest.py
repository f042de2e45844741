"""The databases of the property tests."""

import psycopg
import pytest

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


def empty(conninfo: str) -> None:
    """Delete all rows of the ledgers, between the examples of a test."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("TRUNCATE quests, quest_budget_allocations, cost_ledger, impact_ledger")
