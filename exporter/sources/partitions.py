"""Which partitions there are below the table, view or query of a ledger, and of what time their rows can be."""

import re
from datetime import UTC, datetime, timedelta

from psycopg import sql

from exporter.calendar import ONE_DAY
from exporter.sources.below import BELOW
from exporter.sources.mapping import Source
from exporter.sources.reader import Partition, Span
from exporter.sources.statements import BEGINNING, FINISH
from exporter.sources.transaction import Transaction

_PARTITIONS = sql.SQL("""
WITH RECURSIVE roots (oid) AS (SELECT unnest(%(roots)s::oid[])), {below}
SELECT below.oid::bigint, file::bigint, parent::bigint, pg_get_expr(c.relpartbound, c.oid), a.attname,
       format_type(a.atttypid, NULL)
  FROM below JOIN pg_class AS c USING (oid) LEFT JOIN pg_partitioned_table AS p ON partrelid = parent AND partstrat = 'r'
  LEFT JOIN pg_attribute AS a ON attrelid = partrelid AND attnum = partattrs[0]
 WHERE parent <> 0 ORDER BY level
""").format(below=BELOW)
_BOUNDS = re.compile(r"FROM \((.+)\) TO \((.+)\)")
_TIMES = frozenset({"date", "timestamp with time zone", "timestamp without time zone"})


async def partitions(transaction: Transaction, source: Source) -> dict[int, Partition]:
    """The partitions of all levels, by oid."""
    found: dict[int, Partition] = {}
    for oid, file, parent, bounds, key, kind in await transaction.rows(_PARTITIONS, roots=list(source.table.roots)):
        whole = found[parent].span if parent in found else None
        found[oid] = Partition(file, _span(source, bounds or "", key, kind) or whole)
    return found


def _span(source: Source, bounds: str, key: str | None, kind: str | None) -> Span | None:
    """The span of a partition; None where its bounds say nothing of time."""
    match = _BOUNDS.search(bounds)
    direct = source.table.kind == "p"
    if match is None or kind not in _TIMES or (direct and key != source.ledger.columns[source.ledger.timed_by]):
        return None
    start, *more = match[1].split(", ")
    # The column of a view or query need not be the very same, a day begins at its own time in each zone, and of several
    # columns the last value of the first is still in the partition.
    margin = timedelta(0) if direct and kind != "date" and not more else ONE_DAY
    return Span(_instant(start, BEGINNING) - margin, _instant(match[2].split(", ")[0], FINISH) + margin)


def _instant(bound: str, unbounded: datetime) -> datetime:
    """A bound as PostgreSQL writes it."""
    try:
        instant = datetime.fromisoformat(bound.strip("'"))
    except ValueError:  # MINVALUE, infinity, a year before Christ
        return unbounded
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
