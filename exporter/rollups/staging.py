"""Loading what was read into temporary tables of the rollup file, and finding out which hours differ from before."""

from pathlib import Path

from duckdb import DuckDBPyConnection

from exporter.ledgers.changes import Changes, Part

DECIMAL = "DECIMAL(38, 15)"
_ENTRIES = {
    "entries": "HUGEINT", "low": "BIGINT", "high": "BIGINT", "newest": "TIMESTAMP", "fingerprint": "HUGEINT",
}  # fmt: skip
COLUMNS = {
    "costs": {
        "hour": "INTEGER", "flaw": "VARCHAR", "task_id": "VARCHAR", "quest_id": "VARCHAR", "provider": "VARCHAR",
        "model": "VARCHAR", "calls": "HUGEINT", "unpriced": "HUGEINT", "usd": DECIMAL, "positive_usd": DECIMAL,
        "input_tokens": "HUGEINT", "output_tokens": "HUGEINT", **_ENTRIES,
    },
    "impacts": {
        "hour": "INTEGER", "flaw": "VARCHAR", "task_id": "VARCHAR", "quest_id": "VARCHAR", "layer": "VARCHAR",
        "title": "VARCHAR", "judged": "HUGEINT", "usd": DECIMAL, "tokens": "HUGEINT", "impact": DECIMAL, "stamp": "VARCHAR",
        **_ENTRIES,
    },
    "allocations": {
        "day": "DATE", "flaw": "VARCHAR", "quest_id": "VARCHAR", "allocated_usd": DECIMAL, "spent_usd": DECIMAL,
        "entries": "HUGEINT",
    },
    "quests": {"flaw": "VARCHAR", "quest_id": "VARCHAR", "name": "VARCHAR", "layer": "VARCHAR", "entries": "HUGEINT"},
}  # fmt: skip
"""The result columns of the statements that read each ledger, in their order."""

_FRESH = """
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT day, hour, sum(entries)::HUGEINT AS entries, sum(fingerprint)::HUGEINT AS fingerprint,
       coalesce(sum(usd) FILTER (flaw IS NULL), 0) AS usd, min(low) AS low, max(high) AS high, max(newest) AS newest
  FROM staged GROUP BY day, hour
"""
_CHANGED = """
CREATE OR REPLACE TEMP TABLE changed AS
WITH known AS (
    SELECT day, hour, entries, fingerprint
      FROM hours JOIN replaced USING (day)
     WHERE ledger = $ledger AND hour BETWEEN first AND last
), found AS (
    SELECT day, hour, entries, fingerprint FROM fresh
)
SELECT DISTINCT day, CASE WHEN day >= $settled_before THEN hour END AS hour
  FROM ((FROM known EXCEPT FROM found) UNION ALL (FROM found EXCEPT FROM known))
"""


_DIALECT = (
    "header = false, auto_detect = false, parallel = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\n',"
    " nullstr = '', allow_quoted_nulls = false, max_line_size = 16777216"
)


def read_csv(ledger: str) -> str:
    """The FROM item that reads one CSV file, given as the parameter ``$file``, of a ledger's result columns.

    Nothing is left to be guessed from the first lines, which may hold anything: quotes, line ends, a carriage return alone.
    """
    columns = ", ".join(f"'{name}': '{type_name}'" for name, type_name in COLUMNS[ledger].items())
    return f"read_csv($file, columns = {{{columns}}}, {_DIALECT})"


def stage(connection: DuckDBPyConnection, changes: Changes) -> bool:
    """Fill ``staged`` with the parts, ``replaced`` with their hours and ``changed`` with the buckets that differ.

    A bucket in ``changed`` is a day and an hour, or a day and NULL for all of it. Returns whether there is any.
    """
    _load(connection, changes.ledger, changes.parts)
    connection.execute(_FRESH)
    connection.execute(_CHANGED, {"ledger": changes.ledger, "settled_before": changes.progress.settled_before})
    return connection.execute("FROM changed LIMIT 1").fetchone() is not None


def _load(connection: DuckDBPyConnection, ledger: str, parts: list[Part]) -> None:
    columns = ", ".join(f"{name} {type_name}" for name, type_name in COLUMNS[ledger].items())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE staged (day DATE, {columns})")
    connection.execute("CREATE OR REPLACE TEMP TABLE replaced (day DATE, first UTINYINT, last UTINYINT)")
    for part in parts:
        hours = part.hours
        connection.execute("INSERT INTO replaced VALUES (?, ?, ?)", [hours.day, hours.first, hours.last])
        insert = f"INSERT INTO staged SELECT $day::DATE, * FROM {read_csv(ledger)}"
        connection.execute(insert, {"day": hours.day, "file": str(part.file)})


def stage_rows(connection: DuckDBPyConnection, ledger: str, file: Path) -> None:
    """Fill ``staged`` with the rows of one file of a ledger without timed entries."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE staged AS SELECT * FROM {read_csv(ledger)}", {"file": str(file)})
