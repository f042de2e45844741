"""The statements that compare a ledger of timed entries with the rollups: counts and sums of its ranges, ids and updates."""

from datetime import date

from psycopg import sql

from exporter.columns import ENTRIES
from exporter.sources.mapping import Source
from exporter.sources.statements import EARLIEST, LATEST

EPOCH = date(1970, 1, 1)
_BY_RANGE = sql.SQL("""
SELECT number, entries, total
  FROM unnest(%(starts)s::{type}[], %(ends)s::{type}[]) WITH ORDINALITY AS asked_range (start, finish, number)
 CROSS JOIN LATERAL (SELECT count(*), coalesce(sum({summed}), 0)::numeric FROM {table}
                      WHERE {time} >= asked_range.start AND {time} < asked_range.finish AND {known} AND {condition}
                    ) AS sums (entries, total)
""")
"""Each range is looked up by itself."""
# Citus refuses a LATERAL with sums in it, and postgres_fdw would ask once for each range.
_BETWEEN_BOUNDS = sql.SQL("""
SELECT width_bucket({time}, %(bounds)s::{type}[]), count(*), sum({summed})::numeric FROM {table}
 WHERE {time} >= %(start)s AND {time} < %(end)s AND {known} AND {condition} GROUP BY 1
""")
"""Ranges without a gap between them are read at once."""


def checksums(source: Source) -> sql.Composed:
    """One row per range, ``number, entries, sum``, to compare with what is known of it; none where a range has no entry.

    The ranges are those of the arrays ``starts`` and ``ends``; of a remote table, those between the ``bounds``, an array that
    begins with ``start`` and ends with ``end``. The sum is that of the checksums: it does not depend on the order of the
    entries, and changes with any of them.
    """
    return _sums(source, source.checksum(ENTRIES[source.ledger.name].compared))


def key_sums(source: Source) -> sql.Composed:
    """As :func:`checksums`, with the sum of the keys, which an index on the time and the id can serve."""
    return _sums(source, source.key)


def _sums(source: Source, summed: sql.Composable) -> sql.Composed:
    form = _BETWEEN_BOUNDS if source.table.remote else _BY_RANGE
    return form.format(
        type=sql.SQL(source.type(source.ledger.timed_by)),
        summed=summed,
        table=source.name,
        time=source.time,
        known=source.known,
        condition=source.condition,
    )


def id_bins(source: Source) -> sql.Composed:
    """One row per bin of ``2 ^ shift`` ids above ``low`` and up to ``high``: ``bin, ids, their sum``."""
    return sql.SQL(
        "SELECT {id}::bigint >> %(shift)s, count(*), sum({id})::numeric FROM {table}"
        " WHERE {id} > %(low)s AND {id} <= %(high)s AND {condition} GROUP BY 1"
    ).format(id=source.raw("entry_id"), table=source.name, condition=source.condition)


def ids(source: Source) -> sql.Composed:
    """``(id,)`` of the entries above ``low`` and up to ``high`` that are in one of the ``bins``."""
    return sql.SQL(
        "SELECT {id} FROM {table} WHERE {id} > %(low)s AND {id} <= %(high)s AND {id}::bigint >> %(shift)s = ANY(%(bins)s)"
        " AND {condition}"
    ).format(id=source.raw("entry_id"), table=source.name, condition=source.condition)


def nth_id(source: Source) -> sql.Composed:
    """``(id,)`` above ``low`` below which there are ``rows`` others in the table; no row where there are fewer."""
    return sql.SQL("SELECT {id} FROM {table} WHERE {id} > %(low)s ORDER BY {id} OFFSET %(rows)s LIMIT 1").format(
        id=source.raw("entry_id"), table=source.name
    )


def update_bins(source: Source) -> sql.Composed:
    """One row per bin of ``width`` of ``updated_at`` from ``since`` on: ``its beginning, entries, checksum``."""
    return sql.SQL("""
SELECT {bin}, count(*), sum({checksum})::numeric
  FROM {table} WHERE {updated} >= %(since)s AND {updated} < 'infinity' AND {condition} GROUP BY 1 LIMIT %(most)s
""").format(
        bin=_bin(source),
        updated=source.raw("updated_at"),
        checksum=source.checksum(("entry_id", "updated_at")),
        table=source.name,
        condition=source.condition,
    )


def versions(source: Source) -> sql.Composed:
    """``(id, key, time, checksum)`` of the entries whose ``updated_at`` is in a bin that begins with one of ``bins``."""
    return sql.SQL("""
SELECT {id}, {key}, CASE WHEN {time} >= {earliest} AND {time} < {latest} THEN {time}::timestamptz END, {checksum}
  FROM {table} WHERE {updated} >= %(since)s AND {updated} < %(until)s
   AND {bin} = ANY(%(bins)s) AND {condition} LIMIT %(most)s
""").format(
        bin=_bin(source),
        id=source.raw("entry_id") if source.numbered else source.text("entry_id"),
        key=source.key,
        time=source.time,
        earliest=source.midnight(source.ledger.timed_by, EARLIEST),
        latest=source.midnight(source.ledger.timed_by, LATEST),
        checksum=source.checksum(ENTRIES[source.ledger.name].compared),
        updated=source.raw("updated_at"),
        table=source.name,
        condition=source.condition,
    )


def _bin(source: Source) -> sql.Composed:
    """When the bin begins in which an entry was updated; bins are counted from 1970."""
    # Not by extract(), which postgres_fdw does not ship.
    origin = source.midnight("updated_at", EPOCH)
    return sql.SQL("date_bin(%(width)s, {}, {})").format(source.raw("updated_at"), origin)
