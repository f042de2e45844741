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
# The first rows of an order, ties by task id: a threshold first, so that not all tasks need their id looked up and sorted.
_TOP = """
WITH candidates AS (
    FROM window_tasks WHERE time_window = $window AND {where}
), leaders AS (
    FROM candidates WHERE {rank} >= (SELECT min({rank}) FROM (SELECT {rank} FROM candidates ORDER BY {rank} DESC LIMIT $top))
)
SELECT task_id, coalesce(nullif(latest.title, ''), nullif(clean(task_id), ''), 'unknown'), q.quest_id, q.name,
       coalesce(nullif(latest.layer, ''), q.layer), {columns}
  FROM leaders AS l JOIN tasks USING (task) JOIN task_totals AS latest USING (task) JOIN quest_labels AS q ON q.quest = l.quest
 ORDER BY l.{rank} DESC, task_id LIMIT $top
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
    """Per window the first tasks by the column ``rank``, the greatest first: the labels T, and columns of ``l``."""
    query = _TOP.format(rank=rank, where=where, columns=", ".join(columns))
    return {window: frame.rows(query, window=window, top=frame.config.report.top) for window in frame.windows}


def ranking(rows: dict[str, list[Row]], labels: int, column: int) -> list[Sample]:
    """The samples of one column of a ranking; the labels of a row come first."""
    return [((*row[:labels], window), float(row[labels + column])) for window, ranked in rows.items() for row in ranked]
