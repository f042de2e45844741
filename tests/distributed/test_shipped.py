"""What postgres_fdw is asked: each statement ships its conditions, and sums where PostgreSQL can."""

import re
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from exporter.config import parse
from exporter.sources import small_statements
from exporter.sources.catalog import inspect
from exporter.sources.database import Database
from exporter.sources.explain import nodes
from exporter.sources.mapping import Source
from tests.distributed.conftest import Linked
from tests.sources.test_plans import LEDGERS, fill, statements_of

RANGE = re.compile(r'"created_at" >= %\(start\)s')
SUMMED = re.compile(r"\bcount\(")


@pytest.mark.parametrize("ledger", ["costs", "impacts", "allocations", "quests"])
async def test_every_statement_ships_its_conditions(linked: Linked, tmp_path: Path, ledger: str) -> None:
    fill(linked.far, days=60)
    with psycopg.connect(linked.near, autocommit=True) as connection:
        connection.execute("ANALYZE")
    config = parse(LEDGERS.format(dsn=linked.near), tmp_path / "config.yml")
    async with Database(config.databases["main"], timedelta(seconds=20)) as database, database.transaction() as transaction:
        source = Source(config.ledgers[ledger], await inspect(transaction, config.ledgers[ledger]))
        assert source.table.remote
        asked = [(small_statements.digest(source), {})] if ledger == "quests" else statements_of(source)
        for statement, parameters in asked:
            rows = await transaction.rows(sql.SQL("EXPLAIN (VERBOSE, FORMAT JSON) ") + statement, **parameters)
            plan = [*nodes(rows[0][0][0]["Plan"])]
            remote = [node["Remote SQL"] for node in plan if "Remote SQL" in node]
            assert remote, rows
            assert not [node["Filter"] for node in plan if "Filter" in node], rows
            assert all(" WHERE " in text for text in remote) or ledger == "quests", remote
            text = statement.as_string()
            if source.table.kind == "p":
                assert not RANGE.search(text) or [*map(partition, remote)] == ["6"], remote
            elif SUMMED.search(text) and "rejection_reason" not in text:
                assert any(SUMMED.search(each) for each in remote), remote


def partition(remote: str) -> str:
    """The month of the partition that a statement reads."""
    return "".join(re.findall(r"FROM public\.\w+_ledger_(\d)", remote))
