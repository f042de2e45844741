"""What is said of tables that cannot serve as a ledger, or only slowly, by what PostgreSQL's catalog says of them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from exporter.config import Database as DatabaseConfig
from exporter.sources.catalog import inspect
from exporter.sources.database import Database
from exporter.sources.examine import warnings
from exporter.sources.findings import Finding
from exporter.sources.mapping import Source
from exporter.sources.verify import errors
from tests.integration.running import configure

FOREIGN = """
ALTER TABLE cost_ledger RENAME TO below;
CREATE FOREIGN DATA WRAPPER hollow;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER hollow;
CREATE FOREIGN TABLE cost_ledger (id bigint, created_at timestamptz, task_id text, quest_id text, provider text, model text,
    input_tokens bigint, output_tokens bigint, cost_usd numeric) SERVER elsewhere;
"""
VIEW = "ALTER TABLE cost_ledger RENAME TO below; DROP INDEX cost_ledger_created_at_idx; CREATE VIEW cost_ledger AS TABLE below"
MATERIALIZED = "ALTER TABLE cost_ledger RENAME TO below; CREATE MATERIALIZED VIEW cost_ledger AS TABLE below"
OF_FOREIGN = """
ALTER TABLE cost_ledger RENAME TO below;
CREATE TABLE cost_ledger (LIKE below) PARTITION BY RANGE (created_at);
CREATE FOREIGN DATA WRAPPER hollow;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER hollow;
CREATE FOREIGN TABLE part PARTITION OF cost_ledger DEFAULT SERVER elsewhere;
"""


async def found(conninfo: str, directory: Path, **costs: Any) -> tuple[list[Finding], list[Finding]]:
    """The errors and the warnings about the ledger of costs."""
    ledgers = {"costs": {"database": "main"} | costs}
    ledger = configure(conninfo, directory, ledgers=ledgers).ledgers["costs"]
    async with (
        Database(DatabaseConfig(name="main", dsn=conninfo), timedelta(seconds=5)) as database,
        database.transaction() as transaction,
    ):
        table = await inspect(transaction, ledger)
        wrong = list(errors(ledger, table))
        return wrong, [] if wrong else await warnings(transaction, Source(ledger, table), None)


def prepare(conninfo: str, statements: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(statements.encode())


@pytest.mark.parametrize("statements", [FOREIGN, VIEW, OF_FOREIGN], ids=["foreign", "view", "partitions"])
async def test_no_index_is_suggested_where_none_can_be(database: str, tmp_path: Path, statements: str) -> None:
    prepare(database, statements)
    wrong, warned = await found(database, tmp_path)
    assert wrong == []
    assert not [finding for finding in warned if "index" in finding.text]


@pytest.mark.parametrize("statements, remote", [(FOREIGN, True), (OF_FOREIGN, True), (VIEW, False)])
async def test_it_is_told_where_the_watermark_may_pass_rows(
    database: str, tmp_path: Path, statements: str, *, remote: bool
) -> None:
    prepare(database, statements)
    _, warned = await found(database, tmp_path)
    told = "rows of table cost_ledger are on another server, so one that is committed late may have an id that was passed"
    assert [finding.text for finding in warned] == [told] * remote


async def test_an_index_is_suggested_where_one_can_be(database: str, tmp_path: Path) -> None:
    prepare(database, MATERIALIZED)
    _, warned = await found(database, tmp_path)
    assert [finding.remedy for finding in warned] == [
        "CREATE INDEX CONCURRENTLY ON cost_ledger (id)",
        "CREATE INDEX CONCURRENTLY ON cost_ledger (created_at)",
    ]


@pytest.mark.parametrize(
    "column, expression",
    [
        ("cost_usd", "cents / 100.0"),
        ("occurred_at", "ts AT TIME ZONE 'UTC'"),
        ("model", "lower(model)"),
        ("cost_usd", "a::numeric"),
    ],
)
async def test_an_expression_is_refused_with_the_way_to_have_it(
    database: str, tmp_path: Path, column: str, expression: str
) -> None:
    (finding,), _ = await found(database, tmp_path, columns={column: expression})
    assert finding.text == (
        f'column "{expression}" of table cost_ledger does not exist,'
        f" and ledgers.costs.columns.{column} takes the name of a column, not an expression"
    )
    assert f"ledgers.costs.query: SELECT …, {expression} AS {column} FROM cost_ledger" in finding.remedy
    assert "one of id, created_at, task_id," in finding.remedy


@pytest.mark.parametrize("name", ["Cost (USD)", "cents / 100.0", "a::numeric", "Preis €", 'with "quotes"'])
async def test_a_column_may_have_an_odd_name(database: str, tmp_path: Path, name: str) -> None:
    odd = '"' + name.replace('"', '""') + '"'
    prepare(database, f"ALTER TABLE cost_ledger RENAME cost_usd TO {odd}")
    assert await found(database, tmp_path, columns={"cost_usd": name}) == ([], [])


async def test_a_plain_name_that_is_wrong_is_no_expression(database: str, tmp_path: Path) -> None:
    (finding,), _ = await found(database, tmp_path, columns={"cost_usd": "price"})
    assert finding.text == "column price of table cost_ledger does not exist"
    assert "view" not in finding.remedy
