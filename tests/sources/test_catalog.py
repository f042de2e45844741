"""Tables that change between the snapshot of a transaction and its first look at them."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from exporter.config import Database as DatabaseConfig
from exporter.sources.catalog import hold
from exporter.sources.database import Database
from exporter.sources.findings import LedgerError
from tests.integration.running import configure

VIEW = "ALTER TABLE cost_ledger RENAME TO below; CREATE VIEW cost_ledger AS SELECT * FROM below"
PARTITIONED = """
ALTER TABLE cost_ledger RENAME TO below;
CREATE TABLE cost_ledger (LIKE below) PARTITION BY RANGE (created_at);
CREATE TABLE part PARTITION OF cost_ledger DEFAULT;
INSERT INTO cost_ledger TABLE below;
"""


@pytest.mark.parametrize(
    "kind, rewritten", [("", "cost_ledger"), (VIEW, "below"), (PARTITIONED, "cost_ledger")], ids=["table", "view", "partitions"]
)
async def test_a_table_that_was_rewritten_since_the_snapshot_is_not_taken_for_empty(
    known_ledger: str, tmp_path: Path, kind: str, rewritten: str
) -> None:
    ledger = configure(known_ledger, tmp_path).ledgers["costs"]
    with psycopg.connect(known_ledger, autocommit=True) as other:
        other.execute(kind.encode())
        async with Database(DatabaseConfig(name="main", dsn=known_ledger), timedelta(seconds=5)) as database:
            async with database.transaction() as transaction:
                other.execute(f"ALTER TABLE {rewritten} ADD COLUMN drawn float DEFAULT random()".encode())
                with pytest.raises(LedgerError, match="table cost_ledger was rewritten a moment ago"):
                    await hold(transaction, ledger)
            async with database.transaction() as transaction:
                await hold(transaction, ledger)
                other.execute("SET lock_timeout = '50ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute(f"ALTER TABLE {rewritten} ADD COLUMN again float DEFAULT random()".encode())


async def test_an_empty_table_is_one(database: str, tmp_path: Path) -> None:
    ledger = configure(database, tmp_path).ledgers["costs"]
    async with (
        Database(DatabaseConfig(name="main", dsn=database), timedelta(seconds=5)) as source,
        source.transaction() as transaction,
    ):
        await hold(transaction, ledger)
