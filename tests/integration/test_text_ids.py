"""Ledgers whose ids are no numbers, such as uuids: no watermark shows what is new, and nothing is missed all the same."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from exporter.sync import possible
from tests.integration.running import Clock, Exporter, configure, running

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
TABLE = """
CREATE TABLE calls (
    entry_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), created_at timestamptz, provider text, cost_usd numeric
);
CREATE INDEX ON calls (created_at, entry_id);
"""
COLUMNS = {"occurred_at": "created_at"}
CALLS = """
INSERT INTO calls (created_at, provider, cost_usd)
SELECT %(last)s::timestamptz - n * %(apart)s::interval, 'p', 0.01 FROM generate_series(0, %(calls)s - 1) AS n
"""


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
async def exporter(database: str, tmp_path: Path, clock: Clock) -> AsyncIterator[Exporter]:
    with psycopg.connect(database) as connection:
        connection.execute(TABLE)
    write(database, NOW, timedelta(minutes=1), 900)
    ledgers = {"costs": {"database": "main", "table": "calls", "columns": COLUMNS}}
    async with running(configure(database, tmp_path / "rollups", ledgers=ledgers), clock) as exporter:
        await exporter.refresh(2)
        yield exporter


def write(conninfo: str, last: datetime, apart: timedelta, calls: int) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(CALLS, {"last": last, "apart": apart, "calls": calls})


def counted(exporter: Exporter) -> float:
    return sum(exporter.samples()["resource_calls"].values())


async def test_new_calls_show_at_the_next_refresh(exporter: Exporter, clock: Clock, database: str) -> None:
    for polls in range(1, 5):
        clock.now += timedelta(seconds=15)
        write(database, clock.now, timedelta(seconds=1), 10)
        await exporter.refresh()
        assert counted(exporter) == 900 + 10 * polls


@pytest.mark.parametrize("hours", [1, 6, 11])
async def test_late_calls_show_within_a_minute(exporter: Exporter, clock: Clock, database: str, hours: int) -> None:
    write(database, NOW - timedelta(hours=hours), timedelta(seconds=7), 3)
    for _ in range(4):
        clock.now += timedelta(seconds=15)
        await exporter.refresh()
    assert counted(exporter) == 903


async def test_calls_of_a_pause_show_at_the_next_refresh(
    exporter: Exporter, clock: Clock, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many: the lookback is not compared in parts when the last poll was long ago."""
    monkeypatch.setattr(possible, "COMPARED_ROWS", 5)
    clock.now += timedelta(hours=3)
    write(database, clock.now, timedelta(seconds=30), 300)
    await exporter.refresh()
    assert counted(exporter) == 1200
