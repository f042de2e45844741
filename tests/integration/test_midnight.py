"""Refreshes around a full hour, midnight and a clock change, while writers are writing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, configure, differences, running

pytestmark = pytest.mark.slow
# A zone, and an instant a few hours before a full hour, midnight or a clock change.
TURNS = {
    "UTC": "2026-05-14T21:00",
    "Asia/Kolkata": "2026-05-14T15:00",
    "America/New_York": "2026-03-08T03:00",
    "America/New_York autumn": "2026-11-01T02:00",
    "Australia/Lord_Howe": "2026-10-03T11:00",
    "Australia/Lord_Howe autumn": "2026-04-04T11:00",
    "Africa/Cairo": "2026-04-23T20:00",
    "Pacific/Apia": "2011-12-30T06:00",
    "Europe/Berlin new year": "2025-12-31T20:00",
}
STEP = timedelta(minutes=47)


@pytest.mark.parametrize("turn", TURNS)
async def test_every_refresh_across_the_change_is_exact(database: str, tmp_path: Path, turn: str) -> None:
    zone = ZoneInfo(turn.split(maxsplit=1)[0])
    clock = Clock(datetime.fromisoformat(TURNS[turn]).replace(tzinfo=UTC))
    with psycopg.connect(database) as connection:
        for hours in range(-60, 48):
            _write(connection, clock.now + timedelta(hours=hours), hours % 5)
        for days in range(-3, 3):
            day = (clock.now + timedelta(days=days)).date()
            connection.execute("INSERT INTO quests VALUES ('q1', 'Quest', 'Forge') ON CONFLICT DO NOTHING")
            connection.execute("INSERT INTO quest_budget_allocations VALUES ('q1', %s, %s)", (day, 5 + days))
    async with running(configure(database, tmp_path / "rollups", timezone=zone.key), clock) as exporter:
        for number in range(12):
            await exporter.refresh()
            page = report(read(database), Settings(zone=zone), clock.now)
            assert differences(exporter.samples(), page) == [], clock.now
            clock.now += STEP
            with psycopg.connect(database) as connection:
                _write(connection, clock.now - number * timedelta(hours=1), number)


def _write(connection: psycopg.Connection, at: datetime, number: int) -> None:
    connection.execute(
        "INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, cost_usd) VALUES (%s, %s, 'q1', %s, %s)",
        (at, f"t{number % 3}", f"p{number % 2}", number + 1),
    )
    connection.execute(
        """INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, total_tokens, cost_usd, impact_score)
            VALUES (%s, now(), %s, 'q1', 400, 1, %s)""",
        (at, f"t{number % 3}", number / 10),
    )


async def test_a_clock_that_goes_back(database: str, tmp_path: Path) -> None:
    clock = Clock(datetime(2026, 5, 14, 1, tzinfo=UTC))
    with psycopg.connect(database) as connection:
        for hours in range(-80, 20):
            _write(connection, clock.now + timedelta(hours=hours), hours % 5)
    async with running(configure(database, tmp_path / "rollups"), clock) as exporter:
        for hours in (0, -3, -30, 5, 60, -60):
            clock.now += timedelta(hours=hours)
            await exporter.refresh()
            assert differences(exporter.samples(), report(read(database), Settings(), clock.now)) == [], hours
