"""Closed tasks of past months: their calls are kept as sums, and their outcomes as what they add up to.

A task is closed with a month if all its calls and outcomes are in that month. It is compacted then: its calls are deleted,
which the sums of the day include, and so are its outcomes. What was derived from them stays, one by one for tasks that a
ranking may show.

When a range of the month or an entry of such a task changes, the month is reopened, and all its ranges are read again. Its
tasks stay as they are until the last one has been read.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from duckdb import DuckDBPyConnection

from exporter.config import ReportSettings
from exporter.rollups import days, dropping, tasks
from exporter.rollups.months import Month, Months, State, reopened
from exporter.rollups.ranges import Key
from exporter.rollups.running_totals import Growth

_OF_TASKS = "SELECT month FROM {ledger}_tasks WHERE month IS NOT NULL"
# An outcome counts in its range together with all others, so one alone can neither be added nor be taken away.
_OF_OUTCOMES = "SELECT date_trunc('month', day)::DATE FROM entries UNION SELECT date_trunc('month', day)::DATE FROM gone"
_UNREAD = """
INSERT INTO unread SELECT DISTINCT ledger, day, minute FROM ranges
 WHERE ledger IN ('costs', 'impacts') AND list_contains($months::DATE[], date_trunc('month', day)::DATE)
"""
_READ = "DELETE FROM unread USING replaced AS r WHERE ledger = $ledger AND (unread.day, unread.minute) = (r.day, r.minute)"
# A range of which no outcome is left may hold outcomes of compacted tasks.
_KEEP = """
INSERT INTO ranges SELECT ledger, day, minute, minutes, 0, 0, 0, 0, NULL, NULL, NULL, NULL
  FROM unread JOIN dirty_ranges USING (day, minute) ANTI JOIN ranges USING (ledger, day, minute) WHERE ledger = 'impacts'
"""
_LEAVE_OUT = "DELETE FROM dirty_tasks WHERE task IN (SELECT task FROM tasks WHERE month IS NOT NULL)"
_LEFT = "SELECT DISTINCT date_trunc('month', day)::DATE FROM unread"
_PAST = "SELECT DISTINCT date_trunc('month', day)::DATE FROM ranges WHERE day < ?"
_NUMBERS = """
SELECT min(task), max(task)
  FROM (SELECT task FROM costs WHERE day BETWEEN $first AND $last
        UNION ALL SELECT task FROM impacts WHERE day BETWEEN $first AND $last AND rejection_reason IS NULL)
"""
_CLOSED = """
CREATE OR REPLACE TEMP TABLE closed AS
SELECT task
  FROM (SELECT task, day FROM costs WHERE {slice}
        UNION ALL SELECT task, day FROM impacts WHERE {slice} AND rejection_reason IS NULL)
  ANTI JOIN (SELECT task FROM tasks WHERE {slice} AND month IS NOT NULL) USING (task)
 GROUP BY task HAVING min(day) >= $first AND max(day) <= $last
"""
_OF_CLOSED = "task IN (SELECT task FROM closed)"
_WITHOUT_TASK = "task IS NULL AND day BETWEEN DATE '{first}' AND DATE '{last}'"
_COMPACT = f"""
INSERT INTO compacted_quests
SELECT {{month}}, quest, arg_max(layer, latest), max(latest)
  FROM (SELECT quest, layer, {tasks.LATEST} AS latest FROM impacts SEMI JOIN closed USING (task) WHERE rejection_reason IS NULL)
 GROUP BY quest;
DELETE FROM impacts WHERE {_OF_CLOSED} AND rejection_reason IS NULL;
"""
_MARK = "UPDATE tasks SET month = ? WHERE task IN (SELECT task FROM {tasks})"
# What was looked up last says of tasks whether they are compacted.
_FORGET = "DELETE FROM costs_tasks; DELETE FROM impacts_tasks;"


def changed(connection: DuckDBPyConnection, ledger: str, replaced: Iterable[Key]) -> set[date]:
    """The months in which something changes with what is staged: their ranges, or their compacted tasks."""
    query = _OF_TASKS.format(ledger=ledger) + (f" UNION {_OF_OUTCOMES}" if ledger == "impacts" else "")
    found = {month for (month,) in connection.execute(query).fetchall()}
    return found | {day.replace(day=1) for day, _ in replaced}


def reopen(connection: DuckDBPyConnection, months: Months, which: Iterable[date]) -> Months:
    """Have all ranges of some months read again, if tasks of these are compacted. Returns the months as they are then."""
    found = {each for each in which if each in months and months[each].state in (State.COMPACTING, State.COMPACTED)}
    if found:
        connection.execute(_UNREAD, {"months": sorted(found)})
    return months | dict.fromkeys(found, Month(State.REOPENED))


def note_read(connection: DuckDBPyConnection, ledger: str) -> None:
    """Note that the ranges in ``replaced`` have been read again."""
    connection.execute(_READ, {"ledger": ledger})


def leave_out(connection: DuckDBPyConnection, ledger: str) -> None:
    """Take compacted tasks out of ``dirty_tasks``: what they are derived from is not all there."""
    connection.execute(_LEAVE_OUT)
    if ledger == "impacts":
        connection.execute(_KEEP)


def read_again(connection: DuckDBPyConnection, months: Months) -> date | None:
    """The first reopened month of which all ranges have been read again."""
    left = {month for (month,) in connection.execute(_LEFT).fetchall()}
    return min(reopened(months) - left, default=None)


def derive(connection: DuckDBPyConnection, growth: Growth, months: Months, month: date, today: date) -> Months:
    """Derive some tasks of a month that has been read again, and list them in ``dirty_tasks``.

    Returns the months as they are then.
    """
    dropping.take_back(connection, growth, month)
    connection.execute(_MARK.format(tasks="dirty_tasks"), [None])
    connection.execute(_FORGET)
    for table in ("task_providers", "task_totals"):
        tasks.derive(connection, growth, table)
    if dropping.any_compacted(connection, month):
        return months
    connection.execute("DELETE FROM compacted_quests WHERE month = ?", [month])
    return months | {month: Month(State.OPEN, since=today)}


def due(connection: DuckDBPyConnection, months: Months, before: date, today: date) -> date | None:
    """The first month, of those before a month, some tasks of which are to be compacted now."""
    began = [month for month, each in months.items() if each.state is State.COMPACTING and month < before]
    past = connection.execute(_PAST, [before]).fetchall()
    new = [month for (month,) in past if months.get(month, Month(State.OPEN)).due(today)]
    return min([*began, *new], default=None)


def compact(connection: DuckDBPyConnection, months: Months, month: date, report: ReportSettings) -> Months:
    """Compact some of the closed tasks of a month. Returns the months as they are then."""
    span = {"first": month, "last": (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)}
    [(least, most)] = connection.execute(_NUMBERS, span).fetchall()
    before = months.get(month, Month(State.OPEN))
    position = (least or 0) // dropping.SLICE * dropping.SLICE if before.position is None else before.position
    if least is None or position > most:
        days.keep_sums_only(connection, _WITHOUT_TASK.format(**span))
        return months | {month: Month(State.COMPACTED)}
    connection.execute(_CLOSED.format(slice=f"task BETWEEN {position} AND {position + dropping.SLICE - 1}"), span)
    days.keep_sums_only(connection, _OF_CLOSED)
    connection.execute(_COMPACT.format(month=f"DATE '{month}'"))
    connection.execute(_MARK.format(tasks="closed"), [month])
    dropping.drop(connection, month, report)
    connection.execute(_FORGET)
    return months | {month: Month(State.COMPACTING, position + dropping.SLICE)}
