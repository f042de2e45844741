"""The ledgers without timed entries: allocations, replaced by ranges of days, and quests, replaced as a whole."""

from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection

from exporter.rollups import staging

_NEW_QUESTS = """
INSERT INTO quests SELECT nextval('keys'), quest_id
  FROM (SELECT DISTINCT coalesce(quest_id, 'unassigned') AS quest_id FROM staged WHERE rejection_reason IS NULL)
  ANTI JOIN quests USING (quest_id)
"""
_ALLOCATIONS = """
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT day, quest, sum(allocated_usd) AS allocated_usd, sum(spent_usd) AS spent_usd
  FROM staged JOIN quests ON quests.quest_id = coalesce(staged.quest_id, 'unassigned')
 WHERE rejection_reason IS NULL GROUP BY ALL
"""
# Two ids may be one here, where a long one was shortened to what another one is: without a choice, sums would double.
_NAMES = """
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT DISTINCT ON (quest) quest, clean(name) AS name, clean(layer) AS layer
  FROM staged JOIN quests USING (quest_id) WHERE rejection_reason IS NULL ORDER BY quest, staged.name, staged.layer
"""


def replace_allocations(connection: DuckDBPyConnection, file: Path, first: date, last: date) -> bool:
    """Put the rows of a file in the place of all allocations from ``first`` to ``last``. Returns whether any differs."""
    staging.stage_rows(connection, "allocations", file)
    connection.execute(_NEW_QUESTS)
    connection.execute(_ALLOCATIONS)
    days = {"first": first, "last": last}
    _reject(connection, "allocations", "day BETWEEN $first AND $last", days)
    return _replace(connection, "allocations", "day BETWEEN $first AND $last", days)


def replace_quests(connection: DuckDBPyConnection, file: Path) -> bool:
    """Put the rows of a file in the place of all names and layers of quests. Returns whether any differs."""
    staging.stage_rows(connection, "quests", file)
    connection.execute(_NEW_QUESTS)
    connection.execute(_NAMES)
    _reject(connection, "quests", "true", {})
    return _replace(connection, "names", "true", {})


def _replace(connection: DuckDBPyConnection, table: str, where: str, parameters: dict[str, date]) -> bool:
    differing = connection.execute(
        f"SELECT count(*) FROM ((FROM {table} WHERE {where} EXCEPT FROM fresh) UNION ALL"
        f" (FROM fresh EXCEPT FROM {table} WHERE {where}))",
        parameters,
    ).fetchall()[0][0]
    if differing:
        connection.execute(f"DELETE FROM {table} WHERE {where}", parameters)
        connection.execute(f"INSERT INTO {table} FROM fresh")
    return bool(differing)


def _reject(connection: DuckDBPyConnection, ledger: str, where: str, parameters: dict[str, date]) -> None:
    connection.execute(f"DELETE FROM rejected WHERE ledger = '{ledger}' AND {where}", parameters)
    day = "day" if ledger == "allocations" else "NULL"
    connection.execute(
        f"INSERT INTO rejected SELECT '{ledger}', {day}, NULL, rejection_reason, sum(entries) FROM staged"
        " WHERE rejection_reason IS NOT NULL GROUP BY ALL"
    )
