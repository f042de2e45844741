"""Partitions that are dropped, detached, attached or emptied: samples are exact after the next refresh, without an audit."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.sync import audit
from tests.integration.books import read
from tests.integration.model import report
from tests.integration.partitioned import CHANGES, MONTHS, TABLES, Partitioned
from tests.integration.rules import Settings
from tests.integration.running import Clock, Exporter, configure, differences, running
from tests.integration.strategies import FEW, ledgers

START = datetime(2026, 5, 14, 15, 20, tzinfo=UTC)
STEPS = st.sampled_from([timedelta(seconds=15), timedelta(minutes=70), timedelta(hours=26)])
CHANGE = st.tuples(st.sampled_from([*CHANGES]), st.sampled_from(TABLES), st.sampled_from(MONTHS))


@pytest.fixture(autouse=True)
def no_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a few rows, the audit would see all in every poll."""
    monkeypatch.setattr(audit.Audit, "take", lambda *_: [])


def wrong(exporter: Exporter, conninfo: str, clock: Clock) -> list[str]:
    return differences(exporter.samples(), report(read(conninfo), Settings(), clock.now))


@pytest.mark.slow
@FEW
@given(data=st.data())
async def test_partitions_that_come_and_go(ledger_database: str, data: st.DataObject) -> None:
    partitioned, clock = Partitioned(ledger_database), Clock(START)
    data.draw(ledgers(START)).write(ledger_database)
    with TemporaryDirectory() as directory:
        config = configure(ledger_database, Path(directory, "rollups"))
        for _ in range(3):  # each time after a restart
            async with running(config, clock) as exporter:
                await exporter.refresh()
                assert wrong(exporter, ledger_database, clock) == []
                for _ in range(3):
                    clock.now += data.draw(STEPS)
                    for change in data.draw(st.lists(CHANGE, max_size=3)):
                        partitioned.change(*change)
                    data.draw(ledgers(clock.now, 4)).told(clock.now).write(ledger_database)
                    await exporter.refresh()
                    assert wrong(exporter, ledger_database, clock) == []
            partitioned.change(*data.draw(CHANGE))


CALLS = """
INSERT INTO cost_ledger (created_at, quest_id, provider, cost_usd)
SELECT at, 'q', 'codex', 1 FROM generate_series(timestamptz '2026-04-01Z', '2026-05-14Z', '8 hours') AS at
"""
QUERY = "SELECT id AS entry_id, created_at AS occurred_at, provider, cost_usd, quest_id FROM cost_ledger"
VIEW = "ALTER TABLE cost_ledger RENAME TO below; CREATE VIEW cost_ledger AS TABLE below"
BY_ID = """
ALTER TABLE parts.cost_ledger_rest RENAME TO before;
ALTER TABLE cost_ledger DETACH PARTITION parts.before;
DROP TABLE cost_ledger;
CREATE TABLE cost_ledger (LIKE parts.before INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE parts.cost_ledger_4 PARTITION OF cost_ledger FOR VALUES FROM (1) TO (100);
CREATE TABLE parts.cost_ledger_5 PARTITION OF cost_ledger FOR VALUES FROM (100) TO (1000);
"""


@pytest.mark.parametrize(
    "prepare, costs",
    [("", {}), (VIEW, {}), ("", {"query": QUERY, "columns": {"quest_id": "quest_id"}}), (BY_ID, {})],
    ids=["table", "view", "query", "by id"],
)
async def test_a_partition_in_the_middle(database: str, tmp_path: Path, prepare: str, costs: dict[str, object]) -> None:
    Partitioned(database)
    clock = Clock(START)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(prepare.encode())
        connection.execute(CALLS)
        table = "below" if prepare == VIEW else "cost_ledger"
        config = configure(database, tmp_path / "rollups", ledgers={"costs": {"database": "main"} | costs})
        async with running(config, clock) as exporter:
            await exporter.refresh()
            assert spent(exporter) == 130
            bounds = connection.execute(
                "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = 'parts.cost_ledger_4'::regclass"
            ).fetchall()[0][0]
            connection.execute(f"ALTER TABLE {table} DETACH PARTITION parts.cost_ledger_4".encode())
            await exporter.refresh()
            assert spent(exporter) == (31 if prepare == BY_ID else 40)
            connection.execute(f"ALTER TABLE {table} ATTACH PARTITION parts.cost_ledger_4 {bounds}".encode())
            await exporter.refresh()
            assert spent(exporter) == 130


def spent(exporter: Exporter) -> float:
    return sum(exporter.samples()["resource_spend_usd"].values())
