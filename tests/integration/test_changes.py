"""After any change of the ledgers, the samples equal a recomputation, and those of a new build bit for bit."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.books import read
from tests.integration.conftest import empty
from tests.integration.model import report
from tests.integration.rules import Settings
from tests.integration.running import Clock, configure, differences, running
from tests.integration.strategies import FEW, ledgers

pytestmark = pytest.mark.slow
START = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
STEPS = st.sampled_from([timedelta(0), timedelta(seconds=15), timedelta(minutes=70), timedelta(hours=9), timedelta(days=31)])
# Each of these sets updated_at or a new id, so the next refresh finds it.
TOLD = (
    "UPDATE impact_ledger SET updated_at = %(now)s, cost_usd = cost_usd + 1, impact_score = 0.3 WHERE id %% 3 = 0",
    "UPDATE impact_ledger SET updated_at = %(now)s, created_at = created_at - interval '5 days' WHERE id %% 2 = 0",
    "UPDATE impact_ledger SET updated_at = %(now)s, task_id = 't1', quest_id = 'q2', layer = NULL WHERE id %% 3 = 1",
    "UPDATE impact_ledger SET updated_at = %(now)s, impact_score = NULL, total_tokens = 5000, task_title = 'New'",
    "UPDATE quests SET name = name || '!', layer = 'Forge'",
    "DELETE FROM quests WHERE id <> 'q1'",
    "UPDATE quest_budget_allocations SET allocated_usd = allocated_usd + 1, spent_usd = 2 WHERE day > %(now)s::date - 3",
    "DELETE FROM quest_budget_allocations WHERE quest_id = 'q1' AND day > %(now)s::date - 30",
)
# These are found by comparing rows only.
SILENT = (
    "DELETE FROM cost_ledger WHERE id %% 3 = 0",
    "DELETE FROM impact_ledger WHERE id %% 3 = 0",
    "DELETE FROM cost_ledger",
    "DELETE FROM impact_ledger",
    "UPDATE cost_ledger SET cost_usd = cost_usd * 2 WHERE id %% 2 = 0",
    "UPDATE cost_ledger SET task_id = 't9', quest_id = 'q9', provider = 'moved', model = NULL WHERE id %% 2 = 1",
    "UPDATE cost_ledger SET input_tokens = input_tokens + 1, output_tokens = NULL",
    "UPDATE cost_ledger SET created_at = created_at - interval '36 hours' WHERE id %% 3 = 1",
    "UPDATE impact_ledger SET impact_score = 7, task_title = 'Silent', layer = 'Senate' WHERE id %% 2 = 1",
    "UPDATE impact_ledger SET created_at = created_at - interval '36 hours' WHERE id %% 3 = 1",
    "UPDATE quest_budget_allocations SET allocated_usd = allocated_usd * 2",
    "DELETE FROM quest_budget_allocations",
)


def alter(conninfo: str, statement: str, now: datetime) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(statement, {"now": now})


@FEW
@given(data=st.data())
async def test_changes_with_a_watermark_are_served_after_the_next_refresh(ledger_database: str, data: st.DataObject) -> None:
    empty(ledger_database)
    clock = Clock(START)
    data.draw(ledgers(START)).write(ledger_database)
    with TemporaryDirectory() as directory:
        async with running(configure(ledger_database, Path(directory, "rollups")), clock) as exporter:
            await exporter.refresh()
            for _ in range(4):
                clock.now += data.draw(STEPS)
                data.draw(ledgers(clock.now, 4)).told(clock.now).write(ledger_database)
                alter(ledger_database, data.draw(st.sampled_from(TOLD)), clock.now)
                await exporter.refresh()
                assert differences(exporter.samples(), report(read(ledger_database), Settings(), clock.now)) == []
            async with running(configure(ledger_database, Path(directory, "again")), clock) as again:
                await again.refresh()
                assert exporter.samples() == again.samples()


@FEW
@given(data=st.data())
async def test_silent_changes_are_served_after_one_audit_cycle(ledger_database: str, data: st.DataObject) -> None:
    empty(ledger_database)
    clock = Clock(START)
    data.draw(ledgers(START, days=12)).write(ledger_database)
    with TemporaryDirectory() as directory:
        async with running(configure(ledger_database, Path(directory, "rollups")), clock) as exporter:
            await exporter.refresh()
            clock.now += data.draw(STEPS.filter(lambda step: step < timedelta(days=1)))
            for _ in range(2):
                alter(ledger_database, data.draw(st.sampled_from(SILENT)), clock.now)
                data.draw(ledgers(clock.now - timedelta(days=3), 3, days=9)).renumbered().write(ledger_database)
            await exporter.refresh(5)
            assert differences(exporter.samples(), report(read(ledger_database), Settings(), clock.now)) == []
            async with running(configure(ledger_database, Path(directory, "again")), clock) as again:
                await again.refresh()
                assert exporter.samples() == again.samples()


async def test_a_deleted_entry_of_later_today_is_gone_after_one_audit_cycle(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO cost_ledger (created_at, provider, cost_usd)"
            " VALUES ('2026-05-14 21:00Z', 'p', 5), ('2026-05-14 9:00Z', 'p', 1)"
        )
    async with running(configure(database, tmp_path / "rollups"), Clock(START)) as exporter:
        await exporter.refresh()
        with psycopg.connect(database) as connection:
            connection.execute("DELETE FROM cost_ledger WHERE cost_usd = 5")
        await exporter.refresh(5)
        assert differences(exporter.samples(), report(read(database), Settings(), START)) == []


async def test_a_call_after_the_judgement_gets_its_share_of_the_impact(database: str, tmp_path: Path) -> None:
    call = "INSERT INTO cost_ledger (created_at, task_id, provider, cost_usd) VALUES (%s, 't', %s, %s)"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(call, ["2026-05-14 09:00Z", "early", 1])
        connection.execute(
            "INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, total_tokens, cost_usd, impact_score)"
            " VALUES ('2026-05-14 10:00Z', '2026-05-14 10:00Z', 't', 'q', 5000, 1, 8)"
        )
        async with running(configure(database, tmp_path / "rollups"), Clock(START)) as exporter:
            await exporter.refresh(2)
            connection.execute(call, ["2026-05-14 15:00Z", "late", 3])
            await exporter.refresh()
            impact = exporter.samples()["resource_provider_impact_score"]
            shares = {(labels["provider"], labels["window"]): score for each, score in impact.items() if (labels := dict(each))}
    assert {shares["early", window] for window in ("1d", "30d", "lifetime")} == {2}
    assert {shares["late", window] for window in ("1d", "30d", "lifetime")} == {6}


async def test_a_quest_whose_calls_were_deleted_can_come_back(database: str, tmp_path: Path) -> None:
    call = "INSERT INTO cost_ledger (created_at, quest_id, provider, cost_usd) VALUES (%s, %s, 'p', 1)"
    with psycopg.connect(database, autocommit=True) as connection:
        for quest in ("gone", "stays"):
            connection.execute(call, [START, quest])
        async with running(configure(database, tmp_path / "rollups"), Clock(START)) as exporter:
            await exporter.refresh()
            connection.execute("DELETE FROM cost_ledger WHERE quest_id = 'gone'")
            await exporter.refresh(3)
            assert differences(exporter.samples(), report(read(database), Settings(), START)) == []
            connection.execute(call, [START, "gone"])
            await exporter.refresh()
            assert differences(exporter.samples(), report(read(database), Settings(), START)) == []
