"""Parts of statements on the relations below those that a ledger reads: partitions of all levels, and the tables of a view."""

from typing import Final

from psycopg import sql

# As the snapshot sees the catalog. A materialized view has its rows itself.
BELOW: Final = sql.SQL("""
below (oid, kind, file, has_parts, parent, detaching, level) AS (
    SELECT c.oid, relkind, relfilenode, relhassubclass, 0::oid, FALSE, 0 FROM roots JOIN pg_class AS c USING (oid)
    UNION
    SELECT c.oid, relkind, relfilenode, relhassubclass, next.parent, next.detaching, level + 1
      FROM below, LATERAL (
        SELECT inhrelid, inhparent, inhdetachpending FROM pg_inherits WHERE has_parts AND inhparent = below.oid
        UNION ALL
        SELECT d.refobjid, 0::oid, FALSE
          FROM pg_rewrite AS r JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
         WHERE below.kind = 'v' AND r.ev_class = below.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> below.oid
      ) AS next (oid, parent, detaching) JOIN pg_class AS c ON c.oid = next.oid
)""")
"""Needs ``roots (oid)``. ``parent`` is what a partition is one of, else 0; ``file`` changes when its rows are written again."""
CITUS: Final = sql.SQL(
    "EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = {table} AND tgisinternal AND tgname LIKE 'truncate_trigger%%')"
)
"""Whether Citus distributes a table: its catalog says more, but is there only with Citus."""
PLACE: Final = sql.SQL("""
place (remote, partitions) AS (
    SELECT coalesce(bool_or(kind = 'f' OR parent = 0 AND {citus}), FALSE),
           coalesce(md5(string_agg(concat_ws(' ', oid, file, detaching), ',' ORDER BY oid) FILTER (WHERE parent <> 0)), '')
      FROM below
)""").format(citus=CITUS.format(table=sql.Identifier("below", "oid")))
"""Needs BELOW. Whether rows are on another server, and a checksum of the partitions: empty where there are none."""
