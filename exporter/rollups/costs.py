"""Calls in the rollups: sums by range, task, quest and model. New calls are added; a range that differs is replaced."""

from duckdb import DuckDBPyConnection

from exporter.columns import COST_SUMS, listed
from exporter.rollups import ranges, tasks
from exporter.rollups.running_totals import RUNNING_TOTALS, Growth

_KEYS = "day, minute, task, quest, model_key"
SUMMED = f"""
SELECT {_KEYS}, {listed(COST_SUMS, "({expression})::{type} AS {name}")}
  FROM entries WHERE rejection_reason IS NULL GROUP BY ALL
"""
"""The sums over ``entries``, as rows of ``costs``."""


def by_key(rows: str) -> str:
    """A query for rows of ``costs``, one for each range, task, quest and model."""
    return f"SELECT {_KEYS}, {listed(COST_SUMS, 'sum({name})::{type} AS {name}')} {rows} GROUP BY ALL"


_NOT_COMPACTED = "{table}.day NOT IN (FROM compacted_days)"
_REMOVED = f"""
CREATE OR REPLACE TEMP TABLE removed AS
{by_key(f"FROM costs SEMI JOIN replaced USING (day, minute) WHERE {_NOT_COMPACTED.format(table='costs')}")}
"""
_DELETE = f"""
DELETE FROM costs USING replaced
 WHERE (costs.day, costs.minute) = (replaced.day, replaced.minute) AND {_NOT_COMPACTED.format(table="costs")}
"""
_DIRTY_TASKS = """
CREATE OR REPLACE TEMP TABLE dirty_tasks AS
SELECT DISTINCT task FROM ((FROM removed EXCEPT FROM added) UNION ALL (FROM added EXCEPT FROM removed)) WHERE task IS NOT NULL
"""
_NEW_TASKS = "CREATE OR REPLACE TEMP TABLE dirty_tasks AS SELECT DISTINCT task FROM added WHERE task IS NOT NULL"
_DIRTY_JUDGED = """
CREATE OR REPLACE TEMP TABLE dirty_judged AS
SELECT task, own_usd AND own_tokens AND own_quest AS own FROM task_totals SEMI JOIN dirty_tasks USING (task)
"""
_BORROWING = "SELECT count(*), count(*) FILTER (NOT own) FROM dirty_judged"
_SETTLED = f"""
CREATE OR REPLACE TEMP TABLE lengthened AS
SELECT t.day, {ranges.lengthened("t")} AS minute, task, quest, model_key, {listed(COST_SUMS, "sum({name})::{type} AS {name}")}
  FROM {{table}} AS t JOIN settled ON settled.day = t.day AND hour = minute // 60 GROUP BY ALL;
DELETE FROM {{table}} AS t USING settled WHERE t.day = settled.day AND t.minute // 60 = settled.hour;
INSERT INTO {{table}} FROM lengthened;
"""


def take(connection: DuckDBPyConnection) -> None:
    """Add the sums over ``entries`` to the calls, and nothing else: the way of a first build."""
    connection.execute(f"INSERT INTO costs {SUMMED}")


def add(connection: DuckDBPyConnection, growth: Growth) -> None:
    """Add the sums over ``entries`` to the calls, and list their tasks in ``dirty_tasks``."""
    _add(connection)
    growth.append(connection, "cost_days", "SELECT 1 AS sign, * FROM added")
    connection.execute(_NEW_TASKS)


def total(connection: DuckDBPyConnection, growth: Growth) -> None:
    """Sum up all calls, and derive what depends on them: the end of a first build."""
    connection.execute("DELETE FROM cost_days")
    connection.execute(RUNNING_TOTALS["cost_days"].append("SELECT 1 AS sign, * FROM costs"))
    [(borrowing,)] = connection.execute(
        "SELECT EXISTS (FROM task_totals WHERE NOT (own_usd AND own_tokens AND own_quest))"
    ).fetchall()
    tasks.derive_all(connection, growth, ["task_providers", *(["task_totals"] if borrowing else [])])


def replace(connection: DuckDBPyConnection, growth: Growth) -> None:
    """Put the sums over ``entries`` in the place of the ranges in ``replaced``, and list the tasks that differ.

    Leaves out compacted days, of which a range alone cannot be replaced.
    """
    connection.execute(_REMOVED)
    connection.execute(_DELETE)
    _add(connection, _NOT_COMPACTED.format(table="found"))
    growth.append(connection, "cost_days", "SELECT -1 AS sign, * FROM removed UNION ALL SELECT 1 AS sign, * FROM added")
    connection.execute(_DIRTY_TASKS)


def follow(connection: DuckDBPyConnection, growth: Growth) -> bool:
    """Bring what is derived from calls in step for the tasks in ``dirty_tasks``, and leave those there that were judged.

    Most calls are of tasks that nobody has judged yet, of which a report tells nothing. Returns whether any of the others are
    judged by outcomes that do not tell what they cost, so that they were derived again too.
    """
    connection.execute(_DIRTY_JUDGED)
    [(judged, borrowing)] = connection.execute(_BORROWING).fetchall()
    tasks.derive(connection, growth, "task_providers", credited=judged > 0)
    connection.execute("CREATE OR REPLACE TEMP TABLE dirty_tasks AS SELECT task FROM dirty_judged")
    if borrowing:
        tasks.derive(connection, growth, "task_totals")
    return bool(borrowing)


def settle(connection: DuckDBPyConnection) -> None:
    """Keep the hours in ``settled`` in longer ranges."""
    for table in ("costs", "costs_again"):
        connection.execute(_SETTLED.format(table=table))


def _add(connection: DuckDBPyConnection, which: str = "TRUE") -> None:
    """Add the sums over ``entries``, which are in ``added`` afterwards."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE added AS FROM ({SUMMED}) AS found WHERE {which}")
    connection.execute("INSERT INTO costs FROM added")
