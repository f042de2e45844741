"""Every statement of a refresh finds its rows by an index, and an idle refresh reads the same whatever the history."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from exporter import app
from exporter.config import Config, parse
from exporter.database import Database, Transaction
from exporter.exposition.bodies import Publisher
from exporter.ledgers import cursor, statements
from exporter.ledgers.catalog import inspect
from exporter.ledgers.mapping import Source
from exporter.telemetry import Telemetry

NOW = datetime(2026, 6, 15, 12, 30, tzinfo=UTC)
LEDGERS = """
databases: {{main: {{dsn: "{dsn}"}}}}
ledgers:
  allocations: {{database: main}}
  costs: {{database: main}}
  impacts: {{database: main}}
  quests: {{database: main}}
"""
# A day is 200 calls and 20 judged tasks; the last of them at noon.
FILL = """
INSERT INTO quests SELECT 'q' || n, 'Quest ' || n, 'Atlas' FROM generate_series(1, 5) AS n;
INSERT INTO quest_budget_allocations SELECT 'q' || n, date '2026-06-15' - back, 10, 1
  FROM generate_series(1, 5) AS n, generate_series(0, %(days)s - 1) AS back;
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, input_tokens, output_tokens, cost_usd)
SELECT noon - n * interval '432 seconds', 't' || n / 10, 'q' || 1 + n / 10 %% 5, 'codex', 'gpt', 1, 1, 0.01
  FROM generate_series(%(days)s * 200, 0, -1) AS n, timestamptz('2026-06-15 12:00+00') AS noon;
INSERT INTO impact_ledger (created_at, updated_at, task_id, quest_id, layer, task_title, total_tokens, cost_usd, impact_score)
SELECT at, at, 't' || n, 'q' || 1 + n %% 5, 'Atlas', 'Task', 20, 0.1, 1
  FROM generate_series(%(days)s * 20, 0, -1) AS n, timestamptz('2026-06-15 12:00+00') AS noon,
       timestamptz(noon - n * interval '72 minutes') AS at;
"""


def fill(conninfo: str, days: int) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        psycopg.ClientCursor(connection).execute(FILL, {"days": days})
        connection.execute("VACUUM ANALYZE")


@pytest.fixture
def config(database: str, tmp_path: Path) -> Config:
    return parse(LEDGERS.format(dsn=database), tmp_path / "config.yml")


@pytest.fixture
async def transaction(database: str, config: Config) -> AsyncIterator[Transaction]:
    fill(database, days=300)
    async with Database(config.databases["main"], timedelta(seconds=20)) as opened, opened.transaction() as transaction:
        yield transaction


@pytest.mark.parametrize("ledger", ["costs", "impacts", "allocations"])
async def test_no_statement_reads_a_whole_ledger(transaction: Transaction, config: Config, ledger: str) -> None:
    source = Source(config.ledgers[ledger], await inspect(transaction, config.ledgers[ledger]))
    for statement, parameters in statements_of(source):
        plan = await transaction.rows(sql.SQL("EXPLAIN ") + statement, **parameters)
        text = "\n".join(line for (line,) in plan)
        assert f"Seq Scan on {config.ledgers[ledger].table[-1]}" not in text, text
        assert "Index" in text, text


def statements_of(source: Source) -> list[tuple[sql.Composed, dict[str, object]]]:
    """All statements that a refresh sends for the ledger, with the parameters of a quiet moment."""
    span: dict[str, object] = {"start": NOW - timedelta(hours=1), "end": NOW}
    if source.ledger.name == "allocations":
        days: dict[str, object] = {"start": NOW.date() - timedelta(days=29), "end": NOW.date()}
        return [(statements.digest(source), days), (statements.allocations(source), days), (statements.untimed(source), {})]
    lowest: dict[str, object] = {"costs": 59_000, "impacts": 5_900, "updated_at": NOW.timestamp() - 3600}
    looks, newest = [], []
    for column in cursor.columns(source):
        lower = lowest[column if column == "updated_at" else source.ledger.name]
        looks.append((cursor._look(source, column), {"lower": lower}))
        newest.append((cursor._newest(source, column), dict[str, object]()))
    ranges = [
        (statements.entries(source), span),
        (statements.fingerprints(source), span | {"midnight": NOW.replace(hour=0, minute=0)}),
        (statements.next_entry(source), span),
    ]
    return [*looks, *newest, *ranges, (statements.untimed(source), {})]


class Clock:
    """A clock that stands still until it is moved."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


async def reads(conninfo: str, config: Config, days: int) -> tuple[list[dict[str, float]], dict[str, float]]:
    """Rows that three idle refreshes fetch, and one after a single new call; the first two refreshes settle what is new."""
    fill(conninfo, days)
    telemetry = Telemetry("", "")
    idle = []
    async with app.pipeline(config, Publisher(telemetry), telemetry, Clock()) as refresher:
        for _ in range(6):
            before = fetched(telemetry)
            await refresher.refresh(refresher.collections[0])
            idle.append({ledger: count - before.get(ledger, 0) for ledger, count in fetched(telemetry).items()})
        with psycopg.connect(conninfo) as connection:
            connection.execute(
                "INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd)"
                " VALUES ('2026-06-01 08:59+00', 'late', 'q1', 'codex', 'gpt', 1)"
            )
        before = fetched(telemetry)
        await refresher.refresh(refresher.collections[0])
        late = {ledger: count - before[ledger] for ledger, count in fetched(telemetry).items()}
    return idle[3:], late


def fetched(telemetry: Telemetry) -> dict[str, float]:
    samples = (sample for family in telemetry.ledger_rows_read.collect() for sample in family.samples)
    return {sample.labels["ledger"]: sample.value for sample in samples if sample.name.endswith("_total")}


@pytest.mark.parametrize("days", [35, 200])
async def test_an_idle_refresh_reads_the_same_whatever_the_history(database: str, config: Config, days: int) -> None:
    idle, late = await reads(database, config, days)
    # The hour of noon holds one task's call; allocations are those of one older day; neither they nor quests changed otherwise.
    assert idle == [{"allocations": 5, "quests": 0, "costs": 1, "impacts": 1}] * 3
    # One late call: its settled day is read again, 200 calls and itself, and no other.
    assert late["impacts"] == 1
    assert late["costs"] - 1 == 201
