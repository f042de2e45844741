"""The identity of a source and the precision of its columns."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, Exporter, configure, differences, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
COSTS = {"costs": {"database": "main"}}
CALL = """
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd)
VALUES ('2026-05-01 12:00Z', 't', 'q', 'acme', 'm', %s)
"""


def spend(exporter: Exporter) -> float:
    return sum(exporter.samples()["resource_spend_usd"].values())


@pytest.mark.parametrize(
    "type_name, amount",
    [
        ("real", "54321.99"),
        ("real", "0.07"),
        ("double precision", "999999999999.99"),
        ("double precision", "1234567.8901234567"),
    ],
)
async def test_a_column_keeps_all_digits_that_it_prints(database: str, tmp_path: Path, type_name: str, amount: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(sql.SQL("ALTER TABLE cost_ledger ALTER cost_usd TYPE {}").format(sql.SQL(type_name)))
        connection.execute(CALL, [amount])
    async with running(configure(database, tmp_path / "rollups", ledgers=COSTS), Clock(NOW)) as exporter:
        await exporter.refresh()
        assert spend(exporter) == float(amount)


async def test_a_copy_of_the_database_is_a_different_source(postgres: str, database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(CALL, ["1"])
    async with running(configure(database, tmp_path / "rollups"), Clock(NOW)) as exporter:
        await exporter.refresh()
    names = {"copy": sql.Identifier("copy_of_ledgers"), "original": sql.Identifier(str(conninfo_to_dict(database)["dbname"]))}
    copy = make_conninfo(postgres, dbname="copy_of_ledgers")
    with closing(psycopg.connect(postgres, autocommit=True)) as server:
        server.execute(sql.SQL("CREATE DATABASE {copy} TEMPLATE {original}").format(**names))
        try:
            with psycopg.connect(copy) as connection:
                connection.execute("UPDATE cost_ledger SET cost_usd = 7, quest_id = 'other'")
            async with running(configure(copy, tmp_path / "rollups"), Clock(NOW)) as exporter:
                await exporter.refresh()
                assert differences(exporter.samples(), report(read(copy), Settings(), NOW)) == []
        finally:
            server.execute(sql.SQL("DROP DATABASE {copy} WITH (FORCE)").format(**names))
