"""Past months whose tasks are compacted: what changes in them is served like all other changes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.settings import State
from exporter.sync import audit
from tests.integration.books import read
from tests.integration.conftest import empty
from tests.integration.model import report
from tests.integration.rules import EVER, Settings
from tests.integration.running import Clock, Exporter, configure, differences, running
from tests.integration.strategies import FEW, Ledgers, Rows, ledgers
from tests.integration.test_changes import SILENT, TOLD, alter

pytestmark = pytest.mark.slow
START = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
"""April and what is before are compacted."""
WINDOWS = {"1d": 1, "7d": 7, "lifetime": EVER}
STEPS = st.sampled_from([timedelta(seconds=15), timedelta(hours=9), timedelta(days=25)])


def closed(drawn: Ledgers) -> Ledgers:
    """The same rows, in which most tasks are of one month."""
    return replace(drawn, cost_ledger=_of_months(drawn.cost_ledger), impact_ledger=_of_months(drawn.impact_ledger))


def _of_months(rows: Rows) -> Rows:
    return [row | {"task_id": f"{row['task_id']} {row['created_at']:%m}"} if _closed(row) else row for row in rows]


def _closed(row: dict[str, Any]) -> bool:
    return bool(row["task_id"]) and isinstance(row["created_at"], datetime) and row["task_id"].lower() != "t1"


async def until_right(exporter: Exporter, conninfo: str, now: datetime, settings: Settings) -> None:
    """Refresh until all is right: when the audit has come to what changed, and the months have been read again."""
    expected, found = report(read(conninfo), settings, now), ["no refresh"]
    for _ in range(20):
        await exporter.refresh()
        found = differences(exporter.samples(), expected)
        if not found:
            break
    assert found == []


async def test_an_outcome_that_moves_to_another_month_and_task_counts_once(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit.Audit, "take", lambda *_: [])
    insert = (
        "INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, total_tokens, cost_usd, impact_score)"
        " VALUES (%s, %s, 'a', 'q', 9, 1, 2)"
    )
    move = "UPDATE impact_ledger SET created_at = %s, updated_at = %s, task_id = 'z'"
    clock = Clock(START)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(insert, [START - timedelta(days=60)] * 2)
        config = configure(database, tmp_path / "rollups", report={"windows": list(WINDOWS)})
        compacting = config.model_copy(update={"state": State(path=config.state.path, tasks_for=timedelta(days=7))})
        async with running(compacting, clock) as exporter:
            await exporter.refresh(3)
            connection.execute(move, [START, START])
            for _ in range(4):
                clock.now += timedelta(seconds=15)
                await exporter.refresh()
            assert differences(exporter.samples(), report(read(database), Settings(windows=WINDOWS), clock.now)) == []


@FEW
@given(data=st.data())
async def test_changes_are_served(ledger_database: str, data: st.DataObject) -> None:
    empty(ledger_database)
    clock, days = Clock(START), 75
    closed(data.draw(ledgers(START, days=days))).write(ledger_database)
    with TemporaryDirectory() as directory:
        top, quest_top = data.draw(st.sampled_from([1, 15])), data.draw(st.sampled_from([0, 1]))
        settings = Settings(windows=WINDOWS, top=top, quest_top=quest_top)
        keys = {"windows": list(WINDOWS), "top": top, "quest_top": quest_top}
        config = configure(ledger_database, Path(directory, "rollups"), report=keys)
        compacting = config.model_copy(update={"state": State(path=config.state.path, tasks_for=timedelta(days=7))})
        async with running(compacting, clock) as exporter:
            await exporter.refresh()
            for _ in range(4):
                clock.now += data.draw(STEPS)
                closed(data.draw(ledgers(clock.now, 4, days))).told(clock.now).write(ledger_database)
                alter(ledger_database, data.draw(st.sampled_from((*TOLD, *SILENT))), clock.now)
                await until_right(exporter, ledger_database, clock.now, settings)
            again = config.model_copy(update={"state": State(path=Path(directory, "again"))})
            async with running(again, clock) as built:
                await built.refresh()
                assert exporter.samples() == built.samples()
