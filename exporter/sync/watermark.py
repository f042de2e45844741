"""Change detection: which hours of a ledger were touched by rows that are new, or were changed, since the last poll.

Ids and timestamps are handed out before their transaction commits, so a row may appear below the newest one already
seen. A cursor therefore passes a position only when every transaction that was running when the position was seen has
ended, and re-reads what lies above the last position it has passed. To tell what is new in there, it remembers how
many rows it saw, and their checksum, for each pair of (range of the cursor column, quarter of an hour).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import psycopg
from psycopg import sql

from exporter.sources.database import Transaction
from exporter.sources.mapping import Source
from exporter.sources.statements import EARLIEST

QUARTER = 900
"""Seconds. Every time zone of today is a multiple of a quarter of an hour from UTC."""
ID_BITS_PER_BIN = 10
SECONDS_PER_BIN = 60
NUMBERS_PER_GROUP = 100
MOST_GROUPS = 20_000
"""Where a look would see more, as after an import of history, the whole ledger is compared with the rollups instead."""

Bin = int
"""A range of the cursor column: 1024 ids, or one minute."""
Quarter = int
"""Quarters of an hour since 1970-01-01 UTC; None stands for rows that no day can hold."""


class Group(NamedTuple):
    """Rows that a look saw in one bin and quarter: how many, their checksum, and their running numbers.

    ``numbers`` are closed ranges: one for each row, or one for all where they are many; none where rows have no numbers.
    """

    rows: int
    checksum: int
    numbers: tuple[tuple[int, int], ...]


Seen = Mapping[tuple[Bin, Quarter | None], Group]


@dataclass(frozen=True, slots=True)
class Horizon:
    """Which transactions a snapshot still saw running: all below ``oldest`` had ended, none from ``next`` on had begun."""

    oldest: int
    next: int


# A snapshot knows of transactions only up to the newest that has ended. Those that began later hold a lock on their own id,
# which is told without its epoch: how far it lies ahead is counted modulo 2^32.
_HORIZON = sql.SQL("""
SELECT oldest, ended + coalesce(max(ahead) FILTER (WHERE ahead < 2147483648) + 1, 0)
  FROM (SELECT pg_snapshot_xmin(s)::text::bigint AS oldest, pg_snapshot_xmax(s)::text::bigint AS ended
          FROM pg_current_snapshot() AS s) AS snapshot
  LEFT JOIN LATERAL (SELECT (transactionid::text::bigint - ended) & 4294967295 AS ahead
                       FROM pg_locks WHERE locktype = 'transactionid') AS running ON TRUE
 GROUP BY oldest, ended
""")


@dataclass(frozen=True, slots=True)
class Watermark:
    """Where a cursor stands; all of it survives a restart.

    Rows in bins before ``passed`` are read for good. ``mark`` was the newest bin when it was seen; it is passed once all
    transactions before ``barrier`` have ended. The barrier is set one look later than the mark, because a transaction may
    draw its id from the sequence a moment before PostgreSQL counts it as running.
    """

    passed: Bin
    mark: Bin
    barrier: int | None = None

    def advance(self, newest: Bin, horizon: Horizon) -> "Watermark":
        """The position after a look that saw ``newest`` under the snapshot of ``horizon``."""
        if self.barrier is None:
            return replace(self, barrier=horizon.next)
        if horizon.oldest < self.barrier:
            return self
        return Watermark(passed=max(self.passed, self.mark), mark=max(self.mark, newest))


async def horizon(transaction: Transaction) -> Horizon:
    """What the transaction's snapshot says of other transactions."""
    return Horizon(*(await transaction.rows(_HORIZON))[0])


def changed(before: Seen, now: Seen, lower: Bin) -> list[tuple[Quarter | None, Group]]:
    """The quarters of an hour in which a look from ``lower`` on saw other rows than the look before it, and these rows."""
    comparable = {item for item in before.items() if item[0][0] >= lower}
    return [(quarter, group) for (_, quarter), group in comparable ^ set(now.items())]


async def seen(transaction: Transaction, source: Source, column: str, lower: Bin) -> Seen | None:
    """All rows from the bin ``lower`` on, counted by bin and quarter of an hour; None when they are too many for that."""
    try:
        async with transaction.savepoint():
            rows = await transaction.rows(_poll(source, column), lower=_lowest_value(column, lower))
    except psycopg.errors.QueryCanceled:  # longer than statement_timeout
        return None
    if len(rows) > MOST_GROUPS:
        return None
    return {
        (at, quarter): Group(count, int(checksum), _ranges(count, numbers)) for at, quarter, count, checksum, numbers in rows
    }


async def newest(transaction: Transaction, source: Source, column: str) -> Bin:
    """The bin of the newest row; 0 for an empty ledger."""
    return (await transaction.rows(_newest(source, column)))[0][0] or 0


def columns(source: Source) -> tuple[str, ...]:
    """The ledger columns that can serve as cursors: a whole-numbered id tells new rows, ``updated_at`` changed ones."""
    counted = ("entry_id",) if source.numbered else ()
    return counted + (("updated_at",) if source.has("updated_at") else ())


def _newest(source: Source, column: str) -> sql.Composed:
    """``(newest bin,)``, NULL for an empty ledger. A timestamp from the future, or from before all days, does not count."""
    limit = sql.SQL("BETWEEN {} AND now()").format(EARLIEST) if column == "updated_at" else sql.SQL("IS NOT NULL")
    return sql.SQL("SELECT {} FROM (SELECT max({}) AS value FROM {} WHERE {} {}) AS newest").format(
        _bin(column, sql.Identifier("value")), source.raw(column), source.name, source.raw(column), limit
    )


def _poll(source: Source, column: str) -> sql.Composed:
    """One row per bin from the bin ``lower`` on and quarter: ``bin, quarter, rows, checksum``."""
    value = source.raw(column)
    lower = sql.SQL("to_timestamp(%(lower)s::float8)") if column == "updated_at" else sql.SQL("%(lower)s")
    return sql.SQL("""
SELECT {bin}, CASE WHEN isfinite({at}) AND {at} >= {past} THEN floor(extract(epoch FROM {at}) / {quarter})::bigint END,
       count(*), sum({checksum})::numeric, {numbers}
  FROM {table} WHERE {value} >= {lower} {finite} GROUP BY 1, 2 LIMIT {most}
""").format(
        most=MOST_GROUPS + 1,
        bin=_bin(column, value),
        at=source.raw("occurred_at"),
        past=EARLIEST,
        quarter=QUARTER,
        checksum=source.checksum(("entry_id", column)),
        numbers=_numbers(source, column),
        value=value,
        table=source.name,
        lower=lower,
        finite=sql.SQL("AND {} < 'infinity'").format(value) if column == "updated_at" else sql.SQL(""),
    )


def _numbers(source: Source, column: str) -> sql.Composable:
    """The numbers of the rows in a group, or the least and the greatest of many. Only a changed row may have come from afar."""
    if column != "updated_at" or not source.tracked:
        return sql.SQL("ARRAY[]::bigint[]")
    return sql.SQL(
        "CASE WHEN count(*) <= {most} THEN array_agg({id} ORDER BY {id}) ELSE ARRAY[min({id}), max({id})] END::bigint[]"
    ).format(most=NUMBERS_PER_GROUP, id=source.raw("entry_id"))


def _ranges(rows: int, numbers: list[int]) -> tuple[tuple[int, int], ...]:
    if rows > NUMBERS_PER_GROUP and numbers:
        return ((numbers[0], numbers[-1]),)
    return tuple((number, number) for number in numbers)


def _lowest_value(column: str, lower: Bin) -> int:
    """The least value of the column that lies in the bin: an id, or seconds since 1970-01-01 UTC."""
    return lower * SECONDS_PER_BIN if column == "updated_at" else lower << ID_BITS_PER_BIN


def _bin(column: str, value: sql.Composable) -> sql.Composed:
    if column == "updated_at":
        return sql.SQL("floor(extract(epoch FROM {}) / {})::bigint").format(value, SECONDS_PER_BIN)
    return sql.SQL("{}::bigint >> {}").format(value, ID_BITS_PER_BIN)
