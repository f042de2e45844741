"""The first tasks of each window, looked up again only where a task that changed is among them, or may be now."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

from exporter.metrics import Sample
from exporter.report.context import ReportContext, Row

# Of one window, all that may be among the first: a threshold first, so that not all tasks need their id looked up and sorted.
_LEADERS = """
SELECT * FROM window_tasks WHERE time_window = '{window}' AND {condition} IS NOT NULL AND {rank} >= (
    SELECT min({rank}) FROM (
        SELECT {rank} FROM window_tasks WHERE time_window = '{window}' AND {condition} IS NOT NULL
         ORDER BY {rank} DESC LIMIT $top))
"""
# The first of each window, ties by task id. The windows are looked up together, for most of their tasks are the same.
_TOP = """
SELECT time_window, l.task, l.{rank}, task_id, coalesce(nullif(latest.title, ''), nullif(clean(task_id), ''), 'unknown'),
       q.quest_id, q.name, coalesce(nullif(latest.layer, ''), q.layer), {columns}
  FROM ({leaders}) AS l
  JOIN tasks USING (task) JOIN task_totals AS latest USING (task) JOIN quest_labels AS q ON q.quest = l.quest
QUALIFY row_number() OVER (PARTITION BY time_window ORDER BY l.{rank} DESC, task_id) <= $top
"""


class WindowTask(NamedTuple):
    """A row of ``window_tasks`` that came or went. Of a task that is no more, all but the first two are None."""

    window: str
    task: int
    quest: Any = None
    usd: Any = None
    tokens: Any = None
    impact: Any = None
    reason: Any = None
    efficiency: Any = None


@dataclass(frozen=True, slots=True)
class Ranking:
    """The tasks of each window by the column ``rank``, of those that have ``condition``.

    ``columns`` are what is shown of each beside its labels, as SQL over ``l``, a row of ``window_tasks``.
    """

    rank: str
    condition: str
    columns: tuple[str, ...]


class _Found(NamedTuple):
    """The first tasks of one window: their labels and columns, their numbers, and the least rank where no other has room."""

    rows: list[Row]
    tasks: set[int]
    least: float


class Rankings:
    """What was looked up for the report before, as far as it stands."""

    def __init__(self) -> None:
        self._found: dict[Ranking, dict[str, _Found]] = defaultdict(dict)
        self._names: object = None

    def note(self, changed: Iterable[WindowTask]) -> None:
        """Look up again where one of these tasks was among the first, or may be now."""
        rows = list(changed)
        for ranking, windows in self._found.items():
            rank, condition = map(WindowTask._fields.index, (ranking.rank, ranking.condition))
            for row in rows:
                found = windows.get(row.window)
                if found and (row.task in found.tasks or (row[condition] is not None and float(row[rank] or 0) >= found.least)):
                    del windows[row.window]

    def first(self, context: ReportContext, ranking: Ranking, names: object) -> dict[str, list[Row]]:
        """The first tasks by window, unordered: labels, then columns. ``names`` are the current labels of the quests."""
        if names != self._names:
            self._found.clear()
            self._names = names
        windows = self._found[ranking]
        missing = [window for window in context.windows if window not in windows]
        if missing:
            windows |= _look_up(context, ranking, missing)
        return {window: windows[window].rows for window in context.windows}


def _look_up(context: ReportContext, ranking: Ranking, windows: list[str]) -> dict[str, _Found]:
    terms, top = {"rank": ranking.rank, "condition": ranking.condition}, context.config.report.top
    leaders = " UNION ALL ".join(_LEADERS.format(window=window, **terms) for window in windows)
    rows: dict[str, list[Row]] = {window: [] for window in windows}
    for window, *row in context.rows(_TOP.format(leaders=leaders, columns=", ".join(ranking.columns), **terms), top=top):
        rows[window].append(tuple(row))
    return {
        window: _Found(
            [row[2:] for row in found],
            {row[0] for row in found},
            min((row[1] for row in found), default=-inf) if len(found) >= top else -inf,
        )
        for window, found in rows.items()
    }


def samples_of(rows: dict[str, list[Row]], labels: int, column: int) -> list[Sample]:
    """The samples of one column of a ranking; the labels of a row come first."""
    return [((*row[:labels], window), float(row[labels + column])) for window, ranked in rows.items() for row in ranked]
