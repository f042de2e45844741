"""Which compacted tasks are kept one by one: the candidates for rankings, which are the first of their month and quest.

The others are dropped. What is left of them is what they bring to running totals, and digests of their ids, by which a late
entry of one of them is recognized. The sums are kept by slices of task numbers, so that a month can be derived again in steps.
"""

from datetime import date

from duckdb import DuckDBPyConnection

from exporter.config import ReportSettings
from exporter.rollups.running_totals import Growth
from exporter.rollups.schema import DROPPED
from exporter.rollups.tasks import RANKED, ROWS

SLICE = 100_000
"""Task numbers that are compacted in one transaction, or derived again."""
# Ties are ordered as rankings order them.
_CANDIDATES = """
SELECT task FROM judged WHERE {condition} IS NOT NULL
QUALIFY row_number() OVER (ORDER BY {rank} DESC, task_id) <= $top
     OR row_number() OVER (PARTITION BY quest ORDER BY {rank} DESC, task_id) <= $quest_top
"""
_DROPPED = """
CREATE OR REPLACE TEMP TABLE dropped AS
WITH compacted AS (SELECT task, task_id FROM tasks WHERE month = $month),
     judged AS (FROM task_totals JOIN compacted USING (task))
SELECT task, md5_number_lower(task_id) AS digest FROM compacted ANTI JOIN ({candidates}) USING (task) ORDER BY task
"""
_ARE_DROPPED = "task IN (SELECT task FROM dropped)"
_PLACED = "SELECT *, DATE '{month}' AS month, task // {slice} AS slice FROM ({rows})"
_CALLERS = """
INSERT INTO dropped_callers
SELECT month, slice, families, count(*)
  FROM (SELECT month, slice, list(family ORDER BY family) AS families FROM ({rows}) GROUP BY month, slice, task) GROUP BY ALL
"""
_KEEP_DIGESTS = "INSERT INTO dropped_tasks SELECT task, digest, ? FROM dropped"
_NEXT = """
CREATE OR REPLACE TEMP TABLE dirty_tasks AS
WITH compacted AS (SELECT task FROM tasks WHERE month = $month UNION SELECT task FROM dropped_tasks WHERE month = $month)
SELECT task FROM compacted WHERE task // {slice} = (SELECT min(task) // {slice} FROM compacted)
"""
_OF_SLICE = "FROM {table} WHERE month = DATE '{month}' AND slice IN (SELECT task // {slice} FROM dirty_tasks)"
_LEFT = "SELECT EXISTS (FROM tasks WHERE month = $month) OR EXISTS (FROM dropped_tasks WHERE month = $month)"


def drop(connection: DuckDBPyConnection, month: date, report: ReportSettings) -> None:
    """Drop those compacted tasks of a month that no ranking can show."""
    candidates = " UNION ".join(_CANDIDATES.format(rank=rank, condition=condition) for rank, condition in RANKED.items())
    lengths = {"top": report.top, "quest_top": report.quest_top}
    connection.execute(_DROPPED.format(candidates=candidates), {"month": month} | lengths)
    placed = {
        name: _PLACED.format(month=month, slice=SLICE, rows=rows.format(which=_ARE_DROPPED)) for name, rows in ROWS.items()
    }
    for name, rows in placed.items():
        connection.execute(DROPPED[name].append(rows))
    connection.execute(_CALLERS.format(rows=placed["provider_days"]))
    connection.execute(_KEEP_DIGESTS, [month])
    for table in ("task_totals", "task_providers", "tasks"):
        connection.execute(f"DELETE FROM {table} WHERE {_ARE_DROPPED}")


def take_back(connection: DuckDBPyConnection, growth: Growth, month: date) -> None:
    """List the tasks of the first slice of a month in ``dirty_tasks``, and forget what is left of those that were dropped."""
    connection.execute(_NEXT.format(slice=SLICE), {"month": month})
    for name, total in DROPPED.items():
        sums = _OF_SLICE.format(table=total.name, month=month, slice=SLICE)
        growth.take_away(connection, name, sums)
        connection.execute(f"DELETE {sums}")
    connection.execute("DELETE " + _OF_SLICE.format(table="dropped_callers", month=month, slice=SLICE))
    connection.execute("DELETE FROM dropped_tasks WHERE task IN (FROM dirty_tasks)")


def left(connection: DuckDBPyConnection, month: date) -> bool:
    """Whether any task of a month is compacted."""
    [(found,)] = connection.execute(_LEFT, {"month": month}).fetchall()
    return bool(found)
