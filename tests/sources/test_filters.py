"""A filter that gives other rows each time it is asked is refused; what only the table does is not blamed on it."""

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from exporter.config import Database as DatabaseConfig
from exporter.sources.catalog import inspect
from exporter.sources.database import Database
from exporter.sources.filters import require_filter
from exporter.sources.findings import LedgerError
from exporter.sources.mapping import Source
from tests.integration.running import configure

TABLES = """
CREATE VIEW recent AS
SELECT *, now() - created_at AS age FROM cost_ledger WHERE created_at > (SELECT now()) - interval '1 day';
CREATE TABLE parted (LIKE cost_ledger) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9);
"""
POLICY = """
CREATE ROLE {role}; GRANT SELECT ON cost_ledger TO {role}; ALTER TABLE cost_ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY old ON cost_ledger USING (created_at < (SELECT now()) AND random() < 2 AND created_at < now())
"""
BUDGETS = "SELECT id AS quest_id, 5 AS budget_usd, current_date AS starts_on FROM quests"
CLOCK = "depends on the time, by {}; fix: leave it out, and let report.windows bound the time: only the filter of budgets may"
CHANGES = "calls {}, which changes by itself; fix: leave it out: a filter must give the same rows whenever it is asked"
REFUSED = {
    "created_at > now()": CLOCK.format("now"),
    "created_at::date = current_date -- today": CLOCK.format("CURRENT_DATE"),
    "created_at > date 'today'": CLOCK.format("date 'today'"),
    "created_at > (SELECT transaction_timestamp())": CLOCK.format("transaction_timestamp"),
    "created_at > clock_timestamp()": CHANGES.format("clock_timestamp()"),
    "model <> 'a' OR random() < 0.5": CHANGES.format("random()"),
    "id IN (SELECT id FROM impact_ledger WHERE random() < 0.5)": CHANGES.format("random()"),
    "id IN (SELECT id FROM impact_ledger TABLESAMPLE system (5))": CHANGES.format("TABLESAMPLE"),
}
STEADY = (
    "model <> 'now()' AND created_at > '2026-01-01'",
    "hashtext(coalesce(task_id, '')) & 1 = 0",
    "id > (SELECT id FROM impact_ledger ORDER BY id LIMIT 1)",
    "quest_id IN (SELECT id FROM quests)",
)


async def require(conninfo: str, directory: Path, name: str = "costs", role: str | None = None, **keys: object) -> None:
    """Look a ledger up and have its filter checked, as ``check`` and each start do."""
    ledgers = {"costs": {"database": "main"}, name: {"database": "main"} | keys}
    ledger = configure(conninfo, directory, ledgers=ledgers).ledgers[name]
    dsn = conninfo if role is None else psycopg.conninfo.make_conninfo(conninfo, options=f"-c role={role}")
    async with (
        Database(DatabaseConfig(name="main", dsn=dsn), timedelta(seconds=5)) as opened,
        opened.transaction() as transaction,
    ):
        await require_filter(transaction, Source(ledger, await inspect(transaction, ledger)))


def execute(conninfo: str, statements: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(statements.encode())


@pytest.mark.parametrize("table", ["cost_ledger", "parted", "recent"])
async def test_what_changes_by_itself_is_refused(database: str, tmp_path: Path, table: str) -> None:
    execute(database, TABLES)
    for condition, said in REFUSED.items():
        with pytest.raises(LedgerError) as caught:
            await require(database, tmp_path, table=table, filter=condition)
        assert str(caught.value).startswith(f"ledgers.costs.filter {said}")
    for condition in STEADY:
        await require(database, tmp_path, table=table, filter=condition)


async def test_a_column_of_a_view_that_depends_on_the_time_is_refused(database: str, tmp_path: Path) -> None:
    execute(database, TABLES)
    with pytest.raises(LedgerError, match=r"^ledgers\.costs\.filter depends on the time, by now; fix: "):
        await require(database, tmp_path, table="recent", filter="age < interval '1 hour'")


async def test_a_policy_of_the_table_is_not_the_filters(database: str, tmp_path: Path) -> None:
    execute(database, POLICY.format(role=(role := f"policed_{abs(hash(database))}")))
    try:
        await require(database, tmp_path, role=role, filter="model <> 'a'")
        with pytest.raises(LedgerError, match=r"calls clock_timestamp\(\)"):
            await require(database, tmp_path, role=role, filter="created_at < clock_timestamp()")
    finally:
        execute(database, f"DROP OWNED BY {role}; DROP ROLE {role}")


async def test_budgets_may_ask_what_time_it_is(database: str, tmp_path: Path) -> None:
    await require(database, tmp_path, "budgets", query=BUDGETS, filter="starts_on <= current_date")
    with pytest.raises(LedgerError, match=r"^ledgers\.budgets\.filter calls random\(\)"):
        await require(database, tmp_path, "budgets", query=BUDGETS, filter="random() < 0.5")


async def test_a_query_with_a_filter(database: str, tmp_path: Path) -> None:
    query = "SELECT id AS entry_id, created_at AS occurred_at, provider, cost_usd FROM cost_ledger -- calls"
    await require(database, tmp_path, query=query, filter="cost_usd > 0 AND provider NOT LIKE '%now()%'")
    with pytest.raises(LedgerError, match=r"^ledgers\.costs\.filter depends on the time, by now"):
        await require(database, tmp_path, query=query, filter="occurred_at > now()")
