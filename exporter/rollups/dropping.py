"""Dropping compacted tasks that no ranking can show, because they are not among the first of their month or of a quest in it.

What is left of them is what they bring to running totals, and digests of their ids, by which a late entry of one of them is
recognized. The sums are kept by slices of task numbers, so that a month can be derived again in steps.
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
_RANKED = """
SELECT task FROM judged WHERE {condition} IS NOT NULL
QUALIFY row_number() OVER (ORDER BY {rank} DESC, task_id) <= $top
     OR row_number() OVER (PARTITION BY quest ORDER BY {rank} DESC, task_id) <= $quest_top
"""
# All that impacts still has of a compacted task are rejected outcomes.
_DROPPED = """
CREATE OR REPLACE TEMP TABLE dropped AS
WITH of_month AS (SELECT task, task_id FROM tasks WHERE month = $month),
     judged AS (FROM task_totals JOIN of_month USING (task))
SELECT task, md5_number_lower(task_id) AS digest
  FROM of_month ANTI JOIN ({ranked} UNION SELECT task FROM impacts SEMI JOIN of_month USING (task)) USING (task) ORDER BY task
"""
_ARE_DROPPED = "task IN (SELECT task FROM dropped)"
_PLACED = "SELECT *, DATE '{month}' AS month, task // {slice} AS slice FROM ({rows})"
_CALLERS = """
INSERT INTO dropped_callers
SELECT month, slice, families, count(*)
  FROM (SELECT month, slice, list(family ORDER BY family) AS families FROM ({rows}) GROUP BY month, slice, task) GROUP BY ALL
"""
_KEEP_DIGESTS = "INSERT INTO dropped_tasks SELECT task, digest, ? FROM dropped"
_FIRST_SLICE = """
CREATE OR REPLACE TEMP TABLE dirty_tasks AS
WITH of_month AS (SELECT task FROM tasks WHERE month = $month UNION SELECT task FROM dropped_tasks WHERE month = $month)
SELECT task FROM of_month WHERE task // {slice} = (SELECT min(task) // {slice} FROM of_month)
"""
_OF_SLICE = "FROM {table} WHERE month = DATE '{month}' AND slice IN (SELECT task // {slice} FROM dirty_tasks)"
_ANY = "SELECT EXISTS (FROM tasks WHERE month = $month) OR EXISTS (FROM dropped_tasks WHERE month = $month)"


def drop(connection: DuckDBPyConnection, month: date, report: ReportSettings) -> None:
    """Drop those compacted tasks of a month that no ranking can show."""
    ranked = " UNION ".join(_RANKED.format(rank=rank, condition=condition) for rank, condition in RANKED.items())
    lengths = {"top": report.top, "quest_top": report.quest_top}
    connection.execute(_DROPPED.format(ranked=ranked), {"month": month} | lengths)
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
    """List the tasks of the first slice of a month in ``dirty_tasks``, and take away what is left of dropped ones."""
    connection.execute(_FIRST_SLICE.format(slice=SLICE), {"month": month})
    for name, total in DROPPED.items():
        sums = _OF_SLICE.format(table=total.name, month=month, slice=SLICE)
        growth.take_away(connection, name, sums)
        connection.execute(f"DELETE {sums}")
    connection.execute("DELETE " + _OF_SLICE.format(table="dropped_callers", month=month, slice=SLICE))
    connection.execute("DELETE FROM dropped_tasks WHERE task IN (FROM dirty_tasks)")


def any_compacted(connection: DuckDBPyConnection, month: date) -> bool:
    """Whether any task of a month is compacted."""
    [(found,)] = connection.execute(_ANY, {"month": month}).fetchall()
    return bool(found)
