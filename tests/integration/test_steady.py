"""Memory does not grow over many refreshes, and a scrape does no work."""

import asyncio
import gc
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from exporter.app import pipeline
from exporter.exposition.bodies import Publisher
from exporter.exposition.negotiation import REPRESENTATIONS
from exporter.telemetry import Telemetry
from tests.integration.running import Clock, Exporter, configure, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
MEGABYTE = 1024**2
WRITE = """
WITH call AS (
    INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd)
    VALUES (%(at)s, %(task)s, 'q', 'max', 'm', 0.25)
)
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, total_tokens, cost_usd, impact_score)
VALUES (%(at)s, now(), %(task)s, 'q', 'Atlas', 5000, 1, 0.5)
"""
FORGET = "DELETE FROM cost_ledger WHERE id < (SELECT max(id) - 200 FROM cost_ledger)"


def resident() -> int:
    """The memory of this process, in bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def held() -> tuple[int, int, int]:
    """Open files, threads and tasks of this process."""
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), len(asyncio.all_tasks())


async def work(exporter: Exporter, connection: psycopg.Connection, count: int) -> None:
    """Refresh this many times; before every third one, add a call and a judgement in the last month and delete older ones."""
    for number in range(count):
        if number % 3 == 0:
            at = NOW - timedelta(hours=37 * (number % 20))
            connection.execute(WRITE, {"at": at, "task": f"t{number % 50}"})
            connection.execute(FORGET)
        await exporter.refresh()


@pytest.mark.slow
async def test_memory_stays_flat_over_a_thousand_refreshes(database: str, tmp_path: Path) -> None:
    ledgers = {name: {"database": "main"} for name in ("costs", "impacts")}
    config = configure(database, tmp_path / "rollups", ledgers=ledgers, report={"windows": ["1d"], "timeline_days": 1})
    with psycopg.connect(database, autocommit=True) as connection:
        async with running(config, Clock(NOW)) as exporter:
            await work(exporter, connection, 200)
            before, things = resident(), held()
            await work(exporter, connection, 800)
            assert resident() - before < 16 * MEGABYTE
            assert held() == things


async def test_a_scrape_needs_neither_ledger_nor_rollups(database: str, tmp_path: Path) -> None:
    """A scrape returns the same object each time, even after ledgers and rollups are closed."""
    telemetry = Telemetry("v", "r")
    publisher = Publisher(telemetry)
    async with pipeline(configure(database, tmp_path / "rollups"), publisher, telemetry, Clock(NOW)) as refresher:
        for database_sync in refresher.database_syncs:
            await refresher.refresh(database_sync)
        bodies = {each: publisher.body(each) for each in REPRESENTATIONS}
    assert all(publisher.body(each) is body for each, body in bodies.items())
