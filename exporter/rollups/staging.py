"""Loading what was read into temporary tables of the rollup file, and finding out which hours differ from before."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from duckdb import DuckDBPyConnection

from exporter.calendar import HOUR, MICROSECOND
from exporter.sync.changes import Changes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DECIMAL = "DECIMAL(38, 15)"
TOKENS = "DECIMAL(38, 6)"
_ENTRY = {
    "occurred_at": "TIMESTAMP",
    "rejection_reason": "VARCHAR",
    "checksum": "BIGINT",
    "number": "BIGINT",
    "name": "VARCHAR",
}
COLUMNS = {
    "costs": {
        **_ENTRY, "task_id": "VARCHAR", "quest_id": "VARCHAR", "provider": "VARCHAR", "model": "VARCHAR",
        "usd": DECIMAL, "input_tokens": TOKENS, "output_tokens": TOKENS,
    },
    "impacts": {
        **_ENTRY, "task_id": "VARCHAR", "quest_id": "VARCHAR", "layer": "VARCHAR", "title": "VARCHAR",
        "usd": DECIMAL, "tokens": TOKENS, "impact": DECIMAL,
    },
    "allocations": {
        "day": "DATE", "rejection_reason": "VARCHAR", "quest_id": "VARCHAR", "allocated_usd": DECIMAL, "spent_usd": DECIMAL,
        "entries": "HUGEINT",
    },
    "quests": {
        "rejection_reason": "VARCHAR", "quest_id": "VARCHAR", "name": "VARCHAR", "layer": "VARCHAR", "entries": "HUGEINT",
    },
}  # fmt: skip
"""The result columns of the statements that read each ledger, in their order."""

_REPLACED = """
CREATE OR REPLACE TEMP TABLE replaced AS
SELECT unnest($day::DATE[]) AS day, unnest($first::UTINYINT[]) AS first, unnest($last::UTINYINT[]) AS last,
       unnest($midnight::BIGINT[]) AS midnight, unnest($filename::VARCHAR[]) AS filename
"""
_STAGED = """
CREATE OR REPLACE TEMP TABLE staged AS
SELECT day, {hour} AS hour, CASE WHEN day >= $compacted_before THEN hour END AS bucket, entries.*
  FROM {entries} AS entries JOIN replaced USING (filename)
"""
_FRESH = """
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT day, hour, count(*)::HUGEINT AS entries, sum(checksum) AS checksum,
       coalesce(sum(usd) FILTER (usd > 0), 0) AS positive_usd, min(number) AS low, max(number) AS high,
       max(occurred_at) FILTER (occurred_at <= $now) AS newest,
       list(DISTINCT date_trunc('second', occurred_at)) FILTER (occurred_at > $now) AS ahead
  FROM staged GROUP BY day, hour
"""
_DIRTY_BUCKETS = """
CREATE OR REPLACE TEMP TABLE dirty_buckets AS
WITH known AS (
    SELECT day, hour, entries, checksum
      FROM hours JOIN replaced USING (day)
     WHERE ledger = $ledger AND hour BETWEEN first AND last
), found AS (
    SELECT day, hour, entries, checksum FROM fresh
)
SELECT DISTINCT day, CASE WHEN day >= $compacted_before THEN hour END AS bucket
  FROM ((FROM known EXCEPT FROM found) UNION ALL (FROM found EXCEPT FROM known))
"""


# A buffer has a size of its own: DuckDB would make one as large as the file. No line is longer than a tenth of max_line_size.
# The directory may be named like a partition (usd=5), which says nothing of what is in a file.
_DIALECT = (
    "header = false, auto_detect = false, parallel = false, delim = ',', quote = '\"', escape = '\"', new_line = '\\n',"
    " nullstr = '', allow_quoted_nulls = true, max_line_size = 1048576,"
    " buffer_size = 8388608, hive_partitioning = false"
)


def bucket(length: timedelta, origin: str) -> str:
    """The number of the bucket that an entry falls in, counted from an origin in microseconds since 1970-01-01 UTC."""
    return f"floor((epoch_us(occurred_at) - {origin}) / {length // MICROSECOND})::INTEGER"


def microseconds(instant: datetime) -> int:
    """Since 1970-01-01 UTC."""
    return (instant - EPOCH) // MICROSECOND


def read_csv(ledger: str) -> str:
    """The FROM item that reads the CSV files, given as the parameter ``$files``, of a ledger's result columns.

    Nothing is left to be guessed from the first lines, which may hold anything: quotes, line ends, a carriage return alone.
    """
    columns = ", ".join(f"'{name}': '{type_name}'" for name, type_name in COLUMNS[ledger].items())
    return f"read_csv($files, columns = {{{columns}}}, {_DIALECT})"


def stage(connection: DuckDBPyConnection, changes: Changes) -> bool:
    """As :func:`load`, and fill ``dirty_buckets`` with the buckets that differ from before; returns whether any does.

    A bucket is an hour of a day, or NULL for all of a day that has settled.
    """
    load(connection, changes)
    connection.execute(_DIRTY_BUCKETS, {"ledger": changes.ledger, "compacted_before": changes.progress.compacted_before})
    return connection.execute("FROM dirty_buckets LIMIT 1").fetchone() is not None


def load(connection: DuckDBPyConnection, changes: Changes) -> None:
    """Fill ``staged`` with the parts, ``replaced`` with their hours, and ``fresh`` with what to remember of each hour."""
    read = [(part, file) for part in changes.parts for file in part.files]
    files = [str(file) for _, file in read]
    replaced = {
        "day": [part.hours.day for part, _ in read],
        "first": [part.hours.first for part, _ in read],
        "last": [part.hours.last for part, _ in read],
        "midnight": [microseconds(part.midnight) for part, _ in read],
        "filename": files,
    }
    connection.execute(_REPLACED, replaced)
    statement = _STAGED.format(hour=bucket(HOUR, "midnight"), entries=read_csv(changes.ledger))
    connection.execute(statement, {"files": files, "compacted_before": changes.progress.compacted_before})
    connection.execute(_FRESH, {"now": changes.progress.last_success.astimezone(UTC).replace(tzinfo=None)})


def stage_rows(connection: DuckDBPyConnection, ledger: str, file: Path) -> None:
    """Fill ``staged`` with the rows of one file of a ledger without timed entries."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE staged AS SELECT * FROM {read_csv(ledger)}", {"files": [str(file)]})
