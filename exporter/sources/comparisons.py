"""The statements that compare a ledger of timed entries with the rollups: counts and sums of its ranges, ids and updates."""

from psycopg import sql

from exporter.columns import ENTRIES
from exporter.sources.mapping import Source
from exporter.sources.statements import EARLIEST, LATEST


def checksums(source: Source) -> sql.Composed:
    """One row per range of the arrays ``starts`` and ``ends``: ``number, entries, sum``, to compare with what is known of it.

    The sum is that of the checksums: it does not depend on the order of the entries, and changes with any of them.
    """
    return _sums(source, source.checksum(ENTRIES[source.ledger.name].compared))


def key_sums(source: Source) -> sql.Composed:
    """As :func:`checksums`, with the sum of the keys, which an index on the time and the id can serve."""
    return _sums(source, source.key)


def _sums(source: Source, summed: sql.Composable) -> sql.Composed:
    return sql.SQL("""
SELECT number, entries, total
  FROM unnest(%(starts)s::{type}[], %(ends)s::{type}[]) WITH ORDINALITY AS asked_range (start, finish, number)
 CROSS JOIN LATERAL (SELECT count(*), coalesce(sum({summed}), 0)::numeric FROM {table}
                      WHERE {time} >= asked_range.start AND {time} < asked_range.finish AND {known} AND {condition}
                    ) AS sums (entries, total)
""").format(
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
    """One row per bin of ``width`` seconds of ``updated_at`` from ``since`` on: ``bin, entries, checksum``."""
    return sql.SQL("""
SELECT floor(extract(epoch FROM {updated}) / %(width)s)::bigint, count(*), sum({checksum})::numeric
  FROM {table} WHERE {updated} >= %(since)s AND {updated} < 'infinity' AND {condition} GROUP BY 1 LIMIT %(most)s
""").format(
        updated=source.raw("updated_at"),
        checksum=source.checksum(("entry_id", "updated_at")),
        table=source.name,
        condition=source.condition,
    )


def versions(source: Source) -> sql.Composed:
    """``(id, key, time, checksum)`` of the entries whose ``updated_at`` is in a bin of ``bins``, not before ``since``."""
    return sql.SQL("""
SELECT {id}, {key}, CASE WHEN {time} >= {earliest} AND {time} < {latest} THEN {time}::timestamptz END, {checksum}
  FROM {table} WHERE {updated} >= %(since)s AND {updated} < %(until)s
   AND floor(extract(epoch FROM {updated}) / %(width)s)::bigint = ANY(%(bins)s) AND {condition} LIMIT %(most)s
""").format(
        id=source.raw("entry_id") if source.numbered else source.text("entry_id"),
        key=source.key,
        time=source.time,
        earliest=EARLIEST,
        latest=LATEST,
        checksum=source.checksum(ENTRIES[source.ledger.name].compared),
        updated=source.raw("updated_at"),
        table=source.name,
        condition=source.condition,
    )
