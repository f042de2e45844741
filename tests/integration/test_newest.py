"""The newest entry is the newest one not in the future: entries in the future must not hide that a gateway has stopped."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.conftest import empty
from tests.integration.running import Clock, Exporter, configure, running
from tests.integration.strategies import FEW

NOW = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
CALL = "INSERT INTO cost_ledger (created_at, provider, cost_usd) VALUES (%s, 'p', 1)"


def newest(exporter: Exporter) -> datetime | None:
    """The time of the newest call by the exporter's metric; None if it is absent."""
    moment = exporter.own("ledger_newest_entry_timestamp_seconds", ledger="costs")
    return datetime.fromtimestamp(moment, UTC) if moment else None


async def test_a_call_in_the_future_counts_from_its_time_on(database: str, tmp_path: Path) -> None:
    clock, happened, ahead = Clock(NOW), NOW - timedelta(minutes=10), NOW + timedelta(minutes=30)
    with psycopg.connect(database, autocommit=True) as connection:
        for moment in (happened, ahead, NOW + timedelta(hours=6)):
            connection.execute(CALL, [moment])
        async with running(configure(database, tmp_path / "rollups"), clock) as exporter:
            await exporter.refresh()
            assert newest(exporter) == happened
            clock.now = ahead
            await exporter.refresh()
            assert newest(exporter) == ahead
            connection.execute("DELETE FROM cost_ledger")
            await exporter.refresh(5)
            assert newest(exporter) is None


@FEW
@given(
    minutes=st.lists(st.integers(-3000, 520), max_size=12),
    later=st.lists(st.integers(-3000, 520), max_size=3),
    steps=st.lists(st.integers(0, 500), min_size=1, max_size=4),
)
async def test_it_is_the_newest_entry_not_in_the_future(
    database: str, minutes: list[int], later: list[int], steps: list[int]
) -> None:
    """Independent of what is read, and whether it is read again before its time: the rollups keep future times."""
    empty(database)
    clock, calls = Clock(NOW), [NOW + timedelta(minutes=each) for each in minutes]
    with TemporaryDirectory() as directory, psycopg.connect(database, autocommit=True) as connection:
        connection.cursor().executemany(CALL, [[each] for each in calls])
        async with running(configure(database, Path(directory, "rollups")), clock) as exporter:
            await exporter.refresh()
            for step in steps:
                assert newest(exporter) == max((each for each in calls if each <= clock.now), default=None)
                clock.now = min(clock.now + timedelta(minutes=step), NOW + timedelta(hours=8))
                await exporter.publish_rollups()
            assert newest(exporter) == max((each for each in calls if each <= clock.now), default=None)
            more = [NOW + timedelta(minutes=each) for each in later]
            connection.cursor().executemany(CALL, [[each] for each in more])
            await exporter.refresh(2)
            assert newest(exporter) == max((each for each in calls + more if each <= clock.now), default=None)


async def test_a_past_day_has_no_future_times(database: str, tmp_path: Path) -> None:
    clock = Clock(NOW)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(CALL, [NOW + timedelta(hours=6)])
        connection.execute(CALL, [NOW - timedelta(hours=6)])
        async with running(configure(database, tmp_path / "rollups"), clock) as exporter:
            await exporter.refresh()
            clock.now += timedelta(days=2)
            await exporter.refresh(2)
            assert newest(exporter) == NOW + timedelta(hours=6)
