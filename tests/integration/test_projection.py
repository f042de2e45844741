"""The projection of today's spend in the presence of credits."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests.integration.books import read
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, configure, differences, running

CALL = "INSERT INTO cost_ledger (created_at, quest_id, provider, cost_usd) VALUES (%s, %s, 'p', %s)"
STEADY = """
INSERT INTO cost_ledger (created_at, quest_id, provider, cost_usd)
SELECT hour, 'q', 'p', 10 FROM generate_series(timestamptz '2026-04-01Z', '2026-05-14Z', interval '1 hour') AS hour
"""


async def projected(database: str, state: Path, now: datetime) -> dict[str, float]:
    """The projection of each quest after $10 an hour since April; that of the model must be equal."""
    async with running(configure(database, state), Clock(now)) as exporter:
        await exporter.refresh()
        served = exporter.samples()
    assert differences(served, report(read(database), Settings(), now)) == []
    return {dict(labels)["quest_id"]: usd for labels, usd in served["resource_quest_projected_spend_usd"].items()}


@pytest.fixture
def steady(database: str) -> str:
    with psycopg.connect(database) as connection:
        connection.execute(STEADY)
    return database


def spend_today(database: str) -> None:
    """The database with $10 per hour until 14:00."""
    with psycopg.connect(database) as connection:
        connection.execute(CALL, ["2026-05-14 09:00Z", "q", 130])


@pytest.mark.parametrize("at", ["2026-05-04 23:30Z", "2026-05-04 00:10Z", "2026-05-04 13:00Z"])
async def test_a_past_credit_does_not_change_the_projection(steady: str, tmp_path: Path, at: str) -> None:
    with psycopg.connect(steady) as connection:
        connection.execute(CALL, [at, "q", -5000])
    spend_today(steady)
    assert await projected(steady, tmp_path / "rollups", datetime(2026, 5, 14, 14, tzinfo=UTC)) == {"q": pytest.approx(240)}


async def test_a_past_credit_does_not_change_the_projection_after_midnight(steady: str, tmp_path: Path) -> None:
    with psycopg.connect(steady) as connection:
        connection.execute(CALL, ["2026-05-04 23:30Z", "q", -5000])
    # The $10 of the first hour are billed at its start; by half past, half of them is usual.
    assert await projected(steady, tmp_path / "rollups", datetime(2026, 5, 14, 0, 30, tzinfo=UTC)) == {"q": pytest.approx(480)}


async def test_a_credit_of_today_is_not_extrapolated(steady: str, tmp_path: Path) -> None:
    with psycopg.connect(steady) as connection:
        connection.execute(CALL, ["2026-05-14 09:00Z", "credited", -300])
    spend_today(steady)
    wanted = {"q": pytest.approx(240), "credited": -300}
    assert await projected(steady, tmp_path / "rollups", datetime(2026, 5, 14, 14, tzinfo=UTC)) == wanted
