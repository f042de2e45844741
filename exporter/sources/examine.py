"""What only ``check`` asks a ledger: how many rows there are, which is the newest, and what to expect of reading them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from exporter.calendar import HOUR
from exporter.columns import ENTRIES
from exporter.sources import plans, small_statements, statements, verify
from exporter.sources.filters import refused
from exporter.sources.findings import Finding, LedgerError
from exporter.sources.mapping import Source
from exporter.sources.statements import BEGINNING
from exporter.sources.transaction import Transaction
from exporter.sources.transfer import Row

_FOREIGN_ONLY = sql.SQL("""
SELECT coalesce(bool_and(c.relkind = 'f'), FALSE)
  FROM pg_partition_tree(to_regclass(%(table)s)) AS tree JOIN pg_class AS c ON c.oid = tree.relid WHERE tree.isleaf
""")
PERIODS = ((365, "year"), (89, "quarter"), (28, "month"), (7, "week"))
"""The least days from one row of a quest to its next one, and the period that such rows are meant for."""


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows a ledger has (None: too many to be counted in time), and when its newest entry up to now occurred."""

    count: int | None
    newest: datetime | None


async def rows(transaction: Transaction, source: Source) -> Rows:
    """Ask what a first build and each refresh ask of the whole ledger, and count it.

    Raises:
        LedgerError: the filter fails on some row.
        psycopg.Error, TimeoutError: it cannot be read.
    """
    async with _blaming_filter(transaction, source):
        now = datetime.now(UTC)
        newest = None
        if source.ledger.name in ENTRIES:
            await transaction.rows(statements.position(source), now=transaction.now)
            await transaction.rows(statements.next_entry(source), start=BEGINNING, end=now)
            newest = (await transaction.rows(_newest(source), start=BEGINNING, now=now))[0][0]
        elif source.has("day"):
            await transaction.rows(small_statements.untimed(source))
        return Rows(await _count(transaction, source), newest)


async def warnings(transaction: Transaction, source: Source, newest: datetime | None) -> list[Finding]:
    """What makes reading the ledger slow or its numbers not what was meant, where nothing keeps it from being read.

    ``newest`` is when its newest entry occurred.
    """
    table = source.table
    if table.kind == "p" and (await transaction.rows(_FOREIGN_ONLY, table=source.name.as_string()))[0][0]:
        table = replace(table, kind="f")  # an index on it would be one on nothing
    found = [*verify.warnings(source.ledger, table), *await _periods(transaction, source)]
    if newest and source.ledger.name in ENTRIES:
        found += await plans.scans(transaction, source, newest) if table.kind in "vq" else []
        found += await _repeated(transaction, source, newest)
    return found


async def _repeated(transaction: Transaction, source: Source, newest: datetime) -> list[Finding]:
    """Whether entries of the newest hour have no id, or one that others have: an outcome with the id of another replaces it."""
    query = sql.SQL(
        "SELECT count(*), count(DISTINCT {id}), count(*) FILTER (WHERE {id} IS NULL) FROM {table}"
        " WHERE {at} >= %(start)s AND {at} <= %(newest)s AND {condition}"
    ).format(id=source.raw("entry_id"), at=source.time, table=source.name, condition=source.condition)
    found = await _in_time(transaction, query, start=newest - HOUR, newest=newest)
    entries, ids, without = found or (0, 0, 0)
    return [verify.repeated(source.ledger, entries - without - ids, without)] if entries > ids else []


async def _count(transaction: Transaction, source: Source) -> int | None:
    found = await _in_time(transaction, statements.count(source))
    return int(found[0]) if found else None


async def _in_time(transaction: Transaction, query: sql.Composed, **parameters: object) -> Row | None:
    """The row of a query that no refresh asks; None where it takes too long, which is no fault."""
    try:
        async with transaction.savepoint():
            return (await transaction.rows(query, **parameters))[0]
    except psycopg.errors.QueryCanceled:
        return None


async def _periods(transaction: Transaction, source: Source) -> list[Finding]:
    """Whether the rows of allocations are those of longer periods, which would be taken for those of single days."""
    if source.ledger.name != "allocations":
        return []
    gap = (await transaction.rows(_gap(source)))[0][0]
    return [verify.sparse(name) for days, name in PERIODS if gap and gap >= days][:1]


@asynccontextmanager
async def _blaming_filter(transaction: Transaction, source: Source) -> AsyncIterator[None]:
    """Tell errors of the filter on some row from those of the table: without the filter, the rows can be counted."""
    try:
        async with transaction.savepoint():
            yield
    except psycopg.Error as error:
        if transaction.broken or source.ledger.filter is None or isinstance(error, psycopg.errors.QueryCanceled):
            raise
        await transaction.rows(statements.count(replace(source, ledger=source.ledger.model_copy(update={"filter": None}))))
        raise LedgerError(refused(source, error)) from error


def _newest(source: Source) -> sql.Composed:
    return sql.SQL(
        "SELECT max({at})::timestamptz FROM {table} WHERE {at} >= %(start)s AND {at} <= %(now)s AND {condition}"
    ).format(at=source.time, table=source.name, condition=source.condition)


def _gap(source: Source) -> sql.Composed:
    """The least days from one row of a quest to its next; NULL where no quest has two."""
    return sql.SQL("""
SELECT min(day - before)
  FROM (SELECT day, lag(day) OVER (PARTITION BY quest ORDER BY day) AS before
          FROM (SELECT DISTINCT {quest} AS quest, {day} AS day FROM {table} WHERE isfinite({day}) AND {condition}) AS days
       ) AS pairs
""").format(quest=source.text("quest_id"), day=source.raw("day"), table=source.name, condition=source.condition)
