"""The judged tasks of each window, on which efficiency, waste and the providers' shares are based."""

from datetime import date

from exporter.metrics import Sample
from exporter.sections.frame import Frame, Row

_WINDOW = """
SELECT '{window}' AS time_window, task, sum(usd) AS usd, sum(tokens) AS tokens, sum(impact) AS impact
  FROM impacts WHERE day >= DATE '{first}' GROUP BY task
"""
_RECENT = """
CREATE OR REPLACE TEMP TABLE recent_tasks AS
SELECT time_window, task, quest, sums.usd, sums.tokens, sums.impact,
       waste_reason(sums.tokens, sums.impact) AS reason, efficiency(sums.impact, sums.usd) AS efficiency
  FROM ({windows}) AS sums JOIN task_totals USING (task)
"""
_LIFETIME = "SELECT '{window}', task, quest, usd, tokens, impact, reason, efficiency FROM task_totals"
_OUTCOMES = """
CREATE OR REPLACE TEMP TABLE outcomes AS
SELECT time_window, quest, reason, count(*) AS tasks, count(impact) AS scored, sum(usd) AS usd, sum(tokens) AS tokens,
       coalesce(sum(impact), 0) AS impact
  FROM recent_tasks GROUP BY ALL
"""
_LIFETIME_OUTCOMES = (
    "INSERT INTO outcomes SELECT '{window}', quest, reason, tasks, scored, usd, tokens, impact FROM quest_outcomes"
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


def prepare(frame: Frame) -> None:
    """Make ``window_tasks``, a row per window and task judged in it, and ``outcomes``, their sums by quest and reason of waste.

    ``impact`` of a task is NULL when no row of it in the window is scored. Its quest is that of its latest row. ``reason`` and
    ``efficiency`` are NULL for tasks that are not wasted, or not efficient.
    """
    spans = {name: first for name, first in frame.windows.items() if first > date.min}
    recent = [_WINDOW.format(window=name, first=first) for name, first in spans.items()]
    frame.rows(_RECENT.format(windows=" UNION ALL ".join(recent) or _WINDOW.format(window="", first=date.max)))
    lifetime = [name for name in frame.windows if name not in spans]
    tasks = ["FROM recent_tasks", *(_LIFETIME.format(window=name) for name in lifetime)]
    frame.rows("CREATE OR REPLACE TEMP VIEW window_tasks AS " + " UNION ALL ".join(tasks))
    frame.rows(_OUTCOMES)
    for name in lifetime:
        frame.rows(_LIFETIME_OUTCOMES.format(window=name))


def top(frame: Frame, *, rank: str, where: str, columns: tuple[str, ...]) -> dict[str, list[Row]]:
    """Per window the first tasks by the column ``rank``, in no order: the labels T, and columns of ``l``."""
    leaders = " UNION ALL ".join(_LEADERS.format(window=window, where=where, rank=rank) for window in frame.windows)
    query = _TOP.format(leaders=leaders, rank=rank, columns=", ".join(columns))
    ranked: dict[str, list[Row]] = {window: [] for window in frame.windows}
    for window, *row in frame.rows(query, top=frame.config.report.top):
        ranked[window].append(tuple(row))
    return ranked


def ranking(rows: dict[str, list[Row]], labels: int, column: int) -> list[Sample]:
    """The samples of one column of a ranking; the labels of a row come first."""
    return [((*row[:labels], window), float(row[labels + column])) for window, ranked in rows.items() for row in ranked]
