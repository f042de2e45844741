"""Writes the events of the simulated fleet into its ledgers: first the history, then live events."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources
from typing import Any, NamedTuple

from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from exporter.demo.budgets import Allocation, Budget
from exporter.demo.catalogue import QUESTS
from exporter.demo.fleet import HISTORY, Events, Fleet
from exporter.demo.tasks import Call, Impact, midnight

Report = Callable[[int, int], None]
"""Called after each day of the history with the number of days written and the number of all days."""

Row = tuple[Any, ...]

SEED = 20
STEP = timedelta(seconds=1)
DELAY = timedelta(minutes=10)
NULL = r"\N"

BUDGETS = """
-- No table of the scidex schema: budgets of longer periods than a day.
CREATE TABLE quest_budgets (
    quest_id text NOT NULL, starts_on date NOT NULL, ends_on date NOT NULL, budget_usd numeric NOT NULL
)
"""
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


Connection = AsyncConnection[TupleRow]


class Written(NamedTuple):
    """How many calls, and how many tasks that were judged for the first time, went into the tables."""

    calls: int
    tasks: int


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one profile, and how a fleet fills them."""

    schema: str
    """A file of this package."""
    history: timedelta
    begin: Callable[[Connection, Fleet], Awaitable[None]]
    """Writes what the tables hold before the first call."""
    write: Callable[[Connection, Fleet, Events, datetime, datetime], Awaitable[Written]]
    """Writes the events of a half-open span, given with it."""


@dataclass(frozen=True, slots=True)
class History:
    """A history that was written: its fleet, and the number of its days, calls and judged tasks."""

    fleet: Fleet
    days: int
    calls: int
    tasks: int


async def _begin(connection: Connection, fleet: Fleet) -> None:
    await connection.execute(BUDGETS)
    await copy(connection, "quest_budgets", Budget._fields, fleet.running())
    await copy(connection, "quests", ("id", "name", "layer"), [(quest.id, quest.name, quest.layer) for quest in QUESTS])


async def _write(connection: Connection, _fleet: Fleet, events: Events, after: datetime, until: datetime) -> Written:
    await copy(connection, "quest_budget_allocations", Allocation._fields, events.allocations)
    await copy(connection, "quest_budgets", Budget._fields, events.budgets)
    await copy(connection, "cost_ledger", Call._fields, events.calls)
    await copy(connection, "impact_ledger", Impact._fields, events.judged)
    async with connection.cursor() as cursor:
        await cursor.executemany(RESCORE, [impact._asdict() for impact in events.rescored])
        await cursor.execute(BOOK, {"since": midnight(after.date()), "until": until, "delay": DELAY})
    return Written(len(events.calls), len(events.judged))


SCIDEX = Tables("schema.sql", HISTORY, _begin, _write)


async def prepare(
    conninfo: str, now: datetime, seed: int = SEED, report: Report = lambda _done, _days: None, tables: Tables = SCIDEX
) -> History:
    """Create the tables in an empty database and write the history that ends at ``now`` (UTC), in one transaction.

    Raises:
        psycopg.Error: the connection failed, or the tables already exist.
    """
    fleet = Fleet(seed, now, tables.history)
    spans = list(fleet.days())
    calls = tasks = 0
    async with await AsyncConnection.connect(conninfo) as connection:
        await connection.execute(resources.files(__package__).joinpath(tables.schema).read_bytes())
        await tables.begin(connection, fleet)
        for done, span in enumerate(spans, 1):
            written = await advance(connection, fleet, *span, tables)
            calls, tasks = calls + written.calls, tasks + written.tasks
            report(done, len(spans))
        await connection.execute("ANALYZE")
    return History(fleet, len(spans), calls, tasks)


async def live(conninfo: str, fleet: Fleet, clock: Callable[[], datetime], tables: Tables = SCIDEX) -> None:
    """Write the events of each second after the history, until cancelled. ``clock`` returns the time in UTC.

    Raises:
        psycopg.Error: the connection was lost.
    """
    reached = fleet.now
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        while True:
            now = max(clock(), reached)
            await advance(connection, fleet, reached, now, tables)
            reached = now
            await asyncio.sleep(STEP.total_seconds())


async def advance(connection: Connection, fleet: Fleet, after: datetime, until: datetime, tables: Tables = SCIDEX) -> Written:
    """Write the events of the half-open span from ``after`` to ``until``, in one transaction."""
    events = fleet.events(after, until)
    async with connection.transaction(), _given_up(connection):
        return await tables.write(connection, fleet, events, after, until)


@asynccontextmanager
async def _given_up(connection: Connection) -> AsyncIterator[None]:
    """Close the connection when the task is cancelled: during a COPY the transaction cannot be rolled back."""
    try:
        yield
    except asyncio.CancelledError:
        await connection.close()
        raise


async def copy(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows with COPY. As CSV, which the standard library writes several times faster than psycopg converts values."""
    text = io.StringIO()
    # An empty text is not NULL, which the csv module cannot tell apart.
    csv.writer(text).writerows([[NULL if value is None else value for value in row] for row in rows])
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL {})").format(sql.Identifier(table), names, NULL)
    async with connection.cursor() as cursor, cursor.copy(statement) as copy:
        await copy.write(text.getvalue())
