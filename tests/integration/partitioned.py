"""The ledgers of calls and outcomes in partitions of a month, which come and go."""

import psycopg

TABLES = ("cost_ledger", "impact_ledger")
MONTHS = range(3, 8)
PREPARE = """
ALTER TABLE {table} RENAME TO {table}_before;
CREATE TABLE {table} (LIKE {table}_before) PARTITION BY RANGE (created_at);
DROP TABLE {table}_before CASCADE;
CREATE SEQUENCE IF NOT EXISTS {table}_ids;
ALTER TABLE {table} ALTER id SET DEFAULT nextval('{table}_ids');
CREATE INDEX ON {table} (id);
CREATE INDEX ON {table} (created_at);
CREATE TABLE parts.{table}_rest PARTITION OF {table} DEFAULT;
"""
BOUNDS = "FOR VALUES FROM ('2026-0{month}-01Z') TO ('2026-0{after}-01Z')"
CREATE = "CREATE TABLE parts.{table}_{month} PARTITION OF {table} " + BOUNDS
# Rows of a month that has no partition are in the default one.
ATTACH = (
    """
CREATE TABLE IF NOT EXISTS parts.{table}_{month} (LIKE {table});
WITH moved AS (DELETE FROM parts.{table}_rest WHERE created_at >= '2026-0{month}-01Z' AND created_at < '2026-0{after}-01Z'
               RETURNING *)
INSERT INTO parts.{table}_{month} SELECT * FROM moved;
ALTER TABLE {table} ATTACH PARTITION parts.{table}_{month} """
    + BOUNDS
)
CHANGES = {
    "detach": "ALTER TABLE {table} DETACH PARTITION parts.{table}_{month}",
    "drop": "DROP TABLE parts.{table}_{month}",
    "truncate": "TRUNCATE parts.{table}_{month}",
}


class Partitioned:
    """The two ledgers, without rows."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._execute("DROP SCHEMA IF EXISTS parts CASCADE; CREATE SCHEMA parts")
        for table in TABLES:
            self._execute(PREPARE, table)
            for month in MONTHS:
                self._execute(CREATE, table, month)
        self._attached = {(table, month) for table in TABLES for month in MONTHS}

    def change(self, kind: str, table: str, month: int) -> None:
        """Detach, drop or truncate the partition of a month; where it is gone, bring it back, with its rows if it has some."""
        if (table, month) in self._attached:
            self._execute(CHANGES[kind], table, month)
            self._attached -= {(table, month)} if kind != "truncate" else set()
        else:
            self._execute(ATTACH, table, month)
            self._attached.add((table, month))

    def _execute(self, statements: str, table: str = "", month: int = 0) -> None:
        with psycopg.connect(self._conninfo) as connection:
            connection.execute(statements.format(table=table, month=month, after=month + 1).encode())
