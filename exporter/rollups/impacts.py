"""Judged outcomes in the rollups: kept entry by entry, so that a late score costs one row."""

from datetime import datetime

from duckdb import DuckDBPyConnection

from exporter.rollups import ranges, tasks
from exporter.rollups.running_totals import Growth

_JUDGED = """
SELECT key, name, day, minute, occurred_at, checksum, rejection_reason, task, quest, clean(layer) AS layer,
       clean(title) AS title, usd, tokens::HUGEINT AS tokens, impact
  FROM entries
"""
# Also entries that count no more, as those that were moved to a day to come. A column that is not read is a millisecond less.
_GONE = """
CREATE OR REPLACE TEMP TABLE gone AS
SELECT key, day, minute, occurred_at, checksum, rejection_reason, task, quest, layer, usd
  FROM impacts SEMI JOIN staged USING (key)
"""
_GONE_IN_RANGES = """
CREATE OR REPLACE TEMP TABLE gone AS
SELECT impacts.* FROM impacts SEMI JOIN staged USING (key)
UNION ALL SELECT impacts.* FROM impacts SEMI JOIN replaced USING (day, minute) ANTI JOIN staged USING (key)
"""
_DELETE = "DELETE FROM impacts WHERE key IN (SELECT key FROM gone)"
_DIRTY_TASKS = "CREATE OR REPLACE TEMP TABLE dirty_tasks AS SELECT DISTINCT task FROM ({changed}) WHERE task IS NOT NULL"
_CHANGED = "SELECT task FROM gone UNION ALL SELECT task FROM judged"
# Of whole ranges, most entries are the same as before.
_DIFFERING = "(FROM gone EXCEPT ALL FROM judged) UNION ALL (FROM judged EXCEPT ALL FROM gone)"
# An entry brings the length of its range along, or finds it in what is known. A range that is replaced may hold nothing but
# outcomes that are compacted.
_DIRTY_RANGES = """
CREATE OR REPLACE TEMP TABLE dirty_ranges AS
SELECT day, minute, any_value(minutes) AS minutes
  FROM (SELECT day, minute, minutes FROM entries UNION ALL
        SELECT day, minute, minutes
          FROM ranges SEMI JOIN (SELECT day, minute FROM gone UNION ALL FROM replaced) USING (day, minute)
         WHERE ledger = 'impacts')
 GROUP BY day, minute
"""
# Most late scores change nothing but what an outcome says of its task: it stays in its range, at its time, with its quest.
_STAYING = """
SELECT count(*) = (SELECT count(*) FROM gone),
       count(*) FILTER (now.quest = gone.quest AND now.layer = gone.layer) = (SELECT count(*) FROM judged)
  FROM gone JOIN judged AS now USING (key, day, minute, occurred_at)
 WHERE gone.rejection_reason IS NULL AND now.rejection_reason IS NULL
"""
_LABELLED = """
FROM (SELECT quest FROM gone UNION ALL SELECT quest FROM judged) WHERE quest IS NOT NULL
 AND (quest NOT IN (SELECT quest FROM names WHERE layer <> '') OR quest NOT IN (SELECT quest FROM quest_outcome_totals)) LIMIT 1
"""
_IN_RANGES = "(SELECT impacts.*, minutes FROM impacts JOIN dirty_ranges USING (day, minute))"
_SETTLED = f"""
UPDATE impacts SET minute = {ranges.lengthened("impacts")} FROM settled
 WHERE settled.day = impacts.day AND hour = impacts.minute // 60
"""


def take(connection: DuckDBPyConnection) -> None:
    """Insert the ``entries``, and nothing else: the way of a first build."""
    connection.execute(f"INSERT INTO impacts {_JUDGED}")


def find_gone(connection: DuckDBPyConnection, *, whole_ranges: bool) -> None:
    """List in ``gone`` the outcomes that go: those with the keys in ``staged``, and those in the ranges in ``replaced``.

    ``whole_ranges`` is whether there are any of these.
    """
    connection.execute(_GONE_IN_RANGES if whole_ranges else _GONE)


def upsert(connection: DuckDBPyConnection, now: datetime, *, whole_ranges: bool) -> bool:
    """Put ``entries`` in the place of those in ``gone``.

    Brings what is known of their ranges in step, and lists the tasks whose entries differ in ``dirty_tasks``. Returns whether
    entries came or went of a quest that has no layer of its own, or no other outcomes, so that labels may change.
    """
    connection.execute(_DELETE)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE judged AS {_JUDGED}")
    connection.execute("INSERT INTO impacts FROM judged")
    connection.execute(_DIRTY_TASKS.format(changed=_DIFFERING if whole_ranges else _CHANGED))
    [(in_place, alike)] = [(False, False)] if whole_ranges else connection.execute(_STAYING).fetchall()
    if in_place:
        ranges.adjust(connection, "impacts", now)
    else:
        connection.execute(_DIRTY_RANGES)
        ranges.sum_up(connection, "impacts", "dirty_ranges", _IN_RANGES, now)
    return not (in_place and alike) and connection.execute(_LABELLED).fetchone() is not None


def total(connection: DuckDBPyConnection, growth: Growth) -> None:
    """Derive what depends on outcomes for all tasks: the end of a first build."""
    tasks.derive_all(connection, growth, ["task_totals"])


def follow(connection: DuckDBPyConnection, growth: Growth) -> None:
    """Bring what is derived from outcomes in step for the tasks in ``dirty_tasks``."""
    tasks.derive(connection, growth, "task_totals")


def settle(connection: DuckDBPyConnection) -> None:
    """Keep the hours in ``settled`` in longer ranges."""
    connection.execute(_SETTLED)
