"""Ids and update times are assigned before commit: the rows of a writer that commits late must not be lost."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, Exporter, configure, differences, running

pytestmark = pytest.mark.slow
NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
OLD = NOW - timedelta(days=9)
CALL = "INSERT INTO cost_ledger (created_at, provider, cost_usd) VALUES (%s, %s, 1.25)"
OUTCOME = """INSERT INTO impact_ledger (created_at, updated_at, task_id, total_tokens, cost_usd, impact_score)
    VALUES (%s, now(), %s, 5000, 1, 0.1)"""
CHANGE = "UPDATE impact_ledger SET updated_at = now(), cost_usd = 7 WHERE task_id = 'old'"


@pytest.fixture
async def exporter(database: str, tmp_path: Path) -> AsyncIterator[Exporter]:
    async with running(configure(database, tmp_path / "rollups"), Clock(NOW)) as exporter:
        yield exporter


def write(conninfo: str, count: int = 1) -> None:
    """Commit calls and outcomes with ids and update times above all others."""
    with psycopg.connect(conninfo) as connection:
        for number in range(count):
            connection.execute(CALL, (NOW - timedelta(hours=number), "quick"))
            connection.execute(OUTCOME, (NOW - timedelta(hours=number), f"quick{number}"))


def wrong(exporter: Exporter, conninfo: str) -> list[str]:
    return differences(exporter.samples(), report(read(conninfo), Settings(), NOW))


@pytest.mark.parametrize("refreshes", [0, 1, 2, 5])
async def test_a_late_commit_of_old_dates_is_read_at_the_next_refresh(
    exporter: Exporter, database: str, refreshes: int
) -> None:
    write(database)
    await exporter.refresh(refreshes)
    with psycopg.connect(database) as slow:
        slow.execute(CALL, (OLD, "slow"))
        slow.execute(OUTCOME, (OLD, "slow"))
        for _ in range(4):
            write(database, 3)
            await exporter.refresh()
            assert wrong(exporter, database) == []
        slow.commit()
    await exporter.refresh()
    assert wrong(exporter, database) == []


async def test_two_late_commits_in_reverse_order_are_both_read(exporter: Exporter, database: str) -> None:
    await exporter.refresh()
    with psycopg.connect(database) as first, psycopg.connect(database) as second:
        for number, connection in enumerate((first, second)):
            connection.execute(CALL, (OLD - timedelta(days=number), "slow"))
            write(database, 2)
            await exporter.refresh()
        for connection in (second, first):
            connection.commit()
            await exporter.refresh()
            assert wrong(exporter, database) == []
            write(database, 2)
            await exporter.refresh(3)
            assert wrong(exporter, database) == []


async def test_an_id_drawn_before_the_transaction_id_is_read(exporter: Exporter, database: str) -> None:
    await exporter.refresh()
    with psycopg.connect(database) as slow:
        drawn = slow.execute("SELECT nextval('cost_ledger_id_seq')").fetchone()
        assert drawn is not None
        write(database, 3)
        await exporter.refresh()
        slow.execute("INSERT INTO cost_ledger (id, created_at, provider, cost_usd) VALUES (%s, %s, 'slow', 1)", (*drawn, OLD))
        slow.commit()
    await exporter.refresh()
    assert wrong(exporter, database) == []


async def test_many_higher_ids_do_not_hide_a_late_commit(exporter: Exporter, database: str) -> None:
    await exporter.refresh()
    with psycopg.connect(database) as slow:
        slow.execute(CALL, (OLD, "slow"))
        with psycopg.connect(database) as quick:
            quick.execute("SELECT setval('cost_ledger_id_seq', 1000000)")
        for _ in range(3):
            write(database)
            await exporter.refresh()
        slow.commit()
    await exporter.refresh()
    assert wrong(exporter, database) == []


@pytest.mark.parametrize("refreshes", [0, 1, 3])
async def test_a_late_update_is_read_although_updated_at_is_its_start(
    exporter: Exporter, database: str, refreshes: int
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(OUTCOME, (OLD, "old"))
    await exporter.refresh(refreshes)
    with psycopg.connect(database) as slow:
        slow.execute(CHANGE)
        for _ in range(4):
            write(database, 2)
            await exporter.refresh()
            assert wrong(exporter, database) == []
        slow.commit()
    await exporter.refresh()
    assert wrong(exporter, database) == []


async def test_an_update_time_far_in_the_future_does_not_hide_later_changes(exporter: Exporter, database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(OUTCOME, (OLD, "old"))
        connection.execute("UPDATE impact_ledger SET updated_at = '2999-01-01' WHERE task_id = 'old'")
        connection.execute(OUTCOME, (OLD - timedelta(days=1), "older"))
    await exporter.refresh(4)
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE impact_ledger SET updated_at = now(), cost_usd = 3 WHERE task_id = 'older'")
    await exporter.refresh()
    assert wrong(exporter, database) == []


async def test_a_rollback_leaves_nothing(exporter: Exporter, database: str) -> None:
    await exporter.refresh()
    with psycopg.connect(database) as slow:
        slow.execute(CALL, (OLD, "slow"))
        write(database, 2)
        await exporter.refresh(2)
        slow.rollback()
    write(database, 2)
    await exporter.refresh()
    assert wrong(exporter, database) == []
