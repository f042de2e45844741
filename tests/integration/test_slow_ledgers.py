"""A range that exceeds ``refresh.statement_timeout`` is read and compared in smaller batches."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, configure, differences, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
SLOW = """
CREATE FUNCTION slow(timestamptz) RETURNS bool STABLE COST 100000 LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_sleep(0.001); RETURN true; END'
"""
"""A filter with which reading each row takes a millisecond."""
CALLS = """
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd)
SELECT '2026-05-12 00:00Z'::timestamptz + n * interval '90 seconds', 't' || n % 50, 'q', 'p', 'm', 0.01
  FROM generate_series(1, 900) AS n
"""


@pytest.mark.slow
async def test_a_range_that_times_out_is_split(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(CALLS)
        connection.execute(SLOW)
        connection.execute("CREATE INDEX ON cost_ledger (created_at, id)")
    config = configure(
        database,
        tmp_path / "rollups",
        ledgers={"costs": {"database": "main", "filter": "slow(created_at)"}},
        refresh={"statement_timeout": "500ms", "settle": "1m"},
    )
    clock = Clock(NOW)
    async with running(config, clock) as exporter:
        await exporter.refresh()
        assert differences(exporter.samples(), report(read(database), Settings(), clock.now)) == []
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE cost_ledger SET cost_usd = 1 WHERE id % 7 = 0")
            connection.execute("DELETE FROM cost_ledger WHERE id % 11 = 0")
            connection.execute(CALLS)
        for _ in range(3):
            clock.now += timedelta(minutes=5)
            await exporter.refresh()
        assert differences(exporter.samples(), report(read(database), Settings(), clock.now)) == []
