"""Days of which some calls are in the sums of the day only: those of compacted tasks, and those without a task.

When such a day is read again, its ranges are gathered in a table of their own. Once all of them are there, they take the place
of what was known of the day. Its sums are never incomplete.
"""

from collections.abc import Collection
from datetime import date

from duckdb import DuckDBPyConnection

from exporter.rollups.costs import SUMMED, by_key
from exporter.rollups.running_totals import RUNNING_TOTALS, Growth

_KEEP_SUMS_ONLY = """
INSERT INTO compacted_days SELECT DISTINCT day FROM costs WHERE {calls} AND day NOT IN (FROM compacted_days);
DELETE FROM costs WHERE {calls};
"""
_REPLACED = "DELETE FROM costs_again AS t USING replaced AS k WHERE (t.day, t.minute) = (k.day, k.minute)"
# Of a range that is still to be read, all entries are read then.
_GATHER = f"""
INSERT INTO costs_again
SELECT found.* FROM ({SUMMED}) AS found SEMI JOIN compacted_days USING (day)
  ANTI JOIN (SELECT day, minute FROM unread WHERE ledger = 'costs') AS later USING (day, minute)
 WHERE list_contains($months::DATE[], date_trunc('month', found.day)::DATE)
"""
_WHOLE = """
CREATE OR REPLACE TEMP TABLE whole_days AS
FROM compacted_days WHERE list_contains($months::DATE[], date_trunc('month', day)::DATE)
 AND day NOT IN (SELECT day FROM unread WHERE ledger = 'costs')
"""
_ARE_WHOLE = "day IN (FROM whole_days)"
# Nearly all calls of such a day are of compacted tasks, which are not derived before the month has been read.
_OPEN_TASKS = f"""
CREATE OR REPLACE TEMP TABLE open_tasks AS
SELECT DISTINCT task FROM (SELECT task FROM costs WHERE {_ARE_WHOLE} UNION ALL SELECT task FROM costs_again WHERE {_ARE_WHOLE})
  JOIN tasks USING (task) WHERE month IS NULL
"""
_OF_OPEN = f"WHERE {_ARE_WHOLE} AND task IN (FROM open_tasks)"
_DIRTY_TASKS = f"""
WITH before AS ({by_key(f"FROM costs {_OF_OPEN}")}), after AS ({by_key(f"FROM costs_again {_OF_OPEN}")})
INSERT INTO dirty_tasks
SELECT task FROM ((FROM before EXCEPT FROM after) UNION ALL (FROM after EXCEPT FROM before)) EXCEPT FROM dirty_tasks
"""
_REPLACE = f"""
DELETE FROM costs WHERE {_ARE_WHOLE};
INSERT INTO costs FROM costs_again WHERE {_ARE_WHOLE};
DELETE FROM costs_again WHERE {_ARE_WHOLE};
DELETE FROM compacted_days WHERE {_ARE_WHOLE};
"""


def keep_sums_only(connection: DuckDBPyConnection, calls: str) -> None:
    """Delete some calls, given by a condition, which the sums of their days include."""
    connection.execute(_KEEP_SUMS_ONLY.format(calls=calls))


def read_again(connection: DuckDBPyConnection, growth: Growth, months: Collection[date]) -> None:
    """Gather the ``entries`` of compacted days of some months. A day of which all is there replaces what was known of it.

    Adds the tasks of which calls differ to ``dirty_tasks``.
    """
    connection.execute(_REPLACED)
    connection.execute(_GATHER, {"months": list(months)})
    connection.execute(_WHOLE, {"months": list(months)})
    if connection.execute("FROM whole_days LIMIT 1").fetchone():
        growth.take_away(connection, "cost_days", f"FROM ({RUNNING_TOTALS['cost_days'].view}) WHERE {_ARE_WHOLE}")
        growth.append(connection, "cost_days", f"SELECT 1 AS sign, * FROM costs_again WHERE {_ARE_WHOLE}")
        connection.execute(_OPEN_TASKS)
        connection.execute(_DIRTY_TASKS)
        connection.execute(_REPLACE)
