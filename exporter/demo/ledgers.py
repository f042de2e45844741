"""Writes the events of the simulated fleet into its ledgers: first the history, then live events."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from exporter.demo.catalogue import QUESTS
from exporter.demo.fleet import Events, Fleet
from exporter.demo.tasks import Allocation, Call, Impact, midnight

Report = Callable[[int, int], None]
"""Called after each day of the history with the number of days written and the number of all days."""

Row = tuple[Any, ...]

SEED = 20
STEP = timedelta(seconds=1)
DELAY = timedelta(minutes=10)

RESCORE = """
UPDATE impact_ledger SET updated_at = %(updated_at)s, impact_score = %(impact_score)s
WHERE created_at = %(created_at)s AND task_id = %(task_id)s
"""

# spent_usd includes a call ten minutes late and is final at midnight, so the last calls of a day are never included.
BOOK = """
UPDATE quest_budget_allocations AS allocation SET spent_usd = booked.usd
FROM (
    SELECT quest_id, (created_at AT TIME ZONE 'UTC')::date AS day, round(sum(cost_usd), 2) AS usd
    FROM cost_ledger
    WHERE created_at >= %(since)s AND created_at < %(until)s - %(delay)s
        AND (created_at AT TIME ZONE 'UTC')::date = ((created_at + %(delay)s) AT TIME ZONE 'UTC')::date
    GROUP BY 1, 2
) AS booked
WHERE allocation.quest_id = booked.quest_id AND allocation.day = booked.day AND allocation.spent_usd <> booked.usd
"""


@dataclass(frozen=True, slots=True)
class History:
    """A history that was written: its fleet, and the number of its days, calls and judged tasks."""

    fleet: Fleet
    days: int
    calls: int
    tasks: int


async def prepare(conninfo: str, now: datetime, seed: int = SEED, report: Report = lambda _done, _days: None) -> History:
    """Create the tables in an empty database and write the history that ends at ``now`` (UTC), in one transaction.

    Raises:
        psycopg.Error: the connection failed, or the tables already exist.
    """
    fleet = Fleet(seed, now)
    spans = list(fleet.days())
    calls = tasks = 0
    async with await AsyncConnection.connect(conninfo) as connection:
        await connection.execute(resources.files(__package__).joinpath("schema.sql").read_bytes())
        await _copy(connection, "quests", ("id", "name", "layer"), [(quest.id, quest.name, quest.layer) for quest in QUESTS])
        for done, span in enumerate(spans, 1):
            events = await advance(connection, fleet, *span)
            calls, tasks = calls + len(events.calls), tasks + len(events.judged)
            report(done, len(spans))
        await connection.execute("ANALYZE")
    return History(fleet, len(spans), calls, tasks)


async def live(conninfo: str, fleet: Fleet, clock: Callable[[], datetime]) -> None:
    """Write the events of each second after the history, until cancelled. ``clock`` returns the time in UTC.

    Raises:
        psycopg.Error: the connection was lost.
    """
    reached = fleet.now
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        while True:
            now = max(clock(), reached)
            await advance(connection, fleet, reached, now)
            reached = now
            await asyncio.sleep(STEP.total_seconds())


async def advance(connection: AsyncConnection[TupleRow], fleet: Fleet, after: datetime, until: datetime) -> Events:
    """Write the events of the half-open span from ``after`` to ``until``, in one transaction."""
    events = fleet.events(after, until)
    async with connection.transaction(), _given_up(connection), connection.cursor() as cursor:
        await _copy(connection, "quest_budget_allocations", Allocation._fields, events.allocations)
        await _copy(connection, "cost_ledger", Call._fields, events.calls)
        await _copy(connection, "impact_ledger", Impact._fields, events.judged)
        await cursor.executemany(RESCORE, [impact._asdict() for impact in events.rescored])
        await cursor.execute(BOOK, {"since": midnight(after.date()), "until": until, "delay": DELAY})
    return events


@asynccontextmanager
async def _given_up(connection: AsyncConnection[TupleRow]) -> AsyncIterator[None]:
    """Close the connection when the task is cancelled: during a COPY the transaction cannot be rolled back."""
    try:
        yield
    except asyncio.CancelledError:
        await connection.close()
        raise


async def _copy(connection: AsyncConnection[TupleRow], table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows with COPY. As CSV, which the standard library writes several times faster than psycopg converts values."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(sql.Identifier(table), names)
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(text.getvalue())
