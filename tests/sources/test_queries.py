"""A query in the place of a table: what is refused, and what is said of a plan that reads all of a ledger."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from exporter.config import Database as DatabaseConfig
from exporter.config import Ledger
from exporter.sources.catalog import Table, hold, inspect
from exporter.sources.database import Database
from exporter.sources.examine import warnings
from exporter.sources.findings import LedgerError
from exporter.sources.mapping import Source
from tests.integration.running import configure

PLAIN = """
SELECT id AS entry_id, created_at AS occurred_at, provider, cost_usd / 100.0 AS cost_usd, upper(quest_id) AS team
  FROM cost_ledger -- the ledger of calls"""
MIXED = """
CREATE TABLE "LiteLLM_SpendLogs" (request_id text PRIMARY KEY, "startTime" timestamp(3), spend float8, prompt text);
CREATE INDEX ON "LiteLLM_SpendLogs" ("startTime");
CREATE ROLE reader; GRANT SELECT (request_id) ON "LiteLLM_SpendLogs" TO reader;
"""
NEWEST = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)


def ledger(conninfo: str, directory: Path, query: str, name: str = "costs", **keys: object) -> Ledger:
    ledgers = {"costs": {"database": "main"}, name: {"database": "main", "query": query} | keys}
    return configure(conninfo, directory, ledgers=ledgers).ledgers[name]


async def look(conninfo: str, asked: Ledger, role: str | None = None, newest: datetime = NEWEST) -> tuple[Table, list[str]]:
    """What is known of a ledger, and the warnings about it."""
    dsn = conninfo if role is None else psycopg.conninfo.make_conninfo(conninfo, options=f"-c role={role}")
    config = DatabaseConfig(name="main", dsn=dsn)
    async with Database(config, timedelta(seconds=5)) as database, database.transaction() as transaction:
        table = await inspect(transaction, asked)
        return table, [str(each) for each in await warnings(transaction, Source(asked, table), newest)]


async def refusal(conninfo: str, asked: Ledger, role: str | None = None) -> str:
    with pytest.raises(LedgerError) as caught:
        await look(conninfo, asked, role)
    return str(caught.value)


async def test_the_types_of_its_columns_are_described(database: str, tmp_path: Path) -> None:
    table, _ = await look(database, ledger(database, tmp_path, PLAIN, columns={"quest_id": "team"}))
    assert {name: column.type for name, column in table.columns.items()} == {
        "entry_id": "bigint",
        "occurred_at": "timestamp with time zone",
        "provider": "text",
        "cost_usd": "numeric",
        "team": "text",
    }


async def test_it_is_another_ledger_when_its_table_is_another_one(database: str, tmp_path: Path) -> None:
    asked = ledger(database, tmp_path, PLAIN)
    before = (await look(database, asked))[0].identity
    with psycopg.connect(database) as connection:
        connection.execute(
            "ALTER TABLE cost_ledger RENAME TO cost_ledger_legacy; CREATE TABLE cost_ledger (LIKE cost_ledger_legacy)"
        )
    assert (await look(database, asked))[0].identity != before


async def test_its_tables_are_not_rewritten_while_it_is_read(known_ledger: str, tmp_path: Path) -> None:
    asked = ledger(known_ledger, tmp_path, PLAIN)
    rewrite = b"ALTER TABLE cost_ledger ADD COLUMN drawn float DEFAULT random()"
    with psycopg.connect(known_ledger, autocommit=True) as other:
        async with Database(DatabaseConfig(name="main", dsn=known_ledger), timedelta(seconds=5)) as opened:
            async with opened.transaction() as transaction:
                other.execute(rewrite)
                with pytest.raises(LedgerError, match="table cost_ledger was rewritten a moment ago"):
                    await inspect(transaction, asked)
            async with opened.transaction() as transaction:
                await hold(transaction, asked)
                other.execute("SET lock_timeout = '50ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute(rewrite.replace(b"drawn", b"again"))


@pytest.mark.parametrize(
    "query, said",
    [
        ("SELECT 1; DELETE FROM cost_ledger", "cannot insert multiple commands"),
        ("DELETE FROM cost_ledger RETURNING *", "syntax error"),
        ("WITH gone AS (DELETE FROM cost_ledger RETURNING *) SELECT * FROM gone", "data-modifying"),
        ("SELECT 1) AS a CROSS JOIN (SELECT 2", 'syntax error at or near ")", at line 1, character 9'),
        ("SELECT id,\n       absent\n  FROM cost_ledger", 'column "absent" does not exist, at line 2, character 8'),
        ("SELECT id FROM cost_ledger FOR UPDATE", "cannot execute SELECT FOR UPDATE in a read-only transaction"),
        ("SELECT id, id FROM cost_ledger", "has more than one output column id"),
        ("SELECT random() AS cost_usd FROM cost_ledger", "calls random(), which changes by itself"),
        ("SELECT * FROM cost_ledger TABLESAMPLE system (50)", "calls TABLESAMPLE, which changes by itself"),
        ("SELECT * FROM cost_ledger WHERE created_at > now() - interval '1 day'", "depends on the time, by now"),
        ("SELECT * FROM cost_ledger WHERE created_at::date = current_date", "depends on the time, by CURRENT_DATE"),
    ],
)
async def test_what_cannot_be_a_ledger_is_refused(known_ledger: str, tmp_path: Path, query: str, said: str) -> None:
    found = await refusal(known_ledger, ledger(known_ledger, tmp_path, query))
    assert said in found
    assert "ledgers.costs.query" in found
    assert "; fix: " in found
    with psycopg.connect(known_ledger) as connection:
        assert connection.execute("SELECT count(*) FROM cost_ledger").fetchone() != (0,)


async def test_a_name_in_quotes_is_no_call(database: str, tmp_path: Path) -> None:
    query = PLAIN.replace("SELECT", "SELECT 'random() now()' AS \"now()\",")
    await look(database, ledger(database, tmp_path, query))


async def test_budgets_may_ask_what_time_it_is(database: str, tmp_path: Path) -> None:
    query = "SELECT id AS quest_id, 5 AS budget_usd, date_trunc('month', now())::date AS starts_on FROM quests"
    await look(database, ledger(database, tmp_path, query, "budgets"))
    found = await refusal(database, ledger(database, tmp_path, query.replace("5", "random()"), "budgets"))
    assert "changes by itself" in found


async def test_a_name_without_its_quotes_is_found(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(MIXED)
    found = await refusal(database, ledger(database, tmp_path, "SELECT * FROM LiteLLM_SpendLogs"))
    assert found.endswith('fix: write "LiteLLM_SpendLogs" in the query')
    table = configure(database, tmp_path, ledgers={"costs": {"database": "main", "table": "LiteLLM_SpendLogs"}}).ledgers[
        "costs"
    ]
    assert "set ledgers.costs.table: '\"LiteLLM_SpendLogs\"', with the double quotes" in await refusal(database, table)
    found = await refusal(database, ledger(database, tmp_path, 'SELECT startTime FROM "LiteLLM_SpendLogs"'))
    assert "Perhaps you meant" in found


async def test_the_grants_that_are_missing_name_the_columns(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(MIXED.replace("reader", role := f"reader_{abs(hash(database))}"))
    try:
        asked = ledger(database, tmp_path, 'SELECT request_id, "startTime", spend FROM "LiteLLM_SpendLogs"')
        found = await refusal(database, asked, role)
        assert found.endswith(f'fix: GRANT SELECT ("startTime", spend) ON "LiteLLM_SpendLogs" TO {role}')
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


SERVED = (
    'SELECT request_id AS entry_id, "startTime" AS occurred_at, \'x\' AS provider, spend AS cost_usd FROM "LiteLLM_SpendLogs"'
)


@pytest.mark.parametrize(
    "query, words",
    [
        (SERVED, None),
        (SERVED + " AS log LEFT JOIN quests ON quests.id = log.prompt", None),
        (f"{SERVED} WHERE spend > 0 UNION ALL {SERVED} WHERE spend < 0", None),
        (SERVED.replace('"startTime" AS', "\"startTime\" AT TIME ZONE 'UTC' AS"), 'Seq Scan on public."LiteLLM_SpendLogs"'),
        (SERVED.replace('"startTime" AS', 'max("startTime") AS') + " GROUP BY 1, 3, 4", "Aggregate"),
    ],
    ids=["bare", "join", "union", "cast", "grouped"],
)
async def test_a_range_of_time_that_no_index_serves_is_told(
    database: str, tmp_path: Path, query: str, words: str | None
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(MIXED.partition("CREATE ROLE")[0])
    found = [text for text in (await look(database, ledger(database, tmp_path, query)))[1] if "no index serves" in text]
    assert [words in text for text in found if words] == ([True] if words else [])
    assert bool(found) is bool(words)


async def test_an_order_that_no_index_gives_is_told(database: str, tmp_path: Path) -> None:
    part = "SELECT id AS entry_id, created_at AS occurred_at, provider, cost_usd FROM cost_ledger"
    whole = f"{part} UNION ALL {part.replace('id AS', '-id AS')}"
    found = (await look(database, ledger(database, tmp_path, f"{part} UNION ALL {part}")))[1]
    assert found == []
    found = (await look(database, ledger(database, tmp_path, whole)))[1]
    assert ["is the newest or the oldest, so each refresh reads all: Sort" in text for text in found] == [True]


async def test_it_is_told_of_views_too(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "CREATE VIEW seen AS SELECT id AS entry_id, created_at + interval '1 hour' AS occurred_at, provider, cost_usd"
            " FROM cost_ledger"
        )
    asked = configure(database, tmp_path, ledgers={"costs": {"database": "main", "table": "seen"}}).ledgers["costs"]
    assert "each refresh reads all of it: Seq Scan on public.cost_ledger" in (await look(database, asked))[1][0]


async def test_a_column_that_is_named_like_the_ledgers_and_not_mapped_is_told(database: str, tmp_path: Path) -> None:
    query = PLAIN.replace("upper(quest_id) AS team", "quest_id, task_id")
    found = (await look(database, ledger(database, tmp_path, query, columns={"task_id": "quest_id"})))[1]
    said = "column task_id of ledgers.costs.query is not mapped, so it is not read; fix: add task_id: task_id to ledgers.costs"
    assert [text for text in found if "not mapped" in text and said not in text] == []
    found = (await look(database, ledger(database, tmp_path, query, columns={"quest_id": "quest_id"})))[1]
    assert [text for text in found if said in text]
