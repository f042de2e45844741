"""Calls in the rollups: sums by range, task, quest and model. New calls are added; a range that differs is replaced."""

from datetime import date

from duckdb import DuckDBPyConnection

from exporter.columns import COST_SUMS, listed
from exporter.rollups import ranges, running_totals, tasks
from exporter.rollups.running_totals import Growth

_KEYS = "day, minute, task, quest, model_key"
_SUMMED = f"""
CREATE OR REPLACE TEMP TABLE added AS
SELECT {_KEYS}, {listed(COST_SUMS, "({expression})::{type} AS {name}")}
  FROM entries LEFT JOIN costs_tasks USING (task_id)
  JOIN quests AS q ON q.quest_id = coalesce(entries.quest_id, 'unassigned')
  JOIN model_keys AS m ON m.provider IS NOT DISTINCT FROM entries.provider AND m.model IS NOT DISTINCT FROM entries.model
 WHERE rejection_reason IS NULL GROUP BY ALL
"""
_REMOVED = f"""
CREATE OR REPLACE TEMP TABLE removed AS
SELECT {_KEYS}, {listed(COST_SUMS, "sum({name})::{type} AS {name}")}
  FROM costs SEMI JOIN replaced USING (day, minute) GROUP BY ALL
"""
_DELETE = "DELETE FROM costs USING replaced WHERE (costs.day, costs.minute) = (replaced.day, replaced.minute)"
_DIRTY_TASKS = """
CREATE OR REPLACE TEMP TABLE dirty_tasks AS
SELECT DISTINCT task FROM ((FROM removed EXCEPT FROM added) UNION ALL (FROM added EXCEPT FROM removed)) WHERE task IS NOT NULL
"""
_NEW_TASKS = "CREATE OR REPLACE TEMP TABLE dirty_tasks AS SELECT DISTINCT task FROM added WHERE task IS NOT NULL"
_SETTLED = f"""
CREATE OR REPLACE TEMP TABLE lengthened AS
SELECT costs.day, {ranges.lengthened("costs")} AS minute, task, quest, model_key,
       {listed(COST_SUMS, "sum({name})::{type} AS {name}")}
  FROM costs JOIN settled ON settled.day = costs.day AND hour = minute // 60 GROUP BY ALL
"""
_DELETE_SETTLED = "DELETE FROM costs USING settled WHERE costs.day = settled.day AND costs.minute // 60 = settled.hour"


def take(connection: DuckDBPyConnection) -> None:
    """Add the sums over ``entries`` to the calls, and nothing else: the way of a first build."""
    summed(connection)
    connection.execute("INSERT INTO costs FROM added")


def summed(connection: DuckDBPyConnection) -> None:
    """Sum up ``entries`` in the temporary table ``added``."""
    connection.execute(_SUMMED)


def add(connection: DuckDBPyConnection, growth: Growth) -> None:
    """Add what :func:`summed` found to the calls and their running totals, and list its tasks in ``dirty_tasks``."""
    connection.execute("INSERT INTO costs FROM added")
    growth.append(connection, "costs", "FROM added")
    connection.execute(_NEW_TASKS)


def brings_labels(connection: DuckDBPyConnection) -> bool:
    """Whether ``added`` has calls of a quest with a model of which it has no other calls."""
    return connection.execute("FROM added ANTI JOIN total_costs USING (quest, model_key) LIMIT 1").fetchone() is not None


def in_the_past(connection: DuckDBPyConnection, today: date) -> bool:
    """Whether ``added`` has calls of a day that is over."""
    return connection.execute("FROM added WHERE day < ? LIMIT 1", [today]).fetchone() is not None


def total(connection: DuckDBPyConnection, growth: Growth) -> None:
    """Sum up all calls, and derive what depends on them: the end of a first build."""
    for each in running_totals.following("costs"):
        connection.execute(f"DELETE FROM {each.name}")
    growth.append(connection, "costs", "FROM costs")
    follow(connection, growth, tasks.ALL)


def replace(connection: DuckDBPyConnection, growth: Growth) -> None:
    """Put the sums over ``entries`` in the place of the ranges in ``replaced``, and list the tasks that differ."""
    connection.execute(_REMOVED)
    connection.execute(_DELETE)
    growth.append(connection, "costs", "FROM removed", "-")
    take(connection)
    growth.append(connection, "costs", "FROM added")
    connection.execute(_DIRTY_TASKS)


def follow(connection: DuckDBPyConnection, growth: Growth, which: str = tasks.DIRTY) -> None:
    """Bring what is derived from calls in step for some tasks, by default those in ``dirty_tasks``."""
    tasks.derive(connection, growth, "task_providers", which)
    # Most calls are of tasks that nobody has judged yet, which bring nothing to any provider.
    if tasks.any_judged(connection, which):
        tasks.derive(connection, growth, "task_credits", which)


def settle(connection: DuckDBPyConnection) -> None:
    """Keep the hours in ``settled`` in longer ranges."""
    connection.execute(_SETTLED)
    connection.execute(_DELETE_SETTLED)
    connection.execute("INSERT INTO costs FROM lengthened")
