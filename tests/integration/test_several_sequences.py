"""Ids of several sequences in one ledger: a late row with an id below others is found within a minute, without an audit."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from exporter.sync import audit
from tests.integration.running import Clock, Exporter, configure, running

START = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
TABLES = """
CREATE TABLE east (id bigint, at timestamptz, usd numeric); CREATE INDEX ON east (id); CREATE INDEX ON east (at);
CREATE TABLE west (LIKE east INCLUDING ALL);
INSERT INTO west SELECT n, timestamptz '2026-05-14 15:00Z' - n * interval '1 hour', 1 FROM generate_series(1, 90) AS n;
INSERT INTO east SELECT 5000000000 + id, at, 1 FROM west;
"""
UNION = " UNION ALL ".join(f"SELECT id, at, 'p', usd FROM {table}" for table in ("east", "west"))
QUERY = UNION.replace("id, at, 'p', usd", "id AS entry_id, at AS occurred_at, 'p' AS provider, usd AS cost_usd", 1)
VIEW = f"CREATE VIEW both_ledgers AS {QUERY}"

COLUMNS: dict[str, str | None] = {name: name for name in ("entry_id", "occurred_at", "provider", "cost_usd")}
COLUMNS |= dict.fromkeys(("task_id", "quest_id", "model", "input_tokens", "output_tokens"))


def spent(exporter: Exporter) -> float:
    return sum(exporter.samples()["resource_spend_usd"].values())


@pytest.mark.parametrize("costs", [{"query": QUERY}, {"table": "both_ledgers", "columns": COLUMNS}], ids=["query", "view"])
async def test_a_late_row_below_the_watermark(
    database: str, tmp_path: Path, costs: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit.Audit, "take", lambda *_: [])
    clock = Clock(START)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(TABLES)
        connection.execute(VIEW)
        config = configure(database, tmp_path / "rollups", ledgers={"costs": {"database": "main"} | costs})
        async with running(config, clock) as exporter:
            await exporter.refresh(3)
            assert spent(exporter) == 180
            connection.execute("INSERT INTO west VALUES (1000, '2026-05-14 09:00Z', 5)")
            for _ in range(4):
                clock.now += timedelta(seconds=15)
                await exporter.refresh()
            assert spent(exporter) == 185


async def test_a_late_row_of_a_group_of_ids(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are a group, shifted, and a number in the group: once a new one was below the others, late ones are looked for."""
    monkeypatch.setattr(audit.Audit, "take", lambda *_: [])
    clock = Clock(START)
    insert = "INSERT INTO cost_ledger (id, created_at, provider, cost_usd) VALUES ((%s::bigint << 48) + %s, %s, 'p', %s)"
    with psycopg.connect(database, autocommit=True) as connection:
        for group in (1, 2):
            connection.cursor().executemany(
                insert, [(group, number, START - timedelta(hours=number), 1) for number in range(9)]
            )
        async with running(configure(database, tmp_path / "rollups"), clock) as exporter:
            await exporter.refresh(3)
            assert exporter.own("ledger_watermark_certain", ledger="costs") == 1
            connection.execute(insert, [1, 10, START, 5])  # in the lookback
            for _ in range(2):
                clock.now += timedelta(seconds=15)
                await exporter.refresh()
            assert exporter.own("ledger_watermark_certain", ledger="costs") == 0
            connection.execute(insert, [1, 11, START - timedelta(hours=6), 7])
            for _ in range(4):
                clock.now += timedelta(seconds=15)
                await exporter.refresh()
            assert spent(exporter) == 18 + 5 + 7
            clock.now += timedelta(hours=23)
            await exporter.refresh()
            clock.now += timedelta(hours=2)
            await exporter.refresh()
            assert exporter.own("ledger_watermark_certain", ledger="costs") == 1
