"""Every statement of a refresh finds its rows by an index, and an idle refresh reads the same whatever the history."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from exporter import app
from exporter.config import Config, parse
from exporter.exposition.bodies import Publisher
from exporter.sources import comparisons, small_statements, statements
from exporter.sources.catalog import inspect
from exporter.sources.database import Database
from exporter.sources.mapping import Source
from exporter.sources.transaction import Transaction
from exporter.sync.refresher import Refresher
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
    if source.ledger.name == "allocations":
        today = NOW.date()
        days: dict[str, object] = {"start": today - timedelta(days=29), "end": today}
        older: dict[str, object] = {"older_start": today - timedelta(days=60), "older_end": today - timedelta(days=30)}
        return [
            (small_statements.day_checksums(source), days | older),
            (small_statements.allocations(source), days),
            (small_statements.untimed(source), {}),
        ]
    span: dict[str, object] = {"start": NOW - timedelta(hours=1), "end": NOW, "high": 10**9}
    low = {"costs": 59_000, "impacts": 5_900}[source.ledger.name]
    ids: dict[str, object] = {"low": low, "high": low + 500, "shift": 6, "bins": [low >> 6], "ids": [low, low + 1], "rows": 100}
    spans: dict[str, object] = span | {
        "starts": [NOW - timedelta(hours=1)],
        "ends": [NOW],
        "bounds": [NOW - timedelta(hours=1), NOW],
    }
    asked: list[tuple[sql.Composed, dict[str, object]]] = [
        (statements.entries(source), span),
        (statements.new_entries(source), ids),
        (statements.named_entries(source), ids),
        (comparisons.checksums(source), spans),
        (comparisons.key_sums(source), spans),
        (statements.position(source), {"now": NOW}),
        (comparisons.id_bins(source), ids),
        (comparisons.ids(source), ids),
        (comparisons.nth_id(source), ids),
        (statements.next_entry(source), span),
        (statements.nth_entry(source), span | {"rows": 100}),
    ]
    seconds = timedelta(seconds=15)
    since: dict[str, object] = {
        "since": NOW - timedelta(hours=1),
        "until": NOW,
        "width": seconds,
        "bins": [NOW],
        "most": 100,
    }
    if source.has("updated_at"):
        asked += [(comparisons.update_bins(source), since), (comparisons.versions(source), since)]
    return asked


LATE = """
INSERT INTO cost_ledger (created_at, task_id, quest_id, provider, model, cost_usd)
VALUES ('2026-06-01 08:59+00', 'late', 'q1', 'codex', 'gpt', 1)
"""


class Clock:
    """A clock that stands still until it is moved."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Work:
    """What one refresh asked of PostgreSQL: rows that it fetched, by ledger, and statements, by what they begin with."""

    rows: dict[str, float]
    statements: Counter[str]


class Watched:
    """An exporter over a filled ledger, of which each refresh tells its work."""

    def __init__(self, refresher: Refresher, telemetry: Telemetry, sent: list[str]) -> None:
        self._refresher, self._telemetry, self._sent = refresher, telemetry, sent

    async def refresh(self) -> Work:
        before = self._fetched()
        self._sent.clear()
        await self._refresher.refresh(self._refresher.database_syncs[0])
        rows = {ledger: count - before.get(ledger, 0) for ledger, count in self._fetched().items()}
        return Work(rows, Counter(self._sent))

    def _fetched(self) -> dict[str, float]:
        samples = (sample for family in self._telemetry.ledger_rows_read.collect() for sample in family.samples)
        return {sample.labels["ledger"]: sample.value for sample in samples if sample.name.endswith("_total")}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The beginnings of all statements that are sent, in order."""
    found: list[str] = []
    for name in ("rows", "copy"):
        monkeypatch.setattr(Transaction, name, noting(getattr(Transaction, name), found))
    return found


def noting(method: Callable[..., Awaitable[Any]], found: list[str]) -> Callable[..., Awaitable[Any]]:
    async def noted(transaction: Transaction, query: sql.Composable, *args: Any, **parameters: Any) -> object:
        found.append(" ".join(query.as_string().split())[:120])
        return await method(transaction, query, *args, **parameters)

    return noted


@asynccontextmanager
async def watched(conninfo: str, config: Config, days: int, sent: list[str]) -> AsyncIterator[Watched]:
    """After three refreshes, in which what is new settles."""
    fill(conninfo, days)
    telemetry = Telemetry("", "")
    async with app.pipeline(config, Publisher(telemetry), telemetry, Clock()) as refresher:
        exporter = Watched(refresher, telemetry, sent)
        for _ in range(3):
            await exporter.refresh()
        yield exporter


@pytest.mark.parametrize("days", [35, 200])
async def test_an_idle_refresh_reads_the_same_whatever_the_history(
    database: str, config: Config, days: int, sent: list[str]
) -> None:
    async with watched(database, config, days, sent) as exporter:
        idle = [await exporter.refresh() for _ in range(3)]
    # No row is sent, for nothing differs.
    assert [set(work.rows.values()) for work in idle] == [{0.0}] * 3
    assert idle[0].statements == idle[1].statements == idle[2].statements
    assert idle[0].statements.total() == 24


@pytest.mark.parametrize("days", [35, 200])
async def test_one_row_of_an_old_day_is_read_and_no_other(database: str, config: Config, days: int, sent: list[str]) -> None:
    async with watched(database, config, days, sent) as exporter:
        idle = await exporter.refresh()
        with psycopg.connect(database) as connection:
            connection.execute(LATE)
        late = await exporter.refresh()
    assert late.rows == idle.rows | {"costs": 1}
    assert late.statements.total() == idle.statements.total() + 1  # a COPY
