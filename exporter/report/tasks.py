"""The judged tasks of each window, on which efficiency, waste and the providers' shares are based."""

from datetime import date

from exporter.metrics import Sample
from exporter.report.context import ReportContext, Row

# All windows end now, so the latest row of a task that was judged in a window is in the window.
_WINDOW = """
SELECT '{window}' AS time_window, task, arg_max(quest, latest) AS quest, sum(usd) AS usd, sum(tokens) AS tokens,
       sum(impact) AS impact
  FROM outcomes WHERE day >= DATE '{first}' AND {tasks} GROUP BY task
"""
_RECENT_TASKS = "SELECT *, waste_reason(tokens, impact) AS reason, efficiency(impact, usd) AS efficiency FROM ({windows})"
_RECENT_CREDITS = """
SELECT time_window, task, family, (impact::DOUBLE * coalesce(share, 1))::DECIMAL(38, 15) AS impact,
       (CASE WHEN reason IS NULL THEN 0 ELSE usd::DOUBLE * coalesce(share, 1) END)::DECIMAL(38, 15) AS wasted_usd
  FROM (FROM recent_tasks WHERE {tasks}) LEFT JOIN (FROM task_providers WHERE share > 0 AND {tasks}) AS paid USING (task)
"""
_CREDITS = """
CREATE OR REPLACE TEMP TABLE credits AS
SELECT time_window, family, sum(impact) AS impact, sum(wasted_usd) AS wasted_usd FROM recent_credits GROUP BY ALL
"""
_DIRTY = "task IN (SELECT task FROM unreported_tasks)"
_UNREPORTED = "CREATE OR REPLACE TEMP TABLE unreported_tasks AS SELECT unnest($tasks::INTEGER[]) AS task"
_LIFETIME = "SELECT '{window}' AS time_window, task, quest, usd, tokens, impact, reason, efficiency FROM task_totals"
_OUTCOMES = """
CREATE OR REPLACE TEMP TABLE outcome_sums AS
SELECT time_window, quest, reason, count(*) AS tasks, count(impact) AS scored, sum(usd) AS usd, sum(tokens) AS tokens,
       coalesce(sum(impact), 0) AS impact
  FROM recent_tasks GROUP BY ALL
"""
_LIFETIME_OUTCOMES = (
    "INSERT INTO outcome_sums SELECT '{window}', quest, reason, tasks, scored, usd, tokens, impact FROM quest_outcome_totals"
)
# Of one window, all that may be among the first: a threshold first, so that not all tasks need their id looked up and sorted.
_LEADERS = """
SELECT * FROM window_tasks WHERE time_window = '{window}' AND {where} AND {rank} >= (
    SELECT min({rank}) FROM (
        SELECT {rank} FROM window_tasks WHERE time_window = '{window}' AND {where} ORDER BY {rank} DESC LIMIT $top))
"""
# The first of each window, ties by task id. The windows are looked up together, for most of their tasks are the same.
_TOP = """
SELECT time_window, task_id, coalesce(nullif(latest.title, ''), nullif(clean(task_id), ''), 'unknown'), q.quest_id, q.name,
       coalesce(nullif(latest.layer, ''), q.layer), {columns}
  FROM ({leaders}) AS l
  JOIN tasks USING (task) JOIN task_totals AS latest USING (task) JOIN quest_labels AS q ON q.quest = l.quest
QUALIFY row_number() OVER (PARTITION BY time_window ORDER BY l.{rank} DESC, task_id) <= $top
"""


def prepare(context: ReportContext, dirty: list[int] | None, *, judged: bool) -> None:
    """Make ``window_tasks``, a row per window and task judged in it, and ``outcome_sums``, by quest and reason of waste.

    ``impact`` of a task is NULL when no row of it in the window is scored. Its quest is that of its latest row. ``reason`` and
    ``efficiency`` are NULL for tasks that are not wasted, or not efficient. ``credits`` are what the tasks of the finite
    windows bring to each provider. What is there from the report before is kept but for the ``dirty`` tasks (None: all); what
    depends on outcomes alone is kept unless there are new ones (``judged``).
    """
    spans = {name: first for name, first in context.windows.items() if first > date.min} or {"": date.max}
    if dirty is not None:
        context.rows(_UNREPORTED, tasks=dirty)
    which = "TRUE" if dirty is None else _DIRTY
    if dirty is None or judged:
        windows = " UNION ALL ".join(_WINDOW.format(window=name, first=first, tasks=which) for name, first in spans.items())
        _bring_up_to_date(context, "recent_tasks", _RECENT_TASKS.format(windows=windows), rebuild=dirty is None)
        _sum_up(context, [name for name in context.windows if name not in spans])
    query = _RECENT_CREDITS.format(tasks=which)
    if _bring_up_to_date(context, "recent_credits", query, rebuild=dirty is None) or dirty is None:
        context.rows(_CREDITS)


def _bring_up_to_date(context: ReportContext, table: str, query: str, *, rebuild: bool) -> int:
    """Put the rows of dirty tasks, or all, in the place of those that there are; returns how many come and go."""
    if rebuild:
        changes = [f"CREATE OR REPLACE TEMP TABLE {table} AS {query}"]
    else:
        changes = [f"DELETE FROM {table} WHERE {_DIRTY}", f"INSERT INTO {table} {query}"]
    return sum(context.rows(change)[0][0] for change in changes)


def _sum_up(context: ReportContext, lifetime: list[str]) -> None:
    tasks = ["FROM recent_tasks", *(_LIFETIME.format(window=name) for name in lifetime)]
    context.rows("CREATE OR REPLACE TEMP VIEW window_tasks AS " + " UNION ALL BY NAME ".join(tasks))
    context.rows(_OUTCOMES)
    for name in lifetime:
        context.rows(_LIFETIME_OUTCOMES.format(window=name))


def top(context: ReportContext, *, rank: str, where: str, columns: tuple[str, ...]) -> dict[str, list[Row]]:
    """Per window the first tasks by the column ``rank``, in no order: the labels T, and columns of ``l``."""
    leaders = " UNION ALL ".join(_LEADERS.format(window=window, where=where, rank=rank) for window in context.windows)
    query = _TOP.format(leaders=leaders, rank=rank, columns=", ".join(columns))
    ranked: dict[str, list[Row]] = {window: [] for window in context.windows}
    for window, *row in context.rows(query, top=context.config.report.top):
        ranked[window].append(tuple(row))
    return ranked


def ranking(rows: dict[str, list[Row]], labels: int, column: int) -> list[Sample]:
    """The samples of one column of a ranking; the labels of a row come first."""
    return [((*row[:labels], window), float(row[labels + column])) for window, ranked in rows.items() for row in ranked]
