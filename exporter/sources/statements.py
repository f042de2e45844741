"""The statements that read a ledger, over half-open ranges of time that an index can serve.

Entries are sent as they are: for PostgreSQL that is several times cheaper than to sum them up, and the rollups do so faster.
Parameters: ``start`` and ``end`` bound the rows, ``midnight`` is where hours are counted from.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time

from psycopg import sql

from exporter.columns import ENTRIES, Column, Kind
from exporter.sources.lengths import bounded, cut
from exporter.sources.mapping import Source

EARLIEST = date(2, 1, 2)
"""Times before this have no day in every time zone; such rows are rejected like those without a time."""
BEGINNING = datetime.combine(EARLIEST, time.min, UTC)
LATEST = date(9999, 1, 1)
"""A time from this on is not sent: it will not come."""
FINISH = datetime.combine(LATEST, time.min, UTC)


WITHIN = sql.SQL("{time} >= %(start)s AND {time} < %(end)s AND {known} AND {condition}{slice}")
"""Entries of a range of time whose ids are not above the high watermark: those are read as new ones."""
ABOVE = sql.SQL("{id} > %(low)s AND {id} <= %(high)s AND {condition}")
AMONG = sql.SQL("{id} = ANY(%(ids)s::{type}[]) AND {condition}")


def entries(source: Source, which: sql.SQL = WITHIN, slices: int = 1) -> sql.Composed:
    """One row per entry: ``at, rejection_reason, checksum, key, name``, then the ids, texts and numbers of the ledger.

    ``at`` is NULL for an entry that no day can hold, and so are numbers that are not finite or out of bounds.
    ``rejection_reason`` is why an entry is rejected. ``key`` is its id where that is whole, else a hash of it; ``name`` is then
    the id of an entry whose order matters. ``which`` is one of WITHIN, ABOVE and AMONG. Of several slices, a power of two, the
    parameter ``slice`` names the one to read: each holds the entries whose ids have a certain hash.
    """
    ledger, timed_by = ENTRIES[source.ledger.name], source.ledger.timed_by
    # OFFSET 0 keeps PostgreSQL from working an expression of a view or query out each time that it is named. Of a table it
    # would do harm: Citus materializes such a subquery on the coordinator.
    return sql.SQL("""
SELECT CASE WHEN at >= {earliest} AND at < {latest} THEN at::timestamptz AT TIME ZONE 'UTC' END, rejection_reason, checksum,
       key, name, {columns}
  FROM (SELECT {time} AS at, {rejection_reason} AS rejection_reason, {checksum} AS checksum,
               {key} AS key, {name} AS name, {raw}
          FROM {table} WHERE {which}{fence}) AS entries
""").format(
        earliest=source.midnight(timed_by, EARLIEST),
        latest=source.midnight(timed_by, LATEST),
        columns=_list(map(_sent, ledger.columns)),
        time=source.time,
        rejection_reason=source.rejection_reason(ledger.names(Kind.AMOUNT, Kind.COUNT), required=ledger.required),
        checksum=source.checksum(ledger.compared),
        key=source.key,
        name=sql.SQL("NULL") if source.numbered or not ledger.ordered else source.beginning("entry_id"),
        raw=_list(_named(_raw(source, column), column.name) for column in ledger.columns),
        table=source.name,
        which=_which(source, which, slices),
        fence=sql.SQL(" OFFSET 0" if source.table.kind in "vq" else ""),
    )


def _raw(source: Source, column: Column) -> sql.Composable:
    read = {Kind.AMOUNT: source.number, Kind.COUNT: source.whole}
    term = read.get(column.kind, source.text)(column.name)
    return source.within_bounds(column.name, term) if column.kind in read else term


def _sent(column: Column) -> sql.Composable:
    if column.kind is Kind.ID:
        return bounded(column.name)
    if column.kind is Kind.TEXT:
        return cut(column.name)
    return sql.Identifier(column.name)


def _which(source: Source, which: sql.SQL, slices: int) -> sql.Composed:
    hashed = sql.SQL(" AND hashtextextended({}, 0) & {} = %(slice)s").format(source.text("entry_id"), slices - 1)
    return which.format(
        time=source.time,
        id=source.raw("entry_id"),
        type=sql.SQL(source.type("entry_id")),
        known=source.known,
        condition=source.condition,
        slice=hashed if slices > 1 else sql.SQL(""),
    )


def new_entries(source: Source) -> sql.Composed:
    """As :func:`entries`, of those with ids above ``low`` and up to ``high``."""
    return entries(source, ABOVE)


def named_entries(source: Source) -> sql.Composed:
    """As :func:`entries`, of those whose ids are in ``ids``."""
    return entries(source, AMONG)


def position(source: Source) -> sql.Composed:
    """``greatest id, latest updated_at, earliest time``, then the counts of :func:`untimed_reasons`.

    NULL where there is none, or ids are no numbers. An ``updated_at`` that is yet to come does not count. The filter is left
    out of the first three, for the rows that it wants may be far from the ends of an index. The parameter ``now`` is what the
    server takes for now: postgres_fdw does not ship the function.
    """
    newest = sql.SQL("(SELECT {0} FROM {1} WHERE {0} IS NOT NULL ORDER BY {0} DESC LIMIT 1)").format(
        source.raw("entry_id"), source.name
    )
    updated: sql.Composable = sql.SQL("NULL")
    if source.has("updated_at"):
        updated = sql.SQL(
            "(SELECT {0} FROM {1} WHERE {0} BETWEEN {2} AND %(now)s ORDER BY {0} DESC LIMIT 1)::timestamptz"
        ).format(source.raw("updated_at"), source.name, source.midnight("updated_at", EARLIEST))
    oldest = sql.SQL("(SELECT {0} FROM {1} WHERE {0} >= {2} AND {0} < {3} ORDER BY {0} LIMIT 1)::timestamptz").format(
        source.time, source.name, *(source.midnight(source.ledger.timed_by, day) for day in (EARLIEST, LATEST))
    )
    return sql.SQL("""
SELECT {newest}, {updated}, {oldest}, untimed.*
  FROM (SELECT count(*) FILTER (WHERE {at} IS NULL), count(*) FILTER (WHERE isfinite({at})),
               count(*) FILTER (WHERE NOT isfinite({at}))
          FROM {table} WHERE {untimed}) AS untimed
""").format(
        newest=newest if source.numbered else sql.SQL("NULL"),
        updated=updated,
        oldest=oldest,
        at=source.time,
        table=source.name,
        untimed=untimed_condition(source),
    )


def untimed_reasons(source: Source) -> tuple[str, str, str]:
    """Why no day can hold an entry, in the order in which such are counted."""
    return f"missing_{source.ledger.timed_by}", "out_of_range", "not_finite"


def untimed_condition(source: Source) -> sql.Composed:
    """That no day can hold an entry, by the column that tells its day."""
    return sql.SQL("({at} IS NULL OR {at} < {past} OR {at} = 'infinity') AND {condition}").format(
        at=source.time, past=source.midnight(source.ledger.timed_by, EARLIEST), condition=source.condition
    )


def count(source: Source) -> sql.Composed:
    """``(rows,)`` of the whole ledger."""
    return sql.SQL("SELECT count(*) FROM {} WHERE {}").format(source.name, source.condition)


def next_entry(source: Source) -> sql.Composed:
    """``(time of the first entry in the range,)``, to step from one day that has entries to the next."""
    # Not as a minimum: over a join, or of a column that is cast, that takes reading all of it.
    return sql.SQL(
        "SELECT (SELECT {at} FROM {table} WHERE {at} >= %(start)s AND {at} < %(end)s AND {condition} ORDER BY {at} LIMIT 1)"
        "::timestamptz"
    ).format(at=source.time, table=source.name, condition=source.condition)


def nth_entry(source: Source) -> sql.Composed:
    """``(time of an entry in the range,)``, before which ``rows`` entries of it occurred; no row where there are fewer."""
    return sql.SQL(
        "SELECT {at}::timestamptz FROM {table} WHERE {at} >= %(start)s AND {at} < %(end)s AND {condition}"
        " ORDER BY {at} OFFSET %(rows)s LIMIT 1"
    ).format(at=source.time, table=source.name, condition=source.condition)


def _named(term: sql.Composable, name: str) -> sql.Composed:
    return sql.SQL("{} AS {}").format(term, sql.Identifier(name))


def _list(terms: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(terms)
