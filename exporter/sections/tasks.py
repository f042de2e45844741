"""The judged tasks of each window, on which efficiency, waste and the providers' shares are based."""

from exporter.metrics import Sample
from exporter.sections.frame import Frame, Row

_WINDOW = """
SELECT '{window}' AS time_window, task, task_totals.quest, task_totals.layer, task_totals.title,
       sum(impacts.usd) AS usd, sum(impacts.tokens) AS tokens, sum(impacts.impact) AS impact
  FROM impacts JOIN task_totals USING (task) WHERE day >= DATE '{first}' GROUP BY ALL
"""
_LIFETIME = "SELECT '{window}', task, quest, layer, title, usd, tokens, impact FROM task_totals"
# The first rows of an order, ties by task id: a threshold first, so that not all tasks need their id looked up and sorted.
_TOP = """
WITH candidates AS (
    SELECT *, {rank} AS rank FROM window_tasks WHERE time_window = $window AND {where}
), leaders AS (
    FROM candidates WHERE rank >= (SELECT min(rank) FROM (SELECT rank FROM candidates ORDER BY rank DESC LIMIT $top))
)
SELECT task_id, coalesce(nullif(title, ''), nullif(clean(task_id), ''), task_id), q.quest_id, q.name,
       coalesce(nullif(leaders.layer, ''), q.layer), {columns}
  FROM leaders JOIN tasks USING (task) JOIN quest_labels AS q USING (quest)
 ORDER BY rank DESC, task_id LIMIT $top
"""


def prepare(frame: Frame) -> None:
    """Make the view ``window_tasks``: one row per window and task judged in it, with the sums of the window.

    ``impact`` is NULL when no row of the task in the window is scored. Quest, layer and title are those of its latest row.
    """
    spans = {name: first for name, first in frame.windows.items() if first.year > 1}
    finite = " UNION ALL ".join(_WINDOW.format(window=name, first=first) for name, first in spans.items())
    frame.rows(f"CREATE OR REPLACE TEMP TABLE recent_tasks AS {finite or _WINDOW.format(window='', first='9999-12-31')}")
    lifetime = [_LIFETIME.format(window=name) for name in frame.windows if name not in spans]
    frame.rows("CREATE OR REPLACE TEMP VIEW window_tasks AS " + " UNION ALL ".join(["FROM recent_tasks", *lifetime]))


def top(frame: Frame, *, rank: str, where: str, columns: tuple[str, ...]) -> dict[str, list[Row]]:
    """Per window the first tasks by the SQL expression ``rank``, the greatest first, as the labels T and the columns."""
    query = _TOP.format(rank=rank, where=where, columns=", ".join(columns))
    return {window: frame.rows(query, window=window, top=frame.config.report.top) for window in frame.windows}


def ranking(rows: dict[str, list[Row]], labels: int, column: int) -> list[Sample]:
    """The samples of one column of a ranking; the labels of a row come first."""
    return [((*row[:labels], window), float(row[labels + column])) for window, ranked in rows.items() for row in ranked]
